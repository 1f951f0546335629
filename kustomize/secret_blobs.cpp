#include "secret_blobs.hpp"

#include <optional>
#include <utility>

#include "sluice/base/encoding.hpp"

namespace sluice::kustomize {
namespace {

using decrypt::Format;

constexpr std::string_view kSwitch = "kustomize.toolkit.fluxcd.io/decrypt";
constexpr std::size_t kMaxFile = std::size_t{5} << 20;  // decryptor.go: maxEncryptedFileSize

/// Flux goes through its markers in Go's random order; this order is fixed. JSON and binary files
/// have one marker: the key tells them apart.
std::optional<Format> format_of(std::string_view text, Format output) {
  for (const Format format : {Format::kYaml, Format::kDotenv, Format::kIni}) {
    if (decrypt::looks_encrypted(text, format)) return format;
  }
  if (!decrypt::looks_encrypted(text, Format::kJson)) return std::nullopt;
  return output == Format::kBinary ? Format::kBinary : Format::kJson;
}

Format format_for_key(std::string_view key) {
  return key.ends_with(".dockerconfigjson") ? Format::kJson : decrypt::format_for_path(key);
}

bool is_disabled(std::string_view text) {
  constexpr std::string_view kDisabled = "disabled";
  if (text.size() != kDisabled.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != kDisabled[i]) return false;
  }
  return true;
}

}  // namespace

Result<void> lift_secret_blobs(ResMap& resources, BuildContext& context) {
  for (const auto& resource : resources.items()) {
    const yaml::Node root = std::as_const(*resource).root();
    if (root.get("kind").text() != "Secret" || root.get("apiVersion").text() != "v1") continue;
    const yaml::Node data = root.get("data");
    if (is_disabled(root.find("metadata", "annotations").get(kSwitch).text())) continue;
    for (std::size_t i = 0; i < data.size(); ++i) {
      const yaml::Node value = data.value(i);
      if (!value.is_string() || value.text().size() > kMaxFile / 3 * 4 + 4) continue;
      auto bytes = base64_decode(value.text());
      if (!bytes) continue;
      const std::string key(data.key(i).text());
      const Format output = format_for_key(key);
      const auto input = format_of(*bytes, output);
      if (!input) continue;
      const Where place = context.where(value);
      const std::string path = (place.file.empty() ? std::string() : place.text() + ": ") +
                               "Secret \"" + std::string(root.find("metadata", "name").text()) +
                               "\" data \"" + key + "\"";
      auto leaf = decrypt::lift_whole(std::make_shared<const std::string>(*std::move(bytes)),
                                      *input, output, path, context.sops());
      if (!leaf) return fail(std::move(leaf).error().at(place));
      leaf->encoding = yaml::LeafEncoding::kBase64;
      resource->root().get("data").value(i).set_leaf(*std::move(leaf));
    }
  }
  return {};
}

}  // namespace sluice::kustomize
