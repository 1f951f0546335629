// Ranges of versions. Mirrors the tables of Masterminds/semver constraints_test.go and
// version_test.go.
#include "sources/semver.hpp"

#include <algorithm>
#include <vector>

#include "support/test.hpp"

namespace sluice::sources {

TEST_CASE("a tag is a strict version with at most one leading v") {
  for (const char* good : {"1.2.3", "v1.2.3", "0.0.0", "1.2.3-rc.1", "1.2.3+build.01", "1.2.3-0",
                           "1.2.3-a-b.c+d-e", "18446744073709551615.0.0"}) {
    CHECK_MESSAGE(parse_tag_version(good).has_value(), good);
  }
  for (const char* bad : {"",
                          "v",
                          "1",
                          "1.2",
                          "1.2.3.4",
                          "01.2.3",
                          "1.02.3",
                          "1.2.3-",
                          "1.2.3+",
                          "1.2.3-01",
                          "1.2.3-a..b",
                          "vv1.2.3",
                          "V1.2.3",
                          "1.2.x",
                          " 1.2.3",
                          "1.2.3 ",
                          "1.2.3-a_b",
                          "release-1.2.3",
                          "18446744073709551616.0.0",
                          "-1.2.3"}) {
    CHECK_MESSAGE(!parse_tag_version(bad).has_value(), bad);
  }
}

TEST_CASE("precedence is that of semver.org section 11") {
  const char* const sorted[] = {"1.0.0-0",    "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                "1.0.0",      "1.0.1",        "1.1.0",         "2.0.0"};
  for (std::size_t a = 0; a < std::size(sorted); ++a) {
    for (std::size_t b = 0; b < std::size(sorted); ++b) {
      const int order = compare(*parse_tag_version(sorted[a]), *parse_tag_version(sorted[b]));
      CAPTURE(sorted[a]);
      CAPTURE(sorted[b]);
      CHECK((order < 0) == (a < b));
      CHECK((order == 0) == (a == b));
    }
  }
  CHECK(compare(*parse_tag_version("1.0.0+a"), *parse_tag_version("1.0.0+b")) == 0);
}

TEST_CASE("ranges contain what Masterminds' constraints contain") {
  struct Case {
    const char* range;
    const char* version;
    bool is_in;
  };
  const Case cases[] = {
      {"=2.0.0", "1.2.3", false},
      {"=2.0.0", "2.0.0", true},
      {"=2.0", "1.2.3", false},
      {"=2.0", "2.0.9", true},
      {"=2.0", "2.1.0", false},
      {"2.0.0", "2.0.0", true},
      {"4.1", "4.1.7", true},
      {"!=4.1.0", "4.1.0", false},
      {"!=4.1.0", "4.1.1", true},
      {"!=4.1", "4.1.0", false},
      {"!=4.1", "5.1.0", true},
      {"!=4.x", "4.1.0", false},
      {"!=4.2.x", "4.2.3", false},
      {"!=4.2.x", "4.3.0", true},
      {">0", "0.0.0", false},
      {">0", "1.0.0", true},
      {">0", "0.0.1-alpha", false},
      {">0.0", "0.0.1", false},
      {">0-0", "0.0.1-alpha", false},
      {">1.1", "4.1.0", true},
      {">1.1", "1.1.1", false},
      {">1.1.0", "1.1.1", true},
      {">11", "11.1.0", false},
      {">11", "12.0.0", true},
      {">11.1", "11.1.1", false},
      {">11.1", "11.2.1", true},
      {"<1.1", "0.1.0", true},
      {"<1.1", "1.1.0", false},
      {"<1.1", "1.1.1", false},
      {"<0-z", "0.0.1-alpha", false},
      {"<0-z", "0.0.0-alpha", true},
      {">=11", "11.1.2", true},
      {">=11.1", "11.1.2", true},
      {">=11.1", "11.0.2", false},
      {">=1.1", "1.1.1-alpha", false},
      {">=1.1-0", "1.1.1-alpha", true},
      {"=>1.1", "1.1.0", true},
      {"<=11", "11.2.3", true},
      {"<=11", "12.2.3", false},
      {"<=11.2", "11.2.3", true},
      {"<=11.2", "11.3.3", false},
      {"=<1.1", "1.1.1", true},
      {"^1", "1.9.9", true},
      {"^1", "2.0.0", false},
      {"^1.2.3", "1.2.2", false},
      {"^1.2.3", "1.9.0", true},
      {"^0.2.3", "0.2.5", true},
      {"^0.2.3", "0.3.0", false},
      {"^0.2", "0.2.0", true},
      {"^0.2", "0.3.0", false},
      {"^0.0.3", "0.0.3", true},
      {"^0.0.3", "0.0.4", false},
      {"^0.0", "0.0.9", true},
      {"^0.0", "0.1.4", false},
      {"^0", "0.9.9", true},
      {"^0", "1.0.0", false},
      {"^1.2.0-beta.0", "1.2.1-beta.0", true},
      {"^1.2.0", "1.2.1-beta.0", false},
      {"~1", "1.9.9", true},
      {"~1", "2.0.0", false},
      {"~1.2", "1.2.9", true},
      {"~1.2", "1.3.0", false},
      {"~1.2.3", "1.2.2", false},
      {"~1.2.3", "1.2.9", true},
      {"~1.2.3", "1.3.0", false},
      {"~>2.1.x", "2.1.9", true},
      {"~*", "2.1.1", true},
      {"*", "1.2.3", true},
      {"*", "4.5.6-alpha.1", false},
      {"*-0", "4.5.6-alpha.1", true},
      {"x", "9.9.9", true},
      {"2.x", "2.9.0", true},
      {"2.*", "3.0.0", false},
      {"2.x.x", "2.1.3", true},
      {"v2", "2.1.3", true},
      {">1.1, <2", "1.1.1", false},
      {">1.1, <2", "1.2.1", true},
      {">1.1 <2", "1.2.1", true},
      {">1.1, <3", "4.3.2", false},
      {">=1.1,<2,!=1.2.3", "1.2.3", false},
      {">=1.1 , <2", "1.5.0", true},
      {">1.1 || >=3", "4.3.2", true},
      {"<1.0.0 || >2.0.0", "1.5.0", false},
      {"1.x || 3.x", "3.1.0", true},
      {"1.1 - 2", "1.1.1", true},
      {"1.5.0 - 4.5", "3.7.0", true},
      {"1.0.0 - 2.0.0 <=2.0.0", "1.5.0", true},
      {"1.0.0 - 2.0.0, <=2.0.0", "2.0.1", false},
      {"1.0.0 - 1.9.0 || 3.0.0 - 3.9.0", "3.5.0", true},
      // One pre-release in the group lets others in (3.4.0, #267).
      {">=1.1.0-0 <2", "1.5.0-rc.1", true},
      {">=1.1.0 <2.0.0-0", "1.5.0-rc.1", true},
      {">=1.1.0-0 <2 || >=3", "3.5.0-rc.1", false},
      {"1.2.3+build", "1.2.3", true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.range);
    CAPTURE(one.version);
    const auto range = VersionRange::parse(one.range);
    REQUIRE_OK(range);
    CHECK(range->contains(*parse_tag_version(one.version)) == one.is_in);
  }
}

TEST_CASE("what is no range is refused, quoted") {
  for (const char* bad :
       {"", " ", "a", "1.2.3.4", ">", "> 1 <", "1,,2", ",1", "1,", "1 ||", "|| 1", "=>=1",
        "1.2.3-01", ">1 - 2", "1 -2.x.y", "1.2-", "==1", "1;2", "18446744073709551616"}) {
    const auto range = VersionRange::parse(bad);
    REQUIRE_MESSAGE(!range.has_value(), bad);
    CHECK(range.error().code() == Code::kInvalid);
    CHECK(range.error().message().starts_with("semver parse error: improper constraint: \""));
  }
}

}  // namespace sluice::sources
