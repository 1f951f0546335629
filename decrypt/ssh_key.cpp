#include "ssh_key.hpp"

#include <cstring>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/bcrypt.hpp"

namespace sluice::decrypt {
namespace {

using crypto::SecretBytes;

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic("openssh-key-v1\0", 15);
constexpr std::uint32_t kMaxRounds = 4096;  // ssh-keygen's default is 16; each takes milliseconds
constexpr std::size_t kKey = 32, kCounter = 16;

tl::unexpected<Error> broken(const char* what) {
  return fail(Code::kInvalid, std::string("broken OpenSSH private key: ") + what);
}

/// Two equal random numbers stand first: whether the passphrase was right.
bool has_check(const SecretBytes& secret) {
  const auto bytes = secret.reveal();
  return bytes.size() >= 8 && crypto::equal_constant_time(bytes.first(4), bytes.subspan(4, 4));
}

}  // namespace

std::optional<std::uint32_t> SshReader::number() {
  if (rest_.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : rest_.substr(0, 4))
    value = value << 8 | static_cast<unsigned char>(c);
  rest_.remove_prefix(4);
  return value;
}

std::optional<std::string_view> SshReader::text() {
  const auto size = number();
  if (!size || *size > rest_.size()) return std::nullopt;
  const std::string_view out = rest_.substr(0, *size);
  rest_.remove_prefix(*size);
  return out;
}

void append_ssh_text(std::string& out, std::string_view text) {
  for (unsigned shift = 32; shift != 0; shift -= 8)
    out += static_cast<char>(text.size() >> (shift - 8) & 0xff);
  out.append(text);
}

Result<SshKeyFile> read_ssh_key_file(const SecretBytes& text) {
  std::string_view body = text.reveal_text();
  const std::size_t begin = body.find(kBegin);
  const std::size_t end = body.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return broken("no BEGIN and END line");
  }
  const auto bytes =
      crypto::base64_decode_secret(body.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  if (!bytes || !bytes->reveal_text().starts_with(kMagic)) return broken("not in its format");
  SshReader reader(bytes->reveal_text().substr(kMagic.size()));
  const auto cipher = reader.text();
  const auto kdf = reader.text();
  const auto options = reader.text();
  const auto count = reader.number();
  const auto public_key = reader.text();
  const auto secret = reader.text();
  if (!cipher || !kdf || !options || !count || !public_key || !secret) return broken("cut off");
  if (*count != 1) return fail(Code::kUnsupported, "an OpenSSH private key file of several keys");
  SshKeyFile file;
  file.public_key = *public_key;
  const auto type = SshReader(file.public_key).text();
  if (!type) return broken("its public key");
  file.type = *type;
  file.secret = SecretBytes::copy_of(*secret);
  file.cipher = *cipher;
  file.kdf = *kdf;
  if (file.cipher == "none") {
    if (!has_check(file.secret)) return broken("its check numbers differ");
    return file;
  }
  if (file.cipher != "aes256-ctr" || file.kdf != "bcrypt") {
    return fail(Code::kUnsupported,
                "an OpenSSH private key encrypted with " + file.cipher + " and " + file.kdf,
                Where{}, "ssh-keygen -p writes it anew with aes256-ctr and bcrypt");
  }
  SshReader kdf_options(*options);
  const auto salt = kdf_options.text();
  const auto rounds = kdf_options.number();
  if (!salt || salt->empty() || !rounds || *rounds == 0) return broken("its bcrypt options");
  if (*rounds > kMaxRounds) {
    return fail(Code::kUnsupported, "an OpenSSH private key with " + std::to_string(*rounds) +
                                        " rounds of bcrypt; at most " + std::to_string(kMaxRounds) +
                                        " are done");
  }
  file.salt = *salt;
  file.rounds = *rounds;
  return file;
}

Result<std::optional<SecretBytes>> open_ssh_key(const SshKeyFile& file,
                                                const SecretBytes& passphrase) {
  const SecretBytes key = crypto::bcrypt_pbkdf(passphrase.reveal(), crypto::as_bytes(file.salt),
                                               file.rounds, kKey + kCounter);
  SecretBytes secret = crypto::aes256_ctr(key.reveal().first(kKey), key.reveal().subspan(kKey),
                                          file.secret.reveal());
  if (!has_check(secret)) return std::optional<SecretBytes>();
  return std::optional(std::move(secret));
}

}  // namespace sluice::decrypt
