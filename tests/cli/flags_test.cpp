#include "cli/flags.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::cli;

namespace {

struct Parsed {
  std::string output;
  bool once = false;
  long number = 0;
  std::string positional, error;
};

Parsed parse(std::vector<std::string_view> arguments) {
  Parsed out;
  Flags flags;
  flags.text("output", out.output);
  flags.on("once", out.once);
  flags.value("number", [&out](std::string_view text) -> Result<void> {
    SLUICE_TRY(out.number, parse_number(text, 1, 9));
    return {};
  });
  flags.alias('o', "output");
  const auto positional = flags.parse(arguments);
  if (!positional) {
    out.error = positional.error().message();
    return out;
  }
  for (const auto& word : *positional)
    out.positional += word + ";";
  return out;
}

}  // namespace

TEST_CASE("flags: a negative number is a positional argument only where one is expected") {
  CHECK(parse({"-5"}).error == "unknown shorthand flag: '5' in -5");
  Flags flags;
  flags.take_negative_numbers();
  const auto positional = flags.parse(std::vector<std::string_view>{"a", "-5", "-0.5"});
  REQUIRE_OK(positional);
  CHECK(*positional == std::vector<std::string>{"a", "-5", "-0.5"});
  CHECK_FALSE(flags.parse(std::vector<std::string_view>{"-x"}).has_value());
}

TEST_CASE(
    "flags: values apart, joined and behind a letter; switches; positional arguments anywhere") {
  CHECK(parse({"a", "--output", "x", "b"}).positional == "a;b;");
  CHECK(parse({"--output=x=y"}).output == "x=y");
  CHECK(parse({"-o", "x"}).output == "x");
  CHECK(parse({"-ox"}).output == "x");
  CHECK(parse({"--once"}).once);
  CHECK_FALSE(parse({"--once", "--once=false"}).once);
  CHECK_FALSE(parse({"--once", "--once=F"}).once);
  CHECK(parse({"--once=1"}).once);
  CHECK(parse({"--", "--once", "-"}).positional == "--once;-;");
  CHECK(parse({"--number", "9"}).number == 9);
}

TEST_CASE("flags: what is unknown, missing or out of range is an error that names the flag") {
  CHECK(parse({"--onse"}).error == "unknown flag: --onse");
  CHECK(parse({"-x"}).error == "unknown shorthand flag: 'x' in -x");
  CHECK(parse({"--output"}).error == "flag needs an argument: --output");
  CHECK(parse({"--number", "10"}).error == "--number: expected a number from 1 to 9, found \"10\"");
  CHECK(parse({"--number", "1x"}).error == "--number: expected a number from 1 to 9, found \"1x\"");
  CHECK(parse({"--once=maybe"}).error ==
        "invalid argument \"maybe\" for \"--once\" flag: "
        "strconv.ParseBool: parsing \"maybe\": invalid syntax");
}
