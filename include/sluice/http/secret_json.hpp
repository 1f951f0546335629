#pragma once
/// Reading and writing JSON that holds secrets: tokens, data keys, the values of a Secret. The text
/// stays where it lies, in secret memory; what is taken out of it goes to secret memory again.
/// Pure.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/byte_sink.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::http {

/// A reader of just enough JSON to walk to a value. Gives views into the text; each call skips
/// white space first and is false (and the scanner of no more use) when something else comes.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}
  bool at_end();
  bool take(char c);
  /// A string without its quotes, escapes left as they are.
  bool string(std::string_view& out);
  /// Passes over one value of any kind and gives its text. Depth is counted, not recursed into.
  bool value(std::string_view& out);

 private:
  void skip_space();
  std::string_view text_;
  std::size_t at_ = 0;
};

/// The text of the value that the keys of `path` lead to, a string with its quotes; nullopt when
/// there is none or `json` is broken on the way.
std::optional<std::string_view> find_json(std::string_view json,
                                          std::initializer_list<std::string_view> path);

/// The string there, unescaped. nullopt when there is no string.
std::optional<crypto::SecretBytes> secret_json_string(std::string_view json,
                                                      std::initializer_list<std::string_view> path);
/// The same for what is no secret, a message or a time; numbers and booleans as they are written.
/// "" when there is none.
std::string json_text(std::string_view json, std::initializer_list<std::string_view> path);

/// The strings of the list there, unescaped; for what is no secret.
std::vector<std::string> json_list(std::string_view json,
                                   std::initializer_list<std::string_view> path);

/// Appends `text` as a JSON string with its quotes.
void append_json_string(ByteSink& out, std::string_view text);
/// The same of what is no secret.
std::string json_string(std::string_view text);

/// Appends `text` percent-encoded: all but letters, digits and "-._~" (RFC 3986).
void append_percent(ByteSink& out, std::string_view text);
std::string percent_encoded(std::string_view text);

}  // namespace sluice::http
