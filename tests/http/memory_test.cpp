// After an exchange with a secret body or a secret answer, while its connection stays open, no
// writable page of the process holds the secret. Runs in a process of its own, because OpenSSL must
// get its wiping allocator before it allocates.
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdlib.h>

#include "sluice/http/curl_client.hpp"

#include "support/certificates.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

namespace sluice::http {
namespace {

using crypto::SecretBytes;
using test::Certificates;

constexpr char kMask = 0x2a;
constexpr std::size_t kCanary = 32;

/// A pattern that is not in the program's text: made when needed, kept masked only.
std::string masked_canary() {
  std::string out;
  for (std::size_t i = 0; i < kCanary; ++i)
    out += static_cast<char>(('A' + static_cast<char>((i * 7) % 26)) ^ kMask);
  return out;
}

void write_canaries(std::span<std::byte> to) {
  const std::string masked = masked_canary();
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::byte>(masked[i % kCanary] ^ kMask);
}

/// How often the canary is in writable memory; the first place, for the message.
std::size_t count_in_memory(std::string& where) {
  const std::string masked = masked_canary();
  std::ifstream maps("/proc/self/maps");
  std::FILE* memory = std::fopen("/proc/self/mem", "rb");
  REQUIRE(memory != nullptr);
  std::setvbuf(memory, nullptr, _IONBF, 0);
  std::size_t found = 0;
  static char block[1 << 16];
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0;
    unsigned long last = 0;
    char mode[8] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %7s", &first, &last, mode) != 3) continue;
    if (mode[0] != 'r' || mode[1] != 'w' || line.find("[vv") != std::string::npos) continue;
    if (last - first > (1UL << 32)) continue;  // a sanitizer's shadow
    for (unsigned long at = first; at < last; at += sizeof block - kCanary) {
      if (std::fseek(memory, static_cast<long>(at), SEEK_SET) != 0) break;
      const std::size_t size =
          std::fread(block, 1, std::min<std::size_t>(sizeof block, last - at), memory);
      for (std::size_t i = 0; i + kCanary <= size; ++i) {
        std::size_t same = 0;
        while (same < kCanary && (block[i + same] ^ kMask) == masked[same])
          ++same;
        const unsigned long place = at + i;
        const auto ours = reinterpret_cast<unsigned long>(block);
        if (same < kCanary || (place + kCanary > ours && place < ours + sizeof block)) continue;
        if (found++ == 0) where = line;
      }
    }
  }
  crypto::wipe(block, sizeof block);
  std::fclose(memory);
  return found;
}

/// One exchange; the request and its answer are gone when it returns.
__attribute__((noinline)) void exchange(CurlClient& client, const std::string& url,
                                        const std::shared_ptr<const Tls>& tls, std::size_t size) {
  Request request;
  request.method = "PATCH";
  request.url = url;
  request.tls = tls;
  SecretBytes body(size);
  write_canaries(body.writable());
  request.secret_body = std::make_shared<const SecretBytes>(std::move(body));
  request.secret_response = true;
  const auto answer = client.send(request, {});
  REQUIRE_OK(answer);
  REQUIRE(answer->status == 200);
  REQUIRE(answer->secret_body->size() > size);  // echoed
}

}  // namespace

TEST_CASE("secret bodies and answers leave no trace while the connection stays open") {
  if (Certificates::get() == nullptr) {
    SLUICE_SKIP("no openssl program (scripts/deps installs it)");
  }
  const test::Finished done =
      test::run({"/proc/self/exe", "--test-case=(child) secret bodies leave no trace"},
                {"SLUICE_TEST_MEMORY=1"});
  CHECK_MESSAGE(done.status == 0, done.output);
}

TEST_CASE("(child) secret bodies leave no trace") {
  if (::getenv("SLUICE_TEST_MEMORY") == nullptr) return;  // only as that child
  REQUIRE(crypto::harden_process().library_memory_wiped);
  const Certificates* certificates = Certificates::get();
  test::Process plain({"python3", SLUICE_SOURCE_DIR "/tests/support/http_server.py"});
  test::Process secure({"python3", SLUICE_SOURCE_DIR "/tests/support/http_server.py", "--cert",
                        certificates->path("server.crt"), "--key",
                        certificates->path("server.key")});
  const std::string plain_url = "http://127.0.0.1:" + plain.read_line() + "/echo";
  const std::string secure_url = "https://localhost:" + secure.read_line() + "/echo";
  auto tls = std::make_shared<Tls>();
  tls->ca_pem = certificates->text("ca.crt");
  const auto client = make_curl_client();
  std::string where;
  {
    // The scan sees what is there.
    SecretBytes seen(kCanary);
    write_canaries(seen.writable());
    REQUIRE(count_in_memory(where) > 0);
  }
  for (const std::size_t size : {std::size_t{64}, std::size_t{5'000}, std::size_t{200'000}}) {
    for (const std::string& url : {plain_url, secure_url}) {
      CAPTURE(size);
      CAPTURE(url);
      exchange(*client, url, url == secure_url ? tls : nullptr, size);
      where.clear();
      CHECK(count_in_memory(where) == 0);
      CHECK_MESSAGE(where.empty(), where);
    }
  }
}

}  // namespace sluice::http
