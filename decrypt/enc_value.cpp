#include "enc_value.hpp"

#include <array>

#include "sluice/base/encoding.hpp"
#include "sluice/base/go_bool.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "metadata.hpp"
#include "numbers.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kHead = "ENC[AES256_GCM,data:";

std::optional<ItemKind> kind_of(std::string_view type) {
  if (type == "str" || type == "bytes") return ItemKind::kString;
  if (type == "int") return ItemKind::kInt;
  if (type == "float") return ItemKind::kFloat;
  if (type == "bool") return ItemKind::kBool;
  if (type == "time") return ItemKind::kTime;
  if (type == "comment") return ItemKind::kComment;
  return std::nullopt;
}

// The form that Item::text has; nullopt when the plaintext is not of its kind.
std::optional<crypto::SecretBytes> normalize(ItemKind kind, crypto::SecretBytes plaintext) {
  const std::string_view text = plaintext.reveal_text();
  ShortText normal;
  switch (kind) {
    case ItemKind::kInt: {
      const auto value = parse_int(text);
      if (!value) return std::nullopt;
      std::array<char, 24> digits{};
      std::size_t size = digits.size();
      // Written by hand: std::to_string would leave a copy on the heap.
      std::uint64_t rest =
          *value < 0 ? 0 - static_cast<std::uint64_t>(*value) : static_cast<std::uint64_t>(*value);
      do {
        digits[--size] = static_cast<char>('0' + rest % 10);
        rest /= 10;
      } while (rest != 0);
      if (*value < 0) digits[--size] = '-';
      normal.append({digits.data() + size, digits.size() - size});
      crypto::wipe(digits.data(), digits.size());
      break;
    }
    case ItemKind::kFloat: {
      const auto value = parse_float(text);
      if (!value) return std::nullopt;
      format_float(*value, 'f', normal);
      break;
    }
    case ItemKind::kBool: {
      const auto value = parse_go_bool(text);
      if (!value) return std::nullopt;
      normal.append(*value ? "true" : "false");
      break;
    }
    case ItemKind::kTime:
      if (!is_rfc3339(text)) return std::nullopt;
      return plaintext;
    default:
      return plaintext;
  }
  return crypto::SecretBytes::copy_of(normal.view());
}

}  // namespace

bool looks_like_enc(std::string_view text) {
  return text.starts_with(kHead);
}

Result<EncValue> parse_enc(std::string_view text) {
  const auto broken = [](const char* what) {
    return fail(Code::kInvalid, std::string("not an encrypted value of SOPS: ") + what);
  };
  if (!text.starts_with(kHead)) return broken("it does not start with ENC[AES256_GCM,data:");
  std::string_view rest = text.substr(kHead.size());
  rest = rest.substr(0, rest.find('\n'));  // what follows is ignored, as upstream does
  const auto take = [&rest](std::string_view until) {
    const std::size_t end = rest.find(until);
    if (end == std::string_view::npos || end == 0) return std::optional<std::string_view>();
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end + until.size());
    return std::optional(part);
  };
  const auto data = take(",iv:");
  const auto iv = data ? take(",tag:") : std::nullopt;
  const auto tag = iv ? take(",type:") : std::nullopt;
  if (!tag) return broken("data, iv, tag or type is missing");
  const std::size_t end = rest.rfind(']');
  if (end == std::string_view::npos) return broken("it has no ] at the end");
  const auto kind = kind_of(rest.substr(0, end));
  if (!kind) return broken("its type is unknown");
  auto data_bytes = base64_decode(*data);
  auto iv_bytes = base64_decode(*iv);
  auto tag_bytes = base64_decode(*tag);
  if (!data_bytes || !iv_bytes || !tag_bytes) return broken("data, iv or tag is not base64");
  if (tag_bytes->size() != crypto::kAeadTagSize) return broken("its tag is not 16 bytes");
  if (iv_bytes->empty() || iv_bytes->size() > 128) return broken("its iv is not 1 to 128 bytes");
  return EncValue{std::move(*data_bytes), std::move(*iv_bytes), std::move(*tag_bytes), *kind};
}

Result<OpenedValue> open_enc(std::string_view text, const crypto::SecretBytes& data_key,
                             std::string_view path) {
  using crypto::as_bytes;
  SLUICE_TRY(const EncValue value, parse_enc(text));
  auto plaintext = crypto::aes256_gcm_open(data_key.reveal(), as_bytes(value.iv), as_bytes(path),
                                           as_bytes(value.data), as_bytes(value.tag));
  if (!plaintext) {
    return fail(Error(Code::kIntegrity,
                      "the value does not authenticate: it, or the keys above it, were changed "
                      "after encryption")
                    .reason(std::string(kReasonValue)));
  }
  auto normal = normalize(value.kind, std::move(*plaintext));
  if (!normal) {
    return fail(Code::kInvalid, "the decrypted value is not of the type that the file states");
  }
  return OpenedValue{value.kind, std::move(*normal)};
}

}  // namespace sluice::decrypt
