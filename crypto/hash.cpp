#include "sluice/crypto/hash.hpp"

#include <cstdio>
#include <new>

#include <openssl/core_dispatch.h>

#include "provider_algorithm.hpp"

namespace sluice::crypto {
namespace {

struct DigestFunctions {
  DigestFunctions(std::string_view name, std::size_t bytes)
      : algorithm(OSSL_OP_DIGEST, name), size(bytes) {}

  ProviderAlgorithm algorithm;
  std::size_t size;
  OSSL_FUNC_digest_newctx_fn* make =
      algorithm.function<OSSL_FUNC_digest_newctx_fn>(OSSL_FUNC_DIGEST_NEWCTX);
  OSSL_FUNC_digest_freectx_fn* free =  // cleanses the state
      algorithm.function<OSSL_FUNC_digest_freectx_fn>(OSSL_FUNC_DIGEST_FREECTX);
  OSSL_FUNC_digest_init_fn* init =
      algorithm.function<OSSL_FUNC_digest_init_fn>(OSSL_FUNC_DIGEST_INIT);
  OSSL_FUNC_digest_update_fn* update =
      algorithm.function<OSSL_FUNC_digest_update_fn>(OSSL_FUNC_DIGEST_UPDATE);
  OSSL_FUNC_digest_final_fn* finish =
      algorithm.function<OSSL_FUNC_digest_final_fn>(OSSL_FUNC_DIGEST_FINAL);
};

const DigestFunctions& functions_of(HashAlgorithm algorithm) {
  static const DigestFunctions sha1("SHA1", 20), sha256("SHA2-256", 32), sha512("SHA2-512", 64);
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return sha1;
    case HashAlgorithm::kSha256:
      return sha256;
    case HashAlgorithm::kSha512:
      break;
  }
  return sha512;
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
  explicit State(const DigestFunctions& chosen)
      : functions(chosen), context(chosen.algorithm.object(chosen.make, chosen.free)) {}
  const DigestFunctions& functions;
  ProviderObject context;
};

Hash::Hash(HashAlgorithm algorithm) : state_(std::make_unique<State>(functions_of(algorithm))) {
  if (state_->functions.init(state_->context.get(), nullptr) != 1) throw std::bad_alloc();
}

Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

void Hash::append(std::string_view bytes) {
  append(std::as_bytes(std::span(bytes)));
}

void Hash::append(std::span<const std::byte> bytes) {
  state_->functions.update(state_->context.get(),
                           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::array<std::uint8_t, 64> Hash::finish() {
  std::array<std::uint8_t, 64> value{};
  std::size_t size = 0;
  state_->functions.finish(state_->context.get(), value.data(), &size, value.size());
  return value;
}

std::size_t Hash::size() const {
  return state_->functions.size;
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
