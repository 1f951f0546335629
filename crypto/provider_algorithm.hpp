#pragma once
/// Algorithms of OpenSSL's default provider, called as the provider offers them: provider(7),
/// provider-digest(7), provider-cipher(7), provider-keymgmt(7), provider-keyexch(7).
///
/// The first EVP_..._fetch of a process enters the names of all ciphers and digests and reads
/// openssl.cnf, for the sake of the five algorithms that opening a file takes: that was half of
/// `sluice decrypt`. The implementations are the same. docs/adr/0034-provider-calls.md says more.
/// Everything else (RSA, signatures, scrypt, random bytes, TLS) goes through EVP.

#include <memory>
#include <string_view>

#include <openssl/core.h>

namespace sluice::crypto {

/// What a `newctx` or `new` function of a provider made, with the function that frees it.
using ProviderObject = std::unique_ptr<void, void (*)(void*)>;

/// One algorithm; to be looked up once and kept. Thread-safe.
class ProviderAlgorithm {
 public:
  /// `operation` is one of OSSL_OP_…, `name` the first of the names that the provider gives it.
  /// Throws when there is no such algorithm.
  ProviderAlgorithm(int operation, std::string_view name);

  /// The function that the algorithm has under `id`, one of OSSL_FUNC_…; `Function` is its type,
  /// OSSL_FUNC_…_fn. Throws when there is none.
  template <class Function>
  Function* function(int id) const {
    return reinterpret_cast<Function*>(find(id));
  }
  /// What `make`, its `newctx` or `new` function, gives.
  ProviderObject object(void* (*make)(void* context), void (*free)(void*)) const;

 private:
  void (*find(int id) const)();

  const OSSL_DISPATCH* functions_;
};

}  // namespace sluice::crypto
