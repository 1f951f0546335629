#include "kube/masked_json.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/http/secret_json.hpp"

#include "kube/status_error.hpp"

namespace sluice::kube {
namespace {

constexpr std::size_t kMaxDepth = 500;
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const crypto::SecretBytes& mask_key() {
  static const crypto::SecretBytes key = [] {
    crypto::SecretBytes bytes(32);
    std::random_device device;  // getrandom(2)
    for (std::byte& byte : bytes.writable()) {
      byte = static_cast<std::byte>(device() & 0xFFU);
    }
    return bytes;
  }();
  return key;
}

/// What is written in place of `raw`, the JSON text of a scalar.
std::string masked(std::string_view raw) {
  crypto::Hash hash(crypto::HashAlgorithm::kSha256);
  hash.append(mask_key().reveal());
  hash.append(raw);
  const auto digest = hash.finish();
  return "\"masked:" + hex_encode(std::span(digest).first(16)) + "\"";
}

/// Copies JSON from `in` to `out`, asking `rewrite` for each scalar; recursive descent, checking
/// only what it must to keep its place (the reader of `out` validates).
class Rewriter {
 public:
  /// The path of keys to the value, "[]" for items; empty text: copy.
  using Rewrite =
      std::function<std::string(const std::vector<std::string_view>& path, std::string_view raw)>;
  Rewriter(std::string_view in, std::string& out, Rewrite rewrite)
      : in_(in), out_(out), rewrite_(std::move(rewrite)) {}

  bool run() {
    if (!value()) return false;
    space();
    return at_ == in_.size();
  }

 private:
  void space() {
    while (at_ < in_.size() && std::string_view(" \n\r\t").find(in_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= in_.size() || in_[at_] != c) return false;
    ++at_;
    out_.push_back(c);
    return true;
  }
  /// The raw text of a string, quotes included.
  std::optional<std::string_view> string() {
    space();
    if (at_ >= in_.size() || in_[at_] != '"') return std::nullopt;
    const std::size_t begin = at_++;
    while (at_ < in_.size() && in_[at_] != '"')
      at_ += in_[at_] == '\\' ? 2 : 1;
    if (at_ >= in_.size()) return std::nullopt;
    return in_.substr(begin, ++at_ - begin);
  }
  bool scalar(std::string_view raw) {
    if (raw.empty()) return false;
    const std::string other = rewrite_(path_, raw);
    out_.append(other.empty() ? raw : std::string_view(other));
    return true;
  }
  bool mapping() {
    take('{');
    if (take('}')) return true;
    do {
      const auto key = string();
      if (!key) return false;
      out_.append(*key);
      if (!take(':')) return false;
      path_.push_back(key->substr(1, key->size() - 2));
      if (!value()) return false;
      path_.pop_back();
    } while (take(','));
    return take('}');
  }
  bool sequence() {
    take('[');
    if (take(']')) return true;
    path_.push_back("[]");
    do {
      if (!value()) return false;
    } while (take(','));
    path_.pop_back();
    return take(']');
  }
  bool value() {
    space();
    if (at_ >= in_.size() || path_.size() > kMaxDepth) return false;
    if (in_[at_] == '{') return mapping();
    if (in_[at_] == '[') return sequence();
    if (in_[at_] == '"') {
      const auto raw = string();
      return raw && scalar(*raw);
    }
    const std::size_t begin = at_;
    while (at_ < in_.size() &&
           std::string_view(",]} \n\r\t").find(in_[at_]) == std::string_view::npos)
      ++at_;
    return scalar(in_.substr(begin, at_ - begin));
  }

  std::string_view in_;
  std::string& out_;
  Rewrite rewrite_;
  std::size_t at_ = 0;
  std::vector<std::string_view> path_;
};

Result<std::string> rewrite(std::string_view json, Rewriter::Rewrite rule) {
  std::string out;
  out.reserve(json.size());
  if (!Rewriter(json, out, std::move(rule)).run())
    return fail(Code::kUnavailable, "the server's answer is not JSON");
  return out;
}

/// `path` starts at the object.
std::string mask_scalar(std::span<const std::string_view> path, std::string_view raw) {
  if (path.empty() || raw == "null") return {};
  const std::string_view top = path.front();
  if (top == "metadata")
    return path.size() == 3 && path[2] == kLastApplied ? masked(raw) : std::string();
  if (path.size() == 1 && (top == "apiVersion" || top == "kind")) return {};
  return top == "status" ? std::string() : masked(raw);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
  }
  return out + "\"";
}

}  // namespace

Result<std::string> mask_object(std::string_view json) {
  return rewrite(json, [](const std::vector<std::string_view>& path, std::string_view raw) {
    return mask_scalar(path, raw);
  });
}

Result<std::string> mask_list(std::string_view json) {
  return rewrite(json, [](const std::vector<std::string_view>& path, std::string_view raw) {
    // items, [], then the object's own path
    if (path.size() < 2 || path[0] != "items") return std::string();
    return mask_scalar(std::span(path).subspan(2), raw);
  });
}

Result<std::string> mask_status(std::string_view json, const std::vector<std::string>& names) {
  return rewrite(json, [&](const std::vector<std::string_view>& path, std::string_view raw) {
    if (path.empty() || raw.front() != '"') return std::string();
    const std::string_view key = path.back();
    if (key != "message") return std::string();
    const auto message = http::secret_json_string(raw, {});
    return json_string(message ? redact_status(message->reveal_text(), names) : std::string());
  });
}

}  // namespace sluice::kube
