#include "sluice/generators/generate.hpp"

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "sluice/base/encoding.hpp"

namespace sluice::generators {

namespace {

// Go's bufio.Scanner gives up at a longer line, and kustomize does not look at its error: the rest
// of the file is dropped.
constexpr std::size_t kMaxLine = 64 * 1024 - 1;

struct Value {
  std::string_view text;  // in `bytes`
  std::shared_ptr<const std::string> bytes;
  std::optional<yaml::EncryptedLeaf> leaf;
};

struct Pair {
  std::string key;
  Value value;
};

std::string go_list(const std::vector<std::string>& words) {
  std::string text = "[";
  for (const std::string& word : words) {
    if (text.size() > 1) text += ' ';
    text += word;
  }
  return text + "]";
}

// Bytes of the white space (unicode.IsSpace) that `text` starts with; 0 for none.
std::size_t space_width(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first == ' ' || (first >= '\t' && first <= '\r')) return 1;
  if (first == 0xC2 && text.size() > 1 && (byte(1) == 0x85 || byte(1) == 0xA0)) return 2;
  if (text.size() < 3) return 0;
  const unsigned code = (first & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
  if (first < 0xE1 || first > 0xE3) return 0;
  const bool is_space = code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
                        code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
  return is_space ? 3 : 0;
}

Result<void> read_env_lines(const std::shared_ptr<const std::string>& bytes,
                            std::vector<Pair>& pairs) {
  std::string_view rest = *bytes;
  for (bool is_first = true; !rest.empty(); is_first = false) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.size() > kMaxLine) return {};
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_valid_utf8(line)) {
      std::string numbers;
      for (const char c : line) {
        if (!numbers.empty()) numbers += ' ';
        numbers += std::to_string(static_cast<unsigned char>(c));
      }
      // kustomize goes on to print the line itself; a secret may be in it.
      return fail(Code::kInvalid, "line [" + numbers + "] has invalid utf8 bytes");
    }
    if (is_first && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    while (const std::size_t width = space_width(line))
      line.remove_prefix(width);
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    if (key.empty()) continue;
    const std::string_view text =
        equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
    pairs.push_back({std::string(key), {text, bytes, {}}});
  }
  return {};
}

bool wants_lift(const GenerateContext& context, const sources::Blob& blob, decrypt::Format format) {
  if (context.sops == nullptr || !decrypt::looks_encrypted(*blob.bytes, format)) return false;
  return !context.should_lift || context.should_lift(blob);
}

std::string display(const GenerateContext& context, const sources::Blob& blob,
                    const std::string& path) {
  return context.display ? context.display(blob) : path;
}

Result<void> read_env_file(const std::string& path, const GenerateContext& context,
                           std::vector<Pair>& pairs) {
  SLUICE_TRY(const sources::Blob blob, context.load(path));
  // Flux: an env file of unknown extension is dotenv.
  if (!wants_lift(context, blob, decrypt::Format::kDotenv)) {
    return read_env_lines(blob.bytes, pairs);
  }
  SLUICE_TRY(auto entries,
             decrypt::lift_env(blob.bytes, display(context, blob, path), *context.sops));
  for (decrypt::EnvEntry& entry : entries) {
    if (entry.encrypted) {
      pairs.push_back({std::move(entry.key), {{}, nullptr, std::move(entry.leaf)}});
    } else {
      auto plain = std::make_shared<const std::string>(std::move(entry.plain));
      pairs.push_back({std::move(entry.key), {*plain, plain, {}}});
    }
  }
  return {};
}

Result<void> read_literal(const std::string& source, std::vector<Pair>& pairs) {
  const std::size_t equals = source.find('=');
  if (equals == 0 || equals == std::string::npos) {
    return fail(Code::kInvalid, "invalid literal source " + source + ", expected key=value");
  }
  std::string value = source.substr(equals + 1);
  if (value.size() >= 2 && value.front() == value.back() &&
      (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  }
  auto bytes = std::make_shared<const std::string>(std::move(value));
  pairs.push_back({source.substr(0, equals), {*bytes, bytes, {}}});
  return {};
}

// Flux: the format of an encrypted file is that of the key it gets.
decrypt::Format format_for_key(std::string_view key) {
  if (key.ends_with(".dockerconfigjson")) return decrypt::Format::kJson;
  return decrypt::format_for_path(key);
}

Result<void> read_file(const std::string& source, const GenerateContext& context,
                       std::vector<Pair>& pairs) {
  SLUICE_TRY(FileSource parsed, parse_file_source(source));
  SLUICE_TRY(const sources::Blob blob, context.load(parsed.path));
  const decrypt::Format format = format_for_key(parsed.key);
  if (wants_lift(context, blob, format)) {
    SLUICE_TRY(auto leaf, decrypt::lift_whole(blob.bytes, format, format,
                                              display(context, blob, parsed.path), *context.sops));
    pairs.push_back({std::move(parsed.key), {{}, nullptr, std::move(leaf)}});
  } else {
    pairs.push_back({std::move(parsed.key), {*blob.bytes, blob.bytes, {}}});
  }
  return {};
}

Result<std::vector<Pair>> read_pairs(const GeneratorArgs& args, const GenerateContext& context) {
  std::vector<Pair> pairs;
  const auto wrap = [](Result<void> result, std::string_view what,
                       const std::vector<std::string>& list) {
    if (result) return result;
    return Result<void>(fail(std::move(result).error().prefix(
        "loading KV pairs: " + std::string(what) + " " + go_list(list) + ": ")));
  };
  for (const std::string& path : args.envs) {
    SLUICE_CHECK(wrap(read_env_file(path, context, pairs), "env source files:", args.envs));
  }
  for (const std::string& source : args.literals) {
    SLUICE_CHECK(wrap(read_literal(source, pairs), "literal sources", args.literals));
  }
  for (const std::string& source : args.files) {
    SLUICE_CHECK(wrap(read_file(source, context, pairs), "file sources:", args.files));
  }
  std::unordered_set<std::string_view> known;
  for (const Pair& pair : pairs) {
    if (!known.insert(pair.key).second) {
      return fail(Code::kInvalid,
                  "configmap " + args.name + " illegally repeats the key `" + pair.key + "`");
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.key < b.key; });
  return pairs;
}

// Builds the object from the outside in, in the order kustomize writes it.
class Builder {
 public:
  Builder(const GeneratorArgs& args, std::string_view kind) : args_(args) {
    root_ = mapping();
    doc_.set_root(root_);
    put(root_, "apiVersion", "v1");
    put(root_, "kind", kind);
    metadata_ = mapping();
    put(root_, "metadata", metadata_);
    put(metadata_, "name", args.name);
    if (!args.ns.empty()) put(metadata_, "namespace", args.ns);
  }

  yaml::NodeId root() const { return root_; }
  yaml::NodeId mapping() {
    return doc_.new_collection(yaml::Kind::kMapping, yaml::Style::kBlock, args_.file,
                               args_.position);
  }
  void put(yaml::NodeId map, std::string_view key, yaml::NodeId value) {
    doc_.append_entry(
        map,
        doc_.new_scalar(yaml::Kind::kString, key, yaml::Style::kPlain, args_.file, args_.position),
        value);
  }
  void put(yaml::NodeId map, std::string_view key, std::string_view text) {
    put(map, key,
        doc_.new_scalar(yaml::Kind::kString, text, yaml::Style::kPlain, args_.file,
                        args_.position));
  }
  void put_shared(yaml::NodeId map, std::string_view key, const Value& value) {
    if (value.bytes != last_chunk_) {
      doc_.add_chunk(value.bytes);
      last_chunk_ = value.bytes;
    }
    put(map, key,
        doc_.new_scalar_view(yaml::Kind::kString, value.text, yaml::Style::kPlain, args_.file,
                             args_.position));
  }
  void put_leaf(yaml::NodeId map, std::string_view key, yaml::EncryptedLeaf leaf,
                yaml::LeafEncoding encoding) {
    leaf.encoding = encoding;
    leaf.kind = yaml::Kind::kString;  // `data` holds strings whatever the SOPS type
    put(map, key, doc_.new_leaf(std::move(leaf), args_.file, args_.position));
  }

  yaml::Document finish() && {
    if (args_.options) {
      put_all("labels", args_.options->labels);
      put_all("annotations", args_.options->annotations);
      if (args_.options->immutable) {
        put(root_, "immutable",
            doc_.new_scalar(yaml::Kind::kBool, "true", yaml::Style::kPlain, args_.file,
                            args_.position));
      }
    }
    return std::move(doc_);
  }

 private:
  void put_all(std::string_view field, const StringMap& entries) {
    if (entries.empty()) return;
    const yaml::NodeId map = mapping();
    put(metadata_, field, map);
    for (const auto& [key, text] : entries)
      put(map, key, text);
  }

  const GeneratorArgs& args_;
  yaml::Document doc_;
  yaml::NodeId root_ = 0, metadata_ = 0;
  std::shared_ptr<const std::string> last_chunk_;
};

Result<void> check_name(const GeneratorArgs& args) {
  if (args.name.empty()) return fail(Code::kInvalid, "a configmap must have a name");
  return {};
}

}  // namespace

std::optional<GeneratorOptions> merge_options(std::optional<GeneratorOptions> local,
                                              const std::optional<GeneratorOptions>& global) {
  if (!global) return local;
  if (!local) local.emplace();
  local->labels.insert(global->labels.begin(), global->labels.end());
  local->annotations.insert(global->annotations.begin(), global->annotations.end());
  local->disable_name_suffix_hash |= global->disable_name_suffix_hash;
  local->immutable |= global->immutable;
  return local;
}

Result<FileSource> parse_file_source(std::string_view source) {
  const std::size_t equals = source.find('=');
  if (equals == std::string_view::npos) {
    std::string_view base = source;  // path.Base
    while (base.size() > 1 && base.ends_with('/'))
      base.remove_suffix(1);
    if (base != "/") base = base.substr(base.rfind('/') + 1);
    return FileSource{std::string(base.empty() ? std::string_view(".") : base),
                      std::string(source)};
  }
  if (source.find('=', equals + 1) != std::string_view::npos) {
    return fail(Code::kInvalid,
                "source " + go_quote(source) + " key name or file path contains '='");
  }
  const std::string_view key = source.substr(0, equals);
  const std::string_view path = source.substr(equals + 1);
  if (key.empty()) {
    return fail(Code::kInvalid, "missing key name for file path " + go_quote(path) + " in source " +
                                    go_quote(source));
  }
  if (path.empty()) {
    return fail(Code::kInvalid, "missing file path for key name " + go_quote(key) + " in source " +
                                    go_quote(source));
  }
  return FileSource{std::string(key), std::string(path)};
}

std::string wrapped_base64(std::string_view bytes) {
  constexpr std::size_t kLine = 70;  // kyaml/yaml/datamap.go
  std::string encoded = base64_encode(bytes);
  if (encoded.size() < kLine) return encoded;
  std::string wrapped;
  wrapped.reserve(encoded.size() + encoded.size() / kLine + 1);
  for (std::size_t i = 0; i < encoded.size(); i += kLine) {
    wrapped.append(encoded, i, kLine);
    wrapped += '\n';
  }
  return wrapped;
}

Result<yaml::Document> generate_config_map(const GeneratorArgs& args,
                                           const GenerateContext& context) {
  SLUICE_CHECK(check_name(args));
  SLUICE_TRY(const std::vector<Pair> pairs, read_pairs(args, context));
  Builder builder(args, "ConfigMap");
  std::optional<yaml::NodeId> data, binary;
  const auto section = [&](std::optional<yaml::NodeId>& map, std::string_view field) {
    if (!map) {
      map = builder.mapping();
      builder.put(builder.root(), field, *map);
    }
    return *map;
  };
  for (const auto& [key, value] : pairs) {
    if (value.leaf) {
      builder.put_leaf(section(data, "data"), key, *value.leaf, yaml::LeafEncoding::kNone);
    } else if (is_valid_utf8(value.text)) {
      builder.put_shared(section(data, "data"), key, value);
    } else {
      builder.put(section(binary, "binaryData"), key, wrapped_base64(value.text));
    }
  }
  return std::move(builder).finish();
}

Result<yaml::Document> generate_secret(const GeneratorArgs& args, const GenerateContext& context) {
  SLUICE_CHECK(check_name(args));
  SLUICE_TRY(const std::vector<Pair> pairs, read_pairs(args, context));
  Builder builder(args, "Secret");
  builder.put(builder.root(), "type", args.type.empty() ? std::string_view("Opaque") : args.type);
  const yaml::NodeId data = builder.mapping();
  builder.put(builder.root(), "data", data);
  for (const auto& [key, value] : pairs) {
    if (value.leaf) {
      builder.put_leaf(data, key, *value.leaf, yaml::LeafEncoding::kBase64);
    } else {
      builder.put(data, key, wrapped_base64(value.text));
    }
  }
  return std::move(builder).finish();
}

}  // namespace sluice::generators
