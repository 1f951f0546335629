// What plain scalars mean, and numbers and times as Go prints them. Upstream: go.yaml.in/yaml
// resolve.go (v3 3.0.5, v2 2.4.4), strconv, encoding/json, time. fixtures/yaml/scalars holds
// thousands more.
#include "sluice/yaml/scalar.hpp"

#include <limits>

#include "support/test.hpp"

using namespace sluice::yaml;

TEST_CASE("resolve_plain: kinds of v3 and v2") {
  struct Row {
    const char* text;
    Kind v3, v2;
  };
  const Kind s = Kind::kString;
  const Kind i = Kind::kInt;
  const Kind f = Kind::kFloat;
  const Kind b = Kind::kBool;
  const Kind n = Kind::kNull;
  const Kind t = Kind::kTimestamp;
  for (const Row& row : {Row{"", n, n},
                         {"~", n, n},
                         {"null", n, n},
                         {"Null", n, n},
                         {"NULL", n, n},
                         {"nULL", s, s},
                         {"true", b, b},
                         {"True", b, b},
                         {"TRUE", b, b},
                         {"tRUE", s, s},
                         {"yes", s, b},
                         {"Yes", s, b},
                         {"yEs", s, s},
                         {"y", s, b},
                         {"N", s, b},
                         {"on", s, b},
                         {"OFF", s, b},
                         {"<<", s, s},
                         {"=", s, s},
                         {"0", i, i},
                         {"-0", i, i},
                         {"+1", i, i},
                         {"--1", s, s},
                         {"0x1F", i, i},
                         {"0X1f", i, i},
                         {"0x", s, s},
                         {"-0x1", i, i},
                         {"017", i, i},
                         {"089", f, f},
                         {"0o17", i, i},
                         {"0O17", i, i},
                         {"0o8", s, s},
                         {"0o-7", i, s},
                         {"0b11", i, i},
                         {"0b-1", i, i},
                         {"0b2", s, s},
                         {"1_000", i, i},
                         {"1__0_", i, i},
                         {"_1", s, s},
                         {"18446744073709551615", i, i},
                         {"+18446744073709551615", f, f},
                         {"18446744073709551616", f, f},
                         {"0xFFFFFFFFFFFFFFFFF", s, s},
                         {"-9223372036854775808", i, i},
                         {"-9223372036854775809", f, f},
                         {"1.", f, f},
                         {".5", f, f},
                         {".5_0", f, f},
                         {"._5", s, s},
                         {".", s, s},
                         {"1e3", f, f},
                         {"1e", s, s},
                         {"1e400", s, s},
                         {"1e-400", f, f},
                         {"1.2.3", s, s},
                         {".inf", f, f},
                         {"-.INF", f, f},
                         {"+.Inf", f, f},
                         {".iNf", s, s},
                         {".NaN", f, f},
                         {"+.nan", s, s},
                         {"2020-01-02", t, t},
                         {"2020-1-2", t, t},
                         {"2020-02-30", s, s},
                         {"2019-02-29", s, s},
                         {"2020-01-02T03:04:05Z", t, t},
                         {"2020-01-02T03:04:05", s, s},
                         {"2020-01-02 03:04:05", t, t},
                         {"2020-01-02 03:04:05Z", s, s},
                         {"2020-01-02T24:00:00Z", s, s},
                         {"12:30:45", s, s},
                         {"1:2", s, s}}) {
    CAPTURE(row.text);
    CHECK(resolve_plain(row.text, Schema::kV3) == row.v3);
    CHECK(resolve_plain(row.text, Schema::kV2) == row.v2);
  }
}

TEST_CASE("values of integers, floats and bools") {
  CHECK(int64_value("0x1F") == 31);
  CHECK(int64_value("-017") == -15);
  CHECK(int64_value("0b11") == 3);
  CHECK(int64_value("1_000") == 1000);
  CHECK(int64_value("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(int64_value("9223372036854775808").has_value());
  CHECK_FALSE(int64_value("x").has_value());
  CHECK(uint64_value("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(uint64_value("-1").has_value());
  CHECK(uint64_value("-0") == 0);
  CHECK(float_value("1_000.5") == 1000.5);
  CHECK(float_value("0x10") == 16.0);
  CHECK(float_value("-.inf") == -std::numeric_limits<double>::infinity());
  CHECK(float_value("1e-400") == 0.0);
  CHECK_FALSE(float_value("1e400").has_value());
  CHECK_FALSE(float_value("").has_value());
  CHECK(bool_value("TRUE", Schema::kV3) == true);
  CHECK_FALSE(bool_value("on", Schema::kV3).has_value());
  CHECK(bool_value("on", Schema::kV2) == true);
  CHECK(bool_value("No", Schema::kV2) == false);
}

TEST_CASE("floats print as Go's strconv and encoding/json print them") {
  struct Row {
    double value;
    const char *g, *f, *json;
  };
  for (const Row& row :
       {Row{0, "0", "0", "0"},
        {-0.0, "-0", "-0", "-0"},
        {1, "1", "1", "1"},
        {0.1, "0.1", "0.1", "0.1"},
        {123456, "123456", "123456", "123456"},
        {1234567, "1.234567e+06", "1234567", "1234567"},
        {12345678.9, "1.23456789e+07", "12345678.9", "12345678.9"},
        {0.0001, "0.0001", "0.0001", "0.0001"},
        {0.00001, "1e-05", "0.00001", "0.00001"},
        {1e-7, "1e-07", "0.0000001", "1e-7"},
        {1e20, "1e+20", "100000000000000000000", "100000000000000000000"},
        {1e21, "1e+21", "1000000000000000000000", "1e+21"},
        {-1.5e300, "-1.5e+300", nullptr, "-1.5e+300"},
        {5e-324, "5e-324", nullptr, "5e-324"},
        {0.3, "0.3", "0.3", "0.3"},
        {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004"}}) {
    CAPTURE(row.g);
    CHECK(format_float_g(row.value) == row.g);
    if (row.f != nullptr) CHECK(format_float_f(row.value) == row.f);
    CHECK(format_float_json(row.value) == row.json);
  }
  CHECK(format_float32_g(0.1F) == "0.1");
  CHECK(format_float32_g(12345678.9F) == "1.2345679e+07");
}

TEST_CASE("times print as RFC 3339") {
  struct Row {
    const char* text;
    const char* printed;
  };
  for (const Row& row : {Row{"2020-01-02", "2020-01-02T00:00:00Z"},
                         {"2020-1-2", "2020-01-02T00:00:00Z"},
                         {"0000-01-01", "0000-01-01T00:00:00Z"},
                         {"2020-01-02 3:4:5", "2020-01-02T03:04:05Z"},
                         {"2020-01-02   3:4:5,25", "2020-01-02T03:04:05.25Z"},
                         {"2020-01-02T03:04:05.123456789012Z", "2020-01-02T03:04:05.123456789Z"},
                         {"2020-01-02t03:04:05-05:30", "2020-01-02T03:04:05-05:30"},
                         {"2020-01-02T03:04:05+00:00", "2020-01-02T03:04:05Z"},
                         {"2020-01-02T03:04:05+00:60", "2020-01-02T03:04:05+01:00"}}) {
    CAPTURE(row.text);
    CHECK(timestamp_rfc3339(row.text) == row.printed);
  }
  CHECK_FALSE(timestamp_rfc3339("2020-01").has_value());
  CHECK_FALSE(timestamp_rfc3339("2020-01-02T03:04:05+25:00").has_value());
}
