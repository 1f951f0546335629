#include "sluice/generators/name_suffix.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::generators {

namespace {

// Gives the JSON writer one plaintext at a time, in secret memory.
class OpeningReader final : public yaml::LeafReader {
 public:
  OpeningReader(decrypt::LeafDecryptor& decryptor, const CancelToken& cancel)
      : decryptor_(decryptor), cancel_(cancel) {}

  Result<Value> read(const yaml::EncryptedLeaf& leaf) override {
    SLUICE_TRY(current_, decryptor_.open(leaf, cancel_));
    if (leaf.encoding == yaml::LeafEncoding::kBase64) {
      // The hash covers the line breaks that the generator puts into long values.
      constexpr std::size_t kLine = 70;
      crypto::SecretBytes encoded = crypto::base64_encode_secret(current_.reveal());
      if (encoded.size() < kLine) {
        current_ = std::move(encoded);
      } else {
        crypto::SecretBuffer wrapped(encoded.size() + encoded.size() / kLine + 1);
        for (std::string_view rest = encoded.reveal_text(); !rest.empty();) {
          wrapped.append(rest.substr(0, kLine));
          wrapped.append("\n");
          rest.remove_prefix(std::min(kLine, rest.size()));
        }
        current_ = std::move(wrapped).take();
      }
    }
    return Value{leaf.kind, current_.reveal_text()};
  }

 private:
  decrypt::LeafDecryptor& decryptor_;
  const CancelToken& cancel_;
  crypto::SecretBytes current_;
};

// Stands in when there is no key: names the ciphertext.
class DigestReader final : public yaml::LeafReader {
 public:
  Result<Value> read(const yaml::EncryptedLeaf& leaf) override {
    text_ = leaf.file.text() + "#" + leaf.selector;
    return Value{yaml::Kind::kString, text_};
  }

 private:
  std::string text_;
};

bool has_leaf(yaml::Node node) {
  if (node.is_encrypted()) return true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (has_leaf(node.is_mapping() ? node.value(i) : node.at(i))) return true;
  }
  return false;
}

// hasher.go getNodeValues: a mapping as JSON, a scalar as its text, "" for nothing.
Result<void> write_value(yaml::Node value, crypto::Hash& hash, yaml::LeafReader& leaves) {
  yaml::JsonOptions options;
  options.leaves = &leaves;
  options.round_integers = true;
  if (value.is_mapping() || value.is_encrypted()) {
    return yaml::write_go_json(value, hash, options);
  }
  if (value.is_sequence()) {
    hash.append("null");
    return {};
  }
  yaml::Document text;
  text.root().set_string(value.is_null() ? std::string_view() : value.text());
  return yaml::write_go_json(std::as_const(text).root(), hash, options);
}

struct Fields {
  std::string_view kind;
  yaml::Node data, binary_data, string_data, type;
};

Result<void> write_config_map(const Fields& fields, crypto::Hash& hash, yaml::LeafReader& leaves) {
  hash.append("{");
  if (fields.binary_data.is_mapping()) {
    hash.append("\"binaryData\":");
    SLUICE_CHECK(write_value(fields.binary_data, hash, leaves));
    hash.append(",");
  }
  hash.append("\"data\":");
  SLUICE_CHECK(write_value(fields.data, hash, leaves));
  hash.append(R"(,"kind":"ConfigMap","name":""})");
  return {};
}

Result<void> write_secret(const Fields& fields, crypto::Hash& hash, yaml::LeafReader& leaves) {
  hash.append("{\"data\":");
  SLUICE_CHECK(write_value(fields.data, hash, leaves));
  hash.append(R"(,"kind":"Secret","name":"")");
  if (fields.string_data.is_mapping()) {
    hash.append(",\"stringData\":");
    SLUICE_CHECK(write_value(fields.string_data, hash, leaves));
  }
  hash.append(",\"type\":");
  SLUICE_CHECK(write_value(fields.type, hash, leaves));
  hash.append("}");
  return {};
}

Fields fields_of(yaml::Node object) {
  return {object.get("kind").text(), object.get("data"), object.get("binaryData"),
          object.get("stringData"), object.get("type")};
}

}  // namespace

bool suffix_needs_decryption(yaml::Node object) {
  if (object.exists() && object.document().leaves().empty()) return false;
  const Fields fields = fields_of(object);
  return has_leaf(fields.data) || has_leaf(fields.binary_data) || has_leaf(fields.string_data) ||
         has_leaf(fields.type);
}

Result<std::string> name_suffix(yaml::Node object, decrypt::LeafDecryptor* decryptor,
                                const CancelToken& cancel) {
  const Fields fields = fields_of(object);
  crypto::Hash hash(crypto::HashAlgorithm::kSha256);
  const auto write = [&](yaml::LeafReader& leaves) -> Result<void> {
    if (fields.kind == "ConfigMap") return write_config_map(fields, hash, leaves);
    if (fields.kind == "Secret") return write_secret(fields, hash, leaves);
    return fail(Code::kUnsupported, "a name suffix for kind " + go_quote(fields.kind) +
                                        " is not supported, only for ConfigMap and Secret");
  };
  if (decryptor != nullptr) {
    OpeningReader leaves(*decryptor, cancel);
    SLUICE_CHECK(write(leaves));
  } else {
    DigestReader leaves;
    SLUICE_CHECK(write(leaves));
  }
  const auto digest = hash.finish();
  std::string suffix = hex_encode(std::span<const std::uint8_t>(digest).first(5));
  for (char& c : suffix) {
    switch (c) {  // hasher.go encode: no digit or vowel that could spell a word
      case '0':
        c = 'g';
        break;
      case '1':
        c = 'h';
        break;
      case '3':
        c = 'k';
        break;
      case 'a':
        c = 'm';
        break;
      case 'e':
        c = 't';
        break;
      default:
        break;
    }
  }
  return suffix;
}

}  // namespace sluice::generators
