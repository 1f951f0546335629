#include "heap.hpp"

#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice::cli {

void expect_much_memory() {
  constexpr int kReserve = 256 << 20;
  constexpr int kLargeBlock = 32 << 20;     // the largest that glibc takes for this
  constexpr std::size_t kProbe = 1U << 20;  // more than the first piece of the heap has left
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) return;
  mallopt(M_TOP_PAD, kReserve);
  mallopt(M_TRIM_THRESHOLD, kReserve);
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);  // else setting the others fixes it at 128 KiB
  void* const probe = std::malloc(kProbe);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(probe) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0)) / page * page;
  if (probe != nullptr && begin < end && end - begin > kProbe) {
    static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
  }
  std::free(probe);
}

}  // namespace sluice::cli
