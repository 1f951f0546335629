#include "sluice/crypto/secret.hpp"

#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#if defined(__clang__)
using _Bool = bool;  // the header's word, which g++ takes in C++ too
#endif
#include <sys/platform/x86.h>
#endif
#include <utility>

#include <openssl/crypto.h>

#include "sluice/base/encoding.hpp"

#include "secret_pool.hpp"

namespace sluice::crypto {

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

__attribute__((noinline)) void wipe_scratch() noexcept {
#if defined(__x86_64__)
  // glibc knows what the processor has; __builtin_cpu_supports would ask it again at each start,
  // which a virtual machine answers slowly. All of them are call-clobbered, so nobody misses their
  // contents. The upper sixteen exist with AVX-512 only, where glibc's memcpy prefers them.
  if (x86_cpu_active(x86_cpu_AVX512F)) {
    asm volatile(
        "vpxord %zmm16, %zmm16, %zmm16\n\tvpxord %zmm17, %zmm17, %zmm17\n\t"
        "vpxord %zmm18, %zmm18, %zmm18\n\tvpxord %zmm19, %zmm19, %zmm19\n\t"
        "vpxord %zmm20, %zmm20, %zmm20\n\tvpxord %zmm21, %zmm21, %zmm21\n\t"
        "vpxord %zmm22, %zmm22, %zmm22\n\tvpxord %zmm23, %zmm23, %zmm23\n\t"
        "vpxord %zmm24, %zmm24, %zmm24\n\tvpxord %zmm25, %zmm25, %zmm25\n\t"
        "vpxord %zmm26, %zmm26, %zmm26\n\tvpxord %zmm27, %zmm27, %zmm27\n\t"
        "vpxord %zmm28, %zmm28, %zmm28\n\tvpxord %zmm29, %zmm29, %zmm29\n\t"
        "vpxord %zmm30, %zmm30, %zmm30\n\tvpxord %zmm31, %zmm31, %zmm31");
  }
  if (x86_cpu_active(x86_cpu_AVX)) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }
#endif
  char dead[32U << 10];
  wipe(dead, sizeof dead);
}

void wipe(std::string& text) noexcept {
  // Up to the capacity: a longer value may have been there before.
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}

bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

SecretBytes::SecretBytes(std::size_t size) {
  const SecretBlock block = allocate_secret(size);  // zeroed: fresh pages, or wiped when freed
  data_ = block.data;
  capacity_ = block.capacity;
  size_ = size;
}

SecretBytes SecretBytes::copy_of(std::span<const std::byte> bytes) {
  SecretBytes copy(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

SecretBytes SecretBytes::copy_of(std::string_view text) {
  return copy_of(std::as_bytes(std::span(text)));
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  free_secret({data_, capacity_});
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

SecretBytes::~SecretBytes() {
  free_secret({data_, capacity_});
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  wipe(data_ + size, size_ - size);
  size_ = size;
  allow_access({data_, capacity_}, size);
}

SecretBytes SecretBytes::clone() const {
  return copy_of(std::span<const std::byte>(data_, size_));
}

SecretBuffer::SecretBuffer(std::size_t reserve) : bytes_(reserve) {
  bytes_.size_ = 0;
}

void SecretBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t size = bytes_.size_ + bytes.size();
  if (size > bytes_.capacity_) {
    SecretBytes larger(std::max(size, bytes_.capacity_ * 2));
    if (bytes_.size_ != 0) std::memcpy(larger.data_, bytes_.data_, bytes_.size_);
    larger.size_ = bytes_.size_;
    bytes_ = std::move(larger);
  }
  allow_access({bytes_.data_, bytes_.capacity_}, size);
  std::memcpy(bytes_.data_ + bytes_.size_, bytes.data(), bytes.size());
  bytes_.size_ = size;
}

SecretBytes SecretBuffer::take() && {
  return std::move(bytes_);
}

SecretBytes base64_encode_secret(std::span<const std::byte> bytes) {
  SecretBytes text(base64_encoded_size(bytes.size()));
  base64_encode_to({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                   reinterpret_cast<char*>(text.writable().data()));
  return text;
}

std::optional<SecretBytes> base64_decode_secret(std::string_view text) {
  SecretBytes bytes(text.size() / 4 * 3 + 3);
  const auto size =
      base64_decode_to(text, reinterpret_cast<std::uint8_t*>(bytes.writable().data()));
  if (!size) return std::nullopt;
  bytes.shrink(*size);
  return bytes;
}

}  // namespace sluice::crypto
