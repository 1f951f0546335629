#include "remote_calls.hpp"

#include <algorithm>

#include "sluice/crypto/hash.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;
constexpr std::size_t kMaxWords = 300;

/// Also when an exception passes: out of memory must not make others wait for ever.
template <class Action>
class AtEnd {
 public:
  explicit AtEnd(Action action) : action_(std::move(action)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { action_(); }

 private:
  Action action_;
};

/// Waits on `condition` until `ready` or cancelled; false when cancelled. `lock` holds the mutex
/// that guards `ready`.
template <class Ready>
bool wait_for(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
              const CancelToken& cancel, Ready ready) {
  std::mutex& mutex = *lock.mutex();
  while (!ready() && !cancel.cancelled()) {
    // The callback locks the mutex: it must be neither registered nor dropped while we hold it.
    // Whence the loop: somebody may be quicker in between.
    lock.unlock();
    {
      const auto registration = cancel.on_cancel([&mutex, &condition] {
        const std::lock_guard guard(mutex);
        condition.notify_all();
      });
      lock.lock();
      condition.wait(lock, [&] { return cancel.cancelled() || ready(); });
      lock.unlock();
    }
    lock.lock();
  }
  return !cancel.cancelled();
}

}  // namespace

// ---------------------------------------------------------------------------- TrustedHosts

Result<TrustedHosts> TrustedHosts::parse(std::string_view text) {
  TrustedHosts out;
  constexpr std::string_view kBetween = ", \t\r\n";
  while (true) {
    const std::size_t first = text.find_first_not_of(kBetween);
    if (first == std::string_view::npos) return out;
    text.remove_prefix(first);
    const std::string_view entry = text.substr(0, text.find_first_of(kBetween));
    text.remove_prefix(entry.size());
    if (entry == "none") continue;
    if (entry == "all") {
      out.all_ = true;
      continue;
    }
    const auto url = http::parse_url(entry);
    if (!url || !url->query.empty()) {
      return fail(Code::kInvalid,
                  "\"" + std::string(entry) + "\" is no address of a trusted server", Where{},
                  "expected all, none, or URLs as https://vault.example.com:8200, separated by "
                  "commas");
    }
    std::string prefix = url->origin() + url->path;
    if (!prefix.ends_with('/')) prefix += '/';
    out.prefixes_.push_back(std::move(prefix));
  }
}

void TrustedHosts::add(const TrustedHosts& others) {
  all_ = all_ || others.all_;
  prefixes_.insert(prefixes_.end(), others.prefixes_.begin(), others.prefixes_.end());
}

bool TrustedHosts::allows(std::string_view address) const {
  const auto url = http::parse_url(address);
  if (!url) return false;
  if (all_) return true;
  const std::string path = url->origin() + url->path + (url->path.ends_with('/') ? "" : "/");
  if (path.find("/../") != std::string::npos || path.find("/./") != std::string::npos) return false;
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&path](const std::string& prefix) { return path.starts_with(prefix); });
}

// --------------------------------------------------------------------------- RemoteContext

namespace {

/// Only this machine answers for it.
bool is_near(const std::string& address) {
  const auto url = http::parse_url(address);
  if (!url) return true;
  const std::string& host = url->host;
  return host == "localhost" || host.starts_with("127.") || host.starts_with("169.254.") ||
         host == "::1" || host == "[::1]" || host.starts_with("fe80:") ||
         host.starts_with("[fe80:") || host.starts_with("fd00:ec2:") ||
         host.starts_with("[fd00:ec2:") || host == "metadata.google.internal";
}

}  // namespace

std::shared_ptr<RemoteContext> make_remote_context(RemoteKeyOptions options) {
  return std::make_shared<RemoteContext>(std::move(options));
}

std::shared_ptr<RemoteContext> with_surroundings(
    const std::shared_ptr<RemoteContext>& context,
    const std::function<std::shared_ptr<http::Surroundings>(std::shared_ptr<http::Surroundings>)>&
        replace) {
  RemoteKeyOptions options = context->options();
  options.surroundings = replace(options.surroundings);
  return make_remote_context(std::move(options));
}

Result<http::Response> RemoteContext::send(http::Request request, const CancelToken& cancel,
                                           int attempts,
                                           std::function<bool(const http::Response&)> also) {
  request.connect_timeout = std::min(request.connect_timeout, options_.connect_timeout);
  request.timeout = std::min(request.timeout, options_.timeout);
  request.max_response_bytes = kMaxAnswer;
  request.secret_response = true;
  if (options_.proxy && !is_near(request.url)) request.proxy = options_.proxy(request.url);
  {
    std::unique_lock lock(mutex_);
    const bool go = wait_for(lock, freed_, cancel,
                             [this] { return under_way_ < std::max(1U, options_.concurrent); });
    if (!go) return fail(Code::kCancelled, "cancelled while waiting for other key service calls");
    ++under_way_;
  }
  http::RetryPolicy policy = options_.retry;
  policy.also = std::move(also);
  policy.attempts = attempts;
  const AtEnd free([this] {
    {
      const std::lock_guard lock(mutex_);
      --under_way_;
    }
    freed_.notify_one();
  });
  auto answer = http::send_with_retry(options_.client(), request, cancel, clock(), policy);
  if (!answer) return answer;
  if (answer->status >= 300 && answer->status < 400) {
    const auto from = http::parse_url(request.url);
    const auto to = http::parse_url(answer->header("location"));
    return fail(Code::kDenied,
                (from ? from->authority() : std::string("the server")) + " redirects to " +
                    (to ? to->authority() : std::string("another place")) +
                    ", and credentials are not sent on",
                Where{}, "name that server itself");
  }
  return answer;
}

http::SecretExchange exchange_of(const std::shared_ptr<RemoteContext>& context) {
  return {[context](http::Request request, const CancelToken& cancel) {
            return context->send(std::move(request), cancel);
          },
          [context](http::Request request, const CancelToken& cancel) {
            return context->send(std::move(request), cancel, /*attempts=*/1, {});
          }};
}

// ------------------------------------------------------------------------------- CallCache

Digest call_id(const MasterKey& key) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  };
  add(key.type);
  add(key.id);
  for (const auto& [name, value] : key.fields) {
    if (name == "created_at") continue;
    add(name);
    add(value);
  }
  add("");
  add(key.wrapped_key);
  return crypto::sha256(text);
}

void CallCache::make_room(SteadyTime now) {
  if (slots_.size() < context_->options().remember_at_most) return;
  std::erase_if(slots_, [now](const auto& entry) {
    const Slot& slot = *entry.second;
    return !slot.under_way && slot.waiting == 0 && (!slot.until || *slot.until <= now);
  });
  // All are fresh: forget any that nobody waits for. It costs a call, not more.
  while (slots_.size() >= context_->options().remember_at_most) {
    const auto idle = std::find_if(slots_.begin(), slots_.end(), [](const auto& entry) {
      return !entry.second->under_way && entry.second->waiting == 0;
    });
    if (idle == slots_.end()) return;
    slots_.erase(idle);
  }
}

Result<crypto::SecretBytes> CallCache::get(
    const Digest& id, const CancelToken& cancel,
    const std::function<Result<crypto::SecretBytes>()>& call) {
  std::shared_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    const SteadyTime now = context_->clock().steady();
    if (const auto found = slots_.find(id); found != slots_.end()) slot = found->second;
    if (!slot) {
      make_room(now);
      slot = slots_[id] = std::make_shared<Slot>();
    }
    while (slot->under_way) {
      ++slot->waiting;
      const bool go = wait_for(lock, ended_, cancel, [&] { return !slot->under_way; });
      --slot->waiting;
      if (!go) return fail(Code::kCancelled, "cancelled");
      if (!slot->under_way && slot->error && slot->error->code() != Code::kCancelled) {
        return fail(*slot->error);
      }
    }
    if (slot->until && *slot->until > now) return slot->value.clone();
    slot->under_way = true;
    slot->error.reset();
    slot->until.reset();
  }
  const AtEnd end([this, &slot] {
    const std::lock_guard lock(mutex_);
    slot->under_way = false;
    ended_.notify_all();
  });
  auto value = call();
  const std::lock_guard lock(mutex_);
  if (!value) {
    slot->error = value.error();
  } else if (const auto remember = context_->options().remember; remember.count() > 0) {
    slot->value = value->clone();
    slot->until = context_->clock().steady() + remember;
  }
  return value;
}

// ----------------------------------------------------------------------------------- words

std::string safe_words(std::string_view text,
                       std::initializer_list<const crypto::SecretBytes*> secrets) {
  std::string words(text);
  for (const crypto::SecretBytes* secret : secrets) {
    if (secret == nullptr || secret->size() < 4) continue;
    for (std::size_t at = 0; (at = words.find(secret->reveal_text(), at)) != std::string::npos;)
      words.replace(at, secret->size(), "***");
  }
  std::string out;
  for (const char c : words) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  while (out.ends_with(' '))
    out.pop_back();
  if (out.size() > kMaxWords) {
    out.resize(kMaxWords);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80)
      out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
    out += "…";
  }
  crypto::wipe(words);
  return out;
}

std::optional<crypto::SecretBytes> data_key_in(std::string_view json,
                                               std::initializer_list<std::string_view> path) {
  const auto encoded = http::secret_json_string(json, path);
  auto key = encoded ? crypto::base64_decode_secret(encoded->reveal_text()) : std::nullopt;
  if (key && key->empty()) return std::nullopt;
  return key;
}

Code code_of_status(int status) {
  if (status == 401 || status == 403) return Code::kDenied;
  if (status == 404) return Code::kNotFound;
  return http::is_retryable(status) ? Code::kUnavailable : Code::kInvalid;
}

std::shared_ptr<const crypto::SecretBytes> share(crypto::SecretBytes bytes) {
  return std::make_shared<const crypto::SecretBytes>(std::move(bytes));
}
std::shared_ptr<const crypto::SecretBytes> share(crypto::SecretBuffer buffer) {
  return share(std::move(buffer).take());
}

}  // namespace sluice::decrypt
