#pragma once
/// Hexadecimal, base64 and UTF-8, for bytes that are not secret unless it is said (secret ones:
/// crypto/secret.hpp).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/byte_sink.hpp"

namespace sluice {

std::string hex_encode(std::span<const std::uint8_t> bytes);
/// nullopt unless `text` is an even number of hexadecimal digits.
std::optional<std::string> hex_decode(std::string_view text);

/// RFC 4648 standard alphabet with padding.
std::string base64_encode(std::string_view bytes);
/// Writes base64 of `bytes` to `out`, which must have room for base64_encoded_size(). Branch-free
/// on the data, so that it may be used for secrets.
void base64_encode_to(std::span<const std::uint8_t> bytes, char* out);
constexpr std::size_t base64_encoded_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
/// Strict padding and alphabet; '\r' and '\n' are skipped, as Go's decoder does. nullopt otherwise.
std::optional<std::string> base64_decode(std::string_view text);
/// The same into a caller's buffer of at least text.size() / 4 * 3 + 3 bytes; the decoded size, or
/// nullopt.
std::optional<std::size_t> base64_decode_to(std::string_view text, std::uint8_t* out);

/// True when `text` is valid UTF-8 as Go's utf8.Valid judges it (no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);
/// The character `code` (up to 0x10ffff) in UTF-8; it may be one of a secret.
void append_utf8(std::uint32_t code, ByteSink& out);

/// strings.TrimSpace: without Unicode's white space at both ends.
std::string_view go_trim_space(std::string_view text);

/// Go's %q of a string: double quotes, escapes for control and non-printable characters.
std::string go_quote(std::string_view text);
/// The same into a sink, for text that is secret.
void go_quote(std::string_view text, ByteSink& out);

}  // namespace sluice
