#pragma once
/// Hashes, streaming. Thin over OpenSSL's implementations; the digests of base are made here.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/digest.hpp"

namespace sluice::crypto {

enum class HashAlgorithm : std::uint8_t { kSha1, kSha256, kSha512 };

/// One running hash. Also a ByteSink, so that a JSON writer can be hashed without a copy. The state
/// is wiped when destroyed, since secrets may have gone through it.
class Hash final : public ByteSink {
 public:
  explicit Hash(HashAlgorithm algorithm);
  Hash(Hash&&) noexcept;
  Hash& operator=(Hash&&) noexcept;
  ~Hash() override;
  void append(std::string_view bytes) override;
  void append(std::span<const std::byte> bytes);
  /// 20, 32 or 64 bytes, zero-padded to 64. Ends the hash.
  std::array<std::uint8_t, 64> finish();
  std::size_t size() const;  ///< 20, 32 or 64

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::string_view bytes);
Digest sha512(std::string_view bytes);
/// The id Git gives a blob with these bytes.
Digest git_blob_id(std::string_view bytes);

}  // namespace sluice::crypto
