#pragma once
/// Resources by a hash of what they are called.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::kustomize {

struct BuildResource;

/// A multimap from a hash to resources in two arrays: a build adds a dozen entries for each
/// resource, and a node on the heap for each was a tenth of the time of 10,000. Equal keys make a
/// chain, so adding to thousands of them takes no longer.
class ResourceIndex {
 public:
  /// Makes room for as many different keys.
  void reserve(std::size_t keys) { grow_to(2 * keys); }

  /// True when another resource was there under `key`.
  bool add(std::size_t key, BuildResource& resource) {
    grow_to(2 * (used_ + 1));
    Slot& slot = slots_[place_of(key)];
    if (slot.first == kFree) {
      slot = {key, kEnd};
      ++used_;
    }
    const bool shared = slot.first != kEnd;
    const std::uint32_t link = new_link();
    links_[link] = {&resource, slot.first};
    slot.first = link;
    return shared;
  }

  /// Calls `visit` with each resource under `key`, in no order.
  template <class Visit>
  void each(std::size_t key, Visit visit) const {
    if (slots_.empty()) return;
    for (std::uint32_t at = slots_[place_of(key)].first; at < kFree; at = links_[at].next)
      visit(*links_[at].resource);
  }

  /// Removes `resource` from under `key`. False when that takes more than `most` steps, of which
  /// there is one for each resource under the key.
  bool remove(std::size_t key, const BuildResource& resource, std::size_t most) {
    if (slots_.empty()) return true;
    std::size_t steps = 0;
    for (std::uint32_t* at = &slots_[place_of(key)].first; *at < kFree; at = &links_[*at].next) {
      if (links_[*at].resource == &resource) {
        const std::uint32_t gone = *at;
        *at = links_[gone].next;
        links_[gone].next = unused_;
        unused_ = gone;
        return true;
      }
      if (++steps == most) return false;
    }
    return true;
  }

  void clear() { *this = ResourceIndex(); }

 private:
  static constexpr std::uint32_t kEnd = 0xFFFFFFFF;   // of a chain
  static constexpr std::uint32_t kFree = 0xFFFFFFFE;  // a slot that never had a key
  struct Slot {
    std::size_t key = 0;
    std::uint32_t first = kFree;  // into links_
  };
  struct Link {
    BuildResource* resource;
    std::uint32_t next;
  };

  /// Where `key` is, or the free slot where it will be.
  std::size_t place_of(std::size_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = key & mask;
    while (slots_[at].first != kFree && slots_[at].key != key)
      at = (at + 1) & mask;
    return at;
  }

  /// At least `count` slots, a power of two. Keys without resources are left behind.
  void grow_to(std::size_t count) {
    if (count <= slots_.size()) return;
    std::size_t size = 8;
    while (size < 2 * count)
      size *= 2;
    std::vector<Slot> old(size);
    old.swap(slots_);
    used_ = 0;
    for (const Slot& slot : old) {
      if (slot.first >= kFree) continue;
      slots_[place_of(slot.key)] = slot;
      ++used_;
    }
  }

  std::uint32_t new_link() {
    if (unused_ == kEnd) {
      links_.push_back({});
      return static_cast<std::uint32_t>(links_.size() - 1);
    }
    const std::uint32_t link = unused_;
    unused_ = links_[link].next;
    return link;
  }

  std::vector<Slot> slots_;
  std::vector<Link> links_;
  std::uint32_t unused_ = kEnd;  // links of removed entries, as a chain
  std::size_t used_ = 0;         // slots that are not free
};

}  // namespace sluice::kustomize
