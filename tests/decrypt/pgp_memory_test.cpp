// librnp works on ordinary memory; after each operation nothing of it may be left there.
#include "sluice/base/sanitizers.hpp"
#include "sluice/decrypt/pgp_keys.hpp"

#include "files.hpp"
#include "support/memory_scan.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

const crypto::HardenReport hardened = crypto::harden_process();

AskPassphrase answer() {
  return [](const std::string&, unsigned attempt) -> Result<crypto::SecretBytes> {
    if (attempt > 0) return fail(Code::kNotFound, "no more");
    std::string text = disguise("\x35\x2a\x3f\x34\x7a\x29\x3f\x29\x3b\x37\x3f");  // open sesame
    auto secret = crypto::SecretBytes::copy_of(text);
    crypto::wipe(text);
    return secret;
  };
}

/// 0: opened.
__attribute__((noinline)) int open_all(const fs::path& folder) {
  const auto keys = make_pgp_key_service(answer());
  for (const char* name : {"plain.key.asc", "protected.key.asc", "rsa.key.asc"}) {
    std::string text = read_file(folder / name);
    REQUIRE_OK(keys->add_keys(crypto::SecretBytes::copy_of(text), name));
    crypto::wipe(text);
  }
  int opened = 0;
  for (const char* name : {"plain.asc", "protected.asc", "rsa.asc", "hidden.asc"}) {
    CAPTURE(name);
    const auto plaintext = keys->unwrap({"pgp", "", read_file(folder / name), {}}, {});
    if (!plaintext && plaintext.error().code() == Code::kUnsupported) return 0;
    CHECK_OK(plaintext);
    opened += plaintext.has_value();
  }
  return opened;
}

}  // namespace

TEST_CASE("pgp memory: no writable page holds plaintext or a passphrase after all is destroyed") {
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
#if SLUICE_ADDRESS_SANITIZER
  SLUICE_SKIP("the sanitizer's allocator keeps what is freed");
#endif
  // "canary-7f3a91", "open sesame", half of the secret scalar of plain.key.asc, disguised.
  const std::string canaries[] = {"9;4;(#w\x6d\x3c\x69\x3b\x63\x6b",
                                  "\x35\x2a\x3f\x34\x7a\x29\x3f\x29\x3b\x37\x3f",
                                  "\x19\x66\x9e\xf9\x50\x77\x82\xd1\xf0\x43\x70\x22\xec\xab"
                                  "\xd2\xc3"};
  std::vector<std::size_t> before;
  for (const std::string& canary : canaries)
    before.push_back(count_in_memory(canary));
  const int opened = open_all(fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops/pgp");
  if (opened == 0) SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  CHECK(opened == 4);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK(count_in_memory(canaries[i]) <= before[i]);
  }
}
