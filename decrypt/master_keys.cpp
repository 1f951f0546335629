#include "sluice/decrypt/master_keys.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "sluice/base/encoding.hpp"

#include "age_write.hpp"

namespace sluice::decrypt {
namespace {

std::string without_spaces(std::string_view text) {
  std::string out(text);
  out.erase(std::remove(out.begin(), out.end(), ' '), out.end());
  return out;
}

std::string field(const MasterKey& key, const char* name) {
  const auto found = key.fields.find(name);
  return found == key.fields.end() ? std::string() : found->second;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text.substr(0, 200)) + "\"";
}

Result<MasterKey> kms_key(std::string_view text, const KmsSettings& kms) {
  MasterKey key;
  const std::string arn = without_spaces(text);
  // ARNs may hold a "+", but no ":" after it.
  const std::size_t role = arn.find("+arn:");
  const bool has_role = role != std::string::npos && role > 0;
  key.fields["arn"] = arn.substr(0, has_role ? role : arn.size());
  if (has_role) key.fields["role"] = arn.substr(role + 1);
  key.fields["aws_profile"] = kms.profile;
  for (const auto& [name, value] : kms.context)
    key.fields["context." + name] = value;
  return key;
}

Result<MasterKey> azure_key(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  constexpr std::string_view kKeys = "/keys/";
  const std::string_view url = go_trim_space(text);
  const std::size_t keys = url.find(kKeys, kScheme.size());
  const auto broken = [&url] {
    return fail(Code::kInvalid, quoted(url) + " is not the URL of an Azure Key Vault key", Where{},
                "it looks like https://VAULT.vault.azure.net/keys/NAME/VERSION");
  };
  if (!url.starts_with(kScheme) || keys == std::string_view::npos) return broken();
  MasterKey key;
  key.fields["vault_url"] = url.substr(0, keys);
  const std::string_view rest = url.substr(keys + kKeys.size());
  const std::size_t slash = rest.find('/');
  const std::string_view version =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  key.fields["name"] = rest.substr(0, slash);
  key.fields["version"] = version;
  const std::string_view host = url.substr(kScheme.size(), keys - kScheme.size());
  if (host.empty() || host.find('/') != std::string_view::npos || key.fields["name"].empty() ||
      version.find('/') != std::string_view::npos) {
    return broken();
  }
  return key;
}

// As hcvault/keysource.go reads it: what stands in place of "keys" is not looked at, nor is the
// version of the API, which is 1 in every request.
Result<MasterKey> vault_key(std::string_view text) {
  static const RE2 behind_prefix("/[^/]+/v[0-9]+/[^/]+/[^/]+/[^/]+");
  static const RE2 api_path("/v[0-9]+/[^/]+/[^/]+/[^/]+");
  const std::size_t scheme = std::min(text.find("://"), text.size());
  const std::size_t host_end = std::min(text.find('/', scheme + 3), text.size());
  const std::string_view path = text.substr(host_end);
  const bool has_more = text.find_first_of("?# ") != std::string_view::npos;
  if (scheme == 0 || has_more || RE2::PartialMatch({path.data(), path.size()}, behind_prefix) ||
      !RE2::PartialMatch({path.data(), path.size()}, api_path)) {
    return fail(Code::kInvalid, quoted(text) + " is not the address of a Vault transit key",
                Where{}, "it looks like https://vault.example.com:8200/v1/transit/keys/NAME");
  }
  const std::size_t end = path.find_last_not_of('/') + 1;
  const std::size_t name = path.rfind('/', end - 1) + 1;
  const std::size_t keys = path.rfind('/', name - 2);
  const std::size_t engine = path.find('/', path.find_first_not_of('/')) + 1;
  std::string address(text.substr(0, host_end));
  std::transform(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(scheme),
                 address.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  MasterKey key;
  key.fields["vault_address"] = std::move(address);
  key.fields["engine_path"] = path.substr(engine, keys - engine);
  key.fields["key_name"] = path.substr(name, end - name);
  return key;
}

Result<MasterKey> huawei_key(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || go_trim_space(text.substr(0, colon)).empty() ||
      go_trim_space(text.substr(colon + 1)).empty()) {
    return fail(Code::kInvalid, quoted(text) + " is not a Huawei KMS key", Where{},
                "it looks like REGION:KEY-UUID");
  }
  MasterKey key;
  key.fields["key_id"] = text;
  return key;
}

Result<MasterKey> parse_one(std::string_view type, std::string_view text, const KmsSettings& kms) {
  MasterKey key;
  if (type == "age") {
    key.fields["recipient"] = go_trim_space(text);
    SLUICE_CHECK(check_age_recipient(key.fields["recipient"]));
  } else if (type == "pgp") {
    key.fields["fp"] = without_spaces(text);
  } else if (type == "kms") {
    SLUICE_TRY(key, kms_key(text, kms));
  } else if (type == "gcp_kms") {
    key.fields["resource_id"] = without_spaces(text);
  } else if (type == "hckms") {
    SLUICE_TRY(key, huawei_key(go_trim_space(text)));
  } else if (type == "azure_kv") {
    SLUICE_TRY(key, azure_key(text));
  } else if (type == "hc_vault") {
    SLUICE_TRY(key, vault_key(text));
  } else {
    return fail(Code::kInternal, "unknown key type " + std::string(type));
  }
  key.type = type;
  name_master_key(key);
  return key;
}

}  // namespace

void name_master_key(MasterKey& key) {
  if (key.type == "pgp") {
    key.id = field(key, "fp");
  } else if (key.type == "kms") {
    key.id = field(key, "arn");
  } else if (key.type == "gcp_kms") {
    key.id = field(key, "resource_id");
  } else if (key.type == "hckms") {
    key.id = field(key, "key_id");
  } else if (key.type == "age") {
    key.id = field(key, "recipient");
  } else if (key.type == "azure_kv") {
    key.id = field(key, "vault_url") + "/keys/" + field(key, "name") + "/" + field(key, "version");
  } else {
    key.id = field(key, "vault_address") + "/v1/" + field(key, "engine_path") + "/keys/" +
             field(key, "key_name");
  }
}

Result<std::vector<MasterKey>> parse_master_keys(std::string_view type, std::string_view list,
                                                 const KmsSettings& kms) {
  std::vector<MasterKey> keys;
  if (list.empty()) return keys;
  for (;;) {
    const std::size_t end = list.find(',');
    const std::string_view text = list.substr(0, end);
    const bool skip = go_trim_space(text).empty() && (type == "hckms" || type == "hc_vault");
    if (!skip) {
      SLUICE_TRY(MasterKey key, parse_one(type, text, kms));
      keys.push_back(std::move(key));
    }
    if (end == std::string_view::npos) return keys;
    list.remove_prefix(end + 1);
  }
}

Result<std::map<std::string, std::string>> parse_kms_context(std::string_view text) {
  std::map<std::string, std::string> context;
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    const std::string_view pair = text.substr(0, end);
    const std::size_t colon = pair.find(':');
    if (colon == std::string_view::npos || pair.find(':', colon + 1) != std::string_view::npos) {
      return fail(
          Error(Code::kInvalid, "the KMS encryption context " + quoted(pair) + " is not NAME:VALUE")
              .reason(std::string(kReasonContext)));
    }
    context[std::string(pair.substr(0, colon))] = pair.substr(colon + 1);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return context;
}

std::string master_key_text(const MasterKey& key) {
  if (key.type != "kms") return key.id;
  constexpr std::string_view kContext = "context.";
  std::string text = key.id;
  if (const std::string role = field(key, "role"); !role.empty()) text += "+" + role;
  std::string context;
  for (const auto& [name, value] : key.fields) {
    if (!name.starts_with(kContext)) continue;
    if (!context.empty()) context += ",";
    context += name.substr(kContext.size()) + ":" + value;
  }
  const std::string profile = field(key, "aws_profile");
  if (!profile.empty()) return text + "|" + context + "|" + profile;
  return context.empty() ? text : text + "|" + context;
}

}  // namespace sluice::decrypt
