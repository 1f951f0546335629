#include "sluice/crypto/secret.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>

#include "sluice/base/encoding.hpp"

#include "secret_pool.hpp"

namespace sluice::crypto {

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) OPENSSL_cleanse(data, size);
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
