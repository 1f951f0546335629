#pragma once
/// Secret memory. Plaintext, keys and tokens live in `SecretBytes` and nowhere else: pages from a
/// pool of their own that is locked into RAM, left out of core dumps and not inherited by children,
/// and every block is zeroized when it is given back. There is no operator<<, no conversion to
/// std::string; `reveal()` is the only way in, and tests/layering holds the list of its callers.

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/result.hpp"

namespace sluice::crypto {

/// Move-only, fixed size.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);  ///< zeros
  /// Copies `bytes`; the caller zeroizes the original (see wipe()).
  static SecretBytes copy_of(std::span<const std::byte> bytes);
  static SecretBytes copy_of(std::string_view text);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::byte> reveal() const { return {data_, size_}; }
  std::string_view reveal_text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  /// For the code that makes the secret; nobody else writes.
  std::span<std::byte> writable() { return {data_, size_}; }
  /// Forgets the bytes past `size`, zeroizing them. `size` must not be larger than size().
  void shrink(std::size_t size);
  SecretBytes clone() const;

 private:
  friend class SecretBuffer;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// A growing SecretBytes, for writers: request bodies, printed documents.
class SecretBuffer final : public ByteSink {
 public:
  explicit SecretBuffer(std::size_t reserve = 4096);
  void append(std::string_view bytes) override;
  std::size_t size() const { return bytes_.size_; }
  SecretBytes take() &&;

 private:
  SecretBytes bytes_;
};

/// Overwrites memory that held a secret; not optimized away.
void wipe(void* data, std::size_t size) noexcept;
void wipe(std::string& text) noexcept;
/// Clears this thread's vector registers and the dead part of its stack, for a thread that lives on
/// after it has moved secrets: memcpy leaves up to a few hundred bytes in the registers, and the
/// dynamic linker saves those on the stack when a library's symbol is bound late.
void wipe_scratch() noexcept;

/// Constant-time comparison; false at once when sizes differ (sizes are not secret).
bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

/// What harden_process() could and could not do, for a line in the log.
struct HardenReport {
  bool core_dumps_off = false;
  bool memory_locking = false;        ///< the pool could lock its pages
  bool library_memory_wiped = false;  ///< OpenSSL zeroizes what it frees
  std::string text() const;  ///< "" when all is well, else what is missing and why it matters
};

/// What happens when a page of secret memory cannot be locked (RLIMIT_MEMLOCK).
enum class LockPolicy : std::uint8_t {
  kWarn,     ///< it is used all the same; harden_process() and secret_pool_stats() say so
  kRequire,  ///< LockRefused is thrown
};
class LockRefused final : public std::bad_alloc {
 public:
  const char* what() const noexcept override;
};
/// For pages mapped from now on; those of before are checked at once (throws LockRefused). Call it
/// early in main().
void set_lock_policy(LockPolicy policy);

/// First call in main(): the limit on locked memory as high as it may be, no core dumps, not
/// traceable by other processes of the user, zeroizing frees in OpenSSL (http does the same for
/// libcurl).
HardenReport harden_process();

/// For processes that parse plaintext and so have it in ordinary memory for a while (encrypt,
/// edit): every block that the heap frees is overwritten, and nothing is swapped where the limit on
/// locked memory allows it. Slows allocation down.
void harden_heap();

/// What the pool holds now. When a lock is refused (RLIMIT_MEMLOCK) the pages are used all the
/// same unless LockPolicy says otherwise, but they are counted here and harden_process() says so.
struct SecretPoolStats {
  std::size_t locked_bytes = 0;    ///< mapped and locked
  std::size_t unlocked_bytes = 0;  ///< mapped, but the lock was refused
  std::size_t used_bytes = 0;      ///< in blocks that are handed out
  bool lock_refused = false;       ///< ever
};
SecretPoolStats secret_pool_stats();

/// Standard base64 into and out of secret memory, without data-dependent branches. Decoding skips
/// line breaks; nullopt when the text is not base64.
SecretBytes base64_encode_secret(std::span<const std::byte> bytes);
std::optional<SecretBytes> base64_decode_secret(std::string_view text);

}  // namespace sluice::crypto
