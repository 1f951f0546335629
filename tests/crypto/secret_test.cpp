#include "sluice/crypto/secret.hpp"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "sluice/base/sanitizers.hpp"

#include "support/test.hpp"

#if SLUICE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

using namespace sluice;
using namespace sluice::crypto;

namespace {

// Sanitizers replace mlock by nothing.
#if SLUICE_ADDRESS_SANITIZER || SLUICE_THREAD_SANITIZER
constexpr bool kCanLock = false;
#else
constexpr bool kCanLock = true;
#endif

// What /proc/self/smaps says of the mapping that holds `address`: its VmFlags line.
std::string vm_flags(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0;
    unsigned long last = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2) {
      const auto place = reinterpret_cast<unsigned long>(address);
      inside = first <= place && place < last;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return {};
}

}  // namespace

TEST_CASE("secret memory: a new SecretBytes is zeros and moves without a copy") {
  SecretBytes bytes(100);
  for (const std::byte b : bytes.reveal())
    CHECK(b == std::byte{0});
  const std::byte* const place = bytes.reveal().data();
  SecretBytes moved = std::move(bytes);
  CHECK(moved.reveal().data() == place);
  CHECK(moved.size() == 100);
  CHECK(bytes.empty());  // NOLINT(bugprone-use-after-move): moved-from is empty, by contract
  CHECK(SecretBytes(0).empty());
  CHECK(SecretBytes::copy_of(std::string_view()).reveal_text().empty());
}

TEST_CASE("secret memory: a block is zeroized when it is given back, whatever its size") {
  for (const std::size_t size : {1U, 32U, 33U, 4096U, 32768U}) {
    SecretBytes bytes(size);
    std::memset(bytes.writable().data(), 'x', size);
    bytes = SecretBytes();
    // The free list is last in, first out: the same block comes back, and must be zeros.
    const SecretBytes again(size);
    bool zeros = true;
    for (const std::byte b : again.reveal())
      zeros = zeros && b == std::byte{0};
    CHECK(zeros);
  }
}

TEST_CASE("secret memory: pages are locked, not dumped, and wiped in a child") {
  for (const std::size_t size : {64U, 100'000U}) {
    const SecretBytes bytes = SecretBytes::copy_of(std::string(size, 'k'));
    const std::string flags = vm_flags(bytes.reveal().data());
    if (flags.empty()) SLUICE_SKIP("/proc/self/smaps has no VmFlags here");
    CHECK(flags.find(" dd ") != std::string::npos);
    CHECK(flags.find(" wf ") != std::string::npos);
    if (kCanLock && !secret_pool_stats().lock_refused)
      CHECK(flags.find(" lo ") != std::string::npos);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(bytes.reveal()[size / 2] == std::byte{0} ? 0 : 1);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(bytes.reveal()[size / 2] == std::byte{'k'});
  }
}

TEST_CASE("secret memory: large blocks are returned to the kernel and the counts say so") {
  const SecretPoolStats before = secret_pool_stats();
  {
    const SecretBytes large(std::size_t{1} << 20);
    const SecretPoolStats now = secret_pool_stats();
    CHECK(now.used_bytes == before.used_bytes + (std::size_t{1} << 20));
    CHECK(now.locked_bytes + now.unlocked_bytes ==
          before.locked_bytes + before.unlocked_bytes + (std::size_t{1} << 20));
  }
  const SecretPoolStats after = secret_pool_stats();
  CHECK(after.used_bytes == before.used_bytes);
  CHECK(after.locked_bytes + after.unlocked_bytes == before.locked_bytes + before.unlocked_bytes);
}

TEST_CASE("secret memory: a refused lock is counted, and the memory is still usable") {
  if (!kCanLock) SLUICE_SKIP("a sanitizer replaces mlock");
  // In a child, with a limit of nothing and without the privilege to exceed it.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none{0, 0};
    const bool lowered =
        setrlimit(RLIMIT_MEMLOCK, &none) == 0 && (geteuid() != 0 || setuid(65534) == 0);
    const SecretBytes bytes = SecretBytes::copy_of(std::string(1 << 20, 'k'));
    const SecretPoolStats stats = secret_pool_stats();
    const bool ok = lowered && stats.lock_refused && stats.unlocked_bytes == (1U << 20) &&
                    bytes.reveal()[0] == std::byte{'k'};
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("secret memory: LockPolicy::kRequire refuses pages of before and new ones") {
  if (!kCanLock) SLUICE_SKIP("a sanitizer replaces mlock");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none{0, 0};
    bool ok = setrlimit(RLIMIT_MEMLOCK, &none) == 0 && (geteuid() != 0 || setuid(65534) == 0);
    const auto is_refused = [](const auto& call) {
      try {
        call();
      } catch (const LockRefused&) {
        return true;
      }
      return false;
    };
    constexpr std::size_t kSize = std::size_t{1} << 20;
    set_lock_policy(LockPolicy::kRequire);  // all is locked so far
    ok = ok && is_refused([] { const SecretBytes bytes(kSize); });
    set_lock_policy(LockPolicy::kWarn);
    const SecretBytes unlocked(kSize);
    ok =
        ok && unlocked.size() == kSize && is_refused([] { set_lock_policy(LockPolicy::kRequire); });
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("secret memory: shrink zeroizes what it cuts off") {
  SecretBytes bytes = SecretBytes::copy_of("password-and-more");
  const char* const start = bytes.reveal_text().data();
  bytes.shrink(8);
  CHECK(bytes.reveal_text() == "password");
#if SLUICE_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(start + 8, 9);
#endif
  CHECK(std::string_view(start + 8, 9) == std::string_view("\0\0\0\0\0\0\0\0\0", 9));
}

#if SLUICE_ADDRESS_SANITIZER
TEST_CASE("secret memory: AddressSanitizer sees accesses behind the end of a secret") {
  const auto is_out = [](const SecretBytes& secret, std::size_t at) {
    return __asan_address_is_poisoned(secret.reveal().data() + at) != 0;
  };
  for (const std::size_t size : {1U, 31U, 33U, 100U, 40'000U}) {
    SecretBytes secret(size);
    CHECK_FALSE(is_out(secret, size - 1));
    CHECK(is_out(secret, size));
    secret.shrink(size / 2 + 1);
    CHECK_FALSE(is_out(secret, size / 2));
    CHECK(is_out(secret, size / 2 + 1));
  }
  SecretBuffer buffer(64);
  for (int i = 0; i < 3; ++i)
    buffer.append("0123456789");
  const SecretBytes taken = std::move(buffer).take();
  CHECK_FALSE(is_out(taken, 29));
  CHECK(is_out(taken, 30));
}
#endif

TEST_CASE("secret memory: a SecretBuffer grows and keeps its bytes") {
  SecretBuffer buffer(1);
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    buffer.append(piece);
    expected += piece;
  }
  buffer.append("");
  const SecretBytes bytes = std::move(buffer).take();
  CHECK(bytes.reveal_text() == expected);
  CHECK(bytes.clone().reveal_text() == expected);
  CHECK(SecretBuffer(0).size() == 0);
}

TEST_CASE("secret memory: blocks of all sizes from many threads do not overlap") {
  std::vector<std::thread> threads;
  std::vector<int> bad(4, 0);
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t, &bad] {
      std::vector<SecretBytes> held;
      for (std::size_t i = 0; i < 2000; ++i) {
        const std::size_t size = (i * 7919 + t * 31) % 5000 + 1;
        SecretBytes bytes(size);
        std::memset(bytes.writable().data(), static_cast<int>(t * 60 + i % 50 + 1), size);
        held.push_back(std::move(bytes));
        if (held.size() > 50) held.erase(held.begin() + static_cast<long>(i % 50));
      }
      for (const SecretBytes& bytes : held) {
        for (const std::byte b : bytes.reveal())
          bad[t] += b != bytes.reveal()[0];
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(bad == std::vector<int>(4, 0));
}

TEST_CASE("secret memory: wipe clears a string up to its capacity") {
  std::string text = "a long password that does not fit inline";
  text.resize(3);
  wipe(text);
  CHECK(text.empty());
  CHECK(std::string_view(text.data(), 10) == std::string_view("\0\0\0\0\0\0\0\0\0\0", 10));
}

TEST_CASE("secret memory: comparison is by content, and sizes must agree") {
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  CHECK(equal_constant_time(bytes("abc"), bytes("abc")));
  CHECK_FALSE(equal_constant_time(bytes("abc"), bytes("abd")));
  CHECK_FALSE(equal_constant_time(bytes("abc"), bytes("ab")));
  CHECK(equal_constant_time({}, {}));
}

TEST_CASE("secret memory: base64 goes both ways and refuses what is not base64") {
  for (const std::string_view text : {"", "f", "fo", "foo", "foob"}) {
    const SecretBytes encoded = base64_encode_secret(std::as_bytes(std::span(text)));
    const auto decoded = base64_decode_secret(encoded.reveal_text());
    REQUIRE(decoded.has_value());
    CHECK(decoded->reveal_text() == text);
  }
  CHECK(base64_decode_secret("Zm9v\nYg==")->reveal_text() == "foob");
  CHECK_FALSE(base64_decode_secret("Zm9v!").has_value());
}

TEST_CASE("harden_process: the report names what is missing and why it matters") {
  const HardenReport report = harden_process();
  CHECK(report.core_dumps_off);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_CORE, &limit) == 0);
  CHECK(limit.rlim_cur == 0);
  CHECK(HardenReport{true, true, true}.text().empty());
  const std::string text = HardenReport{false, false, false}.text();
  CHECK(text.find("core dumps") != std::string::npos);
  CHECK(text.find("RLIMIT_MEMLOCK") != std::string::npos);
  CHECK(text.find("OpenSSL") != std::string::npos);
}

TEST_CASE("secret memory: the cost of a block does not grow with how many there are") {
  // A twentieth of a second; a list that is moved for each block takes four.
  constexpr std::size_t kMany = 600'000;
  constexpr double kSeconds = 1.5;
  const std::clock_t began = std::clock();  // processor time: other processes do not count
  {
    std::vector<SecretBytes> secrets;
    secrets.reserve(kMany);
    for (std::size_t i = 0; i < kMany; ++i)
      secrets.emplace_back(1);
  }
  CHECK(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC < kSeconds);
}
