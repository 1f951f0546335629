// The client's half of the age plugin protocol (C2SP age-plugin.md). All in both directions is
// stanzas of the age header; after the client's "done" the plugin speaks and each of its stanzas is
// answered by one.
#include "age_plugin.hpp"

#include <algorithm>
#include <deque>

#include "sluice/base/ascii.hpp"

#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

using crypto::SecretBytes;

constexpr std::size_t kColumns = 64;
constexpr std::size_t kMaxHeard = std::size_t{1} << 20;
constexpr std::chrono::seconds kTimeLimit{300};  // somebody may have to find a token and touch it
constexpr std::size_t kMaxWords = 400;

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '+';
  });
}

void append_stanza(crypto::SecretBuffer& out, std::string_view line, const SecretBytes& body) {
  out.append("-> ");
  out.append(line);
  out.append("\n");
  const SecretBytes encoded = crypto::base64_encode_secret(body.reveal());
  std::string_view rest = encoded.reveal_text();
  while (rest.ends_with('='))
    rest.remove_suffix(1);
  for (; rest.size() >= kColumns; rest.remove_prefix(kColumns)) {
    out.append(rest.substr(0, kColumns));
    out.append("\n");
  }
  out.append(rest);
  out.append("\n");
}

struct Stanza {
  std::string type;
  std::vector<std::string> args;
  SecretBytes body;
};

std::optional<SecretBytes> decode_body(std::string_view lines) {
  crypto::SecretBuffer joined(lines.size() + 4);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    joined.append(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  while (joined.size() % 4 != 0)
    joined.append("=");
  const SecretBytes text = std::move(joined).take();
  if (text.empty()) return SecretBytes();
  auto bytes = crypto::base64_decode_secret(text.reveal_text());
  // Canonical only: what decodes must encode to the same text.
  if (!bytes || !crypto::equal_constant_time(crypto::base64_encode_secret(bytes->reveal()).reveal(),
                                             text.reveal())) {
    return std::nullopt;
  }
  return bytes;
}

/// Printable words of a program, for a message.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxWords))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return out;
}

class Conversation : public Dialogue {
 public:
  Conversation(const AgePlugins& plugins, std::string program)
      : plugins_(plugins), program_(std::move(program)) {}

  Result<void> hear(std::string_view output) override {
    if (over_) return {};
    crypto::SecretBuffer longer(heard_.size() + output.size());
    longer.append(heard_.reveal_text());
    longer.append(output);
    heard_ = std::move(longer).take();
    while (!over_) {
      SLUICE_TRY(auto stanza, next());
      if (!stanza) return {};
      SLUICE_CHECK(answer(*stanza));
    }
    return {};
  }
  std::string_view words() override {
    return queue_.empty() ? std::string_view() : queue_.front().reveal_text().substr(said_);
  }
  void said(std::size_t bytes) override {
    said_ += bytes;
    if (said_ < queue_.front().size()) return;
    queue_.pop_front();
    said_ = 0;
  }
  bool is_over() const override { return over_ && queue_.empty(); }

  /// Talks until the plugin is done.
  Result<void> run(const std::string& mode, const CancelToken& cancel) {
    Program program;
    program.argv = {program_, "--age-plugin=" + mode};
    program.environment = plugins_.environment;
    program.dialogue = this;
    program.time_limit = kTimeLimit;
    program.max_output_bytes = kMaxHeard;
    auto done = plugins_.run(program, cancel);
    if (!done) return fail(std::move(done).error().prefix(program_ + ": "));
    if (refused_) return fail(Code::kDenied, program_ + ": " + *refused_);
    if (over_) return {};
    return fail(Code::kDenied,
                program_ + " ended in the middle" +
                    (done->failure.empty() ? std::string() : " (" + done->failure + ")"));
  }

 protected:
  void say(std::string_view line, const SecretBytes& body = {}) {
    crypto::SecretBuffer out(256);
    append_stanza(out, line, body);
    queue_.push_back(std::move(out).take());
  }
  Error broken(const std::string& what) const {
    return {Code::kInvalid, program_ + " breaks the age plugin protocol: " + what};
  }
  /// What only one of the protocols has; false: unknown.
  virtual Result<bool> take(Stanza& stanza) = 0;

 private:
  /// The next whole stanza of what was heard.
  Result<std::optional<Stanza>> next() {
    const std::string_view text = heard_.reveal_text();
    std::size_t at = text.find('\n');
    if (at == std::string_view::npos) return std::optional<Stanza>();
    const std::string_view head = text.substr(0, at);
    const std::size_t body_begin = ++at;
    for (;;) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string_view::npos) return std::optional<Stanza>();
      const std::size_t columns = end - at;
      at = end + 1;
      if (columns > kColumns) return fail(broken("a line of more than 64 columns"));
      if (columns < kColumns) break;
    }
    if (!head.starts_with("-> ")) return fail(broken("a line that starts no stanza"));
    Stanza stanza;
    for (std::string_view rest = head.substr(3);;) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      const std::string_view word = rest.substr(0, end);
      if (word.empty() || std::any_of(word.begin(), word.end(), [](char c) {
            return static_cast<unsigned char>(c) < 33 || static_cast<unsigned char>(c) > 126;
          })) {
        return fail(broken("a malformed stanza"));
      }
      if (stanza.type.empty()) {
        stanza.type = word;
      } else {
        stanza.args.emplace_back(word);
      }
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
    auto body = decode_body(text.substr(body_begin, at - body_begin));
    if (!body) return fail(broken("a body that is not base64"));
    stanza.body = *std::move(body);
    heard_ = SecretBytes::copy_of(text.substr(at));
    return std::optional(std::move(stanza));
  }

  Result<void> answer(Stanza& stanza) {
    if (stanza.type == "done") {
      over_ = true;
    } else if (stanza.type == "error") {
      refused_ = shown(stanza.body.reveal_text());
      say("ok");
      over_ = true;
    } else if (stanza.type == "msg") {
      if (plugins_.show) plugins_.show(program_ + ": " + shown(stanza.body.reveal_text()));
      say(plugins_.show ? "ok" : "fail");
    } else if (stanza.type == "request-secret" || stanza.type == "request-public") {
      if (!plugins_.ask) {
        say("fail");
        return {};
      }
      const auto typed =
          plugins_.ask(program_ + " (" + shown(stanza.body.reveal_text()) + ")", asked_++);
      if (typed) {
        say("ok", *typed);
      } else {
        say("fail");
      }
    } else if (stanza.type == "confirm") {
      say("fail");  // nobody is asked to choose
    } else {
      SLUICE_TRY(const bool known, take(stanza));
      say(known ? "ok" : "unsupported");
    }
    return {};
  }

  const AgePlugins& plugins_;
  std::string program_;
  std::deque<SecretBytes> queue_;
  std::size_t said_ = 0;  // of the first
  SecretBytes heard_;     // and not understood yet
  std::optional<std::string> refused_;
  unsigned asked_ = 0;
  bool over_ = false;
};

class Wrapping final : public Conversation {
 public:
  Wrapping(const AgePlugins& plugins, const std::string& name, const std::string& recipient,
           const SecretBytes& file_key)
      : Conversation(plugins, "age-plugin-" + name) {
    say("add-recipient " + recipient);
    say("wrap-file-key", file_key);
    say("extension-labels");
    say("done");
  }
  std::vector<AgeStanza> stanzas;

 private:
  Result<bool> take(Stanza& stanza) override {
    // Labels forbid mixing recipients of different kinds in one file; ours has one recipient.
    if (stanza.type == "labels") return true;
    if (stanza.type != "recipient-stanza") return false;
    if (stanza.args.size() < 2 || stanza.args[0] != "0") {
      return fail(broken("a malformed recipient stanza"));
    }
    stanzas.push_back({stanza.args[1],
                       {stanza.args.begin() + 2, stanza.args.end()},
                       std::string(stanza.body.reveal_text())});
    return true;
  }
};

class Unwrapping final : public Conversation {
 public:
  Unwrapping(const AgePlugins& plugins, const std::string& name, const SecretBytes& line,
             std::span<const AgeStanza> stanzas)
      : Conversation(plugins, "age-plugin-" + name) {
    crypto::SecretBuffer identity(256);
    identity.append("add-identity ");
    identity.append(line.reveal_text());
    say(std::move(identity).take().reveal_text());
    for (const AgeStanza& stanza : stanzas) {
      std::string words = "recipient-stanza 0 " + stanza.type;
      for (const std::string& arg : stanza.args)
        words += " " + arg;
      say(words, SecretBytes::copy_of(stanza.body));
    }
    say("done");
  }
  std::optional<SecretBytes> file_key;

 private:
  Result<bool> take(Stanza& stanza) override {
    if (stanza.type != "file-key") return false;
    if (stanza.args.size() != 1 || stanza.args[0] != "0" || file_key ||
        stanza.body.size() != kAgeFileKey) {
      return fail(broken("a malformed file key"));
    }
    file_key = std::move(stanza.body);
    return true;
  }
};

class PluginIdentity final : public AgeIdentity {
 public:
  PluginIdentity(std::shared_ptr<const AgePlugins> plugins, SecretBytes line, std::string name)
      : plugins_(std::move(plugins)), line_(std::move(line)), name_(std::move(name)) {}

  Result<std::optional<SecretBytes>> unwrap(std::span<const AgeStanza> stanzas) const override {
    Unwrapping talk(*plugins_, name_, line_, stanzas);
    SLUICE_CHECK(talk.run("identity-v1", CancelToken()));
    return std::move(talk.file_key);
  }
  bool is(std::string_view) const override { return false; }
  bool is_plugin() const override { return true; }

 private:
  std::shared_ptr<const AgePlugins> plugins_;
  SecretBytes line_;
  std::string name_;
};

}  // namespace

std::optional<std::string> age_plugin_of_recipient(std::string_view recipient) {
  constexpr std::string_view kStart = "age1";
  const std::size_t end = recipient.rfind('1');
  if (!recipient.starts_with(kStart) || recipient.starts_with("age1pq1") || end < kStart.size()) {
    return std::nullopt;
  }
  std::string name(recipient.substr(kStart.size(), end - kStart.size()));
  const auto decoded = decode_bech32(recipient);
  if (!decoded || !is_name(name)) return std::nullopt;
  return name;
}

std::optional<std::string> age_plugin_of_identity(std::string_view line) {
  constexpr std::string_view kStart = "age-plugin-";
  const auto decoded = decode_bech32(line);
  if (!decoded || !decoded->prefix.starts_with(kStart) || !decoded->prefix.ends_with('-')) {
    return std::nullopt;
  }
  std::string name = decoded->prefix.substr(kStart.size());
  name.pop_back();
  if (!is_name(name)) return std::nullopt;
  return name;
}

Error age_plugins_refused(const std::string& what) {
  return {Code::kUnsupported, what + " needs a program, which is not started unless asked for",
          Where{}, "give --age-plugins to a command; the controller never starts one"};
}

Result<std::vector<AgeStanza>> wrap_with_plugin(const AgePlugins& plugins,
                                                const std::string& recipient,
                                                const SecretBytes& file_key,
                                                const CancelToken& cancel) {
  const auto name = age_plugin_of_recipient(recipient);
  if (!name) return fail(Code::kInvalid, "\"" + recipient + "\" is no recipient of an age plugin");
  if (!plugins.run)
    return fail(age_plugins_refused("the age plugin recipient \"" + recipient + "\""));
  Wrapping talk(plugins, *name, recipient, file_key);
  SLUICE_CHECK(talk.run("recipient-v1", cancel));
  if (!talk.stanzas.empty()) return std::move(talk.stanzas);
  return fail(Code::kInvalid, "age-plugin-" + *name + " wrapped nothing");
}

std::shared_ptr<const AgeIdentity> make_plugin_identity(std::shared_ptr<const AgePlugins> plugins,
                                                        SecretBytes line) {
  auto name = age_plugin_of_identity(line.reveal_text());
  if (!name || !plugins || !plugins->run) return nullptr;
  return std::make_shared<PluginIdentity>(std::move(plugins), std::move(line), *std::move(name));
}

}  // namespace sluice::decrypt
