#include "sandbox/objects.hpp"

#include <random>

#include "sluice/base/clock.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "sandbox/builtin_rules.hpp"
#include "sandbox/builtin_types.hpp"
#include "sandbox/definition_status.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/patches.hpp"
#include "sandbox/typed.hpp"

namespace sluice::sandbox {

struct Objects::Candidate {
  yaml::Document document;
  std::optional<ManagedFields> managed;  ///< given by server-side apply
  std::string operation = "Update";
};

namespace {

constexpr int kMaxRaces = 100;  // against other writers of one object, as GuaranteedUpdate retries

std::string now() {
  return rfc3339(SystemClock().wall());
}

std::uint64_t random_bits() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return engine();
}

std::string new_uid() {
  std::uint8_t bytes[16];
  const std::uint64_t halves[2] = {random_bits(), random_bits()};
  std::memcpy(bytes, halves, sizeof bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  const std::string hex = hex_encode(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string random_suffix() {
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (std::uint64_t bits = random_bits(); out.size() < 5; bits /= kLetters.size()) {
    out += kLetters[bits % kLetters.size()];
  }
  return out;
}

bool is_definition(const Resource& resource) {
  return resource.group == "apiextensions.k8s.io" && resource.kind == "CustomResourceDefinition";
}
bool is_namespace(const Resource& resource) {
  return resource.group.empty() && resource.kind == "Namespace";
}

bool has_generation(const Resource& resource) {
  if (resource.custom) return true;
  static constexpr std::string_view kCounted[] = {"DaemonSet",
                                                  "Deployment",
                                                  "ReplicaSet",
                                                  "StatefulSet",
                                                  "ReplicationController",
                                                  "Job",
                                                  "CronJob",
                                                  "Pod",
                                                  "Ingress",
                                                  "IngressClass",
                                                  "NetworkPolicy",
                                                  "PodDisruptionBudget",
                                                  "CustomResourceDefinition",
                                                  "MutatingWebhookConfiguration",
                                                  "ValidatingWebhookConfiguration",
                                                  "ValidatingAdmissionPolicy",
                                                  "ValidatingAdmissionPolicyBinding",
                                                  "EndpointSlice",
                                                  "PriorityClass"};
  return std::find(std::begin(kCounted), std::end(kCounted), resource.kind) != std::end(kCounted);
}

/// True when something changed that counts as a new generation.
bool is_new_generation(const Resource& resource, yaml::Node before, yaml::Node after) {
  const auto differs = [&](yaml::Node a, yaml::Node b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::string_view name = a.key(i).text();
      if (name == "metadata" || name == "apiVersion" || name == "kind") continue;
      if (name == "status" && (resource.has_status || !resource.custom)) continue;
      if (!yaml::equal(a.value(i), b.get(name))) return true;
    }
    return false;
  };
  return differs(before, after) || differs(after, before);
}

std::string decode_error(const Resource& resource, const std::string& what) {
  return resource.kind + " in version \"" + resource.version + "\" cannot be handled as a " +
         resource.kind + ": " + what;
}

Answer<void> check_kind(const Resource& resource, yaml::Ref body) {
  if (!body.is_mapping()) {
    return bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal " +
                       std::string(body.is_sequence() ? "array" : "scalar") +
                       " into Go value of type struct { APIVersion string; Kind string }");
  }
  const std::string kind(body.get("kind").string_or("")),
      version(body.get("apiVersion").string_or(""));
  if (kind.empty()) {
    if (resource.custom) return bad_request("Object 'Kind' is missing in '" + json_of(body) + "'");
    body.put_string("kind", resource.kind);
  } else if (kind != resource.kind) {
    if (version == resource.api_version()) {
      return bad_request("the object provided is unrecognized (must be of type " + resource.kind +
                         "): " + kind + " in version \"" + resource.version +
                         "\" cannot be handled as a " + resource.kind);
    }
    return bad_request(kind + " in version \"" + version + "\" cannot be handled as a " +
                       resource.kind + ": no kind \"" + kind +
                       "\" is registered for the internal version of group \"" + resource.group +
                       "\"");
  }
  if (version.empty()) {
    body.put_string("apiVersion", resource.api_version());
  } else if (version != resource.api_version()) {
    return bad_request("the API version in the data (" + version +
                       ") does not match the expected API version (" + resource.api_version() +
                       ")");
  }
  if (const yaml::Node metadata = body.get("metadata"); metadata && !metadata.is_mapping()) {
    if (!metadata.is_null()) {
      return bad_request(decode_error(
          resource,
          "json: cannot unmarshal " + std::string(metadata.is_sequence() ? "array" : "string") +
              " into Go struct field " + resource.kind + ".metadata of type v1.ObjectMeta"));
    }
    body.erase("metadata");
  }
  body.put_mapping("metadata");
  return {};
}

/// What decoding a request body does: types, unknown fields, defaults.
Answer<void> decode(const Resource& resource, yaml::Document& document, FieldValidation validation,
                    std::vector<std::string>& warnings) {
  const yaml::Ref root = document.root();
  SANDBOX_CHECK(check_kind(resource, root));
  const Type& checked = resource.custom ? *builtin_type("meta.v1.ObjectMeta") : *resource.type;
  const std::string mismatch =
      type_mismatch(checked, resource.custom ? yaml::Node(root.get("metadata")) : yaml::Node(root));
  if (!mismatch.empty()) return bad_request(decode_error(resource, mismatch));
  std::vector<std::string> unknown;
  drop_unknown(*resource.type, root, unknown);
  std::string list;
  for (const std::string& path : unknown) {
    const std::string words = "unknown field " + quoted(path);
    if (validation == FieldValidation::kWarn) warnings.push_back(words);
    list += (list.empty() ? "" : ", ") + words;
  }
  if (!unknown.empty() && validation == FieldValidation::kStrict) {
    return bad_request(decode_error(resource, "strict decoding error: " + list));
  }
  if (resource.custom) {
    normalize_builtin(*builtin_type("meta.v1.ObjectMeta"), root.get("metadata"));
    set_schema_defaults(*resource.type, root);
  } else {
    set_builtin_defaults(resource, root);
    normalize_builtin(*resource.type, root);
    set_builtin_defaults(resource, root);
  }
  return {};
}

/// `object` as ownership is computed on it.
yaml::Document for_fields(yaml::Node object) {
  yaml::Document out;
  out.set_root(out.import(object));
  out.root().get("metadata").erase("managedFields");
  return out;
}

/// What an object of this kind is before it has any content.
yaml::Document nothing_of(const Resource& resource) {
  if (!resource.custom) return zero_object(*resource.type);
  yaml::Document out;
  out.root().set_mapping();
  return out;
}

void copy_field(yaml::Node from, yaml::Ref to, const char* name) {
  if (const yaml::Node value = from.get(name))
    to.put(name, value);
  else
    to.erase(name);
}

/// Metadata that only the server writes.
void keep_system_metadata(yaml::Node live, yaml::Ref object) {
  const yaml::Ref metadata = object.put_mapping("metadata");
  const yaml::Node old = live.get("metadata");
  for (const char* name :
       {"uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
        "name", "namespace", "resourceVersion", "generateName"}) {
    copy_field(old, metadata, name);
  }
  metadata.erase("selfLink");
}

void fold_status(const Resource& resource, yaml::Node live, yaml::Document& document,
                 const std::string& subresource) {
  if (subresource == "status") {
    yaml::Document out;
    out.set_root(out.import(live));
    copy_field(root_of(document), out.root(), "status");
    if (const yaml::Node managed = root_of(document).find("metadata", "managedFields")) {
      out.root().get("metadata").put("managedFields", managed);
    }
    out.root().put("apiVersion", root_of(document).get("apiVersion"));
    document = std::move(out);
  } else if (resource.has_status) {
    copy_field(live, document.root(), "status");
  }
}

Answer<void> validate(const Resource& resource, yaml::Node before, yaml::Node after) {
  FieldErrors errors;
  check_metadata(resource, after, errors);
  if (resource.custom) {
    check_schema(*resource.type, after, "", errors);
  } else {
    check_builtin(resource, after, errors);
    if (before) check_builtin_update(resource, before, after, errors);
  }
  if (before && before.find("metadata", "deletionTimestamp")) {
    const yaml::Node old = before.find("metadata", "finalizers"),
                     now_set = after.find("metadata", "finalizers");
    for (std::size_t i = 0; i < now_set.size(); ++i) {
      bool known = false;
      for (std::size_t j = 0; j < old.size(); ++j)
        known = known || old.at(j).text() == now_set.at(i).text();
      if (!known) {
        errors.forbidden("metadata.finalizers",
                         "no new finalizers can be added if the object is being deleted, found new "
                         "finalizers []string{" +
                             quoted(now_set.at(i).text()) + "}");
        break;
      }
    }
  }
  if (errors.empty()) return {};
  return refuse(errors.failure(resource.named(std::string(after.find("metadata", "name").text()))));
}

FieldManager field_manager(const Resource& resource, const WriteOptions& options) {
  // kube-apiserver's entries of the scale subresource carry no time.
  return {options.manager, resource.api_version(), options.subresource,
          options.subresource == "scale" ? std::string() : now()};
}

ResetFields reset_fields(const Resource& resource, const WriteOptions& options) {
  ResetFields reset;
  reset.all_but_status = options.subresource == "status";
  reset.status = !reset.all_but_status && resource.has_status;
  return reset;
}

std::int64_t number_at(yaml::Node object, const std::string& path) {
  yaml::Node at = object;
  for (const std::string& step : split(path, '.')) {
    if (!step.empty()) at = at.get(step);
  }
  return yaml::int64_value(at.text()).value_or(0);
}

/// An object need not say its name and namespace, but may not say others than its URL.
Answer<void> check_url(yaml::Node metadata, const std::string& ns, const std::string& name) {
  const std::string given(metadata.get("name").string_or(name));
  if (given != name) {
    return bad_request("the name of the object (" + given +
                       ") does not match the name on the URL (" + name + ")");
  }
  const std::string_view space = metadata.get("namespace").string_or("");
  if (space.empty() || space == ns) return {};
  return bad_request(
      "the namespace of the provided object does not match the namespace sent on the request");
}

tl::unexpected<std::unique_ptr<Failure>> modified(const Resource& resource,
                                                  const std::string& name) {
  return conflict(
      resource.named(name),
      "the object has been modified; please apply your changes to the latest version and "
      "try again");
}

bool keeps_version(yaml::Node document, const ObjectPtr& live) {
  const std::string_view wanted = document.find("metadata", "resourceVersion").string_or("");
  return wanted.empty() || wanted == "0" || wanted == std::to_string(live->version);
}

/// A patch whose outcome cannot be decoded is the patch's fault: 422, not 400.
std::unique_ptr<Failure> bad_patch(const Resource& resource, std::unique_ptr<Failure> failure) {
  if (resource.custom) return failure;
  FieldErrors errors;
  errors.invalid("patch", quoted(failure->message), "the patched object cannot be decoded");
  Failure out = errors.failure({"", "", "", ""});
  return std::make_unique<Failure>(std::move(out));
}

}  // namespace

yaml::Document in_version(const Resource& resource, const Object& object) {
  yaml::Document out = object.document;
  if (out.root().get("apiVersion").text() != resource.api_version()) {
    out.root().put_string("apiVersion", resource.api_version());
  }
  return out;
}

yaml::Document scale_of(const Resource& resource, yaml::Node object) {
  yaml::Document out;
  const yaml::Ref root = out.root();
  root.set_mapping();
  root.put_string("kind", "Scale");
  root.put_string("apiVersion", "autoscaling/v1");
  const yaml::Ref metadata = root.put_mapping("metadata");
  for (const char* name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    copy_field(object.get("metadata"), metadata, name);
  }
  const std::int64_t wanted = number_at(object, resource.replicas_path);
  const yaml::Ref spec = root.put_mapping("spec");
  if (wanted != 0) spec.put_int("replicas", wanted);
  const yaml::Ref status = root.put_mapping("status");
  status.put_int("replicas", number_at(object, resource.status_replicas_path));
  const yaml::Node labels = object.find("spec", "selector", "matchLabels");
  std::string selector;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    selector += (i == 0 ? "" : ",") + std::string(labels.key(i).text()) + "=" +
                std::string(labels.value(i).text());
  }
  if (!selector.empty() && !resource.custom) status.put_string("selector", selector);
  return out;
}

Answer<ObjectPtr> Objects::get(const Resource& resource, const std::string& ns,
                               const std::string& name) {
  ObjectPtr found = store_.get(resource.storage_key(), ns, name);
  if (!found) return not_found(resource.named(name));
  return found;
}

// ------------------------------------------------------------------------------------------ create

Answer<Written> Objects::create(const Resource& resource, const std::string& ns,
                                yaml::Document body, const WriteOptions& options) {
  Written out;
  out.created = true;
  SANDBOX_CHECK(check_kind(resource, body.root()));
  const yaml::Ref metadata = body.root().get("metadata");
  if (const std::string_view given = metadata.get("namespace").string_or("");
      !given.empty() && given != ns) {
    return bad_request(resource.namespaced ? "the namespace of the provided object does not match "
                                             "the namespace sent on the request"
                                           : "namespace is not allowed on this type");
  }
  if (!metadata.get("resourceVersion").string_or("").empty()) {
    return internal_error("resourceVersion should not be set on objects to be created");
  }
  const std::string prefix(metadata.get("generateName").string_or(""));
  const bool generated = metadata.get("name").string_or("").empty() && !prefix.empty();
  if (generated) metadata.put_string("name", prefix + random_suffix());
  SANDBOX_CHECK(decode(resource, body, options.validation, out.warnings));
  SANDBOX_TRY(out.object, commit_create(resource, ns, {std::move(body), {}, "Update"}, options));
  return out;
}

Answer<ObjectPtr> Objects::commit_create(const Resource& resource, const std::string& ns,
                                         Candidate candidate, const WriteOptions& options) {
  yaml::Document& document = candidate.document;
  const yaml::Ref root = document.root();
  const yaml::Ref metadata = root.put_mapping("metadata");
  for (const char* name : {"uid", "resourceVersion", "creationTimestamp", "generation", "selfLink",
                           "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"}) {
    metadata.erase(name);
  }
  if (resource.namespaced)
    metadata.put_string("namespace", ns);
  else
    metadata.erase("namespace");
  if (resource.has_status) {
    root.erase("status");
    if (!resource.custom) {
      normalize_builtin(*resource.type, root);  // status: {} again
    }
  }
  ManagedFields managed;
  if (candidate.managed) {
    managed = *std::move(candidate.managed);
  } else {
    managed =
        update_fields(*resource.type, root_of(nothing_of(resource)), root_of(for_fields(root)), {},
                      field_manager(resource, options), reset_fields(resource, options));
  }
  const std::string name(metadata.get("name").string_or(""));
  const std::string uid = new_uid();
  metadata.put_string("uid", uid);
  metadata.put_string("creationTimestamp", now());
  if (has_generation(resource)) metadata.put_int("generation", 1);
  allocate_builtin(resource, root, serial_.fetch_add(1));
  SANDBOX_CHECK(validate(resource, {}, root));
  if (is_definition(resource)) {
    const yaml::Document before = for_fields(root);
    set_definition_status(root, now());
    yaml::Document after = for_fields(root);
    after.root().get("status").erase("storedVersions");  // not the controller's
    ResetFields reset;
    reset.all_but_status = true;
    managed = update_fields(*resource.type, before.root(), root_of(after), std::move(managed),
                            {"kube-apiserver", resource.api_version(), "status", now()}, reset);
  }
  managed.write(root);

  const std::string type = resource.storage_key();
  enum { kOk, kAbsent, kEnding } home = kOk;
  const auto guard = [&](const Object* found) {
    if (!resource.namespaced) return true;
    if (found == nullptr)
      home = kAbsent;
    else if (found->document.root().find("metadata", "deletionTimestamp"))
      home = kEnding;
    return home == kOk;
  };
  const auto refused_home = [&]() -> tl::unexpected<std::unique_ptr<Failure>> {
    const Named space{"", "namespaces", "Namespace", ns};
    if (home == kAbsent) return not_found(space);
    auto failure = forbidden(resource.named(name), "unable to create new content in namespace " +
                                                       ns + " because it is being terminated");
    failure.value()->causes.push_back(
        {"NamespaceTerminating", "namespace " + ns + " is being terminated", "metadata.namespace"});
    return failure;
  };
  if (store_.get(type, resource.namespaced ? ns : "", name))
    return already_exists(resource.named(name));
  if (options.dry_run) {
    const ObjectPtr space = resource.namespaced ? store_.get("/namespaces", "", ns) : nullptr;
    if (!guard(space.get())) return refused_home();
    return make_object(document, 0);
  }
  // Served before it is seen to be established.
  if (is_definition(resource)) registry_.set_definition(name, custom_resources(root));
  ObjectPtr object = store_.put(type, nullptr, document, guard);
  if (object) return object;
  if (home != kOk) return refused_home();
  return already_exists(resource.named(name));
}

// ------------------------------------------------------------------------------------------ update

Answer<Written> Objects::update(const Resource& resource, const std::string& ns,
                                const std::string& name, yaml::Document body,
                                const WriteOptions& options) {
  Written out;
  const bool scale = options.subresource == "scale";
  if (!scale) {
    SANDBOX_CHECK(check_kind(resource, body.root()));
    const yaml::Ref metadata = body.root().get("metadata");
    if (metadata.get("name").string_or("").empty()) metadata.put_string("name", name);
    SANDBOX_CHECK(check_url(metadata, ns, name));
    SANDBOX_CHECK(decode(resource, body, options.validation, out.warnings));
  }
  for (int race = 0; race < kMaxRaces; ++race) {
    SANDBOX_TRY(const ObjectPtr live, get(resource, ns, name));
    if (!keeps_version(body.root(), live)) return modified(resource, name);
    if (resource.custom && body.root().find("metadata", "resourceVersion").string_or("").empty()) {
      FieldErrors errors;
      errors.invalid("metadata.resourceVersion", "0", "must be specified for an update");
      return refuse(errors.failure({resource.group, resource.plural, resource.plural, name}));
    }
    Candidate candidate{body, {}, "Update"};
    if (scale) {
      candidate.document = in_version(resource, *live);
      candidate.document.root().put_mapping("spec").put_int(
          "replicas", number_at(root_of(body), ".spec.replicas"));
    }
    SANDBOX_TRY(out.object, commit_update(resource, live, std::move(candidate), options));
    if (out.object) return out;
  }
  return modified(resource, name);
}

Answer<ObjectPtr> Objects::commit_update(const Resource& resource, const ObjectPtr& live,
                                         Candidate candidate, const WriteOptions& options) {
  const yaml::Document before = in_version(resource, *live);
  const yaml::Node old = before.root();
  yaml::Document& document = candidate.document;
  const std::string uid(document.root().find("metadata", "uid").string_or(""));
  if (!uid.empty() && uid != old.find("metadata", "uid").text()) {
    return conflict(resource.named(live->name),
                    "Precondition failed: UID in precondition: " + uid +
                        ", UID in object meta: " + std::string(old.find("metadata", "uid").text()));
  }
  fold_status(resource, old, document, options.subresource);
  keep_system_metadata(old, document.root());

  const ManagedFields managed_before = ManagedFields::read(old);
  ManagedFields managed;
  if (candidate.managed) {
    managed = *std::move(candidate.managed);
  } else {
    if (!ManagedFields::is_reset(document.root())) {
      managed = ManagedFields::read(document.root());
      if (managed.entries.empty()) managed = managed_before;
    }
    managed = update_fields(*resource.type, root_of(for_fields(old)),
                            root_of(for_fields(document.root())), std::move(managed),
                            field_manager(resource, options), reset_fields(resource, options));
  }
  if (managed.same_but_times(managed_before)) managed = managed_before;
  managed.write(document.root());
  keep_allocated(resource, old, document.root());
  if (has_generation(resource) && is_new_generation(resource, old, document.root())) {
    document.root()
        .get("metadata")
        .put_int("generation",
                 yaml::int64_value(old.find("metadata", "generation").text()).value_or(0) + 1);
  }
  if (json_of(document.root()) == json_of(old)) return live;
  SANDBOX_CHECK(validate(resource, old, document.root()));
  if (is_definition(resource)) set_definition_status(document.root(), now());
  if (options.dry_run) return make_object(document, live->version);

  const yaml::Node metadata = root_of(document).get("metadata");
  const bool freed = metadata.get("deletionTimestamp") && metadata.get("finalizers").size() == 0 &&
                     !is_namespace(resource) && !is_definition(resource);
  const ObjectPtr stored = store_.put(resource.storage_key(), live, document);
  if (!stored) return ObjectPtr();
  if (is_definition(resource))
    registry_.set_definition(live->name, custom_resources(document.root()));
  if (freed) remove_now(resource, stored);
  return stored;
}

// ------------------------------------------------------------------------------------------- patch

Answer<Written> Objects::patch(const Resource& resource, const std::string& ns,
                               const std::string& name, PatchKind kind, const yaml::Document& patch,
                               const WriteOptions& options) {
  if (kind == PatchKind::kApply && options.subresource != "scale") {
    return apply(resource, ns, name, patch, options);
  }
  const bool scale = options.subresource == "scale";
  for (int race = 0; race < kMaxRaces; ++race) {
    Written out;
    SANDBOX_TRY(const ObjectPtr live, get(resource, ns, name));
    yaml::Document document = in_version(resource, *live);
    if (scale) document = scale_of(resource, root_of(document));
    const Type& type = scale ? *builtin_type("autoscaling.v1.Scale") : *resource.type;
    switch (kind) {
      case PatchKind::kJson:
        SANDBOX_CHECK(json_patch(document, patch.root(), resource.named(name)));
        break;
      case PatchKind::kStrategic:
        if (!scale) {
          SANDBOX_CHECK(strategic_merge_patch(type, document.root(), patch.root()));
          break;
        }
        [[fallthrough]];
      case PatchKind::kApply:
      case PatchKind::kMerge:
        merge_patch(document.root(), patch.root());
        break;
    }
    if (!keeps_version(document.root(), live)) return modified(resource, name);
    if (scale) {
      const std::int64_t wanted = number_at(root_of(document), ".spec.replicas");
      document = in_version(resource, *live);
      document.root().put_mapping("spec").put_int("replicas", wanted);
    } else {
      if (std::string given(document.root().find("metadata", "name").string_or(""));
          given != name) {
        FieldErrors errors;
        errors.invalid("metadata.name", quoted(given), "field is immutable");
        return refuse(errors.failure(resource.named(name)));
      }
      if (auto decoded = decode(resource, document, options.validation, out.warnings); !decoded) {
        return tl::make_unexpected(bad_patch(resource, std::move(decoded.error())));
      }
    }
    SANDBOX_TRY(out.object,
                commit_update(resource, live, {std::move(document), {}, "Update"}, options));
    if (out.object) return out;
  }
  return modified(resource, name);
}

Answer<Written> Objects::apply(const Resource& resource, const std::string& ns,
                               const std::string& name, const yaml::Document& given,
                               const WriteOptions& options) {
  yaml::Document config = given;
  const yaml::Ref root = config.root();
  if (const std::string given_version(root.get("apiVersion").string_or("")),
      kind(root.get("kind").string_or(""));
      !kind.empty() && (kind != resource.kind || given_version != resource.api_version())) {
    const std::string group_version =
        given_version.find('/') == std::string::npos ? "/" + given_version : given_version;
    return bad_request("invalid object type: " + group_version + ", Kind=" + kind);
  }
  SANDBOX_CHECK(check_kind(resource, root));
  const yaml::Ref metadata = root.get("metadata");
  if (metadata.get("managedFields").size() != 0)
    return bad_request("metadata.managedFields must be nil");
  SANDBOX_CHECK(check_url(metadata, ns, name));
  if (const std::string problem = untyped_field(*resource.type, root); !problem.empty()) {
    const std::string space(metadata.get("namespace").string_or(""));
    return internal_error("failed to create typed patch object (" + space + "/" + name + "; " +
                          resource.group + (resource.group.empty() ? "/" : "/") + resource.version +
                          ", Kind=" + resource.kind + "): " + problem);
  }
  const std::string wanted_version(metadata.get("resourceVersion").string_or(""));
  const std::string wanted_uid(metadata.get("uid").string_or(""));
  for (const char* system : {"resourceVersion", "uid", "creationTimestamp", "generation",
                             "selfLink", "managedFields", "deletionTimestamp"}) {
    metadata.erase(system);
  }
  metadata.put_string("name", name);
  if (resource.namespaced) metadata.put_string("namespace", ns);
  if (options.subresource == "status") {
    for (std::size_t i = root.size(); i-- > 0;) {
      const std::string_view key = root.key(i).text();
      if (key != "apiVersion" && key != "kind" && key != "metadata" && key != "status")
        root.erase_entry(i);
    }
  } else if (resource.has_status) {
    root.erase("status");
  }

  for (int race = 0; race < kMaxRaces; ++race) {
    Written out;
    const ObjectPtr live = store_.get(resource.storage_key(), ns, name);
    if (!live && (!options.subresource.empty())) return not_found(resource.named(name));
    if (!live && !wanted_uid.empty()) {
      return conflict(resource.named(name), "uid mismatch: the provided object specified uid " +
                                                wanted_uid + ", and no existing object was found");
    }
    if (live && !wanted_version.empty() && wanted_version != std::to_string(live->version)) {
      return modified(resource, name);
    }
    yaml::Document before;
    ManagedFields managed;
    if (live) {
      const yaml::Document current = in_version(resource, *live);
      before = for_fields(current.root());
      managed = ManagedFields::read(current.root());
      if (managed.entries.empty()) {
        // Written before anybody kept track: somebody called "before-first-apply" owns it all.
        FieldManager who{"before-first-apply", resource.api_version(), "", now()};
        managed = update_fields(*resource.type, root_of(nothing_of(resource)), root_of(before), {},
                                who, reset_fields(resource, options));
      }
    } else {
      before = nothing_of(resource);
    }
    SANDBOX_TRY(Applied applied, apply_fields(*resource.type, before, config, std::move(managed),
                                              field_manager(resource, options),
                                              reset_fields(resource, options), options.force));
    yaml::Document document = std::move(applied.object);
    SANDBOX_CHECK(decode(resource, document, options.validation, out.warnings));
    Candidate candidate{std::move(document), std::move(applied.managed), "Apply"};
    if (!live) {
      out.created = true;
      auto created = commit_create(resource, ns, std::move(candidate), options);
      if (!created && created.error()->reason == "AlreadyExists") continue;  // lost the race
      SANDBOX_TRY(out.object, std::move(created));
      return out;
    }
    SANDBOX_TRY(out.object, commit_update(resource, live, std::move(candidate), options));
    if (out.object) return out;
  }
  return modified(resource, name);
}

// ------------------------------------------------------------------------------------------ delete

Answer<Deleted> Objects::remove(const Resource& resource, const std::string& ns,
                                const std::string& name, const DeleteOptions& options) {
  for (int race = 0; race < kMaxRaces; ++race) {
    SANDBOX_TRY(const ObjectPtr live, get(resource, ns, name));
    const yaml::Node metadata = live->document.root().get("metadata");
    if (!options.uid.empty() && options.uid != metadata.get("uid").text()) {
      return conflict({resource.group, resource.kind, resource.kind, name},
                      "the UID in the precondition (" + options.uid +
                          ") does not match the UID in record (" +
                          std::string(metadata.get("uid").text()) +
                          "). The object might have been deleted and then recreated");
    }
    if (!options.resource_version.empty() &&
        options.resource_version != std::to_string(live->version)) {
      return conflict({resource.group, resource.kind, resource.kind, name},
                      "the ResourceVersion in the precondition (" + options.resource_version +
                          ") does not match the ResourceVersion in record (" +
                          std::to_string(live->version) + "). The object might have been modified");
    }
    if (is_namespace(resource) &&
        (name == "default" || name == "kube-system" || name == "kube-public")) {
      return forbidden(resource.named(name), "this namespace may not be deleted");
    }
    if (options.dry_run) return Deleted{live, true};
    if (auto done = remove_once(resource, live)) return *std::move(done);
  }
  return modified(resource, name);
}

std::optional<Deleted> Objects::remove_once(const Resource& resource, const ObjectPtr& live) {
  const yaml::Node metadata = live->document.root().get("metadata");
  const bool content = is_namespace(resource) || is_definition(resource);
  if (metadata.get("finalizers").size() == 0 && !content) {
    if (!remove_now(resource, live)) return {};
    return Deleted{live, true};
  }
  ObjectPtr marked = live;
  if (!metadata.get("deletionTimestamp")) {
    yaml::Document document = live->document;
    const yaml::Ref changed = document.root().get("metadata");
    changed.put_string("deletionTimestamp", now());
    if (!is_namespace(resource)) changed.put_int("deletionGracePeriodSeconds", 0);
    if (const yaml::Node generation = changed.get("generation")) {
      changed.put_int("generation", yaml::int64_value(generation.text()).value_or(0) + 1);
    }
    if (is_namespace(resource))
      document.root().put_mapping("status").put_string("phase", "Terminating");
    marked = store_.put(resource.storage_key(), live, document);
    if (!marked) return {};
  }
  if (is_namespace(resource)) {
    empty_namespace(live->name);
    finish_namespace(live->name);
  } else if (is_definition(resource)) {
    const yaml::Node spec = live->document.root().get("spec");
    const std::string key = std::string(spec.get("group").text()) + "/" +
                            std::string(spec.find("names", "plural").text());
    const auto catalog = registry_.catalog();
    if (const ResourcePtr custom = catalog->by_storage_key(key)) {
      for (const ObjectPtr& object : store_.list(key, "", "", 0, {}).objects) {
        (void)remove(*custom, object->ns, object->name, {});
      }
    }
    finish_definition(live->name);
  }
  return Deleted{marked, false};
}

bool Objects::remove_now(const Resource& resource, const ObjectPtr& live) {
  if (!store_.remove(resource.storage_key(), live)) return false;
  if (is_definition(resource)) registry_.remove_definition(live->name);
  if (!live->ns.empty()) finish_namespace(live->ns);
  if (resource.custom) finish_definition(resource.definition);
  return true;
}

void Objects::empty_namespace(const std::string& ns) {
  const auto catalog = registry_.catalog();
  for (const auto& [type, object] : store_.in_namespace(ns)) {
    if (const ResourcePtr resource = catalog->by_storage_key(type)) {
      (void)remove(*resource, ns, object->name, {});
    }
  }
}

void Objects::finish_namespace(const std::string& ns) {
  const ObjectPtr live = store_.get("/namespaces", "", ns);
  if (!live || !live->document.root().find("metadata", "deletionTimestamp")) return;
  if (!store_.is_namespace_empty(ns)) return;
  if (live->document.root().find("metadata", "finalizers").size() != 0) return;
  store_.remove("/namespaces", live);
}

void Objects::finish_definition(const std::string& name) {
  static const std::string kType = "apiextensions.k8s.io/customresourcedefinitions";
  const ObjectPtr live = store_.get(kType, "", name);
  if (!live || !live->document.root().find("metadata", "deletionTimestamp")) return;
  const yaml::Node spec = live->document.root().get("spec");
  if (store_.count(std::string(spec.get("group").text()) + "/" +
                   std::string(spec.find("names", "plural").text())) != 0) {
    return;
  }
  if (live->document.root().find("metadata", "finalizers").size() != 0) return;
  if (store_.remove(kType, live)) registry_.remove_definition(name);
}

}  // namespace sluice::sandbox
