#include "sluice/base/descriptor.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "support/test.hpp"

using namespace sluice;

namespace {

struct Pipe {
  Descriptor read, write;
  explicit Pipe(int flags = 0) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | flags) == 0);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
};

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

}  // namespace

TEST_CASE("descriptor: it is closed once, by whoever has it last") {
  Pipe pipe;
  const int read = pipe.read.get(), write = pipe.write.get();
  {
    const Descriptor taken(std::move(pipe.read));
    CHECK_FALSE(pipe.read.is_open());
    CHECK(taken.get() == read);
    CHECK(is_open(read));
  }
  CHECK_FALSE(is_open(read));
  pipe.read = std::move(pipe.write);
  CHECK(pipe.read.get() == write);
  pipe.read = Descriptor();  // what is replaced is closed
  CHECK_FALSE(is_open(write));
  CHECK(pipe.read.close());  // none is open
}

TEST_CASE("descriptor: one that is released is left open") {
  Pipe pipe;
  const int read = pipe.read.release();
  pipe = Pipe();
  CHECK(is_open(read));
  Descriptor last(read);
  CHECK(last.close());
  CHECK_FALSE(is_open(read));
}

TEST_CASE("descriptor: all bytes are written, though a pipe takes them in pieces") {
  Pipe pipe;
  const std::string text(1'000'000, 'x');
  std::string read;
  {
    std::jthread reader([&] {
      std::array<std::byte, 10'000> piece{};
      for (ssize_t got; (got = read_some(pipe.read.get(), piece)) > 0;)
        read.append(reinterpret_cast<const char*>(piece.data()), static_cast<std::size_t>(got));
    });
    CHECK(write_all(pipe.write.get(), text));
    pipe.write.close();
  }
  CHECK(read == text);
}

TEST_CASE("descriptor: a failure is told by errno, and an error has its code and words") {
  const Pipe pipe(O_NONBLOCK);
  CHECK_FALSE(write_all(pipe.write.get(), std::string(1'000'000, 'x')));  // full
  CHECK(errno == EAGAIN);
  std::array<std::byte, 1> one{};
  CHECK(read_some(-1, one) == -1);
  CHECK(system_error("it").message() == "it: Bad file descriptor");
  CHECK(system_error("it").code() == Code::kInvalid);
  for (const auto& [number, code] : {std::pair(ENOENT, Code::kNotFound),
                                     {ENOTDIR, Code::kNotFound},
                                     {EACCES, Code::kDenied},
                                     {EPERM, Code::kDenied}}) {
    errno = number;
    CHECK(system_error("it").code() == code);
  }
  CHECK(go_words(ENOENT) == "no such file or directory");
  CHECK(go_words(ENOEXEC) == "exec format error");
  CHECK(go_words(EDOTDOT) == "RFS specific error");
}
