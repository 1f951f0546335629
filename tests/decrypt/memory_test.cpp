// After everything that held plaintext is gone, no writable page of the process may hold it.
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "sluice/yaml/read.hpp"

#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

// OpenSSL must get its allocator before it allocates, so before main().
const crypto::HardenReport hardened = crypto::harden_process();

// How often `needle`, XORed with 0x5a so that it is not found here, is in writable memory.
std::size_t count_in_memory(const std::string& disguised) {
  std::ifstream maps("/proc/self/maps");
  std::FILE* const memory = std::fopen("/proc/self/mem", "rb");
  REQUIRE(memory != nullptr);
  std::vector<std::pair<unsigned long, unsigned long>> ranges;
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0;
    unsigned long last = 0;
    char mode[8] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %7s", &first, &last, mode) != 3) continue;
    const bool special = line.find("[vvar") != std::string::npos;
    if (mode[0] == 'r' && mode[1] == 'w' && !special) ranges.emplace_back(first, last);
  }
  std::size_t found = 0;
  constexpr std::size_t kBlock = 1 << 16;
  std::vector<char> block(kBlock + 64);
  for (const auto& [first, last] : ranges) {
    if (last - first > (1UL << 32)) continue;  // a sanitizer's shadow
    for (unsigned long at = first; at < last; at += kBlock) {
      const std::size_t want = std::min<std::size_t>(kBlock + 64, last - at);
      if (std::fseek(memory, static_cast<long>(at), SEEK_SET) != 0) continue;
      const std::size_t size = std::fread(block.data(), 1, want, memory);
      for (std::size_t i = 0; i + disguised.size() <= size && i < kBlock; ++i) {
        std::size_t k = 0;
        while (k < disguised.size() && (block[i + k] ^ 0x5a) == disguised[k])
          ++k;
        // Our own block is writable memory too.
        const unsigned long place = at + i;
        const auto ours = reinterpret_cast<unsigned long>(block.data());
        if (k == disguised.size() && (place < ours || place >= ours + block.size())) ++found;
      }
      crypto::wipe(block.data(), block.size());
    }
  }
  std::fclose(memory);
  return found;
}

std::string disguise(std::string text) {
  for (char& c : text)
    c = static_cast<char>(c ^ 0x5a);
  return text;
}

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
