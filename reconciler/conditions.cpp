#include "conditions.hpp"

#include <utility>

#include "sluice/reconciler/spec.hpp"

namespace sluice::reconciler {
namespace {

// metav1.Condition: message has at most 32768 characters; longer ones would be refused by the
// server.
constexpr std::size_t kMaxMessage = 32'000;

std::size_t index_of_condition(yaml::Node status, std::string_view type) {
  const yaml::Node conditions = status.get("conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions.at(i).get("type").text() == type) return i;
  }
  return yaml::Node::npos;
}

}  // namespace

StatusDraft::StatusDraft(yaml::Node object, Clock& clock, std::string field_manager)
    : clock_(clock), field_manager_(std::move(field_manager)), id_(kube::object_id(object)) {
  generation_ = object_state(object).generation;
  before_.root().set_mapping();
  if (const yaml::Node status = object.get("status"); status.is_mapping()) {
    before_.root().assign(status);
  }
  draft_ = before_;
}

void StatusDraft::set(std::string_view type, std::string_view status, std::string_view reason,
                      std::string_view message) {
  const yaml::Ref conditions = draft_.root().put_sequence("conditions");
  const std::size_t index = index_of_condition(draft_.root(), type);
  const bool is_new = index == yaml::Node::npos;
  const yaml::Ref condition = is_new ? conditions.append_mapping() : conditions.at(index);
  if (is_new || condition.get("status").text() != status) {
    condition.put_string("lastTransitionTime", rfc3339(clock_.wall()));
  }
  std::string shown(message.substr(0, kMaxMessage));
  if (message.size() > kMaxMessage) shown += " …";
  condition.put_string("type", type);
  condition.put_string("status", status);
  condition.put_string("reason", reason);
  condition.put_string("message", shown);
  condition.put_int("observedGeneration", generation_);
}

void StatusDraft::remove(std::string_view type) {
  const std::size_t index = index_of_condition(draft_.root(), type);
  if (index != yaml::Node::npos) draft_.root().get("conditions").erase_item(index);
}

yaml::Node StatusDraft::condition(std::string_view type) const {
  return draft_.root().get("conditions").at(index_of_condition(draft_.root(), type));
}

bool StatusDraft::is(std::string_view type, std::string_view status) const {
  return condition(type).get("status").text() == status;
}

void StatusDraft::put(std::string_view field, std::string_view text) {
  if (text.empty()) {
    draft_.root().erase(field);
  } else {
    draft_.root().put_string(field, text);
  }
}

void StatusDraft::observe_generation() {
  draft_.root().put_int("observedGeneration", generation_);
}

bool StatusDraft::changed() const {
  return !yaml::equal(before_.root(), draft_.root());
}

Result<yaml::Document> StatusDraft::write(kube::Client& client, const CancelToken& cancel) {
  if (!changed()) return yaml::Document();
  yaml::Document patch;
  patch.root().set_mapping();
  const yaml::Ref status = patch.root().put_mapping("status");
  const yaml::Node now = std::as_const(draft_).root();
  const yaml::Node was = std::as_const(before_).root();
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::string_view field = now.key(i).text();
    if (!yaml::equal(now.value(i), was.get(field))) status.put(field, now.value(i));
  }
  for (std::size_t i = 0; i < was.size(); ++i) {
    if (!now.get(was.key(i).text()).exists()) status.put_null(was.key(i).text());
  }
  SLUICE_TRY(auto object, client.patch(id_, kube::PatchType::kMerge, patch.root(), "status",
                                       field_manager_, cancel));
  before_ = draft_;
  return object;
}

}  // namespace sluice::reconciler
