#pragma once
/// Parallel inside a pass, serial between passes: `parallel_for` splits [0, n) over a few threads.

#include <cstddef>
#include <functional>

namespace sluice {

/// Calls body(i) for each i in [0, n), on at most `threads` threads (0: the machine's cores), and
/// returns when all are done. `grain` is how many neighbours one thread takes at a time. `body`
/// must not throw.
void parallel_for(std::size_t n, std::size_t grain, unsigned threads,
                  const std::function<void(std::size_t)>& body);

}  // namespace sluice
