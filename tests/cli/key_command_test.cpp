// SOPS_AGE_KEY_CMD: words as a shell splits them, and what the program prints.
#include "cli/key_command.hpp"

#include <cstdlib>

#include "support/test.hpp"

using namespace sluice;
using cli::split_words;

TEST_CASE("key command: words end at spaces outside of quotes; nothing is expanded") {
  using Words = std::vector<std::string>;
  CHECK(split_words("age-keys").value() == Words{"age-keys"});
  CHECK(split_words("  a  'b c' \"d \\\" e\" f\\ g ''").value() ==
        Words{"a", "b c", "d \" e", "f g", ""});
  CHECK(split_words("a $HOME `x` *").value() == Words{"a", "$HOME", "`x`", "*"});
  CHECK_FALSE(split_words("a 'b").has_value());
  CHECK_FALSE(split_words("  ").has_value());
}

TEST_CASE("key command: prints keys for the recipient; a failure is no key") {
  ::setenv("SLUICE_TEST_KEY_CMD", "sh -c 'echo key for $SOPS_AGE_RECIPIENT'", 1);
  const auto keys = cli::run_key_command("SLUICE_TEST_KEY_CMD", "age1abc");
  REQUIRE_OK(keys);
  CHECK(keys->reveal_text() == "key for age1abc\n");
  ::setenv("SLUICE_TEST_KEY_CMD", "sh -c 'echo half; exit 3'", 1);
  const auto failed = cli::run_key_command("SLUICE_TEST_KEY_CMD", "age1abc");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message() == "SLUICE_TEST_KEY_CMD: sh: exit status 3");
  ::unsetenv("SLUICE_TEST_KEY_CMD");
}
