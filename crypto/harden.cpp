#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "sluice/base/sanitizers.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {
namespace {

// OpenSSL leaves copies of keys and plaintext in memory it frees (BIOs, decoded keys, contexts of
// some ciphers). With these allocators nothing that it frees keeps its bytes.
void* allocate(std::size_t size, const char*, int) {
  return std::malloc(size);
}

void release(void* block, const char*, int) {
  if (block == nullptr) return;
  // As OPENSSL_cleanse, which takes eight bytes at a time: a tenth of the time of `sluice decrypt`.
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

void* reallocate(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(block, file, line);
    return nullptr;
  }
  void* const larger = std::malloc(size);  // realloc may move the block and leave the old bytes
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min(size, malloc_usable_size(block)));
  release(block, file, line);
  return larger;
}

void raise_lock_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  // When it cannot be raised, locking itself will tell.
  static_cast<void>(setrlimit(RLIMIT_MEMLOCK, &limit));
}

bool turn_core_dumps_off() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return false;
#if !SLUICE_ADDRESS_SANITIZER  // the leak checker must be able to trace us
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return false;
#endif
  return true;
}

}  // namespace

HardenReport harden_process() {
  HardenReport report;
  report.library_memory_wiped = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
  report.core_dumps_off = turn_core_dumps_off();
  raise_lock_limit();
  const SecretBytes probe(1);  // maps the first pages
  report.memory_locking = !secret_pool_stats().lock_refused;
  return report;
}

void harden_heap() {
  // glibc then overwrites every block that is freed, libyaml's buffers and strings alike.
  constexpr int kPattern = 0x5a;
  mallopt(M_PERTURB, kPattern);
  rlimit locked{};
  // Under a limit, locking the future would make allocations fail instead.
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY) {
    static_cast<void>(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
  }
}

std::string HardenReport::text() const {
  std::string text;
  const auto add = [&text](bool ok, std::string_view what) {
    if (ok) return;
    if (!text.empty()) text += "; ";
    text += what;
  };
  add(core_dumps_off, "core dumps could not be turned off: a crash may write secrets to disk");
  add(memory_locking,
      "memory could not be locked (raise RLIMIT_MEMLOCK, \"ulimit -l\"): secrets may be swapped to "
      "disk");
  add(library_memory_wiped,
      "OpenSSL was in use before its allocator could be replaced: it may leave copies of secrets "
      "in "
      "freed memory");
  return text;
}

}  // namespace sluice::crypto
