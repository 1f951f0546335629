// The gpg program as a key service, which SOPS_GPG_EXEC asks for (SOPS pgp/keysource.go).
#include <cstdlib>

#include "sluice/base/process.hpp"
#include "sluice/decrypt/pgp_keys.hpp"

#include "files.hpp"
#include "support/process.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

fs::path fixtures() {
  return fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops/pgp";
}

/// A home of gpg, with an agent that ends with it.
struct GnuPg {
  fs::path home = fs::temp_directory_path() / ("sluice-gpg-" + std::to_string(::getpid()));
  std::vector<std::string> environment;
  GnuPg() {
    fs::create_directory(home);
    fs::permissions(home, fs::perms::owner_all);
    environment = {"PATH=" + std::string(std::getenv("PATH")), "GNUPGHOME=" + home.string()};
  }
  ~GnuPg() {
    static_cast<void>(run({"gpgconf", "--kill", "gpg-agent"}));
    fs::remove_all(home);
  }
  Result<ProgramResult> run(std::vector<std::string> argv) const {
    Program program;
    program.argv = std::move(argv);
    program.environment = environment;
    program.keep_error_output = true;
    return run_program(program, {});
  }
};

}  // namespace

TEST_CASE("gpg program: opens with gpg's keys, and writes what librnp opens") {
  if (!find_program("gpg")) SLUICE_SKIP("gpg is not on PATH (scripts/deps --tests installs it)");
  const GnuPg gnupg;
  const auto imported =
      gnupg.run({"gpg", "--batch", "--quiet", "--import", fixtures() / "plain.key.asc"});
  REQUIRE_OK(imported);
  REQUIRE(imported->failure.empty());
  const auto gpg = make_gpg_program_service(run_program, "gpg", gnupg.environment);
  const auto opened = gpg->unwrap({"pgp", "", read_file(fixtures() / "plain.asc"), {}}, {});
  REQUIRE_OK(opened);
  CHECK(opened->size() == 30);
  const auto other = gpg->unwrap({"pgp", "", read_file(fixtures() / "rsa.asc"), {}}, {});
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code() == Code::kNotFound);
  CHECK(other.error().message().starts_with("gpg: exit status 2: "));

  const std::string id = "8AC98AB13A2A2E44C1117F270C60D4D9BE0BF047";
  const std::string part(33, 'p');
  const auto wrapped = gpg->wrap({"pgp", id, "", {}}, crypto::SecretBytes::copy_of(part), {});
  REQUIRE_OK(wrapped);
  const auto again = gpg->unwrap({"pgp", id, *wrapped, {}}, {});
  REQUIRE_OK(again);
  CHECK(again->reveal_text() == part);
  CHECK_FALSE(gpg->wrap({"pgp", "--version", "", {}}, crypto::SecretBytes(32), {}).has_value());
}

TEST_CASE("gpg program: what gpg printed before it failed is not given out") {
  const auto gpg = make_gpg_program_service(
      [](const Program& program, const CancelToken&) -> Result<ProgramResult> {
        CHECK(program.argv.front() == "my-gpg");
        return ProgramResult{"plaintext", "gpg: WARNING: encrypted message has been manipulated!\n",
                             "exit status 2"};
      },
      "my-gpg", {});
  const auto opened = gpg->unwrap({"pgp", "", "x", {}}, {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().text().find("plaintext") == std::string::npos);
}
