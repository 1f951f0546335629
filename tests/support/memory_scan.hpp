#pragma once
/// Looking for plaintext in the writable memory of this process.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "sluice/crypto/secret.hpp"

#include "support/test.hpp"

namespace sluice::test {

/// `text` XORed with 0x5a, so that a needle is not found where it is kept; its own inverse.
inline std::string disguise(std::string text) {
  for (char& c : text)
    c = static_cast<char>(c ^ 0x5a);
  return text;
}

/// How often the text that `disguised` stands for is in writable memory of this process.
inline std::size_t count_in_memory(const std::string& disguised) {
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

}  // namespace sluice::test
