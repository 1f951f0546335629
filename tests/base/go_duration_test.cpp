#include "sluice/base/go_duration.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("durations: read and printed as Go's time package does") {
  struct Row {
    const char* text;
    Duration value;
    const char* printed;
  };
  for (const Row& row :
       {Row{"1h", 1h, "1h0m0s"}, Row{"59m30s", 59min + 30s, "59m30s"}, Row{"1.5s", 1500ms, "1.5s"},
        Row{"250ms", 250ms, "250ms"}, Row{"0", 0s, "0s"}, Row{"90s", 90s, "1m30s"},
        Row{"1us", 1us, "1\u00b5s"}, Row{"1ns", 1ns, "1ns"}, Row{"-1.25h", -75min, "-1h15m0s"},
        Row{"60m", 1h, "1h0m0s"}, Row{"1m0.001s", 60'001ms, "1m0.001s"}}) {
    CAPTURE(row.text);
    const auto parsed = parse_go_duration(row.text);
    REQUIRE_OK(parsed);
    CHECK(*parsed == row.value);
    CHECK(format_go_duration(row.value) == row.printed);
  }
}

TEST_CASE("durations: what Go refuses is refused in its words") {
  for (const char* bad : {"", "1", "h", "1x", "1.2.3s", ".s", "--1s", "1 s", "99999999999h"}) {
    CAPTURE(bad);
    const auto parsed = parse_go_duration(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().message() == "time: invalid duration \"" + std::string(bad) + "\"");
  }
}
