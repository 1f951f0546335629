#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>

#include "sluice/base/clock.hpp"
#include "sluice/sandbox/sandbox.hpp"

#include "commands.hpp"
#include "environment.hpp"
#include "flags.hpp"

namespace sluice::cli {

int sandbox_command(Arguments arguments) {
  Flags flags;
  sandbox::SandboxOptions options;
  std::string kubeconfig;
  flags.value("port", [&options](std::string_view text) -> Result<void> {
    SLUICE_TRY(const long port, parse_number(text, 0, 65'535));
    options.port = static_cast<int>(port);
    return {};
  });
  flags.text("write-kubeconfig", kubeconfig);
  const auto positional = flags.parse(arguments);
  if (!positional) return report(positional.error());
  if (!positional->empty()) {
    return report(
        {Code::kInvalid, "sandbox takes no argument, found \"" + positional->front() + "\""});
  }
  CancelSource stop;
  const SignalWatch signals(stop);
  const auto server = sandbox::Sandbox::start(options);
  if (!server) return report(server.error());
  if (!kubeconfig.empty()) {
    std::ofstream file(kubeconfig, std::ios::trunc);
    file << (*server)->kubeconfig();
    file.close();
    if (!file) return report({Code::kInvalid, "cannot write \"" + kubeconfig + "\""});
  }
  std::printf("sluice sandbox: http://127.0.0.1:%d (in memory, not a cluster; Ctrl-C ends it)\n",
              (*server)->port());
  std::fflush(stdout);
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  const auto wake = stop.token().on_cancel([&] {
    const std::lock_guard lock(mutex);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  while (!stop.token().cancelled())
    clock.wait_until(lock, changed, SteadyTime::max());
  return 0;
}

}  // namespace sluice::cli
