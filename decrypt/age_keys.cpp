// age as a key service. Follows SOPS age/keysource.go for what an identity file may hold.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>

#include "sluice/base/ascii.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "age_file.hpp"
#include "age_hybrid.hpp"
#include "age_plugin.hpp"
#include "age_ssh.hpp"
#include "age_write.hpp"
#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kSpace = " \t\r\v\f";

std::string plural(std::size_t count, std::string_view noun) {
  std::string text = std::to_string(count) + " ";
  text += noun;
  if (count != 1) text += text.ends_with('y') ? (text.pop_back(), "ies") : "s";
  return text;
}

// What a line is when it is no identity that can be used; never quotes it.
Error unusable(std::string_view line) {
  if (line.starts_with("AGE-PLUGIN-")) {
    return age_plugins_refused("an age plugin identity");
  }
  if (line.starts_with("age1")) {
    return Error(Code::kInvalid, "this is an age recipient (the public half), not an identity", {},
                 "the identity starts with AGE-SECRET-KEY-1");
  }
  return Error(Code::kInvalid, "not an age identity", {},
               "expected lines of AGE-SECRET-KEY-1…, or comments that start with #");
}

std::shared_ptr<const AgeIdentity> parse_identity(
    std::string_view line, const std::shared_ptr<const AgePlugins>& plugins) {
  if (line.starts_with("AGE-PLUGIN-") && plugins->run) {
    return make_plugin_identity(plugins, crypto::SecretBytes::copy_of(line));
  }
  if (!line.starts_with("AGE-SECRET-KEY-")) return nullptr;
  auto decoded = decode_bech32(line);
  if (!decoded || decoded->data.size() != 32) return nullptr;
  if (decoded->prefix == "age-secret-key-pq-") {
    return make_hybrid_identity(std::move(decoded->data));
  }
  if (decoded->prefix != "age-secret-key-") return nullptr;
  const auto point = crypto::x25519_public(decoded->data.reveal());
  if (!point) return nullptr;
  return std::make_shared<X25519Identity>(std::move(decoded->data), *point);
}

bool is_age_file(std::string_view text) {
  return text.starts_with("age-encryption.org/") ||
         text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----");
}

struct Identities {
  AgeIdentities list;
  std::optional<Error> skipped;  // a line of a kind that cannot be used
};

// The lines of an identity file. Of a line each word is an identity: SOPS_AGE_KEY may have several.
Result<Identities> parse_lines(std::string_view text, const std::string& origin,
                               const std::shared_ptr<const AgePlugins>& plugins) {
  Identities found;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end), kSpace);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('#')) continue;
    while (!line.empty()) {
      const std::string_view word = line.substr(0, line.find_first_of(kSpace));
      line = trim(line.substr(word.size()));
      if (auto identity = parse_identity(word, plugins)) {
        found.list.push_back(std::move(identity));
        continue;
      }
      Error error = unusable(word).at({origin, number, 0});
      // A key of a kind that cannot be used must not keep the usable ones from being used.
      if (error.code() != Code::kUnsupported) return fail(std::move(error));
      if (!found.skipped) found.skipped = std::move(error);
    }
  }
  return found;
}

class Service final : public AgeKeyService {
 public:
  Service(AskPassphrase ask, AgePlugins plugins)
      : ask_(std::move(ask)), plugins_(std::make_shared<const AgePlugins>(std::move(plugins))) {}

  std::string_view type() const override { return "age"; }
  std::vector<std::string> looked_in() const override {
    const std::lock_guard lock(mutex_);
    return looked_in_;
  }
  std::size_t identities() const override {
    const std::lock_guard lock(mutex_);
    return identities_->size() + locked_.size();
  }

  void note_missing(std::string origin) override {
    const std::lock_guard lock(mutex_);
    looked_in_.push_back(std::move(origin));
  }

  Result<void> add_identities(const crypto::SecretBytes& text, std::string origin) override {
    const std::lock_guard lock(mutex_);
    return add(text, origin);
  }

  void add_source(std::string origin, Source read) override {
    const std::lock_guard lock(mutex_);
    sources_.emplace_back(std::move(origin), std::move(read));
  }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    SLUICE_TRY(const std::string file, decode_age_armor(key.wrapped_key));
    const auto identities = snapshot();
    // The recipient usually names the identity, which saves trying the others; but it is only a
    // label that anybody may have edited, so the others are tried when it does not help.
    const auto named = std::find_if(identities->begin(), identities->end(),
                                    [&key](const auto& identity) { return identity->is(key.id); });
    if (named != identities->end()) {
      auto opened = decrypt_age(file, {&*named, 1});
      if (opened || opened.error().code() != Code::kNotFound) return opened;
    }
    auto opened = decrypt_age(file, *identities);
    if (opened || opened.error().code() != Code::kNotFound) return opened;
    return unwrap_with_more(key, file, std::move(opened).error(), cancel);
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    if (!age_plugin_of_recipient(key.id)) return encrypt_age(data_key, key.id);
    const crypto::SecretBytes file_key = crypto::random_bytes(kAgeFileKey);
    SLUICE_TRY(const auto stanzas, wrap_with_plugin(*plugins_, key.id, file_key, cancel));
    return encode_age_armor(seal_age(data_key, stanzas, file_key));
  }

 private:
  struct Locked {
    crypto::SecretBytes file;
    std::string origin;
  };

  std::shared_ptr<const AgeIdentities> snapshot() const {
    const std::lock_guard lock(mutex_);
    return identities_;
  }

  void append(AgeIdentities more) {
    auto all = std::make_shared<AgeIdentities>(*identities_);
    std::move(more.begin(), more.end(), std::back_inserter(*all));
    std::stable_partition(all->begin(), all->end(),
                          [](const auto& identity) { return !identity->is_plugin(); });
    identities_ = std::move(all);
  }

  Result<void> add(const crypto::SecretBytes& bytes, const std::string& origin) {
    const std::string_view text = bytes.reveal_text();
    const std::size_t start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    if (is_age_file(text.substr(start))) {
      if (!ask_) {
        return fail(Code::kUnsupported,
                    origin + ": a passphrase-protected age identity file, and nobody to ask for it",
                    Where{}, "decrypt it with age -d first");
      }
      looked_in_.push_back(origin + ": identities behind a passphrase");
      locked_.push_back({bytes.clone(), origin});
      return {};
    }
    if (is_ssh_key(text.substr(start))) {
      SLUICE_TRY(auto identity, read_ssh_identity(bytes, origin, ask_));
      looked_in_.push_back(origin + ": an SSH key");
      append({std::move(identity)});
      return {};
    }
    SLUICE_TRY(auto found, parse_lines(text, origin, plugins_));
    if (found.list.empty() && found.skipped) return fail(std::move(*found.skipped));
    std::string note = origin + ": " + plural(found.list.size(), "identity");
    if (found.skipped) note += ", others skipped (" + found.skipped->message() + ")";
    looked_in_.push_back(std::move(note));
    append(std::move(found.list));
    return {};
  }

  Result<void> unlock(const Locked& locked) {
    std::string binary(locked.file.reveal_text());
    const std::size_t start = binary.find_first_not_of(" \t\r\n");
    if (binary.compare(start, 5, "-----") == 0) {
      SLUICE_TRY(binary, decode_age_armor(binary));
    }
    for (unsigned attempt = 0;; ++attempt) {
      SLUICE_TRY(auto passphrase, ask_("age identities " + locked.origin, attempt));
      const auto text = decrypt_age(binary, PassphraseIdentity(std::move(passphrase)));
      if (text) {
        SLUICE_TRY(auto found, parse_lines(text->reveal_text(), locked.origin, plugins_));
        append(std::move(found.list));
        return {};
      }
      if (text.error().code() != Code::kNotFound) {
        return fail(Error(text.error()).prefix(locked.origin + ": "));
      }
    }
  }

  /// What is only opened or read when all else does not help: files behind a passphrase, then
  /// places that are read late.
  Result<crypto::SecretBytes> unwrap_with_more(const MasterKey& key, const std::string& file,
                                               Error error, const CancelToken& cancel) {
    const std::lock_guard lock(mutex_);
    const auto try_again = [&](const Result<void>& added) -> std::optional<crypto::SecretBytes> {
      if (!added) {
        error = added.error();
        return std::nullopt;
      }
      auto opened = decrypt_age(file, *identities_);
      if (opened) return std::move(*opened);
      if (opened.error().code() != Code::kNotFound) error = std::move(opened).error();
      return std::nullopt;
    };
    if (auto opened = try_again({}))
      return std::move(*opened);  // another thread may have been here
    while (!locked_.empty()) {
      if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
      const auto unlocked = unlock(locked_.front());
      auto opened = try_again(unlocked);
      if (!unlocked) break;
      locked_.erase(locked_.begin());
      if (opened) return std::move(*opened);
    }
    for (auto& [origin, read] : sources_) {
      if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
      if (!read_for_.emplace(origin, key.id).second) continue;
      const auto text = read(key.id);
      if (!text) {
        looked_in_.push_back(text.error().code() == Code::kNotFound ? origin + ": nothing there"
                                                                    : text.error().message());
        if (text.error().code() != Code::kNotFound) error = text.error();
        continue;
      }
      if (auto opened = try_again(add(*text, origin))) return std::move(*opened);
    }
    // Upstream may have opened it with a plugin: say so.
    if (error.code() == Code::kNotFound && age_plugin_of_recipient(key.id) && !plugins_->run) {
      return fail(age_plugins_refused("an age plugin recipient"));
    }
    return fail(std::move(error));
  }

  AskPassphrase ask_;
  std::shared_ptr<const AgePlugins> plugins_;
  mutable std::mutex mutex_;  // guards all below; the list that identities_ points to never changes
  std::shared_ptr<const AgeIdentities> identities_ = std::make_shared<AgeIdentities>();
  std::vector<Locked> locked_;
  std::vector<std::pair<std::string, Source>> sources_;
  std::set<std::pair<std::string, std::string>> read_for_;  // source, recipient
  std::vector<std::string> looked_in_;
};

}  // namespace

std::shared_ptr<AgeKeyService> make_age_key_service(AskPassphrase ask, AgePlugins plugins) {
  return std::make_shared<Service>(std::move(ask), std::move(plugins));
}

}  // namespace sluice::decrypt
