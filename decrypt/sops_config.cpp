#include "sluice/decrypt/sops_config.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::decrypt {
namespace {

using yaml::Node;

class Reader {
 public:
  Reader(const std::string& path, const std::map<std::string, std::string>& context)
      : path_(path), context_(context) {}

  tl::unexpected<Error> broken(Node node, std::string what) const {
    return fail(Code::kInvalid, std::move(what),
                Where{path_, node.position().line(), node.position().column()});
  }

  Result<std::string> text(Node mapping, std::string_view key) const {
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return std::string();
    if (!node.is_scalar()) return broken(node, std::string(key) + " is not a string");
    return std::string(node.text());
  }

  Result<std::int64_t> number(Node mapping, std::string_view key, std::int64_t otherwise) const {
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return otherwise;
    const auto value =
        node.kind() == yaml::Kind::kInt ? yaml::int64_value(node.text()) : std::nullopt;
    if (!value) return broken(node, std::string(key) + " is not a number");
    return *value;
  }

  Result<bool> boolean(Node mapping, std::string_view key) const {
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return false;
    // go-yaml knows yes and no, too, where it fills in a bool.
    const bool is_word = node.is_string() || node.kind() == yaml::Kind::kBool;
    const auto value = is_word ? yaml::bool_value(node.text(), yaml::Schema::kV2) : std::nullopt;
    if (!value) return broken(node, std::string(key) + " is not true or false");
    return *value;
  }

  // The entries of a list; as in go-yaml, null ones do not count.
  Result<std::vector<Node>> list(Node mapping, std::string_view key) const {
    std::vector<Node> entries;
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return entries;
    if (!node.is_sequence()) return broken(node, std::string(key) + " is not a list");
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (!node.at(i).is_null()) entries.push_back(node.at(i));
    }
    return entries;
  }

  // Also checks the types of what it does not give; the keys are looked at by keys().
  Result<EncryptSettings> fields(Node rule) const {
    if (!rule.is_mapping()) return broken(rule, "a creation rule is not a mapping");
    SLUICE_CHECK(text(rule, "path_regex"));
    SLUICE_CHECK(text(rule, "aws_profile"));
    SLUICE_CHECK(list(rule, "key_groups"));
    EncryptSettings settings;
    SLUICE_TRY(settings.shamir_threshold, number(rule, "shamir_threshold", 0));
    SLUICE_TRY(settings.unencrypted_suffix, text(rule, "unencrypted_suffix"));
    SLUICE_TRY(settings.encrypted_suffix, text(rule, "encrypted_suffix"));
    SLUICE_TRY(settings.unencrypted_regex, text(rule, "unencrypted_regex"));
    SLUICE_TRY(settings.encrypted_regex, text(rule, "encrypted_regex"));
    SLUICE_TRY(settings.unencrypted_comment_regex, text(rule, "unencrypted_comment_regex"));
    SLUICE_TRY(settings.encrypted_comment_regex, text(rule, "encrypted_comment_regex"));
    SLUICE_TRY(settings.mac_only_encrypted, boolean(rule, "mac_only_encrypted"));
    return settings;
  }

  Result<EncryptSettings> settings(Node rule) const {
    SLUICE_TRY(EncryptSettings settings, fields(rule));
    const auto given = {&settings.unencrypted_suffix,        &settings.encrypted_suffix,
                        &settings.unencrypted_regex,         &settings.encrypted_regex,
                        &settings.unencrypted_comment_regex, &settings.encrypted_comment_regex};
    if (std::count_if(given.begin(), given.end(), [](const auto* text) { return !text->empty(); }) >
        1) {
      return broken(rule,
                    "a creation rule has more than one of unencrypted_suffix, encrypted_suffix, "
                    "unencrypted_regex, encrypted_regex, unencrypted_comment_regex and "
                    "encrypted_comment_regex");
    }
    SLUICE_TRY(const auto groups, list(rule, "key_groups"));
    for (const Node group : groups) {
      std::vector<MasterKey> keys;
      SLUICE_CHECK(add_group(group, keys, 0));
      settings.groups.push_back(without_repetitions(std::move(keys)));
    }
    if (groups.empty()) {
      SLUICE_TRY(auto keys, plain_keys(rule));
      settings.groups.push_back(std::move(keys));
    }
    return settings;
  }

 private:
  // Keys as one string with commas, or as a list of such strings; "" for none.
  Result<std::string> comma_list(Node mapping, std::string_view key) const {
    std::string all;
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return all;
    if (node.is_sequence()) {
      for (std::size_t i = 0; i < node.size(); ++i) {
        if (!node.at(i).is_string()) {
          return broken(node.at(i), "an entry of " + std::string(key) + " is not a string");
        }
        if (i > 0) all += ',';
        all += node.at(i).text();
      }
      return all;
    }
    if (!node.is_string()) {
      return broken(node, std::string(key) + " is neither a string nor a list of strings");
    }
    for (std::string_view rest = node.text(); !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view part = go_trim_space(rest.substr(0, end));
      if (!part.empty()) all += (all.empty() ? "" : ",") + std::string(part);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return all;
  }

  Result<void> add(std::string_view type, std::string_view names, Node at, const KmsSettings& kms,
                   std::vector<MasterKey>& keys) const {
    auto parsed = parse_master_keys(type, names, kms);
    if (!parsed) {
      const Where place{path_, at.position().line(), at.position().column()};
      return fail(std::move(parsed).error().at(place));
    }
    std::move(parsed->begin(), parsed->end(), std::back_inserter(keys));
    return {};
  }

  // The keys of a rule without groups.
  Result<std::vector<MasterKey>> plain_keys(Node rule) const {
    static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
        {"age", "age"},
        {"pgp", "pgp"},
        {"kms", "kms"},
        {"gcp_kms", "gcp_kms"},
        {"hckms", "hckms"},
        {"azure_keyvault", "azure_kv"},
        {"hc_vault_transit_uri", "hc_vault"}};
    std::vector<MasterKey> keys;
    KmsSettings kms{context_, {}};
    SLUICE_TRY(kms.profile, text(rule, "aws_profile"));
    for (const auto& [field, type] : kFields) {
      if (field == "hckms") {  // the only one that must be a list
        SLUICE_CHECK(list(rule, field));
      }
      SLUICE_TRY(const std::string names, comma_list(rule, field));
      SLUICE_CHECK(add(type, names, rule.get(field), kms, keys));
    }
    return keys;
  }

  Result<void> add_group(Node group, std::vector<MasterKey>& keys, int depth) const {
    constexpr int kMaxDepth = 20;
    if (!group.is_mapping() || depth > kMaxDepth) {
      return broken(group, "a key group is not a mapping, or merged too deeply");
    }
    SLUICE_TRY(const auto merged, list(group, "merge"));
    for (const Node other : merged)
      SLUICE_CHECK(add_group(other, keys, depth + 1));
    SLUICE_CHECK(add_names(group, "age", keys));
    SLUICE_CHECK(add_names(group, "pgp", keys));
    SLUICE_CHECK(add_mappings(group, "kms", "kms", {"arn", "role", "aws_profile"}, keys));
    SLUICE_CHECK(add_mappings(group, "gcp_kms", "gcp_kms", {"resource_id"}, keys));
    SLUICE_CHECK(add_mappings(group, "hckms", "hckms", {"key_id"}, keys));
    SLUICE_CHECK(
        add_mappings(group, "azure_keyvault", "azure_kv", {"vaultUrl", "key", "version"}, keys));
    return add_names(group, "hc_vault", keys);
  }

  Result<void> add_names(Node group, std::string_view type, std::vector<MasterKey>& keys) const {
    SLUICE_TRY(const auto names, list(group, type));
    for (const Node name : names) {
      if (!name.is_scalar()) {
        return broken(name, "an entry of " + std::string(type) + " is not a string");
      }
      SLUICE_CHECK(add(type, name.text(), name, {}, keys));
    }
    return {};
  }

  Result<void> add_mappings(Node group, std::string_view type_list, const char* type,
                            const std::vector<std::string>& fields,
                            std::vector<MasterKey>& keys) const {
    SLUICE_TRY(const auto entries, list(group, type_list));
    const std::string an_entry = "an entry of " + std::string(type_list);
    for (const Node entry : entries) {
      if (!entry.is_mapping()) return broken(entry, an_entry + " is not a mapping");
      MasterKey key;
      key.type = type;
      for (const std::string& name : fields) {
        SLUICE_TRY(std::string value, text(entry, name));
        const bool required = name != "role" && name != "aws_profile" && name != "version";
        if (required && value.empty()) return broken(entry, an_entry + " has no " + name);
        if (name == "role" && value.empty()) continue;
        key.fields[name == "vaultUrl" ? "vault_url"
                   : name == "key"    ? "name"
                                      : name] = std::move(value);
      }
      SLUICE_CHECK(add_context(entry, key));
      name_master_key(key);
      if (fields.size() == 1) {  // is read as in a rule without groups
        SLUICE_CHECK(add(type, key.id, entry, {}, keys));
        continue;
      }
      keys.push_back(std::move(key));
    }
    return {};
  }

  Result<void> add_context(Node entry, MasterKey& key) const {
    const Node context = entry.get("context");
    if (!context.exists() || context.is_null()) return {};
    if (!context.is_mapping()) return broken(context, "context is not a mapping");
    for (std::size_t i = 0; i < context.size(); ++i) {
      const Node value = context.value(i);
      if (!value.is_scalar() || value.is_null()) {
        return broken(value, "a value of the context is not a string");
      }
      key.fields["context." + std::string(context.key(i).text())] = value.text();
    }
    return {};
  }

  static std::vector<MasterKey> without_repetitions(std::vector<MasterKey> keys) {
    std::vector<MasterKey> unique;
    for (MasterKey& key : keys) {
      const bool seen = std::any_of(unique.begin(), unique.end(), [&key](const MasterKey& other) {
        return other.type == key.type && master_key_text(other) == master_key_text(key);
      });
      if (!seen) unique.push_back(std::move(key));
    }
    return unique;
  }

  const std::string& path_;
  const std::map<std::string, std::string>& context_;
};

Result<int> indent_of(const Reader& reader, Node stores, std::string_view name, int otherwise) {
  const Node store = stores.get(name);
  if (store.exists() && !store.is_null() && !store.is_mapping()) {
    return reader.broken(store, "stores." + std::string(name) + " is not a mapping");
  }
  SLUICE_TRY(const std::int64_t indent, reader.number(store, "indent", otherwise));
  if (indent < -1000 || indent > 1000) return reader.broken(store, "an indent that cannot be");
  return static_cast<int>(indent);
}

}  // namespace

Result<SopsConfig> SopsConfig::read(std::string_view text, std::string path) {
  SopsConfig config;
  config.path_ = std::move(path);
  auto documents = yaml::read_yaml(text, FileId::kNone);
  if (!documents) return fail(std::move(documents).error().at({config.path_, 0, 0}));
  if (documents->empty()) return config;
  config.document_ = std::move(documents->front());
  const std::map<std::string, std::string> none;
  const Reader reader(config.path_, none);
  const Node root = std::as_const(config.document_).root();
  if (root.is_null()) return config;
  if (!root.is_mapping()) return reader.broken(root, "the configuration is not a mapping");
  SLUICE_TRY(const auto rules, reader.list(root, "creation_rules"));
  for (const Node rule : rules)
    SLUICE_CHECK(reader.fields(rule));
  const Node stores = root.get("stores");
  if (stores.exists() && !stores.is_null() && !stores.is_mapping()) {
    return reader.broken(stores, "stores is not a mapping");
  }
  SLUICE_TRY(config.yaml_indent_, indent_of(reader, stores, "yaml", 0));
  SLUICE_TRY(config.json_indent_, indent_of(reader, stores, "json", -1));
  SLUICE_TRY(config.binary_indent_, indent_of(reader, stores, "json_binary", -1));
  return config;
}

Result<std::optional<EncryptSettings>> SopsConfig::settings_for(
    std::string_view file, const std::map<std::string, std::string>& context) const {
  const Reader reader(path_, context);
  const Node root = document_.root();
  if (!root.get("creation_rules").is_sequence()) return std::optional<EncryptSettings>();
  // Below the root there is nothing to leave out: sops looks for "//".
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  if (folder != "/" && file.starts_with(folder)) file.remove_prefix(folder.size());
  SLUICE_TRY(const auto rules, reader.list(root, "creation_rules"));
  for (const Node rule : rules) {
    SLUICE_TRY(const std::string pattern, reader.text(rule, "path_regex"));
    if (!pattern.empty()) {
      RE2::Options options;
      options.set_log_errors(false);
      const RE2 expression(pattern, options);
      if (!expression.ok()) {
        return reader.broken(rule.get("path_regex"),
                             "path_regex \"" + pattern + "\": " + expression.error());
      }
      if (!RE2::PartialMatch({file.data(), file.size()}, expression)) continue;
    }
    SLUICE_TRY(EncryptSettings settings, reader.settings(rule));
    return std::optional(std::move(settings));
  }
  const auto place = root.get("creation_rules").position();
  return fail(Code::kNotFound, "no creation rule matches \"" + std::string(file) + "\"",
              Where{path_, place.line(), place.column()},
              "add a rule whose path_regex matches, or one without path_regex at the end");
}

}  // namespace sluice::decrypt
