// What is read into secret memory, and the words for what cannot be.
#include "sluice/crypto/secret_file.hpp"

#include <array>
#include <unistd.h>

#include "sluice/base/descriptor.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

using namespace sluice;
using crypto::read_secret_file;
using test::TemporaryFolder;

TEST_CASE("secret file: all of it is read, up to the limit") {
  const TemporaryFolder folder;
  const std::string text = std::string(200'000, 'x') + "end";
  const std::string path = folder.write("file", text);
  const auto read = read_secret_file(path);
  REQUIRE_OK(read);
  CHECK(read->reveal_text() == text);
  CHECK_OK(read_secret_file(path, text.size()));
  const auto larger = read_secret_file(path, text.size() - 1);
  REQUIRE_FALSE(larger.has_value());
  CHECK(larger.error().code() == Code::kUnsupported);
  CHECK(larger.error().message() == path + ": larger than the limit of 200002 bytes");
}

TEST_CASE("secret file: a pipe is read to its end") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  REQUIRE(write_all(in.get(), "from a shell's <(...)"));
  in.close();
  const auto read = read_secret_file("/dev/fd/" + std::to_string(out.get()));
  REQUIRE_OK(read);
  CHECK(read->reveal_text() == "from a shell's <(...)");
}

TEST_CASE("secret file: what cannot be read is named, with the system's words") {
  const TemporaryFolder folder;
  const std::string path = folder.path("absent");
  const auto absent = read_secret_file(path);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code() == Code::kNotFound);
  CHECK(absent.error().message() == path + ": No such file or directory");
  const auto directory = read_secret_file(folder.path());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().code() == Code::kInvalid);
  CHECK(directory.error().message() == folder.path() + ": Is a directory");
}
