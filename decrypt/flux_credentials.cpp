#include "sluice/decrypt/flux_credentials.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/http/secret_json.hpp"

namespace sluice::decrypt {
namespace {

using crypto::SecretBytes;
using Flat = std::map<std::string, SecretBytes, std::less<>>;

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// Lines with their numbers.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  std::string_view peek() const {
    std::string_view line = rest_.substr(0, rest_.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  void next() {
    rest_.remove_prefix(std::min(rest_.size(), std::min(rest_.find('\n'), rest_.size() - 1) + 1));
    ++number_;
  }
  std::uint32_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::uint32_t number_ = 1;
};

std::optional<SecretBytes> double_quoted(std::string_view raw) {
  // YAML's escapes of this kind are JSON's and more; the others do not occur in credentials.
  crypto::SecretBuffer json(raw.size() + 16);
  json.append("{\"v\":");
  json.append(raw);
  json.append("}");
  return http::secret_json_string(std::move(json).take().reveal_text(), {"v"});
}

SecretBytes single_quoted(std::string_view inside) {
  crypto::SecretBuffer out(inside.size());
  while (!inside.empty()) {
    const std::size_t quotes = std::min(inside.find("''"), inside.size());
    out.append(inside.substr(0, quotes));
    if (quotes < inside.size()) out.append("'");
    inside.remove_prefix(std::min(inside.size(), quotes + 2));
  }
  return std::move(out).take();
}

/// The lines of a literal (`|`) or folded (`>`) scalar that are further in than its key.
SecretBytes block(Lines& lines, std::string_view header) {
  const bool folded = header.front() == '>';
  const bool strip = header.find('-') != std::string_view::npos;
  crypto::SecretBuffer out(256);
  std::size_t indent = 0;
  std::size_t blank = 0;  // line breaks not written yet
  bool first = true;
  for (; !lines.at_end(); lines.next()) {
    const std::string_view line = lines.peek();
    const std::size_t here = indent_of(line);
    if (here == line.size()) {
      ++blank;
      continue;
    }
    if (here == 0) break;
    if (indent == 0) indent = here;
    if (here < indent) break;
    if (!first) {
      if (folded && blank == 0) {
        out.append(" ");
      } else {
        for (std::size_t i = 0; i < blank + (folded ? 0 : 1); ++i)
          out.append("\n");
      }
    }
    out.append(line.substr(indent));
    first = false;
    blank = 0;
  }
  if (!strip && !first) out.append("\n");
  return std::move(out).take();
}

Result<Flat> read_json(std::string_view text) {
  Flat out;
  http::JsonScanner scanner(text);
  bool good = scanner.take('{');
  if (good && !scanner.take('}')) {
    do {
      std::string_view key;
      std::string_view value;
      good = scanner.string(key) && scanner.take(':') && scanner.value(value);
      if (!good) break;
      if (value.starts_with('"')) {
        auto plain = http::secret_json_string(text, {key});
        if (plain) out.insert_or_assign(std::string(key), *std::move(plain));
      } else if (!value.starts_with('{') && !value.starts_with('[') && value != "null") {
        out.insert_or_assign(std::string(key), SecretBytes::copy_of(value));
      }
    } while (scanner.take(','));
    good = good && scanner.take('}');
  }
  if (!good || !scanner.at_end()) return fail(Code::kInvalid, "not a JSON object");
  return out;
}

Result<Flat> read_yaml(std::string_view text) {
  Flat out;
  Lines lines(text);
  while (!lines.at_end()) {
    const std::string_view line = lines.peek();
    const std::uint32_t number = lines.number();
    const std::string_view content = trim(line);
    const auto broken = [number](const char* what) {
      return fail(Code::kInvalid, what, Where{"", number, 0});
    };
    if (content.empty() || content.front() == '#' || content == "---") {
      lines.next();
      continue;
    }
    if (indent_of(line) != 0 || content.front() == '-') {
      lines.next();  // of a nested value
      continue;
    }
    std::size_t colon = content.find(": ");
    if (colon == std::string_view::npos && content.ends_with(':')) colon = content.size() - 1;
    if (colon == std::string_view::npos) return broken("expected \"name: value\"");
    std::string_view key = trim(content.substr(0, colon));
    if (key.size() > 1 && (key.front() == '"' || key.front() == '\'') &&
        key.back() == key.front()) {
      key = key.substr(1, key.size() - 2);
    }
    const std::string_view value = trim(content.substr(colon + 1));
    lines.next();
    SecretBytes plain;
    if (value.empty() || value == "~" || value == "null") continue;
    if (value.front() == '|' || value.front() == '>') {
      plain = block(lines, value);
    } else if (value.front() == '"') {
      const std::size_t end = value.rfind('"');
      auto unescaped = double_quoted(value.substr(0, end + 1));
      if (end == 0 || !unescaped) return broken("a quoted value that cannot be read");
      plain = *std::move(unescaped);
    } else if (value.front() == '\'') {
      const std::size_t end = value.rfind('\'');
      if (end == 0) return broken("a quoted value that cannot be read");
      plain = single_quoted(value.substr(1, end - 1));
    } else if (std::string_view("&*!{[%@`").find(value.front()) != std::string_view::npos) {
      return broken("a value of a kind that does not belong here");
    } else {
      plain = SecretBytes::copy_of(trim(value.substr(0, value.find(" #"))));
    }
    out.insert_or_assign(std::string(key), std::move(plain));
  }
  return out;
}

/// UTF-16 with its mark to UTF-8; anything else as it is, without UTF-8's mark.
SecretBytes to_utf8(const SecretBytes& bytes) {
  const std::string_view text = bytes.reveal_text();
  if (text.starts_with("\xef\xbb\xbf")) return SecretBytes::copy_of(text.substr(3));
  const bool little = text.starts_with("\xff\xfe");
  if (!little && !text.starts_with("\xfe\xff")) return bytes.clone();
  crypto::SecretBuffer out(text.size());
  const auto unit = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(text[at]);
    const auto b = static_cast<unsigned char>(text[at + 1]);
    return static_cast<std::uint32_t>(little ? a | b << 8 : b | a << 8);
  };
  for (std::size_t at = 2; at + 1 < text.size(); at += 2) {
    std::uint32_t c = unit(at);
    if (c >= 0xd800 && c < 0xdc00 && at + 3 < text.size()) {
      c = 0x10000 + ((c - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    }
    append_utf8(c, out);
  }
  return std::move(out).take();
}

SecretBytes take(Flat& from, std::string_view name) {
  const auto found = from.find(name);
  return found == from.end() ? SecretBytes() : std::move(found->second);
}
std::string text_of(Flat& from, std::string_view name) {
  return std::string(take(from, name).reveal_text());
}

}  // namespace

Result<Flat> read_flat_secrets(const SecretBytes& text) {
  const std::string_view all = text.reveal_text();
  const std::size_t first = all.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && all[first] == '{') return read_json(all);
  return read_yaml(all);
}

Result<std::shared_ptr<const http::AwsCredentials>> read_aws_credentials(const SecretBytes& text) {
  auto flat = read_flat_secrets(text);
  if (!flat) {
    return fail(std::move(flat).error().prefix("failed to unmarshal AWS credentials file: "));
  }
  auto out = std::make_shared<http::AwsCredentials>();
  out->access_key_id = text_of(*flat, "aws_access_key_id");
  out->secret_access_key = take(*flat, "aws_secret_access_key");
  if (auto token = take(*flat, "aws_session_token"); !token.empty()) {
    out->session_token = std::make_shared<const SecretBytes>(std::move(token));
  }
  if (out->access_key_id.empty() || out->secret_access_key.empty()) {
    return fail(Code::kInvalid, "AWS credentials need aws_access_key_id and aws_secret_access_key");
  }
  return std::shared_ptr<const http::AwsCredentials>(std::move(out));
}

Result<std::shared_ptr<const http::AzureCredentials>> read_azure_credentials(
    const SecretBytes& text) {
  auto flat = read_flat_secrets(to_utf8(text));
  if (!flat) {
    return fail(std::move(flat).error().prefix("failed to unmarshal Azure authentication file: "));
  }
  auto out = std::make_shared<http::AzureCredentials>();
  out->tenant = text_of(*flat, "tenantId");
  out->client = text_of(*flat, "clientId");
  out->secret = take(*flat, "clientSecret");
  out->certificate = take(*flat, "clientCertificate");
  out->certificate_password = take(*flat, "clientCertificatePassword");
  out->send_chain = text_of(*flat, "clientCertificateSendChain") == "true";
  out->authority_host = text_of(*flat, "authorityHost");
  const bool principal = !out->tenant.empty() && !out->client.empty() &&
                         (!out->secret.empty() || !out->certificate.empty());
  if (principal) return std::shared_ptr<const http::AzureCredentials>(std::move(out));
  const std::string tenant = text_of(*flat, "tenant");
  const std::string app = text_of(*flat, "appId");
  auto password = take(*flat, "password");
  if (!tenant.empty() && !app.empty() && !password.empty()) {
    out->tenant = tenant;
    out->client = app;
    out->secret = std::move(password);
    return std::shared_ptr<const http::AzureCredentials>(std::move(out));
  }
  if (!out->client.empty()) {
    out->tenant.clear();  // a managed identity
    return std::shared_ptr<const http::AzureCredentials>(std::move(out));
  }
  return fail(Code::kInvalid,
              "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' "
              "and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'");
}

}  // namespace sluice::decrypt
