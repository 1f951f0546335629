#pragma once
/// The name of exact content: an algorithm and the bytes it gave. Comparable, hashable, printable.

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

namespace sluice {

enum class DigestAlgorithm : std::uint8_t { kNone, kGitSha1, kSha256, kSha512 };

class Digest {
 public:
  Digest() = default;
  /// `bytes` must have the algorithm's length: 20, 32 or 64.
  Digest(DigestAlgorithm algorithm, std::span<const std::uint8_t> bytes);
  /// Parses "sha1:<40 hex>", "sha256:<64 hex>" or "sha512:<128 hex>". Errors: kInvalid.
  static Result<Digest> parse(std::string_view text);

  bool empty() const { return algorithm_ == DigestAlgorithm::kNone; }
  DigestAlgorithm algorithm() const { return algorithm_; }
  std::span<const std::uint8_t> bytes() const;
  std::string hex() const;
  /// "sha256:…"; "" when empty.
  std::string text() const;
  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  DigestAlgorithm algorithm_ = DigestAlgorithm::kNone;
  std::array<std::uint8_t, 64> bytes_{};
};

}  // namespace sluice

template <>
struct std::hash<sluice::Digest> {
  std::size_t operator()(const sluice::Digest& digest) const noexcept {
    std::size_t value = 0;  // the first bytes of a digest are as good as any hash of it
    if (!digest.empty()) std::memcpy(&value, digest.bytes().data(), sizeof value);
    return value;
  }
};
