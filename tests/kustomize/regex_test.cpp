// Expressions without special characters are compared as text (kustomize/regex.cpp); that must not
// show. Go's regexp is the specification.

#include "kustomize/regex.hpp"

#include <string>

#include "support/test.hpp"

using sluice::kustomize::Regex;

TEST_CASE("regex: a plain word matches anywhere, as an expression of it does") {
  struct Row {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Row& row : {Row{"app", "my-app-1", true},
                         {"app", "ap", false},
                         {"", "", true},
                         {"", "x", true},
                         {"a b/c-d", "a b/c-d", true},
                         {"App", "app", false},
                         {"^app$", "my-app", false},
                         {"^app$", "app", true},
                         {"a.p", "axp", true},
                         {"\xC3\xA4", "\xC3\xA4", true},
                         {"a{2}", "aa", true},
                         {"a,b", "a,b", true}}) {
    INFO(std::string(row.pattern));
    const auto regex = Regex::compile(row.pattern);
    REQUIRE_OK(regex);
    CHECK(regex->matches(row.text) == row.matches);
  }
  CHECK(Regex().matches("anything"));
}

TEST_CASE("regex: what is no expression is refused in Go's words") {
  for (const char* pattern : {"[", "(", "a**", "\\", "\xFF"}) {
    const auto regex = Regex::compile(pattern);
    REQUIRE_FALSE(regex.has_value());
    CHECK(regex.error().message().starts_with("error parsing regexp: "));
  }
}
