#pragma once
/// The pages behind SecretBytes. One pool per process, since what it spends is a limit of the
/// process (RLIMIT_MEMLOCK). The bookkeeping lies outside the pages: sizes are not secret, and
/// locked pages are precious.

#include <cstddef>

#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

struct SecretBlock {
  std::byte* data = nullptr;
  std::size_t capacity = 0;  ///< a size class, or whole pages; give it back with the block
};

/// A zeroed block of at least `size` bytes; size 0 gives no block. Throws std::bad_alloc when the
/// kernel gives no pages. Thread-safe.
SecretBlock allocate_secret(std::size_t size);
/// Tells AddressSanitizer that the first `size` bytes of the block are in use, and no others; a new
/// block is as large as was asked for. Does nothing in other builds.
void allow_access(SecretBlock block, std::size_t size) noexcept;
/// Zeroizes the block and takes it back.
void free_secret(SecretBlock block) noexcept;

}  // namespace sluice::crypto
