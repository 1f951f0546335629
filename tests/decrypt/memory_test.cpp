// After everything that held plaintext is gone, no writable page of the process may hold it.
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/read.hpp"

#include "files.hpp"
#include "support/memory_scan.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

// OpenSSL must get its allocator before it allocates, so before main().
const crypto::HardenReport hardened = crypto::harden_process();

__attribute__((noinline)) void open_everything(const fs::path& folder) {
  const auto keys = age_keys({folder / "key.txt"});
  auto files = std::make_shared<SopsFiles>();
  auto bytes = std::make_shared<const std::string>(read_file(folder / "secret.yaml"));
  auto documents = yaml::read_yaml(bytes, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE_OK(lift_leaves(*documents, bytes, "secret.yaml", *files));
  SopsDecryptor decryptor(files, keys);
  DecryptingLeafReader reader(decryptor, {});
  for (const yaml::EncryptedLeaf& leaf : documents->at(0).leaves()) {
    REQUIRE_OK(reader.read(leaf));
  }
  for (const char* name : {"secret.yaml", "multi.yaml", "vars.env", "blob.bin", "config.json"}) {
    REQUIRE_OK(decrypt_path(folder / name, keys));
  }
  REQUIRE_OK(
      decrypt_for_kustomize(*bytes, "secret.yaml", {Format::kYaml, Format::kYaml}, keys, {}));
}

}  // namespace

TEST_CASE("memory: no writable page holds plaintext or an identity after all is destroyed") {
  const fs::path folder = fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops";
  // "canary-7f3a91", "canary-env", "canary-json", "canary-binary", disguised.
  const std::string canaries[] = {"9;4;(#w\x6d\x3c\x69\x3b\x63\x6b", "9;4;(#w?4,", "9;4;(#w0)54",
                                  "9;4;(#w834;(#"};
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
  {
    // The search finds what is there.
    std::string planted = disguise(canaries[0]);
    CHECK(count_in_memory(canaries[0]) >= 1);
    crypto::wipe(planted);
  }
  // Tests of the same program that ran before compare plaintext in ordinary strings; run alone, as
  // ctest does, this starts from none.
  std::vector<std::size_t> before;
  for (const std::string& canary : canaries)
    before.push_back(count_in_memory(canary));
  open_everything(folder);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK(count_in_memory(canaries[i]) <= before[i]);
  }
}

TEST_CASE("memory: a text that is printed again is nowhere else while its shape is read") {
  const std::string canary = "(?*(34.w9;4;(#";  // "reprint-canary", disguised
  std::string word = disguise(canary);
  const auto value = crypto::SecretBytes::copy_of("first\n" + word + "\n");
  const auto comment = crypto::SecretBytes::copy_of(" " + word);
  crypto::wipe(word);
  const std::size_t before = count_in_memory(canary);
  yaml::EmitNode root;
  root.kind = yaml::EmitNode::Kind::kMapping;
  root.content.resize(2);
  root.content[0].text = "key";
  root.content[0].head = {"#", comment.reveal_text()};
  root.content[1].text = value.reveal_text();
  root.content[1].style = yaml::Style::kLiteral;
  crypto::SecretBuffer out;
  std::size_t meanwhile = 0;
  REQUIRE_OK(yaml::reprint({root}, {.indent = 4}, [&]() -> ByteSink& {
    meanwhile = count_in_memory(canary);
    return out;
  }));
  CHECK(meanwhile == before);
  const auto printed = std::move(out).take();
  word = disguise(canary);
  CHECK(printed.reveal_text() == "# " + word + "\nkey: |\n  first\n  " + word + "\n");
}
