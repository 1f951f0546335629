/// Selectors: api/types/selector_test.go, apimachinery pkg/labels/selector_test.go.
#include "kustomize/selector.hpp"

#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;

namespace {

std::string match(std::string_view selector, std::string_view labels) {
  const auto parsed = LabelSelector::parse(selector);
  if (!parsed) return parsed.error().message();
  return parsed->matches(text_case::root(text_case::parse(labels))) ? "yes" : "no";
}

}  // namespace

TEST_CASE("label selectors match as Kubernetes' do") {
  constexpr std::string_view kLabels = "{app: web, tier: back, n: 5, empty: ''}";
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "yes"},
      {"app=web", "yes"},
      {"app==web", "yes"},
      {"app = web , tier != front", "yes"},
      {"app!=web", "no"},
      {"other!=x", "yes"},
      {"app in (web, db)", "yes"},
      {"app notin (web)", "no"},
      {"x notin (web)", "yes"},
      {"app", "yes"},
      {"!app", "no"},
      {"!x", "yes"},
      {"n>4", "yes"},
      {"n<5", "no"},
      {"app>4", "no"},
      {"empty=", "yes"},
      {"empty in (,)", "yes"},
      {"in in (in)", "no"},
      {"example.com/x=1", "no"},
  };
  for (const auto& [selector, want] : rows) {
    CAPTURE(selector);
    CHECK(match(selector, kLabels) == want);
  }
  CHECK(match("a=1", "{a: 1}") == "yes");  // text counts, not type
}

TEST_CASE("a bad label selector is explained in Kubernetes' words") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"a b", "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"},
      {"a,", "found '', expected: identifier after ','"},
      {"=a", "found '=', expected: !, identifier, or 'end of string'"},
      {"a in b", "unable to parse requirement: found 'b' expected: '('"},
      {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
      {"a=(b)", "unable to parse requirement: found '(', expected: identifier"},
      {"a>x",
       "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"},
      {"a=b c", "found 'c', expected: ',' or 'end of string'"},
      {"!a=b", "found '=', expected: ',' or 'end of string'"},
      {"a/b/c=d",
       "unable to parse requirement: invalid label key \"a/b/c\": a qualified name must consist of "
       "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
       "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' "
       "(e.g. 'example.com/MyName')"},
  };
  for (const auto& [selector, want] : rows) {
    CAPTURE(selector);
    CHECK(match(selector, "{}") == want);
  }
}

TEST_CASE("the longest label value is 63 characters, one more is refused") {
  CHECK(match("a=" + std::string(63, 'x'), "{}") == "no");
  CHECK(match("a=" + std::string(64, 'x'), "{}").find("must be no more than 63 characters") !=
        std::string::npos);
}

TEST_CASE("a selector's expressions are anchored, and a part not given matches anything") {
  Selector selector;
  selector.gvk.kind = "Dep.*|Job";
  selector.name = "web";
  const auto compiled = CompiledSelector::compile(selector);
  REQUIRE_OK(compiled);
  CHECK(compiled->matches_gvk({"apps", "v1", "Deployment"}));
  CHECK(compiled->matches_gvk({"batch", "v1", "Job"}));
  CHECK_FALSE(compiled->matches_gvk({"batch", "v1", "CronJob"}));
  CHECK(compiled->matches_name("web"));
  CHECK_FALSE(compiled->matches_name("web2"));
  CHECK(compiled->matches_namespace("any"));
  CHECK(compiled->only_name() == "web");
  CHECK(compiled->only_kind().empty());
  CHECK_FALSE(compiled->has_no_id());
}

TEST_CASE("a bad expression is reported in Go's words") {
  const std::pair<std::string, std::string> rows[] = {
      {"[", "error parsing regexp: missing closing ]: `[)$`"},
      {"(", "error parsing regexp: missing closing ): `^(?:()$`"},
      {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
      {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
      {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
  };
  for (const auto& [pattern, want] : rows) {
    Selector selector;
    selector.name = pattern;
    const auto compiled = CompiledSelector::compile(selector);
    REQUIRE(!compiled);
    CHECK(compiled.error().message() == want);
  }
}

TEST_CASE("an expression that would take a backtracking engine forever answers at once") {
  const auto regex = Regex::compile("^(a+)+$");
  REQUIRE_OK(regex);
  CHECK_FALSE(regex->matches(std::string(100'000, 'a') + "b"));
}
