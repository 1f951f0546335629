#include "age_file.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"

#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

using crypto::as_bytes;
using crypto::SecretBytes;

constexpr std::string_view kVersionLine = "age-encryption.org/v1";
constexpr std::string_view kArmorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kArmorEnd = "-----END AGE ENCRYPTED FILE-----";
constexpr std::size_t kColumns = 64;          // of base64 in stanza bodies and armor
constexpr std::size_t kMaxWhitespace = 1024;  // around armor
constexpr std::size_t kChunk = std::size_t{64} << 10;

// Canonical base64 only: what decodes must encode back to the same text.
std::optional<std::string> strict_base64(std::string_view text, bool padded) {
  std::string padded_text(text);
  if (!padded) {
    if (text.find('=') != std::string_view::npos || text.size() % 4 == 1) return std::nullopt;
    padded_text.append((4 - text.size() % 4) % 4, '=');
  }
  auto bytes = base64_decode(padded_text);
  if (!bytes || base64_encode(*bytes) != padded_text) return std::nullopt;
  return bytes;
}

tl::unexpected<Error> broken_header(std::size_t line, const std::string& what) {
  return fail(Code::kInvalid, "age header line " + std::to_string(line) + ": " + what);
}

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view file) : file_(file.substr(0, kMaxAgeHeaderBytes)) {}

  Result<AgeHeader> read() {
    AgeHeader header;
    SLUICE_TRY(const std::string_view version, next_line());
    if (version != kVersionLine) {
      return broken_header(1, "not an age file, or a version other than v1");
    }
    for (;;) {
      const std::size_t start = position_;
      SLUICE_TRY(const std::string_view line, next_line());
      if (line.starts_with("---")) {
        header.mac_input = start + 3;
        SLUICE_CHECK(read_mac(line, header));
        header.size = position_;
        return header;
      }
      SLUICE_TRY(AgeStanza stanza, read_stanza(line));
      header.stanzas.push_back(std::move(stanza));
    }
  }

 private:
  Result<std::string_view> next_line() {
    const std::size_t end = file_.find('\n', position_);
    if (end == std::string_view::npos) {
      return broken_header(line_ + 1, file_.size() == kMaxAgeHeaderBytes
                                          ? "the header is longer than 256 KiB"
                                          : "the header ends too early");
    }
    const std::string_view line = file_.substr(position_, end - position_);
    position_ = end + 1;
    ++line_;
    return line;
  }

  Result<AgeStanza> read_stanza(std::string_view line) {
    if (!line.starts_with("-> ")) return broken_header(line_, "expected a recipient stanza");
    line.remove_prefix(3);
    std::vector<std::string> words;
    for (std::size_t end = 0; end != std::string_view::npos;) {
      end = line.find(' ');
      const std::string_view word = line.substr(0, end);
      const bool printable =
          std::all_of(word.begin(), word.end(), [](char c) { return c >= 33 && c <= 126; });
      if (word.empty() || !printable) return broken_header(line_, "malformed stanza argument");
      words.emplace_back(word);
      if (end != std::string_view::npos) line.remove_prefix(end + 1);
    }
    AgeStanza stanza;
    stanza.type = std::move(words.front());
    stanza.args.assign(std::make_move_iterator(words.begin() + 1),
                       std::make_move_iterator(words.end()));
    for (;;) {
      SLUICE_TRY(const std::string_view body, next_line());
      const auto bytes = body.size() <= kColumns ? strict_base64(body, /*padded=*/false)
                                                 : std::optional<std::string>();
      if (!bytes) return broken_header(line_, "malformed stanza body");
      stanza.body += *bytes;
      if (body.size() < kColumns) return stanza;  // the last line is short, if need be empty
    }
  }

  Result<void> read_mac(std::string_view line, AgeHeader& header) {
    std::optional<std::string> mac;
    if (line.starts_with("--- ")) mac = strict_base64(line.substr(4), /*padded=*/false);
    if (!mac || mac->size() != header.mac.size()) {
      return broken_header(line_, "malformed header MAC");
    }
    std::memcpy(header.mac.data(), mac->data(), header.mac.size());
    return {};
  }

  std::string_view file_;
  std::size_t position_ = 0;
  std::size_t line_ = 0;
};

tl::unexpected<Error> broken_stanza(const std::string& what) {
  return fail(Code::kInvalid, "age header: " + what);
}

// The body of a stanza, under a key that is used once: the nonce is fixed for that reason.
std::optional<SecretBytes> open_body(const AgeStanza& stanza, const SecretBytes& wrap_key) {
  static constexpr std::array<std::byte, 12> kZeroNonce{};
  SecretBytes file_key(kAgeFileKey);
  if (!crypto::chacha20_poly1305_open(wrap_key.reveal(), kZeroNonce, as_bytes(stanza.body),
                                      file_key.writable())) {
    return std::nullopt;
  }
  return file_key;
}

// The size is checked before decrypting, which keeps a stanza from being opened by several keys.
bool has_sealed_file_key(const AgeStanza& stanza) {
  return stanza.body.size() == kAgeFileKey + crypto::kAeadTagSize;
}

// 1..22 as decimal digits; 0 for anything else.
unsigned work_factor(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 2 && text.front() != '0' &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return 0;
  unsigned value = 0;
  for (const char c : text)
    value = value * 10 + static_cast<unsigned>(c - '0');
  return value <= kMaxAgeWorkFactor ? value : 0;
}

Result<SecretBytes> open_header(const AgeHeader& header,
                                std::span<const std::shared_ptr<const AgeIdentity>> identities) {
  for (const auto& identity : identities) {
    SLUICE_TRY(std::optional<SecretBytes> file_key, identity->unwrap(header.stanzas));
    if (file_key) return std::move(*file_key);
  }
  return fail(Code::kNotFound, "no identity matched any of the recipients");
}

Result<SecretBytes> open_payload(std::string_view payload, const SecretBytes& file_key) {
  const auto broken = [](const char* what) {
    return fail(Code::kIntegrity, std::string("age payload: ") + what);
  };
  constexpr std::size_t kNonce = 16;
  if (payload.size() < kNonce) {
    return fail(Code::kInvalid, "age header: the nonce after it is missing");
  }
  const SecretBytes key =
      crypto::hkdf_sha256(file_key.reveal(), as_bytes(payload.substr(0, kNonce)), "payload");
  payload.remove_prefix(kNonce);
  constexpr std::size_t kSealedChunk = kChunk + crypto::kAeadTagSize;
  const std::size_t chunks =
      std::max<std::size_t>(1, (payload.size() + kSealedChunk - 1) / kSealedChunk);
  if (payload.size() < chunks * crypto::kAeadTagSize) return broken("it is cut off");
  SecretBytes plaintext(payload.size() - chunks * crypto::kAeadTagSize);
  std::span<std::byte> out = plaintext.writable();
  for (std::size_t i = 0; i < chunks; ++i) {
    const bool last = i + 1 == chunks;
    const std::string_view sealed = payload.substr(0, kSealedChunk);
    if (sealed.size() < crypto::kAeadTagSize) return broken("it is cut off");
    const std::size_t size = sealed.size() - crypto::kAeadTagSize;
    // An empty last chunk would let one plaintext have two forms.
    if (size == 0 && i != 0) return broken("its last chunk is empty");
    std::array<std::byte, 12> nonce{};  // 11 bytes of counter, then 1 on the last chunk
    for (unsigned byte = 0; byte < 8; ++byte) {
      nonce[10 - byte] = static_cast<std::byte>(static_cast<std::uint64_t>(i) >> 8 * byte & 0xff);
    }
    nonce[11] = std::byte{last};
    if (!crypto::chacha20_poly1305_open(key.reveal(), nonce, as_bytes(sealed), out.first(size))) {
      return broken("it was changed or cut off");
    }
    out = out.subspan(size);
    payload.remove_prefix(sealed.size());
  }
  return plaintext;
}

}  // namespace

std::optional<std::string> age_base64(std::string_view text) {
  return strict_base64(text, /*padded=*/false);
}

std::string age_base64_encode(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('='))
    text.pop_back();
  return text;
}

Result<std::optional<SecretBytes>> X25519Identity::unwrap(
    std::span<const AgeStanza> stanzas) const {
  for (const AgeStanza& stanza : stanzas) {
    if (stanza.type != "X25519") continue;
    const auto share =
        stanza.args.size() == 1 ? age_base64(stanza.args[0]) : std::optional<std::string>();
    if (!share || share->size() != 32) return broken_stanza("malformed X25519 stanza");
    if (!has_sealed_file_key(stanza)) {
      return broken_stanza("X25519 stanza with a body of the wrong size");
    }
    const auto shared = crypto::x25519(scalar.reveal(), as_bytes(*share), point);
    if (!shared) return broken_stanza("X25519 share of low order");
    std::array<std::byte, 64> salt{};
    std::memcpy(salt.data(), share->data(), 32);
    std::memcpy(salt.data() + 32, point.data(), 32);
    auto file_key = open_body(
        stanza, crypto::hkdf_sha256(shared->reveal(), salt, "age-encryption.org/v1/X25519"));
    if (file_key) return file_key;
  }
  return std::optional<SecretBytes>();
}

bool X25519Identity::is(std::string_view recipient) const {
  const auto decoded = decode_bech32(recipient);
  return decoded && decoded->prefix == "age" &&
         crypto::equal_constant_time(point, decoded->data.reveal());
}

Result<std::optional<SecretBytes>> PassphraseIdentity::unwrap(
    std::span<const AgeStanza> stanzas) const {
  for (const AgeStanza& stanza : stanzas) {
    if (stanza.type != "scrypt") continue;
    if (stanzas.size() != 1) return broken_stanza("a scrypt stanza must be the only one");
    const auto salt =
        stanza.args.size() == 2 ? age_base64(stanza.args[0]) : std::optional<std::string>();
    if (!salt || salt->size() != 16) return broken_stanza("malformed scrypt stanza");
    const unsigned log_n = work_factor(stanza.args[1]);
    if (log_n == 0) {
      return broken_stanza("scrypt work factor that is no number from 1 to " +
                           std::to_string(kMaxAgeWorkFactor));
    }
    if (!has_sealed_file_key(stanza)) {
      return broken_stanza("scrypt stanza with a body of the wrong size");
    }
    const auto wrap_key = crypto::scrypt(passphrase_.reveal(),
                                         as_bytes("age-encryption.org/v1/scrypt" + *salt), log_n);
    if (!wrap_key)
      return fail(Code::kUnavailable,
                  "no memory for a scrypt work factor of 2^" + std::to_string(log_n));
    return open_body(stanza, *wrap_key);
  }
  return std::optional<SecretBytes>();
}

Result<AgeHeader> parse_age_header(std::string_view file) {
  return HeaderReader(file).read();
}

Result<std::string> decode_age_armor(std::string_view text) {
  const auto broken = [](const char* what) {
    return fail(Code::kInvalid, std::string("age armor: ") + what);
  };
  const auto next_line = [&text](std::string_view& line) {
    if (text.empty()) return false;
    const std::size_t end = text.find('\n');
    line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return true;
  };
  const auto is_blank = [](std::string_view part) {
    return part.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
  };
  std::string_view line;
  std::size_t skipped = 0;
  for (;;) {
    if (!next_line(line)) return broken("no \"BEGIN AGE ENCRYPTED FILE\" line");
    if (!is_blank(line)) break;
    skipped += line.size() + 1;
    if (skipped > kMaxWhitespace) return broken("too much whitespace before it");
  }
  if (line != kArmorBegin) return broken("the first line is not the BEGIN line");
  std::string bytes;
  for (bool short_line = false;;) {
    if (!next_line(line)) return broken("the END line is missing");
    if (line == kArmorEnd) break;
    if (short_line) return broken("data after a short line");
    if (line.empty() || line.size() > kColumns) return broken("a line of the wrong length");
    const auto part = strict_base64(line, /*padded=*/true);
    if (!part) return broken("a line that is not base64");
    bytes += *part;
    short_line = part->size() < kColumns / 4 * 3;
  }
  if (!is_blank(text)) return broken("data after the END line");
  if (text.size() >= kMaxWhitespace) return broken("too much whitespace after it");
  return bytes;
}

Result<SecretBytes> decrypt_age(std::string_view file, const AgeIdentity& identity) {
  const std::shared_ptr<const AgeIdentity> borrowed(std::shared_ptr<const void>(), &identity);
  return decrypt_age(file, {&borrowed, 1});
}

Result<SecretBytes> decrypt_age(std::string_view file,
                                std::span<const std::shared_ptr<const AgeIdentity>> identities) {
  SLUICE_TRY(const AgeHeader header, parse_age_header(file));
  SLUICE_TRY(const SecretBytes file_key, open_header(header, identities));
  const SecretBytes mac_key = crypto::hkdf_sha256(file_key.reveal(), {}, "header");
  const auto mac =
      crypto::hmac_sha256(mac_key.reveal(), as_bytes(file.substr(0, header.mac_input)));
  if (!crypto::equal_constant_time(mac, header.mac)) {
    return fail(Code::kIntegrity, "age header: the MAC does not match, the header was changed");
  }
  return open_payload(file.substr(header.size), file_key);
}

}  // namespace sluice::decrypt
