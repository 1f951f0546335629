#include "reconciler/conditions.hpp"

#include "sluice/yaml/read.hpp"

#include "support/manual_clock.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::reconciler;
using namespace std::chrono_literals;

namespace {
yaml::Document object(const std::string& status) {
  auto documents = yaml::read_yaml(
      "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
      "metadata: {name: a, namespace: n, generation: 3}\nstatus: " +
          status,
      FileId::kNone);
  REQUIRE_OK(documents);
  return std::move(documents->front());
}
}  // namespace

TEST_CASE("conditions: lastTransitionTime moves only with the status") {
  test::ManualClock clock;
  const auto was = object(
      "{conditions: [{type: Ready, status: 'True', reason: Old, message: m, "
      "lastTransitionTime: '2020-01-01T00:00:00Z', observedGeneration: 2}]}");
  StatusDraft draft(was.root(), clock, "m");
  CHECK_FALSE(draft.changed());
  draft.set("Ready", "True", "New", "n");
  CHECK(draft.changed());
  CHECK(draft.condition("Ready").get("lastTransitionTime").text() == "2020-01-01T00:00:00Z");
  CHECK(draft.condition("Ready").get("observedGeneration").text() == "3");
  draft.set("Ready", "False", "New", "n");
  CHECK(draft.condition("Ready").get("lastTransitionTime").text() == rfc3339(clock.wall()));
  draft.remove("Ready");
  CHECK_FALSE(draft.condition("Ready").exists());
}

TEST_CASE("conditions: a message that the server would refuse for its length is cut") {
  test::ManualClock clock;
  const auto was = object("{}");
  StatusDraft draft(was.root(), clock, "m");
  draft.set("Ready", "False", "X", std::string(40'000, 'x'));
  CHECK(draft.condition("Ready").get("message").text().size() < 32'768);
}
