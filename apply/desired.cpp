#include "apply/desired.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/hash.hpp"

#include "apply/ciphertext.hpp"

namespace sluice::apply {
namespace {

using yaml::Kind;
using yaml::Node;
using yaml::Ref;

/// Go's omitempty drops what is null; the server would refuse some of it.
void drop_nulls(Ref node) {
  if (node.is_mapping()) {
    for (std::size_t i = node.size(); i-- > 0;) {
      if (node.value(i).is_null()) {
        node.erase_entry(i);
      } else {
        drop_nulls(node.value(i));
      }
    }
  } else if (node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      drop_nulls(node.at(i));
    }
  }
}

/// A port without a protocol is TCP: the key that server-side apply merges ports by.
void default_protocol(Ref ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Ref port = ports.at(i);
    if (port.is_mapping() && port.get("protocol").text().empty())
      port.put_string("protocol", "TCP");
  }
}

void default_container_protocols(Ref pod_spec) {
  const Ref containers = pod_spec.get("containers");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    default_protocol(containers.at(i).get("ports"));
  }
}

void default_protocols(Ref root, const Gvk& gvk) {
  const bool is_core = gvk.group.empty() && gvk.version == "v1";
  const bool is_apps = gvk.group == "apps" && gvk.version == "v1";
  const bool is_batch = gvk.group == "batch" && gvk.version == "v1";
  if (is_core && gvk.kind == "Pod") {
    default_container_protocols(root.get("spec"));
  } else if (is_core && gvk.kind == "Service") {
    default_protocol(root.find("spec", "ports"));
  } else if ((is_apps && (gvk.kind == "Deployment" || gvk.kind == "StatefulSet" ||
                          gvk.kind == "DaemonSet" || gvk.kind == "ReplicaSet")) ||
             (is_batch && gvk.kind == "Job")) {
    default_container_protocols(root.find("spec", "template", "spec"));
  } else if (is_batch && gvk.kind == "CronJob") {
    default_container_protocols(root.find("spec", "jobTemplate", "spec", "template", "spec"));
  }
}

/// stringData into data, so that a key which leaves stringData is also removed from the object.
void fold_string_data(Ref root) {
  const Ref strings = root.get("stringData");
  if (!strings.is_mapping()) return;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const Node value = strings.value(i);
    const bool is_text =
        value.is_string() || (value.is_encrypted() && value.leaf().kind == Kind::kString &&
                              value.leaf().encoding == yaml::LeafEncoding::kNone);
    if (!is_text) return;  // the server will say what is wrong with it
  }
  const Ref data = root.put_mapping("data");
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const std::string key(strings.key(i).text());
    const Node value = strings.value(i);
    if (value.is_encrypted()) {
      yaml::EncryptedLeaf leaf = value.leaf();
      leaf.encoding = yaml::LeafEncoding::kBase64;
      data.put_leaf(key, std::move(leaf));
    } else {
      data.put_string(key, base64_encode(value.text()));
    }
  }
  root.erase("stringData");
}

/// The API server refuses a CRD whose conversion webhook has an unusable CA bundle; controllers put
/// a placeholder there and fill it in later (fluxcd/pkg/ssa/utils/cert_validation.go).
void drop_invalid_ca_bundle(Ref root) {
  const Ref config = root.find("spec", "conversion", "webhook", "clientConfig");
  const Node bundle = config.get("caBundle");
  if (!bundle.is_string() || bundle.text().empty()) return;
  const auto pem = base64_decode(bundle.text());
  const bool is_valid = pem && pem->find("-----BEGIN CERTIFICATE-----") != std::string::npos &&
                        pem->find("-----END CERTIFICATE-----") != std::string::npos;
  if (!is_valid) config.erase("caBundle");
}

void normalize(Ref root, const Gvk& gvk) {
  const bool is_rbac_rules = gvk.group == "rbac.authorization.k8s.io" && gvk.version == "v1" &&
                             (gvk.kind == "Role" || gvk.kind == "ClusterRole");
  if (!is_rbac_rules) {
    if (is_built_in(gvk)) drop_nulls(root);
    default_protocols(root, gvk);
    if (gvk.group.empty() && gvk.version == "v1" && gvk.kind == "Secret") fold_string_data(root);
    root.get("metadata").erase("creationTimestamp");
    // kstatus needs it of CRDs, says upstream; the server ignores it.
    if (stage_of(gvk, {}) != Stage::kDefinitions || gvk.kind == "Namespace") root.erase("status");
  }
  if (gvk.group == "apiextensions.k8s.io") drop_invalid_ca_bundle(root);
}

void put_all(Ref metadata, const char* where, const std::map<std::string, std::string>& entries) {
  if (entries.empty()) return;
  const Ref mapping = metadata.put_mapping(where);
  for (const auto& [key, value] : entries) {
    mapping.put_string(key, value);
  }
}

class NodeHash {
 public:
  void add(Node node) {
    const Kind kind = node.kind();
    const char tag = static_cast<char>(kind);
    hash_.append(std::string_view(&tag, 1));
    if (kind == Kind::kEncrypted) {
      const yaml::EncryptedLeaf& leaf = node.leaf();
      text(leaf.file.text());
      text(leaf.selector);
      number(static_cast<std::size_t>(leaf.kind) << 8U | static_cast<std::size_t>(leaf.encoding));
    } else if (kind == Kind::kMapping) {
      number(node.size());
      for (std::size_t i = 0; i < node.size(); ++i) {
        text(node.key(i).text());
        add(node.value(i));
      }
    } else if (kind == Kind::kSequence) {
      number(node.size());
      for (std::size_t i = 0; i < node.size(); ++i) {
        add(node.at(i));
      }
    } else {
      text(node.text());
    }
  }
  void text(std::string_view value) {
    number(value.size());
    hash_.append(value);
  }
  void number(std::size_t value) {
    hash_.append(std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
  }
  Digest finish() {
    const auto bytes = hash_.finish();
    return {DigestAlgorithm::kSha256, std::span(bytes).first(32)};
  }

 private:
  crypto::Hash hash_{crypto::HashAlgorithm::kSha256};
};

}  // namespace

bool is_built_in(const Gvk& gvk) {
  static constexpr std::array<std::string_view, 20> kGroups = {"",
                                                               "admissionregistration.k8s.io",
                                                               "apps",
                                                               "authentication.k8s.io",
                                                               "authorization.k8s.io",
                                                               "autoscaling",
                                                               "batch",
                                                               "certificates.k8s.io",
                                                               "coordination.k8s.io",
                                                               "discovery.k8s.io",
                                                               "events.k8s.io",
                                                               "extensions",
                                                               "flowcontrol.apiserver.k8s.io",
                                                               "networking.k8s.io",
                                                               "node.k8s.io",
                                                               "policy",
                                                               "rbac.authorization.k8s.io",
                                                               "resource.k8s.io",
                                                               "scheduling.k8s.io",
                                                               "storage.k8s.io"};
  for (const std::string_view group : kGroups) {
    if (gvk.group == group) return true;
  }
  return false;
}

Digest digest_of(const ApplyOptions& options) {
  NodeHash hash;
  hash.text(options.field_manager);
  hash.text(options.owner_group);
  hash.number(options.migrate_api_version ? 1 : 0);
  for (const std::string& manager : options.override_managers) {
    hash.text(manager);
  }
  for (const IgnoreRule& rule : options.ignore) {
    for (const std::string* part : {&rule.group, &rule.version, &rule.kind, &rule.name, &rule.ns,
                                    &rule.label_selector, &rule.annotation_selector}) {
      hash.text(*part);
    }
    hash.number(rule.paths.size());
    for (const std::string& path : rule.paths) {
      hash.text(path);
    }
  }
  return hash.finish();
}

void update_digest(Desired& desired, const Digest& options_digest) {
  NodeHash hash;
  hash.text(options_digest.text());
  hash.add(desired.body.root());
  desired.digest = hash.finish();
}

Result<Desired> prepare(const kustomize::Resource& resource, const ApplyOptions& options,
                        const Switches& switches, const Digest& options_digest,
                        const FileTable* files) {
  Desired desired{
      resource.id, resource.document, stage_of(resource.id.gvk, options.custom_stage_kinds), {}};
  const Ref root = desired.body.root();
  if (!root.is_mapping() || desired.id.name.empty() || desired.id.gvk.kind.empty())
    return fail(Code::kInvalid, "an object without apiVersion, kind and name");
  const bool is_opted_out =
      root.find("metadata", "annotations").get(switches.decrypt).text() == "disabled";
  const bool is_secret = desired.id.gvk.kind == "Secret" && desired.id.gvk.group.empty();
  if (const Node found = is_opted_out ? Node() : find_ciphertext(root, is_secret)) {
    const std::string known = describe_ciphertext(root, found, files);
    return fail(
        Code::kInvalid,
        desired.id.text() + " is SOPS encrypted, configuring decryption is required for this " +
            (is_secret ? "secret" : "object") + " to be reconciled",
        Where{}, (known.empty() ? "" : known + "; ") + "set spec.decryption of the Kustomization");
  }
  const Ref metadata = root.put_mapping("metadata");
  put_all(metadata, "labels",
          {{options.owner_group + "/name", options.owner_name},
           {options.owner_group + "/namespace", options.owner_namespace}});
  normalize(root, desired.id.gvk);
  put_all(metadata, "labels", options.common_labels);
  put_all(metadata, "annotations", options.common_annotations);
  if (metadata.get("annotations").exists() && metadata.get("annotations").size() == 0)
    metadata.erase("annotations");  // the server would keep no trace of it
  update_digest(desired, options_digest);
  return desired;
}

}  // namespace sluice::apply
