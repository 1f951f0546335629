#pragma once
/// status.conditions as metav1.Condition, and the status patch of one object.

#include <string>
#include <string_view>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::reconciler {

/// The status of one object while a pass works on it. Starts as a copy of what the object had;
/// write() sends one merge patch with what differs, or nothing at all.
class StatusDraft {
 public:
  StatusDraft(yaml::Node object, Clock& clock, std::string field_manager);

  yaml::Ref root() { return draft_.root(); }
  /// Sets a condition; lastTransitionTime moves only when `status` ("True", "False", "Unknown")
  /// changes.
  void set(std::string_view type, std::string_view status, std::string_view reason,
           std::string_view message);
  void remove(std::string_view type);
  yaml::Node condition(std::string_view type) const;
  bool is(std::string_view type, std::string_view status) const;
  void put(std::string_view field, std::string_view text);  ///< "" removes the field
  void observe_generation();
  std::int64_t generation() const { return generation_; }

  bool changed() const;
  /// Patches the status subresource. Gives the new object, or an empty document when nothing
  /// differs.
  Result<yaml::Document> write(kube::Client& client, const CancelToken& cancel);

 private:
  Clock& clock_;
  std::string field_manager_;
  ObjectId id_;
  std::int64_t generation_ = 0;
  yaml::Document before_, draft_;
};

}  // namespace sluice::reconciler
