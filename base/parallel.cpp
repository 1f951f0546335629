#include "sluice/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sluice {

void parallel_for(std::size_t n, std::size_t grain, unsigned threads,
                  const std::function<void(std::size_t)>& body) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  grain = std::max<std::size_t>(1, grain);
  const std::size_t useful = (n + grain - 1) / grain;
  const std::size_t count = std::min<std::size_t>(threads, useful);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t begin = next.fetch_add(grain); begin < n; begin = next.fetch_add(grain)) {
      for (std::size_t i = begin; i < std::min(n, begin + grain); ++i)
        body(i);
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < count; ++i)
    helpers.emplace_back(work);
  work();
}

}  // namespace sluice
