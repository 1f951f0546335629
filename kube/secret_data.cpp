#include "sluice/kube/secret_data.hpp"

#include <cstddef>
#include <utility>

namespace sluice::kube {
namespace {

/// A reader of just enough JSON to find the entries of the top-level `data` object. It hands out
/// views into the secret memory that it reads; values of `data` are base64, so they hold no
/// escapes.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_space();
    return at_ >= text_.size();
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// A string without its quotes, escapes left as they are.
  bool string(std::string_view& out) {
    if (!take('"')) return false;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return false;
    out = text_.substr(begin, at_++ - begin);
    return true;
  }
  /// Passes over one value of any kind. Depth is counted, not recursed into.
  bool skip_value() {
    std::size_t depth = 0;
    do {
      skip_space();
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') {
        std::string_view ignored;
        if (!string(ignored)) return false;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return false;
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        if (depth == 0) return false;
        ++at_;
      } else {
        while (at_ < text_.size() && !is_structural(text_[at_]))
          ++at_;
      }
    } while (depth != 0);
    return true;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
  static bool is_structural(char c) {
    return is_space(c) || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' ||
           c == '"';
  }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_]))
      ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool read_data(Scanner& scanner, SecretData& out) {
  if (!scanner.take('{')) return scanner.skip_value();  // null
  if (scanner.take('}')) return true;
  do {
    std::string_view key;
    std::string_view value;
    if (!scanner.string(key) || !scanner.take(':') || !scanner.string(value)) return false;
    auto bytes = crypto::base64_decode_secret(value);
    if (!bytes) return false;
    out.insert_or_assign(std::string(key), *std::move(bytes));
  } while (scanner.take(','));
  return scanner.take('}');
}

}  // namespace

Result<SecretData> parse_secret_data(std::string_view json) {
  Scanner scanner(json);
  SecretData data;
  std::string_view kind;
  bool good = scanner.take('{');
  if (good && !scanner.take('}')) {
    do {
      std::string_view key;
      good = scanner.string(key) && scanner.take(':');
      if (!good) break;
      good = key == "data"   ? read_data(scanner, data)
             : key == "kind" ? scanner.string(kind)
                             : scanner.skip_value();
    } while (good && scanner.take(','));
    good = good && scanner.take('}');
  }
  if (!good || !scanner.at_end() || kind != "Secret") {
    return fail(Code::kInvalid, "the API server's answer is not a Secret");
  }
  return data;
}

Result<SecretData> get_secret_data(Client& client, const std::string& ns, const std::string& name,
                                   const CancelToken& cancel) {
  auto body = client.get_secret_body("/api/v1/namespaces/" + ns + "/secrets/" + name, cancel);
  if (!body) {
    if (body.error().code() != Code::kNotFound) return fail(std::move(body.error()));
    return fail(Code::kNotFound, "secrets \"" + name + "\" not found");
  }
  return parse_secret_data(body->reveal_text());
}

}  // namespace sluice::kube
