// What a command is given, as a file and on standard input.
#include "cli/input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/base/descriptor.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::cli;
using test::TemporaryFolder;

namespace {

/// Standard input is the file `path` as long as this lives.
struct StandardInput {
  Descriptor before{::dup(STDIN_FILENO)};
  explicit StandardInput(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::dup2(file.get(), STDIN_FILENO) == STDIN_FILENO);
  }
  ~StandardInput() { ::dup2(before.get(), STDIN_FILENO); }
};

Result<std::string> read(const std::string& path, std::size_t limit = 1 << 20) {
  std::string text;
  StringSink sink(text);
  SLUICE_CHECK(read_input(path, "the input", limit, sink));
  return text;
}

}  // namespace

TEST_CASE("input: a file is read whole, and standard input where there is no path") {
  const TemporaryFolder folder;
  const std::string text = std::string(200'000, 'x') + "end";
  const std::string path = folder.write("file", text);
  CHECK(read(path).value_or("") == text);
  CHECK(read(folder.write("empty", "")).value_or("?").empty());
  const StandardInput input(path);
  CHECK(read("").value_or("") == text);
  CHECK(read("").value_or("?").empty());  // at its end
}

TEST_CASE("input: the limit is the last size that is read") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", std::string(100'000, 'x'));
  CHECK(read(path, 100'000).value_or("").size() == 100'000);
  const auto larger = read(path, 99'999);
  REQUIRE_FALSE(larger.has_value());
  CHECK(larger.error().code() == Code::kUnsupported);
  CHECK(larger.error().message() == "the input: larger than the limit of 99999 bytes");
}

TEST_CASE("input: what cannot be read is named as the caller calls it, with the system's words") {
  const TemporaryFolder folder;
  const auto absent = read(folder.path("absent"));
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code() == Code::kNotFound);
  CHECK(absent.error().message() == "the input: No such file or directory");
  const auto directory = read(folder.path());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().code() == Code::kInvalid);
  CHECK(directory.error().message() == "the input: Is a directory");
}
