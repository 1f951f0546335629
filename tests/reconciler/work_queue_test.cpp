#include "reconciler/work_queue.hpp"

#include <thread>

#include "support/manual_clock.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::reconciler;
using namespace std::chrono_literals;

namespace {
Item item(const char* name) {
  return {Kind::kKustomization, {"ns", name}};
}
}  // namespace

TEST_CASE("work queue: earliest first, one worker at a time, work added meanwhile comes back") {
  test::ManualClock clock;
  WorkQueue queue(clock);
  queue.add(item("later"), 10s, Due::kTimer);
  queue.add(item("now"));
  queue.add(item("now"));  // once
  CHECK(queue.next() == item("now"));
  queue.add(item("now"));
  clock.advance(10s);
  CHECK(queue.next() == item("later"));
  queue.done(item("later"));
  CHECK_FALSE(queue.idle());
  queue.done(item("now"));
  CHECK(queue.next() == item("now"));
  queue.done(item("now"));
  CHECK(queue.idle());
}

TEST_CASE("work queue: a queued item keeps the earlier time, and work beats a timer") {
  test::ManualClock clock;
  WorkQueue queue(clock);
  queue.add(item("a"), 1h, Due::kTimer);
  CHECK(queue.idle());  // timers are not awaited
  queue.add(item("a"), 1s, Due::kWork);
  CHECK_FALSE(queue.idle());
  queue.add(item("a"), 2h, Due::kTimer);
  clock.advance(1s);
  CHECK(queue.next() == item("a"));
  queue.done(item("a"));
  CHECK(queue.idle());
}

TEST_CASE("work queue: close ends the waiting") {
  test::ManualClock clock;
  WorkQueue queue(clock);
  std::jthread closer([&queue] { queue.close(); });
  CHECK_FALSE(queue.next().has_value());
}
