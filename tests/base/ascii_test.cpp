#include "sluice/base/ascii.hpp"

#include "support/test.hpp"

using namespace sluice;

TEST_CASE("ascii: each byte is of one class at the most, and none above 0x7f of any") {
  std::string digits, lower, upper, others;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    CHECK(is_letter(c) == (is_lower(c) || is_upper(c)));
    CHECK(is_letter_or_digit(c) == (is_letter(c) || is_digit(c)));
    if (is_digit(c)) digits += c;
    if (is_lower(c)) lower += c;
    if (is_upper(c)) upper += c;
    if (!is_letter_or_digit(c)) others += c;
  }
  CHECK(digits == "0123456789");
  CHECK(lower == "abcdefghijklmnopqrstuvwxyz");
  CHECK(upper == "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  CHECK(to_lower(upper) == lower);
  CHECK(to_upper(lower) == upper);
  CHECK(to_lower(others) == others);
  CHECK(to_upper(others) == others);
}

TEST_CASE("ascii: case is ignored, length is not") {
  CHECK(equals_ignoring_case("Content-Type", "cONTENT-tYPE"));
  CHECK(equals_ignoring_case("", ""));
  CHECK_FALSE(equals_ignoring_case("a", "ab"));
  CHECK_FALSE(equals_ignoring_case("@", "`"));                // as far apart as A and a
  CHECK_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));  // Ä, ä
}

TEST_CASE("ascii: both ends are trimmed, the middle stays") {
  CHECK(trim(" \t\r\n a b \n") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim(" \t ").empty());
  CHECK(trim("").empty());
  CHECK(trim("\v a", " ") == "\v a");
  CHECK(trim("/a/b//", "/") == "a/b");
}
