#include "provider_algorithm.hpp"

#include <new>
#include <stdexcept>
#include <string>

#include <openssl/crypto.h>
#include <openssl/provider.h>

namespace sluice::crypto {
namespace {

/// In a library context of its own, which nothing is fetched from; never unloaded.
OSSL_PROVIDER* default_provider() {
  static OSSL_PROVIDER* const provider = [] {
    OSSL_LIB_CTX* const context = OSSL_LIB_CTX_new();
    return context == nullptr ? nullptr : OSSL_PROVIDER_load(context, "default");
  }();
  if (provider == nullptr) throw std::bad_alloc();  // it is built into the library
  return provider;
}

}  // namespace

ProviderAlgorithm::ProviderAlgorithm(int operation, std::string_view name) : functions_(nullptr) {
  int no_cache = 0;
  const OSSL_ALGORITHM* at =
      OSSL_PROVIDER_query_operation(default_provider(), operation, &no_cache);
  for (; at != nullptr && at->algorithm_names != nullptr; ++at) {
    const std::string_view names = at->algorithm_names;  // "SHA2-256:SHA-256:SHA256:2.16.…"
    if (names.substr(0, names.find(':')) != name) continue;
    functions_ = at->implementation;
    return;
  }
  throw std::runtime_error("OpenSSL's default provider has no " + std::string(name));
}

void (*ProviderAlgorithm::find(int id) const)() {
  for (const OSSL_DISPATCH* at = functions_; at->function_id != 0; ++at) {
    if (at->function_id == id) return at->function;
  }
  throw std::runtime_error("an algorithm of OpenSSL has no function " + std::to_string(id));
}

ProviderObject ProviderAlgorithm::object(void* (*make)(void* context), void (*free)(void*)) const {
  ProviderObject made(make(OSSL_PROVIDER_get0_provider_ctx(default_provider())), free);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

}  // namespace sluice::crypto
