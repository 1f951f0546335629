// age plugins (C2SP age-plugin), with tests/support/age-plugin-sluicetest, which the age program
// speaks to as well.
#include "decrypt/age_plugin.hpp"

#include <cstdlib>

#include "sluice/base/process.hpp"

#include "files.hpp"
#include "support/process.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;

namespace {

const std::string kFolder = std::string(SLUICE_SOURCE_DIR) + "/tests/support";

struct Pair {
  std::string identity, recipient;
};
Pair make_pair() {
  const Finished made = run({kFolder + "/age-plugin-sluicetest", "--generate"});
  REQUIRE(made.status == 0);
  const std::size_t end = made.output.find('\n');
  Pair pair{made.output.substr(0, end), made.output.substr(end + 1)};
  pair.recipient.pop_back();
  return pair;
}

AgePlugins plugins(std::vector<std::string> more = {}) {
  AgePlugins made;
  made.run = run_program;
  made.environment = std::move(more);
  made.environment.push_back("PATH=" + kFolder + ":" + std::string(std::getenv("PATH")));
  return made;
}

std::shared_ptr<AgeKeyService> service(const Pair& pair, AgePlugins made) {
  const auto age = make_age_key_service({}, std::move(made));
  REQUIRE_OK(age->add_identities(crypto::SecretBytes::copy_of(pair.identity + "\n"), "key"));
  return age;
}

const std::string kKey = "0123456789abcdef0123456789ABCDEF";

}  // namespace

TEST_CASE("age plugin: what it wraps it unwraps, and another identity does not") {
  if (!find_program("python3")) SLUICE_SKIP("no python3 (scripts/deps --tests installs it)");
  const Pair pair = make_pair();
  AgePlugins talkative = plugins();
  std::vector<std::string> said;
  talkative.show = [&said](const std::string& words) { said.push_back(words); };
  const auto age = service(pair, talkative);
  const auto wrapped =
      age->wrap({"age", pair.recipient, "", {}}, crypto::SecretBytes::copy_of(kKey), {});
  REQUIRE_OK(wrapped);
  CHECK(said == std::vector<std::string>{"age-plugin-sluicetest: wrapping"});
  const auto opened = age->unwrap({"age", pair.recipient, *wrapped, {}}, {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == kKey);
  const auto other =
      service(make_pair(), plugins())->unwrap({"age", pair.recipient, *wrapped, {}}, {});
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code() == Code::kNotFound);
}

TEST_CASE("age plugin: a PIN is asked for; without anybody to ask it is an error in its words") {
  if (!find_program("python3")) SLUICE_SKIP("no python3 (scripts/deps --tests installs it)");
  const Pair pair = make_pair();
  const auto wrapped =
      service(pair, plugins())
          ->wrap({"age", pair.recipient, "", {}}, crypto::SecretBytes::copy_of(kKey), {});
  REQUIRE_OK(wrapped);
  AgePlugins asks = plugins({"SLUICETEST_PIN=4711"});
  std::string asked;
  asks.ask = [&asked](const std::string& what, unsigned) -> Result<crypto::SecretBytes> {
    asked = what;
    return crypto::SecretBytes::copy_of(std::string_view("4711"));
  };
  CHECK_OK(service(pair, asks)->unwrap({"age", pair.recipient, *wrapped, {}}, {}));
  CHECK(asked == "age-plugin-sluicetest (PIN of the token)");
  const auto silent = service(pair, plugins({"SLUICETEST_PIN=4711"}))
                          ->unwrap({"age", pair.recipient, *wrapped, {}}, {});
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().code() == Code::kDenied);
  CHECK(silent.error().message() == "age-plugin-sluicetest: wrong PIN");
}

TEST_CASE("age plugin: errors, broken answers and missing programs are told apart") {
  if (!find_program("python3")) SLUICE_SKIP("no python3 (scripts/deps --tests installs it)");
  const Pair pair = make_pair();
  const auto wrap = [&pair](AgePlugins made) {
    const auto wrapped =
        make_age_key_service({}, std::move(made))
            ->wrap({"age", pair.recipient, "", {}}, crypto::SecretBytes::copy_of(kKey), {});
    REQUIRE_FALSE(wrapped.has_value());
    return wrapped.error();
  };
  CHECK(wrap(plugins({"SLUICETEST_FAIL=1"})).message() ==
        "age-plugin-sluicetest: the token is not plugged in");
  CHECK(wrap(plugins({"SLUICETEST_BREAK=1"})).code() == Code::kInvalid);
  AgePlugins nowhere = plugins();
  nowhere.environment = {"PATH=/nonexistent"};
  CHECK(wrap(nowhere).code() == Code::kNotFound);
}

TEST_CASE("age plugin: none is started unless asked for, and the message names the flag") {
  AgePlugins refused;
  const auto age = make_age_key_service({}, refused);
  const std::string recipient =
      "age1sluicetest1kw0h8ukrfa85ug7l57l6rsh0z2crjkdf8gpsl5lcrrqguty2nkfqmc7gex";
  const auto wrapped =
      age->wrap({"age", recipient, "", {}}, crypto::SecretBytes::copy_of(kKey), {});
  REQUIRE_FALSE(wrapped.has_value());
  CHECK(wrapped.error().code() == Code::kUnsupported);
  CHECK(wrapped.error().text().find("--age-plugins") != std::string::npos);
  const auto added = age->add_identities(
      crypto::SecretBytes::copy_of(std::string_view(
          "AGE-PLUGIN-SLUICETEST-1KW0H8UKRFA85UG7L57L6RSH0Z2CRJKDF8GPSL5LCRRQGUTY2NKFQARXWF4")),
      "key");
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().text().find("--age-plugins") != std::string::npos);
}

TEST_CASE("age plugin: a name is what could be the end of a program's name, nothing else") {
  CHECK(age_plugin_of_recipient(
            "age1sluicetest1kw0h8ukrfa85ug7l57l6rsh0z2crjkdf8gpsl5lcrrqguty2nkfqmc7gex") ==
        "sluicetest");
  CHECK_FALSE(
      age_plugin_of_recipient("age1ph65ch6rw7fuk9qz6c0js67hgqlej2ax57yn8jarlslulzslypeqtc3qz6"));
  CHECK_FALSE(age_plugin_of_recipient("age1../x1qqqq"));
  CHECK_FALSE(age_plugin_of_recipient("ssh-ed25519 AAAA"));
  CHECK_FALSE(age_plugin_of_identity("AGE-PLUGIN-X-1Q"));
}
