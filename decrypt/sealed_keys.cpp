#include <optional>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/decrypt/sealed_secret.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kMaxKeyFile = 4 << 20;
constexpr std::size_t kShortestRun = 40;  // of base64 that may be key material
constexpr std::string_view kMark = "sluice-hidden-";

bool is_base64(char c) {
  return is_letter_or_digit(c) || c == '+' || c == '/' || c == '=';
}

/// The file's structure without its secrets: each long run of base64 is replaced by a mark with its
/// number. The YAML reader, which copies text, sees only this.
std::shared_ptr<std::string> hide(std::string_view text, std::vector<std::string_view>& runs) {
  auto out = std::make_shared<std::string>();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_base64(text[end]))
      ++end;
    if (end - at >= kShortestRun) {
      *out += std::string(kMark) + std::to_string(runs.size());
      runs.push_back(text.substr(at, end - at));
    } else {
      out->append(text.substr(at, end - at));
    }
    at = end;
    if (at < text.size() && !is_base64(text[at])) *out += text[at++];
  }
  return out;
}

/// The base64 that `text` stands for: one mark, or several of a value in several lines.
std::optional<crypto::SecretBytes> uncover(std::string_view text,
                                           const std::vector<std::string_view>& runs) {
  crypto::SecretBuffer base64;
  while (!text.empty()) {
    if (text[0] == ' ' || text[0] == '\n') {
      text.remove_prefix(1);
      continue;
    }
    if (!text.starts_with(kMark)) return std::nullopt;
    text.remove_prefix(kMark.size());
    std::size_t number = 0, digits = 0;
    while (digits < text.size() && is_digit(text[digits]) && digits < 9)
      number = number * 10 + static_cast<std::size_t>(text[digits++] - '0');
    if (digits == 0 || number >= runs.size()) return std::nullopt;
    base64.append(runs[number]);
    text.remove_prefix(digits);
  }
  return crypto::base64_decode_secret(std::move(base64).take().reveal_text());
}

}  // namespace

Result<void> SealedKeys::add(const crypto::SecretBytes& content, const std::string& origin) {
  const auto refuse = [&origin](const std::string& what) {
    return fail(
        Code::kInvalid, origin + ": " + what, Where{},
        "give a PEM private key, or a back-up of the controller's key Secrets (YAML, JSON)");
  };
  if (content.size() > kMaxKeyFile) return refuse("larger than the limit of 4 MiB");
  const std::string_view text = content.reveal_text();
  if (text.find("-----BEGIN ") != text.npos) {
    auto key = crypto::RsaPrivateKey::from_pem(content);
    if (!key) return fail(std::move(key).error().prefix(origin + ": "));
    keys_.push_back({*std::move(key), origin});
    return {};
  }
  std::vector<std::string_view> runs;
  const auto documents =
      yaml::read_yaml(std::shared_ptr<const std::string>(hide(text, runs)), FileId::kNone);
  if (!documents) return refuse("neither a PEM private key nor YAML");
  const std::size_t before = keys_.size();
  const auto add_secret = [&](yaml::Node secret) -> Result<void> {
    if (secret.get("kind").string_or("") != "Secret")
      return refuse("holds something else than Secrets");
    const yaml::Node value = secret.find("data", "tls.key");
    const std::string name(secret.find("metadata", "name").string_or("?"));
    const auto pem = uncover(value.text(), runs);
    if (!value.is_string() || !pem) {
      return refuse("Secret \"" + name + "\" has no data.tls.key that is base64");
    }
    auto key = crypto::RsaPrivateKey::from_pem(*pem);
    if (!key) {
      return fail(std::move(key).error().prefix(origin + ": Secret \"" + name + "\": "));
    }
    keys_.push_back({*std::move(key), origin + ": " + name});
    return {};
  };
  for (const yaml::Document& document : *documents) {
    const yaml::Node root = document.root();
    const yaml::Node items = root.get("items");
    if (!items.is_sequence()) {
      SLUICE_CHECK(add_secret(root));
      continue;
    }
    for (std::size_t i = 0; i < items.size(); ++i)
      SLUICE_CHECK(add_secret(items.at(i)));
  }
  if (keys_.size() == before) return refuse("no private key in it");
  return {};
}

}  // namespace sluice::decrypt
