#pragma once
/// What to do next, and when. An item is handed to one worker at a time; one that is added while it
/// is being worked on comes back afterwards. Waiting happens here, never in a worker.

#include <compare>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/reconciler/spec.hpp"

namespace sluice::reconciler {

enum class Kind : std::uint8_t { kGitRepository, kKustomization };

struct Item {
  Kind kind;
  Key key;
  friend bool operator==(const Item&, const Item&) = default;
  friend auto operator<=>(const Item&, const Item&) = default;
};

/// Why an item is due: work that somebody waits for, or a timer (interval, retry) that `--once`
/// does not await.
enum class Due : std::uint8_t { kWork, kTimer };

class WorkQueue {
 public:
  explicit WorkQueue(Clock& clock) : clock_(clock) {}

  /// Due after `delay`. An item already queued keeps the earlier time; kWork beats kTimer.
  void add(const Item& item, Duration delay = {}, Due due = Due::kWork);
  /// Replaces whatever was queued for the item by a timer. Work added meanwhile stays.
  void remove(const Item& item);
  /// The next due item, waiting for it; nullopt when cancelled or closed. Call done() with it.
  std::optional<Item> next();
  void done(const Item& item);
  void close();

  /// True when nothing is being worked on and no work (timers aside) is queued.
  bool idle() const;
  /// Waits until idle() may have changed, at most `timeout`.
  void wait_change(Duration timeout);

 private:
  struct Entry {
    SteadyTime at;
    Due due;
  };
  void put(const Item& item, Entry entry);

  Clock& clock_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<Item, Entry> queued_;
  std::set<std::pair<SteadyTime, Item>> by_time_;  // of queued_, items being worked on left out
  std::set<Item> active_;
  bool closed_ = false;
};

}  // namespace sluice::reconciler
