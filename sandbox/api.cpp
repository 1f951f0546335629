#include "sandbox/api.hpp"

#include <algorithm>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"
#include "sluice/yaml/write.hpp"

#include "sandbox/builtin_types.hpp"
#include "sandbox/discovery.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/protobuf.hpp"

namespace sluice::sandbox {

std::string ApiRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}
bool ApiRequest::has_parameter(std::string_view name) const {
  return std::any_of(query.begin(), query.end(),
                     [&](const auto& one) { return one.first == name; });
}
bool ApiRequest::is_true(std::string_view name) const {
  const std::string value = parameter(name);
  return value == "true" || value == "1" || (value.empty() && has_parameter(name));
}

/// What a path below /api or /apis names.
struct Api::Route {
  ResourcePtr resource;
  std::string ns, name, subresource;
  std::string space() const { return resource->namespaced ? ns : std::string(); }
};

namespace {

tl::unexpected<std::unique_ptr<Failure>> no_such_page() {
  return refuse({.code = 404,
                 .reason = "NotFound",
                 .message = "the server could not find the requested resource",
                 .empty_details = true});
}

tl::unexpected<std::unique_ptr<Failure>> no_such_method() {
  return refuse({.code = 405,
                 .reason = "MethodNotAllowed",
                 .message = "the server does not allow this method on the requested resource",
                 .empty_details = true});
}

ApiAnswer json_answer(std::string body, int status = 200) {
  ApiAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

struct Accepted {
  Form form = Form::kObject;
  bool aggregated = false;
};

/// Takes the first media type of Accept that the sandbox can write.
Answer<Accepted> read_accept(const std::string& accept) {
  if (accept.empty()) return Accepted{};
  for (const std::string& clause : split(accept, ',')) {
    const std::vector<std::string> parts = split(clause, ';');
    const auto has = [&](std::string_view wanted) {
      return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
        while (part.starts_with(' '))
          part.remove_prefix(1);
        return part == wanted;
      });
    };
    if (!has("application/json") && !has("*/*") && !has("application/*")) continue;
    const bool other = clause.find("as=") != std::string::npos;
    if (!other) return Accepted{};
    if (has("as=APIGroupDiscoveryList") && has("v=v2")) return Accepted{Form::kObject, true};
    if (has("g=meta.k8s.io") && has("v=v1")) {
      if (has("as=Table")) return Accepted{Form::kTable, false};
      if (has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList")) {
        return Accepted{Form::kMetadata, false};
      }
    }
  }
  return refuse({.code = 406,
                 .reason = "NotAcceptable",
                 .message = "406: Not Acceptable\n\nAvailable representations: application/json",
                 .empty_details = true});
}

IncludeObject include_of(const ApiRequest& request) {
  const std::string wanted = request.parameter("includeObject");
  if (wanted == "Object") return IncludeObject::kObject;
  return wanted == "None" ? IncludeObject::kNone : IncludeObject::kMetadata;
}

/// Request bodies are JSON, or YAML turned into the same.
Answer<yaml::Document> read_body(const std::string& body, bool may_be_yaml) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  const bool looks_json = begin != std::string::npos && (body[begin] == '{' || body[begin] == '[');
  if (!may_be_yaml || looks_json) {
    if (auto document = yaml::read_json(body))
      return *std::move(document);
    else if (!may_be_yaml)
      return bad_request("error decoding the request body: " + document.error().message());
  }
  yaml::ReadOptions options;
  options.schema = yaml::Schema::kV2;  // sigs.k8s.io/yaml
  auto documents = yaml::read_yaml(body, FileId::kNone, options);
  if (!documents) return bad_request("error decoding YAML: " + documents.error().message());
  if (documents->size() != 1) return bad_request("error decoding YAML: one document is wanted");
  std::string json;
  if (auto done = yaml::write_go_json(documents->front().root(), json,
                                      {.sort_keys = false, .escape_html = false});
      !done) {
    return bad_request("error decoding YAML: " + done.error().message());
  }
  auto document = yaml::read_json(json);
  if (!document) return bad_request("error decoding YAML: " + document.error().message());
  return *std::move(document);
}

Answer<WriteOptions> write_options(const ApiRequest& request, const std::string& subresource,
                                   const char* kind, bool apply) {
  WriteOptions options;
  options.subresource = subresource;
  FieldErrors errors;
  if (request.has_parameter("dryRun")) {
    const std::string value = request.parameter("dryRun");
    if (value == "All")
      options.dry_run = true;
    else if (!value.empty())
      errors.not_supported("dryRun", "[" + quoted(value) + "]", {"\"All\""});
  }
  const std::string validation = request.parameter("fieldValidation");
  if (validation == "Strict")
    options.validation = FieldValidation::kStrict;
  else if (validation == "Ignore")
    options.validation = FieldValidation::kIgnore;
  else if (!validation.empty() && validation != "Warn") {
    errors.not_supported("fieldValidation", quoted(validation),
                         {"\"\"", "\"Ignore\"", "\"Strict\"", "\"Warn\""});
  }
  options.force = request.is_true("force");
  options.manager = request.parameter("fieldManager");
  if (options.manager.size() > 128)
    errors.too_long("fieldManager", "may not be more than 128 bytes");
  if (apply && options.manager.empty()) {
    errors.required("fieldManager", "is required for apply patch");
  }
  if (!apply && request.has_parameter("force")) {
    errors.forbidden("force", "may not be specified for non-apply patch");
  }
  if (!errors.empty()) return refuse(errors.failure({"meta.k8s.io", "", kind, ""}));
  if (options.manager.empty()) {
    options.manager = request.user_agent.substr(0, request.user_agent.find('/'));
    if (options.manager.empty()) options.manager = "unknown";
    if (options.manager.size() > 128) options.manager.resize(128);
  }
  return options;
}

std::string object_body(const Resource& resource, const Object& object, Form form,
                        IncludeObject include) {
  if (form == Form::kMetadata) return metadata_only_json(object);
  if (form == Form::kTable) {
    return table_json(resource, {std::make_shared<Object>(object)},
                      R"({"resourceVersion":")" + std::to_string(object.version) + "\"}", include);
  }
  if (object.document.root().get("apiVersion").text() == resource.api_version()) return object.json;
  return json_of(root_of(in_version(resource, object)));
}

/// As an item of a list: built-in kinds do not repeat what the list says.
std::string item_body(const Resource& resource, const Object& object) {
  if (resource.custom) return object_body(resource, object, Form::kObject, IncludeObject::kNone);
  yaml::Document bare = object.document;
  bare.root().erase("kind");
  bare.root().erase("apiVersion");
  return json_of(root_of(bare));
}

std::string continue_token(const std::string& next) {
  return next.empty() ? "" : base64_encode(next);
}

/// The schemas of a CustomResourceDefinition have an encoding of their own, which no client sends.
bool speaks_protobuf(const Resource& resource) {
  return !resource.custom && resource.group != "apiextensions.k8s.io";
}

/// Kinds whose deletion is answered with the object (registry stores with ReturnDeletedObject).
bool returns_deleted(const Resource& resource) {
  static constexpr std::string_view kKeys[] = {"/persistentvolumeclaims",
                                               "/persistentvolumes",
                                               "/pods",
                                               "/podtemplates",
                                               "/resourcequotas",
                                               "/serviceaccounts",
                                               "/services",
                                               "storage.k8s.io/csidrivers",
                                               "storage.k8s.io/csinodes",
                                               "storage.k8s.io/storageclasses",
                                               "storage.k8s.io/volumeattachments"};
  return std::find(std::begin(kKeys), std::end(kKeys), resource.storage_key()) != std::end(kKeys);
}

std::string success_json(const Resource& resource, const Object& object) {
  std::string out =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{)";
  JsonFields fields(out);
  fields.text("name", object.name);
  if (!resource.group.empty()) fields.text("group", resource.group);
  fields.text("kind", resource.plural);
  fields.text("uid", object.document.root().find("metadata", "uid").text());
  return out + "}}";
}

}  // namespace

Api::Api(const SandboxOptions& options)
    : options_(options), store_(options.history_events), objects_(store_, registry_) {
  const ResourcePtr namespaces = registry_.catalog()->find("", "v1", "namespaces");
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    yaml::Document document;
    document.root().set_mapping();
    document.root().put_mapping("metadata").put_string("name", name);
    WriteOptions write;
    write.manager = "sluice-sandbox";
    (void)objects_.create(*namespaces, "", std::move(document), write);
  }
}

ApiAnswer Api::too_large() const {
  return json_answer(Failure{.code = 413,
                             .reason = "RequestEntityTooLarge",
                             .message = "Request entity too large: limit is " +
                                        std::to_string(options_.max_body_bytes)}
                         .json(),
                     413);
}

ApiAnswer Api::handle(const ApiRequest& request) {
  auto answer = serve(request);
  if (answer) return *std::move(answer);
  return json_answer(answer.error()->json(), answer.error()->code);
}

Answer<ApiAnswer> Api::serve(const ApiRequest& request) {
  std::vector<std::string> parts;
  for (std::string& part : split(request.path, '/')) {
    if (!part.empty()) parts.push_back(std::move(part));
  }
  // /api/v1/…, /apis/GROUP/VERSION/…
  const bool core = !parts.empty() && parts[0] == "api";
  const std::size_t head = core ? 2 : 3;
  if (parts.size() <= head || (!core && parts[0] != "apis")) return serve_discovery(request, parts);
  const std::string group = core ? "" : parts[1], version = parts[head - 1];
  std::vector<std::string> rest(parts.begin() + static_cast<std::ptrdiff_t>(head), parts.end());
  Route route;
  const auto catalog = registry_.catalog();
  const bool below_namespace =
      rest[0] == "namespaces" && rest.size() >= 3 &&
      !(core && (rest[2] == "status" || rest[2] == "finalize") && rest.size() == 3);
  if (below_namespace) {
    route.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  route.resource = catalog->find(group, version, rest[0]);
  if (!route.resource && catalog->versions(group).empty()) {
    ApiAnswer page;
    page.status = 404;
    page.content_type = "text/plain; charset=utf-8";
    page.body = "404 page not found\n";
    return page;
  }
  if (!route.resource || (below_namespace && !route.resource->namespaced)) return no_such_page();
  if (rest.size() > 1) route.name = rest[1];
  if (rest.size() > 2) route.subresource = rest[2];
  if (rest.size() > 3) return no_such_page();
  if (route.resource->namespaced && !route.name.empty() && route.ns.empty()) return no_such_page();
  const bool status = route.subresource == "status" && route.resource->has_status;
  const bool scale = route.subresource == "scale" && route.resource->has_scale;
  if (!route.subresource.empty() && !status && !scale) return no_such_page();
  return serve_resource(request, route);
}

Answer<ApiAnswer> Api::serve_discovery(const ApiRequest& request,
                                       const std::vector<std::string>& parts) {
  const std::string path = request.path;
  const auto catalog = registry_.catalog();
  if (path == "/healthz" || path == "/readyz" || path == "/livez") {
    ApiAnswer answer = json_answer("ok");
    answer.content_type = "text/plain; charset=utf-8";
    return answer;
  }
  if (request.method != "GET") {
    return no_such_method();
  }
  if (path == "/version" || path == "/version/") return json_answer(version_json());
  if (parts.empty()) return json_answer(R"({"paths":["/api","/apis","/openapi/v3","/version"]})");
  const std::string body = [&]() -> std::string {
    if (parts[0] == "api" && parts.size() == 2) return resources_json(*catalog, "", parts[1]);
    if (parts[0] == "apis" && parts.size() == 2) return group_json(*catalog, parts[1]);
    if (parts[0] == "apis" && parts.size() == 3)
      return resources_json(*catalog, parts[1], parts[2]);
    if (parts[0] == "openapi" && parts.size() >= 2 && parts[1] == "v3") {
      if (parts.size() == 2) return openapi_index_json(*catalog);
      if (parts.size() == 4 && parts[2] == "api") return openapi_json(*catalog, "", parts[3]);
      if (parts.size() == 5 && parts[2] == "apis")
        return openapi_json(*catalog, parts[3], parts[4]);
    }
    return {};
  }();
  if (!body.empty()) return json_answer(body);
  if (parts.size() == 1 && (parts[0] == "api" || parts[0] == "apis")) {
    SANDBOX_TRY(const Accepted accepted, read_accept(request.accept));
    const bool core = parts[0] == "api";
    if (accepted.aggregated) {
      ApiAnswer answer = json_answer(aggregated_json(*catalog, core));
      answer.content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
      return answer;
    }
    return json_answer(core ? core_versions_json() : groups_json(*catalog));
  }
  return no_such_page();
}

Answer<ApiAnswer> Api::serve_resource(const ApiRequest& request, const Route& route) {
  const std::string& method = request.method;
  if (method == "GET") {
    if (!route.name.empty()) return get_one(request, route);
    if (request.is_true("watch")) return watch(request, route);
    return list(request, route);
  }
  const bool collection = route.name.empty();
  if ((method == "POST" && collection) || ((method == "PUT" || method == "PATCH") && !collection)) {
    if (method == "POST" && route.resource->namespaced && route.ns.empty()) {
      return bad_request("an empty namespace may not be set during creation");
    }
    return write(request, route);
  }
  const bool kept = collection && route.resource->storage_key() == "/namespaces";
  if (method == "DELETE" && route.subresource.empty() && !kept) {
    return collection ? remove_all(request, route) : remove(request, route);
  }
  return no_such_method();
}

Answer<ApiAnswer> Api::get_one(const ApiRequest& request, const Route& route) {
  const Resource& resource = *route.resource;
  SANDBOX_TRY(const Accepted accepted, read_accept(request.accept));
  SANDBOX_TRY(const ObjectPtr object, objects_.get(resource, route.space(), route.name));
  if (route.subresource == "scale") {
    const yaml::Document scale = scale_of(resource, object->document.root());
    return json_answer(json_of(scale.root()));
  }
  return json_answer(object_body(resource, *object, accepted.form, include_of(request)));
}

Answer<ApiAnswer> Api::list(const ApiRequest& request, const Route& route) {
  const Resource& resource = *route.resource;
  SANDBOX_TRY(const Accepted accepted, read_accept(request.accept));
  SANDBOX_TRY(const LabelSelector labels, LabelSelector::parse(request.parameter("labelSelector")));
  SANDBOX_TRY(const FieldSelector fields,
              FieldSelector::parse(request.parameter("fieldSelector"), resource));
  std::size_t limit = 0;
  if (const std::string text = request.parameter("limit"); !text.empty()) {
    const auto value = yaml::int64_value(text);
    if (!value)
      return bad_request("strconv.ParseInt: parsing " + quoted(text) + ": invalid syntax");
    if (*value < 0) return bad_request("limit: Invalid value: " + quoted(text));
    limit = static_cast<std::size_t>(*value);
  }
  std::string after;
  if (const std::string token = request.parameter("continue"); !token.empty()) {
    const auto decoded = base64_decode(token);
    if (!decoded || decoded->find('/') == std::string::npos) {
      return bad_request(
          "invalid continue token: continue key is not valid: " +
          std::string(decoded ? "it names no object" : "illegal base64 data at input byte 0"));
    }
    after = *decoded;
  }
  const Store::Page page =
      store_.list(resource.storage_key(), route.space(), after, limit, [&](const Object& object) {
        const yaml::Node root = object.document.root();
        return labels.matches(root) && fields.matches(root);
      });
  std::string metadata = "{";
  JsonFields meta(metadata);
  meta.text("resourceVersion", std::to_string(page.version));
  if (!page.next.empty()) {
    meta.text("continue", continue_token(page.next));
    if (labels.empty() && fields.empty())
      meta.number("remainingItemCount", static_cast<std::int64_t>(page.remaining));
  }
  metadata += '}';
  if (accepted.form == Form::kTable) {
    return json_answer(table_json(resource, page.objects, metadata, include_of(request)));
  }
  const bool partial = accepted.form == Form::kMetadata;
  std::string out =
      R"({"kind":)" + quoted(partial ? "PartialObjectMetadataList" : resource.list_kind) +
      R"(,"apiVersion":)" + quoted(partial ? "meta.k8s.io/v1" : resource.api_version()) +
      R"(,"metadata":)" + metadata + R"(,"items":[)";
  for (std::size_t i = 0; i < page.objects.size(); ++i) {
    if (i != 0) out += ',';
    out += partial
               ? object_body(resource, *page.objects[i], accepted.form, IncludeObject::kMetadata)
               : item_body(resource, *page.objects[i]);
  }
  return json_answer(out + "]}");
}

Answer<ApiAnswer> Api::watch(const ApiRequest& request, const Route& route) {
  SANDBOX_TRY(const Accepted accepted, read_accept(request.accept));
  WatchStream::Options options;
  options.resource = route.resource;
  options.ns = route.space();
  SANDBOX_TRY(options.labels, LabelSelector::parse(request.parameter("labelSelector")));
  SANDBOX_TRY(options.fields,
              FieldSelector::parse(request.parameter("fieldSelector"), *route.resource));
  options.form = accepted.form;
  options.include = include_of(request);
  options.bookmarks = request.is_true("allowWatchBookmarks");
  options.initial_events = request.is_true("sendInitialEvents");
  options.bookmark_interval = options_.bookmark_interval;
  const auto seconds = yaml::int64_value(request.parameter("timeoutSeconds")).value_or(0);
  static constexpr std::int64_t kDefaultSeconds = 1800;  // kube-apiserver's --min-request-timeout
  options.deadline =
      std::chrono::steady_clock::now() +
      std::chrono::seconds(seconds > 0 ? std::min<std::int64_t>(seconds, 86'400) : kDefaultSeconds);
  const std::string version = request.parameter("resourceVersion");
  const auto since = yaml::int64_value(version);
  if (!version.empty() && (!since || *since < 0)) {
    FieldErrors errors;
    errors.invalid("resourceVersion", quoted(version),
                   "strconv.ParseUint: parsing " + quoted(version) + ": invalid syntax");
    return bad_request("invalid resource version: " + quoted(version));
  }
  if (version.empty() || version == "0" || options.initial_events) {
    Store::Page page =
        store_.list(route.resource->storage_key(), options.ns, "", 0, [&](const Object& object) {
          const yaml::Node root = object.document.root();
          return options.labels.matches(root) && options.fields.matches(root);
        });
    options.initial = std::move(page.objects);
    options.since = page.version;
  } else {
    options.since = static_cast<std::uint64_t>(*since);
  }
  ApiAnswer answer;
  if (accepted.form == Form::kTable)
    answer.content_type = "application/json;as=Table;v=v1;g=meta.k8s.io";
  answer.stream = std::make_unique<WatchStream>(store_, std::move(options));
  return answer;
}

Answer<ApiAnswer> Api::write(const ApiRequest& request, const Route& route) {
  const Resource& resource = *route.resource;
  SANDBOX_TRY(const Accepted accepted, read_accept(request.accept));
  const std::string content = request.content_type.substr(0, request.content_type.find(';'));
  const bool apply = content == "application/apply-patch+yaml";
  const char* const options_kind = request.method == "POST"  ? "CreateOptions"
                                   : request.method == "PUT" ? "UpdateOptions"
                                                             : "PatchOptions";
  SANDBOX_TRY(const WriteOptions options,
              write_options(request, route.subresource, options_kind, apply));
  const auto unsupported = [&](const char* accepted_types) {
    return refuse({.code = 415,
                   .reason = "UnsupportedMediaType",
                   .message = std::string("the body of the request was in an unknown format - "
                                          "accepted media types include: ") +
                              accepted_types,
                   .empty_details = true});
  };
  Written written;
  if (request.method == "PATCH") {
    PatchKind kind;
    if (apply)
      kind = PatchKind::kApply;
    else if (content == "application/json-patch+json")
      kind = PatchKind::kJson;
    else if (content == "application/merge-patch+json")
      kind = PatchKind::kMerge;
    else if (content == "application/strategic-merge-patch+json" && !resource.custom)
      kind = PatchKind::kStrategic;
    else {
      return unsupported(
          resource.custom ? "application/json-patch+json, application/merge-patch+json, "
                            "application/apply-patch+yaml"
                          : "application/json-patch+json, application/merge-patch+json, "
                            "application/strategic-merge-patch+json, application/apply-patch+yaml");
    }
    SANDBOX_TRY(const yaml::Document patch, read_body(request.body, apply));
    SANDBOX_TRY(written, objects_.patch(resource, route.space(), route.name, kind, patch, options));
  } else {
    const bool yaml_body = content == "application/yaml";
    const bool protobuf = content == kProtobuf && speaks_protobuf(resource);
    if (!content.empty() && content != "application/json" && !yaml_body && !protobuf) {
      return unsupported(
          "application/json, application/yaml, application/vnd.kubernetes.protobuf (built-in kinds "
          "but CustomResourceDefinition)");
    }
    const Type& type =
        route.subresource == "scale" ? *builtin_type("autoscaling.v1.Scale") : *resource.type;
    SANDBOX_TRY(yaml::Document body,
                protobuf ? read_protobuf(request.body, type) : read_body(request.body, yaml_body));
    if (request.method == "POST") {
      SANDBOX_TRY(written, objects_.create(resource, route.space(), std::move(body), options));
    } else {
      SANDBOX_TRY(written,
                  objects_.update(resource, route.space(), route.name, std::move(body), options));
    }
  }
  ApiAnswer answer = json_answer("", written.created ? 201 : 200);
  answer.warnings = std::move(written.warnings);
  if (route.subresource == "scale") {
    const yaml::Document scale = scale_of(resource, written.object->document.root());
    answer.body = json_of(scale.root());
  } else {
    answer.body = object_body(resource, *written.object, accepted.form, include_of(request));
  }
  return answer;
}

Answer<ApiAnswer> Api::remove(const ApiRequest& request, const Route& route) {
  DeleteOptions options;
  if (request.body.find_first_not_of(" \t\r\n") != std::string::npos) {
    const Type& type = *builtin_type("meta.v1.DeleteOptions");
    SANDBOX_TRY(const yaml::Document body, request.content_type == kProtobuf
                                               ? read_protobuf(request.body, type)
                                               : read_body(request.body, true));
    const yaml::Node preconditions = body.root().get("preconditions");
    options.uid = preconditions.get("uid").string_or("");
    options.resource_version = preconditions.get("resourceVersion").string_or("");
    options.dry_run = body.root().get("dryRun").size() != 0;
  }
  if (request.parameter("dryRun") == "All") options.dry_run = true;
  SANDBOX_TRY(const Deleted deleted,
              objects_.remove(*route.resource, route.space(), route.name, options));
  if (deleted.gone && !returns_deleted(*route.resource))
    return json_answer(success_json(*route.resource, *deleted.object));
  return json_answer(
      object_body(*route.resource, *deleted.object, Form::kObject, IncludeObject::kMetadata));
}

Answer<ApiAnswer> Api::remove_all(const ApiRequest& request, const Route& route) {
  const Resource& resource = *route.resource;
  SANDBOX_TRY(const LabelSelector labels, LabelSelector::parse(request.parameter("labelSelector")));
  SANDBOX_TRY(const FieldSelector fields,
              FieldSelector::parse(request.parameter("fieldSelector"), resource));
  const Store::Page page =
      store_.list(resource.storage_key(), route.space(), "", 0, [&](const Object& object) {
        const yaml::Node root = object.document.root();
        return labels.matches(root) && fields.matches(root);
      });
  DeleteOptions options;
  options.dry_run = request.parameter("dryRun") == "All";
  std::string out = R"({"kind":)" + quoted(resource.list_kind) + R"(,"apiVersion":)" +
                    quoted(resource.api_version()) + R"(,"metadata":{"resourceVersion":")" +
                    std::to_string(page.version) + R"("},"items":[)";
  bool first = true;
  for (const ObjectPtr& object : page.objects) {
    auto deleted = objects_.remove(resource, object->ns, object->name, options);
    if (!deleted) {
      if (deleted.error()->code == 404) continue;
      return tl::make_unexpected(std::move(deleted.error()));
    }
    if (!first) out += ',';
    first = false;
    out += item_body(resource, *deleted->object);
  }
  return json_answer(out + "]}");
}

}  // namespace sluice::sandbox
