#include "sluice/generators/ksops.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/json_kind.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::generators {

namespace {

using yaml::Node;

/// sigs.k8s.io/yaml.Unmarshal into KSOPS's structs, the first mismatch kept.
class Decoder {
 public:
  void string(Node node, std::string_view field, std::string& out) {
    if (!node.exists() || node.is_null()) return;
    if (!node.is_scalar()) return mismatch(node, field, "string");
    out = node.text();
  }
  void strings(Node node, std::string_view field, std::vector<std::string>& out) {
    if (!node.exists() || node.is_null()) return;
    if (!node.is_sequence()) return mismatch(node, field, "[]string");
    for (std::size_t i = 0; i < node.size(); ++i)
      string(node.at(i), field, out.emplace_back());
  }
  void string_map(Node node, std::string_view field, StringMap& out) {
    if (!node.exists() || node.is_null()) return;
    if (!node.is_mapping()) return mismatch(node, field, "map[string]string");
    for (std::size_t i = 0; i < node.size(); ++i)
      string(node.value(i), field, out[std::string(node.key(i).text())]);
  }
  void mismatch(Node node, std::string_view field, std::string_view type) {
    if (!error_.empty()) return;
    error_ = "json: cannot unmarshal " + std::string(yaml::json_kind(node)) +
             " into Go struct field " + std::string(field) + " of type " + std::string(type);
  }
  const std::string& error() const { return error_; }

 private:
  std::string error_;
};

KsopsSecret read_secret(Node node, Decoder& decoder) {
  KsopsSecret secret;
  if (node.is_null()) return secret;
  if (!node.is_mapping()) {
    decoder.mismatch(node, "ksops.secretFrom", "main.secretFrom");
    return secret;
  }
  decoder.strings(node.get("files"), "secretFrom.secretFrom.files", secret.files);
  decoder.strings(node.get("binaryFiles"), "secretFrom.secretFrom.binaryFiles",
                  secret.binary_files);
  decoder.strings(node.get("envs"), "secretFrom.secretFrom.envs", secret.envs);
  decoder.string(node.get("type"), "secretFrom.secretFrom.type", secret.type);
  const Node metadata = node.get("metadata");
  if (metadata.exists() && !metadata.is_null() && !metadata.is_mapping()) {
    decoder.mismatch(metadata, "secretFrom.secretFrom.metadata", "types.ObjectMeta");
  }
  decoder.string(metadata.get("name"), "ObjectMeta.secretFrom.metadata.name", secret.name);
  decoder.string(metadata.get("namespace"), "ObjectMeta.secretFrom.metadata.namespace", secret.ns);
  decoder.string_map(metadata.get("labels"), "ObjectMeta.secretFrom.metadata.labels",
                     secret.labels);
  decoder.string_map(metadata.get("annotations"), "ObjectMeta.secretFrom.metadata.annotations",
                     secret.annotations);
  return secret;
}

struct KeyAndPath {
  std::string key, path;
};
Result<KeyAndPath> key_and_path(const std::string& entry) {
  const std::size_t equals = entry.find('=');
  if (equals == std::string::npos) return KeyAndPath{entry.substr(entry.rfind('/') + 1), entry};
  if (entry.find('=', equals + 1) != std::string::npos) {
    return fail(Code::kInvalid, "invalid format in file generator " + entry, Where{},
                "write KEY=PATH; a path with \"=\" in it cannot be named");
  }
  return KeyAndPath{entry.substr(0, equals), entry.substr(equals + 1)};
}

Error dressed(Error error, const std::string& path, std::string_view list) {
  return std::move(error).prefix("error decrypting file " + go_quote(path) + " from " +
                                 std::string(list) + ": ");
}

Result<sources::Blob> read_file(const std::string& path, const LoadFile& load) {
  auto blob = load(path);
  if (blob) return blob;
  return fail(std::move(blob).error().prefix("error reading " + go_quote(path) + ": "));
}

constexpr std::string_view kTrouble = "trouble decrypting file: ";

using Leaves = std::map<std::string, yaml::EncryptedLeaf>;  // sorted, as Go prints maps

Result<void> add_files(const std::vector<std::string>& entries, std::string_view list,
                       yaml::LeafEncoding encoding, const LoadFile& load, decrypt::SopsFiles& sops,
                       Leaves& into) {
  for (const std::string& entry : entries) {
    SLUICE_TRY(const KeyAndPath named, key_and_path(entry));
    const auto lift = [&]() -> Result<yaml::EncryptedLeaf> {
      SLUICE_TRY(const sources::Blob blob, read_file(named.path, load));
      const decrypt::Format format = decrypt::format_for_path(named.path);
      auto leaf = decrypt::lift_whole(blob.bytes, format, format, named.path, sops);
      if (!leaf) return fail(std::move(leaf).error().prefix(kTrouble));
      return leaf;
    };
    auto leaf = lift();
    if (!leaf) return fail(dressed(std::move(leaf).error(), named.path, list));
    leaf->encoding = encoding;
    into[named.key] = *std::move(leaf);
  }
  return {};
}

Result<void> add_envs(const std::vector<std::string>& paths, const LoadFile& load,
                      decrypt::SopsFiles& sops, Leaves& into) {
  for (const std::string& path : paths) {
    auto blob = read_file(path, load);
    if (!blob) return fail(dressed(std::move(blob).error(), path, "secretFrom.Envs"));
    auto variables =
        decrypt::lift_godotenv(blob->bytes, decrypt::format_for_path(path), path, sops);
    if (!variables) {
      return fail(dressed(std::move(variables).error().prefix(kTrouble), path, "secretFrom.Envs"));
    }
    for (decrypt::GodotenvLeaf& variable : *variables)
      into[variable.key] = std::move(variable.leaf);
  }
  return {};
}

void put_leaves(yaml::Ref root, std::string_view field, const Leaves& leaves) {
  if (leaves.empty()) return;
  const yaml::Ref map = root.put_mapping(field);
  for (const auto& [key, leaf] : leaves)
    map.put_leaf(key, leaf);
}

void put_map(yaml::Ref root, std::string_view field, const StringMap& entries) {
  if (entries.empty()) return;
  const yaml::Ref map = root.put_mapping(field);
  for (const auto& [key, text] : entries)
    map.put_string(key, text);
}

}  // namespace

Result<KsopsArgs> read_ksops(Node manifest, std::string_view raw) {
  KsopsArgs args;
  Decoder decoder;
  const Node files = manifest.get("files");
  const Node secrets = manifest.get("secretFrom");
  decoder.strings(files, "ksops.files", args.files);
  if (secrets.exists() && !secrets.is_null() && !secrets.is_sequence()) {
    decoder.mismatch(secrets, "ksops.secretFrom", "[]main.secretFrom");
  }
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (secrets.is_sequence()) args.secrets.push_back(read_secret(secrets.at(i), decoder));
  }
  if (!decoder.error().empty()) {
    return fail(Code::kInvalid,
                "error unmarshalling manifest content: " +
                    go_quote("error unmarshaling JSON: while decoding JSON: " + decoder.error()) +
                    " \n" + std::string(raw));
  }
  const auto is_given = [](Node node) { return node.exists() && !node.is_null(); };
  if (!is_given(files) && !is_given(secrets)) {
    return fail(Code::kInvalid,
                "missing the required 'files' or 'secretFrom' key in the ksops manifests: " +
                    std::string(raw));
  }
  return args;
}

std::string ksops_sort_key(Node object) {
  const Node metadata = object.get("metadata");
  std::string text;
  for (const Node part : {object.get("apiVersion"), object.get("kind"), metadata.get("namespace"),
                          metadata.get("name")})
    text.append(part.text()).append(" ");
  return text;
}

void sort_ksops_objects(std::vector<yaml::Document>& objects) {
  std::stable_sort(objects.begin(), objects.end(),
                   [](const yaml::Document& a, const yaml::Document& b) {
                     return ksops_sort_key(a.root()) < ksops_sort_key(b.root());
                   });
}

Error ksops_file_error(Error error, const std::string& path) {
  return dressed(std::move(error), path, "manifest.Files");
}

Result<std::vector<yaml::Document>> lift_ksops_file(const std::string& path, const LoadFile& load,
                                                    decrypt::SopsFiles& sops) {
  const auto lift = [&]() -> Result<std::vector<yaml::Document>> {
    SLUICE_TRY(const sources::Blob blob, read_file(path, load));
    const decrypt::Format format = decrypt::format_for_path(path);
    if (format != decrypt::Format::kYaml && format != decrypt::Format::kJson) {
      return fail(Code::kUnsupported,
                  "its name says that it is encrypted as a whole, so its objects are not known "
                  "before decryption",
                  Where{}, "encrypt the object as .yaml, or name the file in secretFrom");
    }
    auto documents = yaml::read_yaml(blob.bytes, FileId::kNone);
    if (!documents) return fail(std::move(documents).error().prefix(kTrouble));
    auto lifted = decrypt::lift_leaves(*documents, blob.bytes, path, sops);
    if (!lifted) return fail(std::move(lifted).error().prefix(kTrouble));
    if (!*lifted) return fail(Code::kInvalid, std::string(kTrouble) + "sops metadata not found");
    return documents;
  };
  auto documents = lift();
  if (!documents) return fail(ksops_file_error(std::move(documents).error(), path));
  return documents;
}

Result<yaml::Document> generate_ksops_secret(const KsopsSecret& secret, const LoadFile& load,
                                             decrypt::SopsFiles& sops) {
  Leaves text, binary;
  SLUICE_CHECK(
      add_files(secret.files, "secretFrom.Files", yaml::LeafEncoding::kNone, load, sops, text));
  SLUICE_CHECK(add_files(secret.binary_files, "secretFrom.BinaryFiles", yaml::LeafEncoding::kBase64,
                         load, sops, binary));
  SLUICE_CHECK(add_envs(secret.envs, load, sops, text));

  yaml::Document document;
  const yaml::Ref root = document.root();
  root.set_mapping();
  root.put_string("apiVersion", "v1");
  put_leaves(root, "data", binary);
  root.put_string("kind", "Secret");
  const yaml::Ref metadata = root.put_mapping("metadata");
  put_map(metadata, "annotations", secret.annotations);
  put_map(metadata, "labels", secret.labels);
  if (!secret.name.empty()) metadata.put_string("name", secret.name);
  if (!secret.ns.empty()) metadata.put_string("namespace", secret.ns);
  put_leaves(root, "stringData", text);
  if (!secret.type.empty()) root.put_string("type", secret.type);
  return document;
}

}  // namespace sluice::generators
