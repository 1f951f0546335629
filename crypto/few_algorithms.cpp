#include "few_algorithms.hpp"

#include <array>
#include <string_view>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

namespace sluice::crypto {
namespace {

constexpr std::size_t kMost = 3;  // of one operation
struct Operation {
  int id;
  std::array<std::string_view, kMost> wanted;
  std::array<OSSL_ALGORITHM, kMost + 1> algorithms{};  // ends with one without names
};
std::array<Operation, 4> operations{{
    {OSSL_OP_DIGEST, {"SHA1", "SHA2-256", "SHA2-512"}},
    {OSSL_OP_CIPHER, {"AES-256-GCM", "ChaCha20-Poly1305"}},
    {OSSL_OP_KEYMGMT, {"X25519"}},
    {OSSL_OP_KEYEXCH, {"X25519"}},
}};
OSSL_PROVIDER* whole = nullptr;  // written before init() runs, as `operations` is

const OSSL_ALGORITHM* query(void*, int id, int* no_cache) {
  *no_cache = 0;
  for (const Operation& operation : operations) {
    if (operation.id == id) return operation.algorithms.data();
  }
  return nullptr;
}

// The implementations get the context of the provider they are from.
int init(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query)}, {0, nullptr}};
  *out = kFunctions;
  *context = OSSL_PROVIDER_get0_provider_ctx(whole);
  return 1;
}

// Names are "SHA2-256:SHA-256:SHA256:2.16.…", the usual one first.
bool choose(Operation& operation) {
  int no_cache = 0;
  const OSSL_ALGORITHM* all = OSSL_PROVIDER_query_operation(whole, operation.id, &no_cache);
  std::size_t found = 0;
  std::size_t wanted = 0;
  for (const std::string_view name : operation.wanted) {
    if (name.empty()) break;
    ++wanted;
    for (const OSSL_ALGORITHM* at = all; at != nullptr && at->algorithm_names != nullptr; ++at) {
      const std::string_view names = at->algorithm_names;
      if (names.substr(0, names.find(':')) != name) continue;
      operation.algorithms[found++] = *at;
      break;
    }
  }
  return found == wanted;
}

OSSL_LIB_CTX* make() {
  OSSL_LIB_CTX* const all = OSSL_LIB_CTX_new();
  if (all == nullptr) return nullptr;
  whole = OSSL_PROVIDER_load(all, "default");
  bool ok = whole != nullptr;
  for (Operation& operation : operations)
    ok = ok && choose(operation);
  OSSL_LIB_CTX* const few = ok ? OSSL_LIB_CTX_new() : nullptr;
  if (few != nullptr && OSSL_PROVIDER_add_builtin(few, "few", init) == 1 &&
      OSSL_PROVIDER_load(few, "few") != nullptr) {
    return few;
  }
  OSSL_LIB_CTX_free(few);
  if (whole != nullptr) OSSL_PROVIDER_unload(whole);
  OSSL_LIB_CTX_free(all);
  return nullptr;
}

}  // namespace

OSSL_LIB_CTX* few_algorithms() {
  static OSSL_LIB_CTX* const few = make();
  return few;
}

}  // namespace sluice::crypto
