#include "sluice/crypto/hash.hpp"

#include <cstdio>
#include <new>

#include <openssl/evp.h>

#include "few_algorithms.hpp"

namespace sluice::crypto {
namespace {

// Fetched once: OpenSSL 3 looks an algorithm up by name again each time it is asked for it.
const EVP_MD* fetch(HashAlgorithm algorithm) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(few_algorithms(), "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(few_algorithms(), "SHA256", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(few_algorithms(), "SHA512", nullptr);
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return sha1;
    case HashAlgorithm::kSha256:
      return sha256;
    case HashAlgorithm::kSha512:
      return sha512;
  }
  return nullptr;
}

Digest digest_of(HashAlgorithm algorithm, DigestAlgorithm name, std::string_view head,
                 std::string_view bytes) {
  Hash hash(algorithm);
  hash.append(head);
  hash.append(bytes);
  const auto value = hash.finish();
  return Digest(name, std::span(value).first(hash.size()));
}

}  // namespace

struct Hash::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::size_t size = 0;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }  // cleanses the state
};

Hash::Hash(HashAlgorithm algorithm) : state_(std::make_unique<State>()) {
  const EVP_MD* const md = fetch(algorithm);
  // Only exhausted memory makes these fail.
  if (md == nullptr || state_->context == nullptr ||
      EVP_DigestInit_ex2(state_->context, md, nullptr) != 1) {
    throw std::bad_alloc();
  }
  state_->size = static_cast<std::size_t>(EVP_MD_get_size(md));
}

Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

void Hash::append(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

void Hash::append(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::array<std::uint8_t, 64> Hash::finish() {
  std::array<std::uint8_t, 64> value{};
  EVP_DigestFinal_ex(state_->context, value.data(), nullptr);
  return value;
}

std::size_t Hash::size() const {
  return state_->size;
}

Digest sha256(std::string_view bytes) {
  return digest_of(HashAlgorithm::kSha256, DigestAlgorithm::kSha256, {}, bytes);
}

Digest sha512(std::string_view bytes) {
  return digest_of(HashAlgorithm::kSha512, DigestAlgorithm::kSha512, {}, bytes);
}

Digest git_blob_id(std::string_view bytes) {
  char head[32];
  const int size = std::snprintf(head, sizeof head, "blob %zu", bytes.size());
  return digest_of(HashAlgorithm::kSha1, DigestAlgorithm::kGitSha1,
                   {head, static_cast<std::size_t>(size) + 1}, bytes);  // with the NUL
}

}  // namespace sluice::crypto
