#include "secret_pool.hpp"

#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "sluice/base/sanitizers.hpp"

#if SLUICE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) \
  (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) \
  (static_cast<void>(address), static_cast<void>(size))
#endif

namespace sluice::crypto {
namespace {

// Blocks up to 32 KiB come in powers of two from arenas that are kept; larger ones get pages of
// their own, which are returned to the kernel.
constexpr std::size_t kSmallest = 32;
constexpr std::size_t kLargest = std::size_t{32} << 10;
constexpr std::size_t kClasses = 11;
constexpr std::size_t kArena = std::size_t{128} << 10;
static_assert(kSmallest << (kClasses - 1) == kLargest);

std::size_t class_of(std::size_t size) {
  return size <= kSmallest ? 0 : static_cast<std::size_t>(std::bit_width((size - 1) / kSmallest));
}

std::size_t whole_pages(std::size_t size) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

class Pool {
 public:
  SecretBlock allocate(std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (size > kLargest) {
      const std::size_t capacity = whole_pages(size);
      SecretBlock block{map(capacity), capacity};
      stats_.used_bytes += capacity;
      return block;
    }
    const std::size_t index = class_of(size);
    const std::size_t capacity = kSmallest << index;
    std::byte* data = nullptr;
    if (free_[index].empty()) {
      add_block(index);
      data = carve(capacity);
    } else {
      data = free_[index].back();
      free_[index].pop_back();
    }
    stats_.used_bytes += capacity;
    return {data, capacity};
  }

  void free(SecretBlock block) noexcept {
    allow_access(block, block.capacity);
    wipe(block.data, block.capacity);
    const std::lock_guard lock(mutex_);
    stats_.used_bytes -= block.capacity;
    if (block.capacity > kLargest) {
      unmap(block);
      return;
    }
    ASAN_POISON_MEMORY_REGION(block.data, block.capacity);
    free_[class_of(block.capacity)].push_back(block.data);
  }

  void set_policy(LockPolicy policy) {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
    if (policy == LockPolicy::kRequire && stats_.lock_refused) throw LockRefused();
  }

  SecretPoolStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  std::byte* map(std::size_t size) {
    void* const pages =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    // A child finds zeros: it has no business with these bytes, and unmapping them (MADV_DONTFORK)
    // would make its destructors crash.
    madvise(pages, size, MADV_DONTDUMP);
    madvise(pages, size, MADV_WIPEONFORK);
    auto* const data = static_cast<std::byte*>(pages);
    // Each page from its first byte on: the others hold nothing, and need not be there.
    if (mlock2(pages, size, MLOCK_ONFAULT) == 0 || mlock(pages, size) == 0) {
      stats_.locked_bytes += size;
    } else {
      if (policy_ == LockPolicy::kRequire) {
        munmap(pages, size);
        throw LockRefused();
      }
      stats_.lock_refused = true;
      stats_.unlocked_bytes += size;
      unlocked_.push_back(data);
    }
    return data;
  }

  void unmap(SecretBlock block) noexcept {
    std::size_t& counted =
        std::erase(unlocked_, block.data) != 0 ? stats_.unlocked_bytes : stats_.locked_bytes;
    counted -= block.capacity;
    munmap(block.data, block.capacity);
  }

  // Room for the pointer now, so that giving the block back cannot fail. Twice as much as is
  // needed: reserve() alone would move the whole list for each block.
  void add_block(std::size_t index) {
    std::vector<std::byte*>& list = free_[index];
    if (++blocks_[index] > list.capacity()) list.reserve(2 * blocks_[index]);
  }

  std::byte* carve(std::size_t size) {
    if (left_ < size) {
      // What is left of the old arena goes to the free lists, largest blocks first.
      for (std::size_t index = kClasses; index-- > 0;) {
        const std::size_t capacity = kSmallest << index;
        while (left_ >= capacity) {
          add_block(index);
          free_[index].push_back(next_);
          next_ += capacity;
          left_ -= capacity;
        }
      }
      next_ = map(kArena);
      left_ = kArena;
      ASAN_POISON_MEMORY_REGION(next_, kArena);
    }
    std::byte* const data = next_;
    next_ += size;
    left_ -= size;
    return data;
  }

  std::mutex mutex_;  // guards everything below
  std::array<std::vector<std::byte*>, kClasses> free_;
  std::array<std::size_t, kClasses> blocks_{};  // ever made, of each class
  std::byte* next_ = nullptr;                   // the uncarved end of the newest arena
  std::size_t left_ = 0;
  std::vector<std::byte*> unlocked_;  // mappings whose lock was refused
  SecretPoolStats stats_;
  LockPolicy policy_ = LockPolicy::kWarn;
};

Pool& pool() {
  static Pool* const one = new Pool;  // never destroyed: static SecretBytes may die after us
  return *one;
}

}  // namespace

SecretBlock allocate_secret(std::size_t size) {
  if (size == 0) return {};
  const SecretBlock block = pool().allocate(size);
  allow_access(block, size);
  return block;
}

void allow_access(SecretBlock block, std::size_t size) noexcept {
  ASAN_UNPOISON_MEMORY_REGION(block.data, size);
  ASAN_POISON_MEMORY_REGION(block.data + size, block.capacity - size);
}

void free_secret(SecretBlock block) noexcept {
  if (block.data != nullptr) pool().free(block);
}

const char* LockRefused::what() const noexcept {
  return "secret memory could not be locked (raise RLIMIT_MEMLOCK, \"ulimit -l\")";
}

void set_lock_policy(LockPolicy policy) {
  pool().set_policy(policy);
}

SecretPoolStats secret_pool_stats() {
  return pool().stats();
}

}  // namespace sluice::crypto
