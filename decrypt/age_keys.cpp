// age as a key service. Follows SOPS age/keysource.go for what an identity file may hold.
#include <algorithm>
#include <cstring>

#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "age_file.hpp"
#include "age_write.hpp"
#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kSpace = " \t\r\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string plural(std::size_t count, std::string_view noun) {
  std::string text = std::to_string(count) + " ";
  text += noun;
  if (count != 1) text += text.ends_with('y') ? (text.pop_back(), "ies") : "s";
  return text;
}

// What a line is when it is no X25519 identity; never quotes it.
Error unusable(std::string_view line) {
  const auto unsupported = [](std::string what, std::string hint) {
    return Error(Code::kUnsupported, std::move(what) + " is not supported yet", {},
                 std::move(hint));
  };
  if (line.starts_with("AGE-SECRET-KEY-PQ-1")) {
    return unsupported("a hybrid (post-quantum) age identity",
                       "add an X25519 recipient to the file: age-keygen without -pq");
  }
  if (line.starts_with("AGE-PLUGIN-")) {
    return unsupported("an age plugin identity", "plugins are programs, and sluice starts none");
  }
  if (line.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") ||
      line.starts_with("age-encryption.org/")) {
    return unsupported("a passphrase-protected age identity file", "decrypt it with age -d first");
  }
  if (line.starts_with("-----BEGIN ") || line.starts_with("ssh-")) {
    return unsupported("an SSH key as an age identity", "use a key made by age-keygen");
  }
  if (line.starts_with("age1")) {
    return Error(Code::kInvalid, "this is an age recipient (the public half), not an identity", {},
                 "the identity starts with AGE-SECRET-KEY-1");
  }
  return Error(Code::kInvalid, "not an age identity", {},
               "expected lines of AGE-SECRET-KEY-1…, or comments that start with #");
}

class Service final : public AgeKeyService {
 public:
  std::string_view type() const override { return "age"; }
  std::vector<std::string> looked_in() const override { return looked_in_; }
  std::size_t identities() const override { return identities_.size(); }

  void note_missing(std::string origin) override {
    looked_in_.push_back(std::move(origin) + ": nothing there");
  }

  Result<void> add_identities(const crypto::SecretBytes& text, std::string origin) override {
    std::string_view rest = text.reveal_text();
    std::vector<X25519Identity> found;
    std::optional<Error> skipped;
    for (std::uint32_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = trim(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (line.empty() || line.starts_with('#')) continue;
      if (auto identity = parse(line)) {
        found.push_back(std::move(*identity));
        continue;
      }
      Error error = unusable(line).at({origin, number, 0});
      // A key of a kind we cannot use yet must not keep the usable ones from being used.
      if (error.code() != Code::kUnsupported) return fail(std::move(error));
      if (!skipped) skipped = std::move(error);
      if (line.starts_with("-----BEGIN ") || line.starts_with("age-encryption.org/")) break;
    }
    if (found.empty() && skipped) return fail(std::move(*skipped));
    std::string note = origin + ": " + plural(found.size(), "identity");
    if (skipped) note += ", others skipped (" + skipped->message() + ")";
    looked_in_.push_back(std::move(note));
    std::move(found.begin(), found.end(), std::back_inserter(identities_));
    return {};
  }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    SLUICE_TRY(const std::string file, decode_age_armor(key.wrapped_key));
    // The recipient usually names the identity, which saves trying the others; but it is only a
    // label that anybody may have edited, so the others are tried when it does not help.
    const X25519Identity* const named = find(key.id);
    if (named != nullptr) {
      auto opened = decrypt_age(file, {named, 1});
      if (opened || opened.error().code() != Code::kNotFound) return opened;
    }
    auto opened = decrypt_age(file, identities_);
    if (!opened && opened.error().code() == Code::kNotFound) {
      // Upstream may have opened it with a kind of key that is not built here: say so.
      const std::string_view kind = unsupported_recipient(key.id);
      if (!kind.empty()) {
        return fail(Code::kUnsupported, std::string(kind) + " are not supported yet");
      }
    }
    return opened;
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    return encrypt_age(data_key, key.id);
  }

 private:
  static std::string_view unsupported_recipient(std::string_view recipient) {
    if (recipient.starts_with("age1pq1")) return "hybrid (post-quantum) age recipients";
    if (recipient.starts_with("ssh-")) return "SSH keys as age recipients";
    const bool is_plugin = recipient.starts_with("age1") && recipient.rfind('1') > 3;
    return is_plugin ? "age plugin recipients" : "";
  }

  static std::optional<X25519Identity> parse(std::string_view line) {
    if (!line.starts_with("AGE-SECRET-KEY-1")) return std::nullopt;
    auto decoded = decode_bech32(line);
    if (!decoded || decoded->prefix != "age-secret-key-" || decoded->data.size() != 32) {
      return std::nullopt;
    }
    const auto point = crypto::x25519_public(decoded->data.reveal());
    if (!point) return std::nullopt;
    return X25519Identity{std::move(decoded->data), *point};
  }

  const X25519Identity* find(std::string_view recipient) const {
    const auto decoded = decode_bech32(recipient);
    if (!decoded || decoded->prefix != "age") return nullptr;
    const auto found =
        std::find_if(identities_.begin(), identities_.end(), [&](const X25519Identity& identity) {
          return crypto::equal_constant_time(identity.point, decoded->data.reveal());
        });
    return found == identities_.end() ? nullptr : &*found;
  }

  std::vector<X25519Identity> identities_;
  std::vector<std::string> looked_in_;
};

}  // namespace

std::shared_ptr<AgeKeyService> make_age_key_service() {
  return std::make_shared<Service>();
}

}  // namespace sluice::decrypt
