#include "sluice/kube/client.hpp"

#include <utility>

#include "sluice/crypto/secret.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/yaml/read.hpp"

#include "kube/client_state.hpp"
#include "kube/masked_json.hpp"
#include "kube/resource_path.hpp"
#include "kube/status_error.hpp"

namespace sluice::kube {
namespace {

using yaml::Document;
using yaml::Node;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kMetadataOnly[] = {
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"};

bool is_secret(const Gvk& gvk) {
  return gvk.group.empty() && gvk.kind == "Secret";
}

bool has_leaves(Node node) {
  if (node.document().leaves().empty()) return false;
  bool found = false;
  yaml::walk(node, [&](Node each) { found = found || each.is_encrypted(); });
  return found;
}

void replace_all(std::string& text, std::string_view what) {
  constexpr std::size_t kShortest = 3;  // shorter ones would hit words of the message
  if (what.size() < kShortest) return;
  constexpr std::string_view kHidden = "(redacted)";
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kHidden.size())) {
    text.replace(at, what.size(), kHidden);
  }
}

/// Takes every opened value of `body` out of `text`, in base64 and plain. Only ever needed for a
/// refused request, so the leaves are opened once more instead of being remembered.
void remove_opened_values(std::string& text, Node body, yaml::LeafReader& leaves) {
  yaml::walk(body, [&](Node node) {
    if (!node.is_encrypted()) return;
    const auto value = leaves.read(node.leaf());
    if (!value) return;
    replace_all(text, value->text);
    if (node.leaf().encoding != yaml::LeafEncoding::kBase64) return;
    if (const auto plain = crypto::base64_decode_secret(value->text))
      replace_all(text, plain->reveal_text());
  });
}

std::string id_text(const ObjectId& id, const ResourceType& type) {
  return type.namespaced ? id.text() : ObjectId{id.gvk, "", id.name}.text();
}

/// apiVersion and kind, which items of a list of a built-in type and metadata-only objects lack.
void name_type(yaml::Ref object, const Gvk& gvk, bool replace) {
  if (!object.is_mapping()) return;
  if (replace || object.get("apiVersion").text().empty())
    object.put_string("apiVersion", gvk.api_version());
  if (replace || object.get("kind").text().empty()) object.put_string("kind", gvk.kind);
}

}  // namespace

Client::Client(Config config, http::Client& http, Clock& clock)
    : state_(std::make_unique<State>()) {
  state_->server = std::make_shared<Server>(std::move(config), http, clock);
  state_->user = state_->server->transport.config().impersonate_user;
}
Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

std::unique_ptr<Client> Client::impersonate(std::string user) const {
  auto state = std::make_unique<State>();
  state->server = state_->server;
  state->user = std::move(user);
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

std::uint64_t Client::requests() const {
  return state_->server->transport.requests();
}

Result<ResourceType> Client::resolve(const Gvk& gvk, const CancelToken& cancel) {
  // Always as ourselves: what the server serves does not depend on the user.
  Server& server = *state_->server;
  return server.discovery.resolve(gvk, server.transport.config().impersonate_user, cancel);
}

void Client::forget_discovery() {
  state_->server->discovery.forget();
}

Result<http::Response> Client::State::send(http::Request request, const Asked& asked,
                                           const CancelToken& cancel) const {
  request.secret_response = asked.sensitive;
  SLUICE_TRY(http::Response response, server->transport.send(std::move(request), user, cancel));
  if (response.status >= 200 && response.status <= 299) return response;
  if (response.secret_body) {
    auto masked = mask_status(response.secret_body->reveal_text(), asked.names);
    response.body = masked ? *std::move(masked) : std::string();
  }
  return fail(status_error(response, asked));
}

Result<Document> Client::State::send_for_object(http::Request request, const Asked& asked,
                                                const CancelToken& cancel, bool is_list) const {
  SLUICE_TRY(http::Response response, send(std::move(request), asked, cancel));
  if (response.secret_body) {
    const std::string_view text = response.secret_body->reveal_text();
    SLUICE_TRY(response.body, is_list ? mask_list(text) : mask_object(text));
  }
  auto document = yaml::read_json(response.body);
  if (!document)
    return fail(Code::kUnavailable,
                "the server's answer to " + asked.method + " " + asked.path + " is not JSON");
  return document;
}

Result<ResourceType> Client::State::locate(const ObjectId& id, Client& client,
                                           const CancelToken& cancel) const {
  SLUICE_TRY(ResourceType type, client.resolve(id.gvk, cancel));
  if (id.name.empty())
    return fail(Code::kInvalid, id.gvk.kind + " has no name", Where{}, "set metadata.name");
  if (type.namespaced && id.ns.empty())
    return fail(
        Error(Code::kInvalid, id_text(id, type) + ": an object of this kind needs a namespace")
            .reason("NoNamespace")
            .hint("set metadata.namespace"));
  return type;
}

Asked Client::State::asked(std::string method, const http::Request& request, const ObjectId& id,
                           bool sensitive) const {
  return {std::move(method),
          request.url.substr(0, request.url.find('?')),
          sensitive || is_secret(id.gvk),
          {id.name, id.ns, id.gvk.kind, id.gvk.version, id.gvk.group, id.gvk.api_version(), user}};
}

Result<Document> Client::State::send_body(http::Request request, const ObjectId& id, Node body,
                                          yaml::LeafReader* leaves,
                                          const CancelToken& cancel) const {
  const bool sensitive = is_secret(id.gvk) || has_leaves(body);
  const yaml::JsonOptions options{.sort_keys = false, .escape_html = false, .leaves = leaves};
  if (leaves == nullptr && has_leaves(body))
    return fail(Code::kInternal, id.text() + ": encrypted values and nothing to open them with");
  if (sensitive) {
    crypto::SecretBuffer buffer;
    SLUICE_CHECK(yaml::write_go_json(body, buffer, options));
    request.secret_body = std::make_shared<const crypto::SecretBytes>(std::move(buffer).take());
  } else {
    SLUICE_CHECK(yaml::write_go_json(body, request.body, options));
  }
  request.headers.emplace_back("Accept", kJson);
  const Asked what = asked(request.method, request, id, sensitive);
  auto result = send_for_object(std::move(request), what, cancel);
  if (result || leaves == nullptr) return result;
  Error error = std::move(result).error();
  std::string message = error.message();
  remove_opened_values(message, body, *leaves);
  if (message == error.message()) return fail(std::move(error));
  return fail(Error(error.code(), std::move(message)).reason(error.reason()));
}

Result<Document> Client::get(const ObjectId& id, const CancelToken& cancel, View view) {
  SLUICE_TRY(const ResourceType type, state_->locate(id, *this, cancel));
  http::Request request;
  request.url = object_path(type, id.ns, id.name);
  request.headers.emplace_back("Accept", view == View::kMetadata ? kMetadataOnly[0] : kJson);
  const Asked asked = state_->asked("GET", request, id, view == View::kMasked);
  SLUICE_TRY(Document document, state_->send_for_object(std::move(request), asked, cancel));
  if (view == View::kMetadata) name_type(document.root(), id.gvk, true);
  return document;
}

Result<List> Client::list(const ResourceType& type, const ListParams& params,
                          const CancelToken& cancel) {
  List list;
  std::string next;
  unsigned page = params.page;
  for (;;) {
    Query query;
    query.add_given("labelSelector", params.label_selector);
    query.add_given("fieldSelector", params.field_selector);
    if (page != 0) query.add("limit", std::to_string(page));
    query.add_given("continue", next);
    http::Request request;
    request.url = collection_path(type, params.ns) + query.text();
    request.headers.emplace_back("Accept", params.metadata_only ? kMetadataOnly[1] : kJson);
    const ObjectId any{type.gvk, params.ns, ""};
    const Asked asked = state_->asked("GET", request, any, false);
    auto answer = state_->send_for_object(std::move(request), asked, cancel, true);
    if (!answer && answer.error().reason() == "Expired" && !next.empty()) {
      list.items.clear();  // the pages no longer fit together: all at once, as client-go's pager
      next.clear();
      page = 0;
      continue;
    }
    if (!answer) return fail(std::move(answer).error());
    const Node root = answer->root();
    const Node items = root.get("items");
    list.items.reserve(list.items.size() + items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      Document item;
      item.set_root(item.import(items.at(i)));
      name_type(item.root(), type.gvk, params.metadata_only);
      list.items.push_back(std::move(item));
    }
    list.resource_version = root.find("metadata", "resourceVersion").text();
    next = root.find("metadata", "continue").text();
    if (next.empty()) return list;
  }
}

Result<Document> Client::apply(const ObjectId& id, Node body, yaml::LeafReader* leaves,
                               const ApplyParams& params, const CancelToken& cancel) {
  SLUICE_TRY(const ResourceType type, state_->locate(id, *this, cancel));
  Query query;
  query.add("fieldManager", params.field_manager);
  if (params.force) query.add("force", "true");
  if (params.dry_run) query.add("dryRun", "All");
  http::Request request;
  request.method = "PATCH";
  request.url = object_path(type, id.ns, id.name, params.subresource) + query.text();
  request.headers.emplace_back("Content-Type", "application/apply-patch+yaml");
  return state_->send_body(std::move(request), id, body, leaves, cancel);
}

Result<Document> Client::create(const ObjectId& id, Node body, const CancelToken& cancel,
                                const CreateParams& params, yaml::LeafReader* leaves) {
  SLUICE_TRY(const ResourceType type, state_->locate(id, *this, cancel));
  Query query;
  query.add_given("fieldManager", params.field_manager);
  if (params.dry_run) query.add("dryRun", "All");
  http::Request request;
  request.method = "POST";
  request.url = collection_path(type, id.ns) + query.text();
  request.headers.emplace_back("Content-Type", kJson);
  return state_->send_body(std::move(request), id, body, leaves, cancel);
}

Result<Document> Client::patch(const ObjectId& id, PatchType patch_type, Node body,
                               const std::string& subresource, const std::string& field_manager,
                               const CancelToken& cancel) {
  SLUICE_TRY(const ResourceType type, state_->locate(id, *this, cancel));
  Query query;
  query.add_given("fieldManager", field_manager);
  http::Request request;
  request.method = "PATCH";
  request.url = object_path(type, id.ns, id.name, subresource) + query.text();
  request.headers.emplace_back("Content-Type", patch_type == PatchType::kJson
                                                   ? "application/json-patch+json"
                                                   : "application/merge-patch+json");
  return state_->send_body(std::move(request), id, body, nullptr, cancel);
}

Result<void> Client::remove(const ObjectId& id, const RemoveParams& params,
                            const CancelToken& cancel) {
  SLUICE_TRY(const ResourceType type, state_->locate(id, *this, cancel));
  Document options;
  options.root().set_mapping();
  options.root().put_string("apiVersion", "v1");
  options.root().put_string("kind", "DeleteOptions");
  options.root().put_string("propagationPolicy", params.propagation);
  if (!params.uid.empty())
    options.root().put_mapping("preconditions").put_string("uid", params.uid);
  http::Request request;
  request.method = "DELETE";
  request.url = object_path(type, id.ns, id.name);
  request.headers = {{"Content-Type", std::string(kJson)}, {"Accept", std::string(kJson)}};
  SLUICE_CHECK(yaml::write_go_json(options.root(), request.body));
  const Asked asked = state_->asked("DELETE", request, id, false);
  SLUICE_CHECK(state_->send(std::move(request), asked, cancel));
  return {};
}

Result<Document> Client::raw_get(const std::string& path, const CancelToken& cancel) {
  http::Request request;
  request.url = path;
  request.headers.emplace_back("Accept", kJson);
  return state_->send_for_object(std::move(request), {"GET", path, false, {}}, cancel);
}

Result<crypto::SecretBytes> Client::get_secret_body(const std::string& path,
                                                    const CancelToken& cancel) {
  http::Request request;
  request.url = path;
  request.headers.emplace_back("Accept", kJson);
  request.max_response_bytes = 4U << 20;
  const Asked asked{"GET", path, true, {std::string(path.substr(path.rfind('/') + 1))}};
  SLUICE_TRY(const http::Response response, state_->send(std::move(request), asked, cancel));
  if (!response.secret_body) return fail(Code::kInternal, "the HTTP client kept a secret answer");
  return response.secret_body->clone();
}

Result<crypto::SecretBytes> Client::request_token(const std::string& ns, const std::string& name,
                                                  const std::string& audience,
                                                  const CancelToken& cancel) {
  Document body;
  body.root().set_mapping();
  body.root().put_string("apiVersion", "authentication.k8s.io/v1");
  body.root().put_string("kind", "TokenRequest");
  const yaml::Ref spec = body.root().put_mapping("spec");
  spec.put_sequence("audiences").append_string(audience);
  spec.put_int("expirationSeconds", 3600);
  http::Request request;
  request.method = "POST";
  const std::string path = "/api/v1/namespaces/" + ns + "/serviceaccounts/" + name + "/token";
  request.url = path;
  request.headers.emplace_back("Content-Type", kJson);
  request.headers.emplace_back("Accept", kJson);
  SLUICE_CHECK(yaml::write_go_json(body.root(), request.body, {.sort_keys = false}));
  const Asked asked{"POST", path, true, {name, ns, audience}};
  SLUICE_TRY(const http::Response response, state_->send(std::move(request), asked, cancel));
  if (!response.secret_body) return fail(Code::kInternal, "the HTTP client kept a secret answer");
  auto token = http::secret_json_string(response.secret_body->reveal_text(), {"status", "token"});
  if (!token || token->empty()) {
    return fail(Code::kUnavailable,
                "the server gave no token for serviceaccount " + ns + "/" + name);
  }
  return *std::move(token);
}

ObjectId object_id(Node object) {
  const Node metadata = object.get("metadata");
  return {Gvk::from(object.get("apiVersion").text(), object.get("kind").text()),
          std::string(metadata.get("namespace").text()), std::string(metadata.get("name").text())};
}

}  // namespace sluice::kube
