#include "pgp_library.hpp"

#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
#include <mutex>
#include <string>

#include "sluice/base/sanitizers.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {
namespace {

struct Loaded {
  PgpLibrary functions;
  std::string missing;  // "" when all is there
};

Loaded load() {
  Loaded loaded;
  // The name carries the interface's version. Never closed: Botan keeps threads' state.
  void* const library = ::dlopen("librnp.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    loaded.missing = "librnp.so.0 cannot be loaded";
    return loaded;
  }
#define SLUICE_FIND(name)                                                                          \
  loaded.functions.name = reinterpret_cast<decltype(&rnp_##name)>(::dlsym(library, "rnp_" #name)); \
  if (loaded.functions.name == nullptr) loaded.missing = "librnp.so.0 has no rnp_" #name;
  SLUICE_RNP_FUNCTIONS(SLUICE_FIND)
#undef SLUICE_FIND
  return loaded;
}

/// What a thread frees in small blocks stays as it is in its cache (glibc keeps up to 7 of each
/// size, to 1032 bytes), whatever M_PERTURB says: takes those blocks out, overwrites them, and puts
/// them back.
void wipe_thread_cache() {
  if (SLUICE_ADDRESS_SANITIZER) return;  // whose own allocator has no such cache
  constexpr std::size_t kLeast = 24, kMost = 1032, kStep = 16, kOfEachSize = 7;
  std::array<void*, kOfEachSize> blocks{};
  for (std::size_t size = kLeast; size <= kMost; size += kStep) {
    for (void*& block : blocks) {
      block = std::malloc(size);
      if (block != nullptr) crypto::wipe(block, ::malloc_usable_size(block));
    }
    for (void* const block : blocks)
      std::free(block);
  }
}

std::mutex wipe_mutex;  // guards wiping
unsigned wiping = 0;

}  // namespace

WipeFreedMemory::WipeFreedMemory() {
  const std::lock_guard lock(wipe_mutex);
  if (wiping++ == 0) ::mallopt(M_PERTURB, 0xa5);
}

WipeFreedMemory::~WipeFreedMemory() {
  wipe_thread_cache();
  const std::lock_guard lock(wipe_mutex);
  if (--wiping == 0) ::mallopt(M_PERTURB, 0);
}

Result<const PgpLibrary*> pgp_library() {
  static const Loaded loaded = load();
  if (!loaded.missing.empty()) {
    return fail(Code::kUnsupported, "OpenPGP keys cannot be used: " + loaded.missing, Where{},
                "install librnp (Debian's package is librnp0)");
  }
  return &loaded.functions;
}

}  // namespace sluice::decrypt
