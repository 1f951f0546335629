// C2SP/CCTV age vectors: each file states the kind of failure it expects.
#include "decrypt/age_file.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"

#include "decrypt/age_hybrid.hpp"
#include "decrypt/bech32.hpp"
#include "support/files.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using test::read_file;
namespace fs = std::filesystem;

namespace {

std::string inflated(const fs::path& vector) {
  const std::string command =
      "python3 -c 'import sys,zlib;d=open(sys.argv[1],\"rb\").read();"
      "sys.stdout.buffer.write(zlib.decompress(d[d.index(b\"\\n\\n\")+2:]))' '" +
      vector.string() + "'";
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string out;
  char buffer[65536];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) != 0;) {
    out.append(buffer, size);
  }
  return pclose(pipe) == 0 ? out : std::string();
}

std::shared_ptr<const AgeIdentity> identity_of(std::string_view line) {
  auto decoded = decode_bech32(line);
  REQUIRE(decoded.has_value());
  REQUIRE(decoded->data.size() == 32);
  if (decoded->prefix == "age-secret-key-pq-") {
    return make_hybrid_identity(std::move(decoded->data));
  }
  const auto point = crypto::x25519_public(decoded->data.reveal());
  return std::make_shared<X25519Identity>(std::move(decoded->data), point.value());
}

std::string outcome(std::string_view file, bool armored, const AgeIdentities& keys,
                    std::string& payload) {
  std::string binary(file);
  if (armored) {
    auto decoded = decode_age_armor(file);
    if (!decoded) return "armor failure";
    binary = std::move(*decoded);
  }
  const auto opened = decrypt_age(binary, keys);
  if (opened) {
    payload = crypto::sha256(opened->reveal_text()).hex();
    return "success";
  }
  switch (opened.error().code()) {
    case Code::kNotFound:
      return "no match";
    case Code::kInvalid:
      return "header failure";
    case Code::kIntegrity:
      return opened.error().message().starts_with("age header") ? "HMAC failure"
                                                                : "payload failure";
    default:
      return opened.error().text();
  }
}

}  // namespace

TEST_CASE("age: every C2SP vector ends as it states") {
  const fs::path folder = fs::path(SLUICE_SOURCE_DIR) / "../shared/conformance/age/testkit";
  if (!fs::exists(folder)) SLUICE_SKIP("no age test vectors beside this checkout");
  int ran = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string bytes = read_file(entry.path());
    const std::size_t split = bytes.find("\n\n");
    REQUIRE(split != std::string::npos);
    std::istringstream head(bytes.substr(0, split));
    std::multimap<std::string, std::string> fields;
    for (std::string line; std::getline(head, line);) {
      const std::size_t colon = line.find(": ");
      REQUIRE(colon != std::string::npos);
      fields.emplace(line.substr(0, colon), line.substr(colon + 2));
    }
    AgeIdentities keys;
    for (auto [it, end] = fields.equal_range("identity"); it != end; ++it)
      keys.push_back(identity_of(it->second));
    for (auto [it, end] = fields.equal_range("passphrase"); it != end; ++it) {
      keys.push_back(
          std::make_shared<PassphraseIdentity>(crypto::SecretBytes::copy_of(it->second)));
    }
    std::string file = bytes.substr(split + 2);
    if (fields.count("compressed") != 0) {
      file = inflated(entry.path());
      if (file.empty()) SLUICE_SKIP("python3 is needed to inflate the larger vectors");
    }
    const auto field = [&](const char* name) {
      const auto found = fields.find(name);
      return found == fields.end() ? std::string() : found->second;
    };
    CAPTURE(entry.path().filename().string());
    std::string payload;
    CHECK(outcome(file, field("armored") == "yes", keys, payload) == field("expect"));
    if (field("expect") == "success") CHECK(payload == field("payload"));
    ++ran;
  }
  CHECK(ran == 143);
}

TEST_CASE("age: a header longer than the limit is refused") {
  std::string file = "age-encryption.org/v1\n-> X";
  file.append(kMaxAgeHeaderBytes - file.size() - 1, 'x');
  const auto at_limit = parse_age_header(file + "\n\n--- x\n");
  REQUIRE_FALSE(at_limit.has_value());
  CHECK(at_limit.error().message().find("longer than") != std::string::npos);
  const auto inside = parse_age_header(file.substr(0, 1000) + "\n\n--- x\n");
  REQUIRE_FALSE(inside.has_value());
  CHECK(inside.error().message().find("malformed header MAC") != std::string::npos);
}

TEST_CASE("bech32: encodes and decodes, and refuses mixed case and wrong checksums") {
  const std::string recipient = "age1r0t4vcjzkpgnlpu4np27v3qj4nugdvm95xshtr5x84anf94lj9xqzjyydr";
  const auto decoded = decode_bech32(recipient);
  REQUIRE(decoded.has_value());
  CHECK(decoded->prefix == "age");
  CHECK(decoded->data.size() == 32);
  CHECK(encode_bech32("age", decoded->data.reveal()) == recipient);
  std::string changed = recipient;
  changed[10] = changed[10] == 'q' ? 'p' : 'q';
  CHECK_FALSE(decode_bech32(changed).has_value());
  changed = recipient;
  changed[10] = 'V';
  CHECK_FALSE(decode_bech32(changed).has_value());
  CHECK_FALSE(decode_bech32("").has_value());
  CHECK_FALSE(decode_bech32("1qqqqqq").has_value());
  CHECK_FALSE(decode_bech32("age1").has_value());
  // BIP 173 vectors.
  CHECK(decode_bech32("A12UEL5L").has_value());
  CHECK(decode_bech32("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w").has_value());
  CHECK_FALSE(decode_bech32("A1G7SGD8").has_value());
}
