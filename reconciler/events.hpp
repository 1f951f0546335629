#pragma once
/// Kubernetes Events about a Flux object, as Flux's recorder writes them.

#include <string>
#include <string_view>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/reconciler/log.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::reconciler {

enum class EventType : std::uint8_t { kNormal, kWarning };

class EventRecorder {
 public:
  EventRecorder(kube::Client& client, Clock& clock, Log& log)
      : client_(client), clock_(clock), log_(log) {}
  /// Best effort: a refused event is logged, never an error of the pass. `revision` may be "".
  void record(yaml::Node object, EventType type, std::string_view reason, std::string_view message,
              std::string_view revision, const CancelToken& cancel);

 private:
  kube::Client& client_;
  Clock& clock_;
  Log& log_;
};

}  // namespace sluice::reconciler
