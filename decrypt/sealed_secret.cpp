#include "sluice/decrypt/sealed_secret.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/yaml/write.hpp"

#include "audit_tell.hpp"
#include "go_template.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kClusterWide = "sealedsecrets.bitnami.com/cluster-wide";
constexpr std::string_view kNamespaceWide = "sealedsecrets.bitnami.com/namespace-wide";
constexpr std::string_view kSkipOwner = "sealedsecrets.bitnami.com/skip-set-owner-references";

std::string_view annotation(yaml::Node metadata, std::string_view name) {
  return metadata.get("annotations").get(name).text();
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names)
    out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Fields of ObjectMeta in the order of the Go structure, without those that only a server sets.
constexpr std::string_view kStringMaps[] = {"labels", "annotations"};

void add_metadata(yaml::Ref secret, yaml::Node sealed, const SealedOpener::Options& options) {
  const yaml::Node given = sealed.find("spec", "template", "metadata");
  const yaml::Ref metadata = secret.put_mapping("metadata");
  metadata.put_string("name", sealed.find("metadata", "name").text());
  if (const yaml::Node ns = sealed.find("metadata", "namespace"); !ns.text().empty()) {
    metadata.put_string("namespace", ns.text());
  }
  if (options.as_kubeseal) metadata.put_null("creationTimestamp");
  for (const std::string_view name : kStringMaps)
    if (given.get(name).size() > 0) metadata.put(name, given.get(name));
  if (options.as_kubeseal && annotation(given, kSkipOwner) != "true") {
    const yaml::Ref owner = metadata.put_sequence("ownerReferences").append_mapping();
    owner.put_string("apiVersion", sealed.get("apiVersion").text());
    owner.put_string("kind", sealed.get("kind").text());
    owner.put_string("name", sealed.find("metadata", "name").text());
    owner.put_string("uid", sealed.find("metadata", "uid").text());
    owner.put_bool("controller", true);
  }
  if (given.get("finalizers").size() > 0) metadata.put("finalizers", given.get("finalizers"));
}

}  // namespace

bool is_sealed_secret(yaml::Node object) {
  return object.get("kind").string_or("") == "SealedSecret" &&
         object.get("apiVersion").string_or("").starts_with("bitnami.com/");
}

std::string_view sealed_scope(yaml::Node object) {
  const yaml::Node metadata = object.get("metadata");
  if (annotation(metadata, kClusterWide) == "true") return "cluster-wide";
  if (annotation(metadata, kNamespaceWide) == "true") return "namespace-wide";
  return "strict";
}

SealedOpener::SealedOpener(SealedKeys keys, LeafDecryptor* next, Audit audit)
    : keys_(std::move(keys)), next_(next), audit_(std::move(audit)) {}
SealedOpener::~SealedOpener() = default;

/// The session key is used once, so upstream's nonce is zero.
std::optional<crypto::SecretBytes> SealedOpener::open_value(crypto::Bytes sealed,
                                                            crypto::Bytes label,
                                                            std::set<std::string>& used) const {
  static constexpr std::array<std::byte, 12> kZeroNonce{};
  if (sealed.size() < 2) return std::nullopt;
  const std::size_t size =
      std::to_integer<std::size_t>(sealed[0]) << 8U | std::to_integer<std::size_t>(sealed[1]);
  if (sealed.size() < 2 + size + crypto::kAeadTagSize) return std::nullopt;
  const crypto::Bytes wrapped = sealed.subspan(2, size);
  const crypto::Bytes body = sealed.subspan(2 + size);
  const std::size_t text = body.size() - crypto::kAeadTagSize;
  for (const auto& [key, name] : keys_.keys_) {
    const auto session = key.open_oaep_sha256(wrapped, label);
    if (!session || session->size() != 32) continue;
    auto opened = crypto::aes256_gcm_open(session->reveal(), kZeroNonce, {}, body.first(text),
                                          body.subspan(text));
    if (!opened) continue;
    used.insert("sealed-secrets \"" + name + "\"");
    return opened;
  }
  return std::nullopt;
}

Result<yaml::Document> SealedOpener::unseal(yaml::Node object, const Where& where,
                                            Options options) {
  std::set<std::string> used;
  auto secret = make_secret(object, where, options, used);
  AuditRecord record;
  record.keys.assign(used.begin(), used.end());
  tell(audit_, std::move(record), where.file, secret);
  return secret;
}

Result<yaml::Document> SealedOpener::make_secret(yaml::Node object, const Where& where,
                                                 Options options, std::set<std::string>& used) {
  const std::string name(object.find("metadata", "name").text());
  const std::string ns(object.find("metadata", "namespace").text());
  const std::string_view scope = sealed_scope(object);
  const std::string label = scope == "strict" ? ns + "/" + name : scope == "cluster-wide" ? "" : ns;
  const yaml::Node spec = object.get("spec");
  const auto refuse = [&](Code code, const std::string& what, const std::string& hint = "") {
    return fail(Error(code, what, where, hint).in("SealedSecret " + ns + "/" + name));
  };
  if (spec.get("data").exists() && !spec.get("data").is_null()) {
    return refuse(Code::kInvalid,
                  "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
                  "seal it again with a kubeseal of this decade");
  }

  std::string json;
  SLUICE_CHECK(yaml::write_go_json(object, json));
  const Digest id = crypto::sha256(json);
  std::map<std::string, std::shared_ptr<const crypto::SecretBytes>, std::less<>> values;
  std::vector<std::string> unopened, broken;
  const yaml::Node sealed = spec.get("encryptedData");
  for (std::size_t i = 0; i < sealed.size() && sealed.is_mapping(); ++i) {
    const std::string key(sealed.key(i).text());
    const auto bytes = base64_decode(sealed.value(i).text());
    if (!sealed.value(i).is_string() || !bytes) {
      broken.push_back(key);
      continue;
    }
    auto opened = open_value(crypto::as_bytes(*bytes), crypto::as_bytes(label), used);
    if (!opened) {
      unopened.push_back(key);
    } else {
      values[key] = std::make_shared<const crypto::SecretBytes>(*std::move(opened));
    }
  }
  if (!broken.empty()) {
    return refuse(Code::kInvalid, "illegal base64 data (" + joined(broken) + ")");
  }
  if (!unopened.empty()) {
    return refuse(Code::kDenied, "no key could decrypt secret (" + joined(unopened) + ")",
                  "tried " + std::to_string(keys_.size()) + " keys with the scope " +
                      std::string(scope) + " (\"" + label +
                      "\"): it was sealed for another name, namespace, scope or cluster");
  }

  const TemplateData data(values.begin(), values.end());
  const yaml::Node templates = spec.find("template", "data");
  for (std::size_t i = 0; i < templates.size() && templates.is_mapping(); ++i) {
    const std::string key(templates.key(i).text());
    auto text = render_template(key, templates.value(i).text(), data);
    if (!text) return fail(std::move(text).error().at(where).in("SealedSecret " + ns + "/" + name));
    values[key] = std::make_shared<const crypto::SecretBytes>(*std::move(text));
  }

  yaml::Document document;
  const yaml::Ref secret = document.root();
  secret.set_mapping();
  secret.put_string("kind", "Secret");
  secret.put_string("apiVersion", "v1");
  add_metadata(secret, object, options);
  const yaml::Node immutable = spec.find("template", "immutable");
  if (immutable.exists() && immutable.kind() == yaml::Kind::kBool)
    secret.put("immutable", immutable);
  if (!values.empty()) {
    const yaml::Ref into = secret.put_mapping("data");
    for (const auto& [key, value] : values) {
      if (value->empty()) {  // a template's empty text is no nil slice in Go
        if (options.as_kubeseal && !templates.get(key).exists()) {
          into.put_null(key);
        } else {
          into.put_string(key, "");
        }
        continue;
      }
      yaml::EncryptedLeaf leaf;
      leaf.file = id;
      leaf.selector = key;
      leaf.encoding = yaml::LeafEncoding::kBase64;
      into.put_leaf(key, leaf);
      values_[{id, key}] = value;
    }
  }
  if (const yaml::Node type = spec.find("template", "type"); !type.text().empty()) {
    secret.put_string("type", type.text());
  }
  return document;
}

Result<crypto::SecretBytes> SealedOpener::open(const yaml::EncryptedLeaf& leaf,
                                               const CancelToken& cancel) {
  const auto found = values_.find({leaf.file, leaf.selector});
  if (found != values_.end()) return found->second->clone();
  if (next_ != nullptr) return next_->open(leaf, cancel);
  return fail(Code::kInternal, "a leaf of no SealedSecret");
}

}  // namespace sluice::decrypt
