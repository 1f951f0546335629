// Opens a library at its first call; the stubs that lead here are written by
// cmake/lazy/stubs.cmake.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <sys/mman.h>

namespace {

constexpr std::uintptr_t kPage = 4096;

struct Library {
  const char* soname;
  void** slots;  // from a page's start, alone on their pages
  const char* const* names;
  std::uint64_t count;
  std::uint64_t is_open;
};

std::mutex mutex;  // guards is_open

[[noreturn]] void give_up(const Library& library) {
  const char* const reason = dlerror();
  std::fprintf(stderr, "sluice: cannot load %s: %s\n", library.soname,
               reason != nullptr ? reason : "unknown error");
  std::_Exit(70);  // as a program that could not be started at all
}

}  // namespace

extern "C" {

// In the order of the stubs. Defined by them.
extern __attribute__((visibility("hidden"))) Library sluice_lazy_libraries[];

/// Fills the slots of one library, all at once, and makes them read-only as relocations are.
__attribute__((visibility("hidden"), used)) void sluice_lazy_open(std::uint32_t number) {
  Library& library = sluice_lazy_libraries[number];
  const std::lock_guard lock(mutex);
  if (library.is_open != 0) return;
  void* const handle = dlopen(library.soname, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) give_up(library);
  for (std::uint64_t i = 0; i < library.count; ++i) {
    void* const address = dlsym(handle, library.names[i]);
    if (address == nullptr) give_up(library);
    __atomic_store_n(&library.slots[i], address, __ATOMIC_RELEASE);
  }
  const std::uintptr_t bytes = (library.count * sizeof(void*) + kPage - 1) / kPage * kPage;
  static_cast<void>(mprotect(library.slots, bytes, PROT_READ));
  library.is_open = 1;
}

}  // extern "C"
