#include "sluice/decrypt/sops_config.hpp"

#include <algorithm>
#include <charconv>

#include <re2/re2.h>

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
    if (node.kind() != yaml::Kind::kBool) {
      return broken(node, std::string(key) + " is not true or false");
    }
    return yaml::bool_value(node.text(), yaml::Schema::kV3).value_or(false);
  }

  // A list of strings. `comma_list`: or one string of several, with commas.
  Result<std::vector<std::string>> strings(Node mapping, std::string_view key,
                                           bool comma_list) const {
    std::vector<std::string> all;
    const Node node = mapping.get(key);
    if (!node.exists() || node.is_null()) return all;
    if (node.is_sequence()) {
      for (std::size_t i = 0; i < node.size(); ++i) {
        if (!node.at(i).is_string()) {
          return broken(node.at(i), "an entry of " + std::string(key) + " is not a string");
        }
        all.emplace_back(node.at(i).text());
      }
      return all;
    }
    if (!comma_list || !node.is_string()) {
      return broken(node, std::string(key) + " is not a list of strings");
    }
    for (std::string_view rest = node.text(); !rest.empty();) {
      const std::size_t end = rest.find(',');
      const std::string_view part = rest.substr(0, end);
      if (part.find_first_not_of(" \t\r\n") != std::string_view::npos) all.emplace_back(part);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return all;
  }

  Result<EncryptSettings> rule(Node rule) const {
    EncryptSettings settings;
    SLUICE_TRY(settings.shamir_threshold, number(rule, "shamir_threshold", 0));
    SLUICE_TRY(settings.unencrypted_suffix, text(rule, "unencrypted_suffix"));
    SLUICE_TRY(settings.encrypted_suffix, text(rule, "encrypted_suffix"));
    SLUICE_TRY(settings.unencrypted_regex, text(rule, "unencrypted_regex"));
    SLUICE_TRY(settings.encrypted_regex, text(rule, "encrypted_regex"));
    SLUICE_TRY(settings.unencrypted_comment_regex, text(rule, "unencrypted_comment_regex"));
    SLUICE_TRY(settings.encrypted_comment_regex, text(rule, "encrypted_comment_regex"));
    SLUICE_TRY(settings.mac_only_encrypted, boolean(rule, "mac_only_encrypted"));
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
    const Node groups = rule.get("key_groups");
    if (groups.is_sequence() && groups.size() > 0) {
      for (std::size_t i = 0; i < groups.size(); ++i) {
        std::vector<MasterKey> keys;
        SLUICE_CHECK(add_group(groups.at(i), keys, 0));
        settings.groups.push_back(without_repetitions(std::move(keys)));
      }
      return settings;
    }
    if (groups.exists() && !groups.is_null() && !groups.is_sequence()) {
      return broken(groups, "key_groups is not a list");
    }
    SLUICE_TRY(auto keys, plain_keys(rule));
    settings.groups.push_back(std::move(keys));
    return settings;
  }

 private:
  Result<void> add(std::string_view type, const std::vector<std::string>& names, Node at,
                   const KmsSettings& kms, std::vector<MasterKey>& keys) const {
    for (const std::string& name : names) {
      auto parsed = parse_master_keys(type, name, kms);
      if (!parsed) {
        const Where place{path_, at.position().line(), at.position().column()};
        return fail(std::move(parsed).error().at(place));
      }
      std::move(parsed->begin(), parsed->end(), std::back_inserter(keys));
    }
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
      SLUICE_TRY(const auto names, strings(rule, field, /*comma_list=*/field != "hckms"));
      SLUICE_CHECK(add(type, names, rule.get(field), kms, keys));
    }
    return keys;
  }

  Result<void> add_group(Node group, std::vector<MasterKey>& keys, int depth) const {
    constexpr int kMaxDepth = 20;
    if (!group.is_mapping() || depth > kMaxDepth) {
      return broken(group, "a key group is not a mapping, or merged too deeply");
    }
    const Node merge = group.get("merge");
    for (std::size_t i = 0; i < merge.size(); ++i) {
      SLUICE_CHECK(add_group(merge.at(i), keys, depth + 1));
    }
    SLUICE_TRY(const auto age, strings(group, "age", false));
    SLUICE_CHECK(add("age", age, group.get("age"), {}, keys));
    SLUICE_TRY(const auto pgp, strings(group, "pgp", false));
    SLUICE_CHECK(add("pgp", pgp, group.get("pgp"), {}, keys));
    SLUICE_CHECK(add_mappings(group, "kms", "kms", {"arn", "role", "aws_profile"}, keys));
    SLUICE_CHECK(add_mappings(group, "gcp_kms", "gcp_kms", {"resource_id"}, keys));
    SLUICE_CHECK(add_mappings(group, "hckms", "hckms", {"key_id"}, keys));
    SLUICE_CHECK(
        add_mappings(group, "azure_keyvault", "azure_kv", {"vaultUrl", "key", "version"}, keys));
    SLUICE_TRY(const auto vault, strings(group, "hc_vault", false));
    return add("hc_vault", vault, group.get("hc_vault"), {}, keys);
  }

  Result<void> add_mappings(Node group, std::string_view list, const char* type,
                            const std::vector<const char*>& fields,
                            std::vector<MasterKey>& keys) const {
    const Node entries = group.get(list);
    if (!entries.exists() || entries.is_null()) return {};
    if (!entries.is_sequence()) return broken(entries, std::string(list) + " is not a list");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Node entry = entries.at(i);
      if (!entry.is_mapping()) {
        return broken(entry, "an entry of " + std::string(list) + " is not a mapping");
      }
      MasterKey key;
      key.type = type;
      for (const char* const field : fields) {
        SLUICE_TRY(std::string value, text(entry, field));
        const std::string name = field;
        const bool required = name != "role" && name != "aws_profile";
        if (required && value.empty()) {
          return broken(entry, "an entry of " + std::string(list) + " has no " + name);
        }
        if (name == "role" && value.empty()) continue;
        key.fields[name == "vaultUrl" ? "vault_url"
                   : name == "key"    ? "name"
                                      : name] = std::move(value);
      }
      const Node context = entry.get("context");
      for (std::size_t k = 0; k < context.size() && context.is_mapping(); ++k) {
        key.fields["context." + std::string(context.key(k).text())] = context.value(k).text();
      }
      name_master_key(key);
      keys.push_back(std::move(key));
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

Result<int> indent_of(const Reader& reader, Node store, int otherwise) {
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
  const Node rules = root.get("creation_rules");
  if (rules.exists() && !rules.is_null() && !rules.is_sequence()) {
    return reader.broken(rules, "creation_rules is not a list");
  }
  const Node stores = root.get("stores");
  SLUICE_TRY(config.yaml_indent_, indent_of(reader, stores.get("yaml"), 0));
  SLUICE_TRY(config.json_indent_, indent_of(reader, stores.get("json"), -1));
  SLUICE_TRY(config.binary_indent_, indent_of(reader, stores.get("json_binary"), -1));
  return config;
}

Result<std::optional<EncryptSettings>> SopsConfig::settings_for(
    std::string_view file, const std::map<std::string, std::string>& context) const {
  const Reader reader(path_, context);
  const Node rules = document_.root().get("creation_rules");
  if (!rules.is_sequence()) return std::optional<EncryptSettings>();
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  if (file.starts_with(folder)) file.remove_prefix(folder.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Node rule = rules.at(i);
    if (!rule.is_mapping()) return reader.broken(rule, "a creation rule is not a mapping");
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
    SLUICE_TRY(EncryptSettings settings, reader.rule(rule));
    return std::optional(std::move(settings));
  }
  return fail(Code::kNotFound, "no creation rule matches \"" + std::string(file) + "\"",
              Where{path_, rules.position().line(), rules.position().column()},
              "add a rule whose path_regex matches, or one without path_regex at the end");
}

}  // namespace sluice::decrypt
