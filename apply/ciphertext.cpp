#include "apply/ciphertext.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace sluice::apply {
namespace {

using yaml::Node;

constexpr std::string_view kStart = "ENC[AES256_GCM,";

/// ENC[AES256_GCM,data:…,iv:…,tag:…,type:…] and nothing behind it (SOPS aes/cipher.go).
bool is_value(std::string_view text) {
  if (!text.starts_with(kStart) || !text.ends_with(']')) return false;
  for (const std::string_view part : {"data:", ",iv:", ",tag:", ",type:"}) {
    const std::size_t at = text.find(part);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
  }
  return text.find_first_of(" \n\t") == std::string_view::npos;
}

void add_keys(Node block, std::vector<std::string>& out) {
  constexpr std::pair<const char*, const char*> kIds[] = {
      {"age", "recipient"},         {"pgp", "fp"},       {"kms", "arn"},
      {"gcp_kms", "resource_id"},   {"hckms", "key_id"}, {"azure_kv", "vault_url"},
      {"hc_vault", "vault_address"}};
  for (const auto& [type, field] : kIds) {
    const Node list = block.get(type);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string_view id = list.at(i).get(field).text();
      std::string text(id.substr(0, 120));
      if (type == std::string_view("azure_kv")) {
        text += "/keys/" + std::string(list.at(i).get("name").text());
      } else if (type == std::string_view("hc_vault")) {
        text += "/v1/" + std::string(list.at(i).get("engine_path").text()) + "/keys/" +
                std::string(list.at(i).get("key_name").text());
      }
      if (!id.empty()) out.push_back(std::string(type) + " \"" + text + "\"");
    }
  }
  const Node groups = block.get("key_groups");
  for (std::size_t i = 0; i < groups.size(); ++i)
    add_keys(groups.at(i), out);
}

}  // namespace

Node find_ciphertext(Node object, bool is_secret) {
  if (object.get("sops").is_mapping()) return object.get("sops");
  Node found;
  yaml::walk(object, [&](Node each) {
    if (found.exists() || !each.is_string()) return;
    if (is_secret ? each.text().starts_with(kStart) : is_value(each.text())) found = each;
  });
  return found;
}

std::string describe_ciphertext(Node object, Node found, const FileTable* files) {
  std::string text;
  if (files != nullptr) {
    const Where where = files->where(found.file(), found.position());
    if (!where.file.empty()) text = "it is in " + where.text();
  }
  std::vector<std::string> keys;
  add_keys(object.get("sops"), keys);
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < keys.size() && i < kShown; ++i)
    text += (i == 0 ? (text.empty() ? "" : "; ") : ", ") + keys[i];
  if (keys.size() > kShown) text += " and others";
  if (!keys.empty()) text += keys.size() == 1 ? " opens it" : " open it";
  return text;
}

}  // namespace sluice::apply
