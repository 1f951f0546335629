// The main() of every test program. Exit status 77 (ctest: skipped) when every selected test case
// was skipped for want of a tool; otherwise doctest's own status. Skips are printed one a line, so
// that `make test` can count them.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <mutex>
#include <vector>

#include "support/test.hpp"

namespace sluice::test {
namespace {
std::mutex skip_mutex;  // guards `skips`
std::vector<std::string> skips;
}  // namespace

void record_skip(const std::string& reason) {
  const std::lock_guard lock(skip_mutex);
  skips.push_back(reason);
  std::printf("SKIP: %s\n", reason.c_str());
}
}  // namespace sluice::test

namespace {
int selected_cases = 0;
struct Counter : doctest::IReporter {
  explicit Counter(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override {
    selected_cases = static_cast<int>(stats.numTestCasesPassingFilters);
  }
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("counter", 1, Counter);
}  // namespace

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int status = context.run();
  if (context.shouldExit()) return status;
  if (status == 0 && selected_cases == 0) {
    std::printf("no test case was selected\n");  // a test that runs nothing is a failure
    return 1;
  }
  const auto skipped = static_cast<int>(sluice::test::skips.size());
  if (status == 0 && skipped != 0 && skipped >= selected_cases) return 77;
  return status;
}
