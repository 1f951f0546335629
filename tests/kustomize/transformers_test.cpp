/// Field transformers: plugin/builtin/*transformer tests, api/filters/*; expectations come from
/// kustomize 5.8.2.
#include "kustomize/transformers.hpp"

#include "kustomize/transformer_config.hpp"
#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using text_case::normal;
using text_case::Resources;

namespace {

const TransformerConfig& config() {
  return *default_transformer_config();
}

std::string image(std::string_view before, const ImageRule& rule) {
  Resources resources("{apiVersion: v1, kind: Foo, metadata: {name: n}, spec: {image: \"" +
                      std::string(before) + "\"}}");
  const FieldSpec spec{{}, "spec/image", false};
  const auto done = set_images(resources.map, {&rule, 1}, {&spec, 1});
  if (!done) return "error: " + done.error().message();
  return std::string(resources.map[0].root().find("spec", "image").text());
}

}  // namespace

TEST_CASE("the default tables are kustomize's") {
  CHECK(config().name_prefix.size() == 1);
  CHECK(config().common_labels.size() == 32);
  CHECK(config().template_labels.size() == 9);
  CHECK(config().volume_claim_template_labels.size() == 1);
  CHECK(config().common_annotations.size() == 9);
  CHECK(config().name_space.size() == 3);
  CHECK(config().var_reference.size() == 72);
  CHECK(config().images.size() == 7);
  CHECK(config().replicas.size() == 4);
  CHECK(config().name_reference.size() == 16);
  std::size_t referrers = 0;
  for (const NameReference& reference : config().name_reference) {
    referrers += reference.referrers.size();
  }
  CHECK(referrers == 167);
}

TEST_CASE("a configuration file extends the tables; conflicts say which table") {
  const auto extra = read_transformer_config(text_case::root(text_case::parse(R"(
NamePrefix: [{path: metadata/alias, kind: Foo}]
nameReference:
- {kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/x, kind: Foo}]}
- {kind: Foo, fieldSpecs: [{path: spec/foo, kind: Bar}]}
)")));
  REQUIRE_OK(extra);
  TransformerConfig merged = config();
  REQUIRE_OK(merged.merge(*extra));
  CHECK(merged.name_prefix.size() == 2);
  CHECK(merged.name_reference.size() == 17);
  CHECK(merged.name_reference.front().target.kind == "StorageClass");  // sorted by kind

  const auto conflict = read_transformer_config(
      text_case::root(text_case::parse("{namePrefix: [{path: metadata/name, create: true}]}")));
  REQUIRE_OK(conflict);
  const auto refused = merged.merge(*conflict);
  REQUIRE(!refused);
  CHECK(refused.error().message() ==
        "failed to merge NamePrefix fieldSpec: conflicting fieldspecs");
}

TEST_CASE("namespace goes to everything that is not known to be cluster-scoped") {
  Resources resources(R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: b}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: c}}
---
{apiVersion: example.com/v1, kind: Unknown, metadata: {name: d, namespace: old}}
---
{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: e}}
)");
  REQUIRE_OK(set_namespace(resources.map, {"123", false, {}}, config().name_space));
  CHECK(
      resources.text() ==
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: \"123\"\n---\n"
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: \"123\"\n---\n"
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: c\n---\n"
      "apiVersion: example.com/v1\nkind: Unknown\nmetadata:\n  name: d\n  namespace: \"123\"\n---\n"
      "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata:\n  name: e\nspec:\n"
      "  service:\n    namespace: \"123\"\n");
  CHECK(resources.map[0].id.ns == "123");
  CHECK(resources.map[3].original_ns() == "old");
}

TEST_CASE("subjects of role bindings get the namespace as the mode says") {
  constexpr std::string_view kBinding =
      "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r}, "
      "subjects: "
      "[{kind: ServiceAccount, name: default}, {kind: ServiceAccount, name: x}, {kind: User, name: "
      "default}]}";
  const auto spaces = [&](NamespaceArgs::Subjects mode, bool unset_only) {
    Resources resources(kBinding);
    CHECK_OK(set_namespace(resources.map, {"n", unset_only, mode}, config().name_space));
    std::string text;
    const yaml::Node subjects = std::as_const(resources.map[0]).root().get("subjects");
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      text += subjects.at(i).get("namespace").exists() ? '1' : '0';
    }
    return text;
  };
  using Mode = NamespaceArgs::Subjects;
  CHECK(spaces(Mode::kDefaultOnly, false) == "101");
  CHECK(spaces(Mode::kAllServiceAccounts, true) == "110");
  CHECK(spaces(Mode::kNone, false) == "000");
  CHECK(parse_subjects("").value() == Mode::kDefaultOnly);
  REQUIRE(!parse_subjects("x"));
  CHECK(
      parse_subjects("x").error().message() ==
      "invalid value \"x\" for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or "
      "\"allServiceAccounts\"");
}

TEST_CASE("two resources that the namespace makes one are an error") {
  Resources resources(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}\n---\n"
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: y}}\n");
  const auto done = set_namespace(resources.map, {"n", false, {}}, config().name_space);
  REQUIRE(!done);
  CHECK(done.error().message().find("namespace transformation produces ID conflict: [{") == 0);
}

TEST_CASE("prefix and suffix change names, but not of definitions and namespaces") {
  Resources resources(R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: d}}
)");
  REQUIRE_OK(add_prefix(resources.map, "p-", config().name_prefix));
  REQUIRE_OK(add_suffix(resources.map, "-s", config().name_suffix));
  CHECK(resources.map[0].id.name == "p-1-s");
  CHECK(resources.map[1].id.name == "p-two-s");
  CHECK(resources.map[2].id.name == "c");
  CHECK(resources.map[3].id.name == "d");
  CHECK(resources.map[1].original_name() == "two");
  CHECK(resources.map[1].previous.size() == 2);
  CHECK(resources.map[1].prefixes == std::vector<std::string>{"p-"});
  CHECK(resources.map.by_any_name("two").size() == 1);
}

TEST_CASE("labels are strings and go to selectors where the tables create them") {
  Resources resources(R"(
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: b}, spec: {template: {metadata: null}}}
)");
  REQUIRE_OK(set_labels(resources.map, {{"on", "true"}}, config().common_labels));
  CHECK(
      text_case::print(std::as_const(resources.map[0]).root()) ==
      normal("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, labels: {\"on\": "
             "\"true\"}}, spec: {selector: {matchLabels: {\"on\": \"true\"}}, template: {metadata: "
             "{labels: {\"on\": \"true\"}}}}}"));
  CHECK(text_case::print(std::as_const(resources.map[1]).root()) ==
        normal("{apiVersion: batch/v1, kind: Job, metadata: {name: b, labels: {\"on\": \"true\"}}, "
               "spec: {template: {metadata: {labels: {\"on\": \"true\"}}}}}"));
}

TEST_CASE("an image is split into name, tag and digest") {
  const auto text = [](std::string_view whole) {
    const ImageParts parts = split_image(whole);
    return std::string(parts.name) + "|" + std::string(parts.tag) + "|" + std::string(parts.digest);
  };
  CHECK(text("nginx") == "nginx||");
  CHECK(text("nginx:1") == "nginx|1|");
  CHECK(text("nginx@sha256:a") == "nginx||sha256:a");
  CHECK(text("host:5000/a/b:1@sha256:c") == "host:5000/a/b|1|sha256:c");
  CHECK(text("host:5000/a") == "host:5000/a||");
}

TEST_CASE("image rules change what they say and drop what it replaces") {
  CHECK(image("nginx:1", {"nginx", "", "", "2", ""}) == "nginx:2");
  CHECK(image("nginx:1@sha256:a", {"nginx", "", "", "2", ""}) == "nginx:2");
  CHECK(image("nginx:1", {"nginx", "", "", "", "sha256:b"}) == "nginx@sha256:b");
  CHECK(image("nginx:1", {"nginx", "h:1/x", "", "2", "sha256:b"}) == "h:1/x:2@sha256:b");
  CHECK(image("nginx:1@sha512:a", {"nginx", "x", "", "", ""}) == "x:1@sha512:a");
  CHECK(image("nginx:1", {"nginx", "", "-s", "", ""}) == "nginx:1-s");
  CHECK(image("nginx:1", {"ngin", "x", "", "", ""}) == "nginx:1");
  CHECK(image("nginx:1", {"n.*x", "x", "", "", ""}) == "x:1");
  CHECK(image("nginx:1", {"[", "x", "", "", ""}) == "nginx:1");  // no expression: no match
}

TEST_CASE(
    "images in containers are visited twice, in definitions never, encrypted ones are refused") {
  Resources resources(R"(
{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{image: redis:6}], volumes: null}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: b}, spec: {containers: [{image: redis:6}]}}
)");
  const ImageRule rule{"redis", "", "-alpine", "", ""};
  REQUIRE_OK(set_images(resources.map, {&rule, 1}, config().images));
  CHECK(resources.map[0].root().find("spec", "containers").at(0).get("image").text() ==
        "redis:6-alpine-alpine");
  CHECK(resources.map[0].root().find("spec", "volumes").is_sequence());
  CHECK(resources.map[1].root().find("spec", "containers").at(0).get("image").text() == "redis:6");

  resources.map[0]
      .root()
      .find("spec", "containers")
      .at(0)
      .get("image")
      .set_leaf(text_case::leaf("x"));
  const auto refused = set_images(resources.map, {&rule, 1}, config().images);
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::kUnsupported);
}

TEST_CASE("replicas find a resource by any name it had") {
  Resources resources(
      "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}\n---\n"
      "{apiVersion: v1, kind: Service, metadata: {name: web}}\n");
  REQUIRE_OK(add_prefix(resources.map, "p-", config().name_prefix));
  REQUIRE_OK(set_replicas(resources.map, {"web", 3}, config().replicas));
  CHECK(resources.map[0].root().find("spec", "replicas").text() == "3");
  CHECK_FALSE(resources.map[1].root().get("spec").exists());
  const auto none = set_replicas(resources.map, {"db", 3}, config().replicas);
  REQUIRE(!none);
  CHECK(none.error().message() ==
        "resource with name db does not match a config with the following GVK "
        "[Deployment.[noVer].[noGrp] StatefulSet.[noVer].[noGrp] "
        "ReplicaSet.[noVer].[noGrp] ReplicationController.[noVer].[noGrp]]");
}

TEST_CASE("ValueAdd inserts into file paths as asked") {
  const std::tuple<std::string_view, std::int64_t, std::string_view> rows[] = {
      {"", 1, "P"},         {"/", 1, "/P"},
      {"pie", 1, "P/pie"},  {"/pie", 1, "/P/pie"},
      {"raw", 2, "raw/P"},  {"/raw", 2, "/raw/P"},
      {"raw", 99, "raw/P"}, {"a/nice/warm/pie", 4, "a/nice/warm/P/pie"},
      {"x", 0, "P"},        {"/a/nice/warm/pie", 4, "/a/nice/warm/P/pie"}};
  for (const auto& [before, position, want] : rows) {
    CAPTURE(before);
    Resources resources("{apiVersion: v1, kind: Foo, metadata: {name: n}, spec: {path: \"" +
                        std::string(before) + "\"}}");
    const ValueAddTarget target{std::nullopt, "spec/path", position};
    REQUIRE_OK(add_value(resources.map, "P", {&target, 1}));
    CHECK(resources.map[0].root().find("spec", "path").text() == want);
  }
}

TEST_CASE("IAMPolicyGenerator knows one cloud") {
  const auto made = generate_iam_policy({"gke", "ksa", "gsa", "proj", "ns"});
  REQUIRE_OK(made);
  CHECK(text_case::print(*made) ==
        normal("{apiVersion: v1, kind: ServiceAccount, metadata: {annotations: "
               "{iam.gke.io/gcp-service-account: gsa@proj.iam.gserviceaccount.com}, name: ksa, "
               "namespace: ns}}"));
  REQUIRE(!generate_iam_policy({"eks", "", "", "", ""}));
  CHECK(generate_iam_policy({"eks", "", "", "", ""}).error().message() ==
        "cloud provider eks not supported yet");
}

TEST_CASE("select looks at original and current names and namespaces") {
  Resources resources(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}}\n---\n"
      "{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n");
  REQUIRE_OK(add_prefix(resources.map, "p-", config().name_prefix));
  const auto count = [&](const Selector& selector) {
    return select(resources.map, selector)->size();
  };
  CHECK(count({{}, "a", "", "", ""}) == 2);
  CHECK(count({{}, "p-a", "", "", ""}) == 1);
  CHECK(count({{}, "", "default", "", ""}) == 1);
  CHECK(count({{"", "", "ConfigMap"}, "", "", "x=y", ""}) == 1);
  CHECK(count({{}, "", "", "x=z", ""}) == 0);
  CHECK(Selector{{"", "v1", "Foo"}, "n", "", "a=b", ""}.text() ==
        "Foo.v1.[noGrp]/n.[noNs]:a=:l=a=b");
}
