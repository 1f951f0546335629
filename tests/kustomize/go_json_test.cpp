/// Messages of Go's encoding/json (scanner.go), taken from the real program.
#include "kustomize/go_json.hpp"

#include <string>
#include <utility>

#include "support/test.hpp"

using sluice::kustomize::go_json_error;

TEST_CASE("text that is no JSON is refused in Go's words") {
  const std::pair<std::string, std::string> cases[] = {
      {"[{\"op\":\"add\"}]", ""},
      {" {\"a\": [1, -2.5e+3, \"\\u00e9\", true, null, {}, []]} \n", ""},
      {"", "unexpected end of JSON input"},
      {"[{\"op\":\"add\"", "unexpected end of JSON input"},
      {"\"abc", "unexpected end of JSON input"},
      {"\"a\\", "invalid character ' ' in string escape code"},
      {"[tr", "invalid character ' ' in literal true (expecting 'u')"},
      {"-", "invalid character ' ' in numeric literal"},
      {"[{]", "invalid character ']' looking for beginning of object key string"},
      {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
      {"[1,]", "invalid character ']' looking for beginning of value"},
      {"[1} ", "invalid character '}' after array element"},
      {"[1] x", "invalid character 'x' after top-level value"},
      {"{\"a\" 1}", "invalid character '1' after object key"},
      {"{\"a\":1 2}", "invalid character '2' after object key:value pair"},
      {"[tru]", "invalid character ']' in literal true (expecting 'e')"},
      {"[01]", "invalid character '1' after array element"},
      {"[1.]", "invalid character ']' after decimal point in numeric literal"},
      {"[1e]", "invalid character ']' in exponent of numeric literal"},
      {"[-]", "invalid character ']' in numeric literal"},
      {"[\"\\x\"]", "invalid character 'x' in string escape code"},
      {"[\"\\u00g0\"]", "invalid character 'g' in \\u hexadecimal character escape"},
      {"[\"a\nb\"]", "invalid character '\\n' in string literal"},
      {"['a']", "invalid character '\\'' looking for beginning of value"},
      {"[\xc3\xa9]", "invalid character '\xc3\x83' looking for beginning of value"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK(go_json_error(text) == message);
  }
}

TEST_CASE("nesting is bounded as Go's is") {
  CHECK(go_json_error(std::string(10'000, '[') + std::string(10'000, ']')).empty());
  CHECK(go_json_error(std::string(10'001, '[')) == "invalid character '[' exceeded max depth");
}
