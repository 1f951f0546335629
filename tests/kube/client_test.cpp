// The client against scripted answers: what is sent, and what is made of odd answers.
#include "sluice/kube/client.hpp"

#include <deque>
#include <optional>

#include "sluice/kube/watch_cache.hpp"
#include "sluice/yaml/read.hpp"

#include "support/manual_clock.hpp"
#include "support/scripted_http.hpp"
#include "support/test.hpp"

using namespace sluice;
using test::ScriptedHttp;

namespace {

constexpr const char* kAggregated =
    R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1",
    "resources":[{"resource":"configmaps","scope":"Namespaced","responseKind":{"group":"","version":"v1","kind":"ConfigMap"},
      "subresources":[{"subresource":"x","responseKind":{"kind":"Other"}}]},
      {"resource":"namespaces","scope":"Cluster","responseKind":{"group":"","version":"v1","kind":"Namespace"}}]}]}]})";
constexpr const char* kNoGroups = R"({"kind":"APIGroupDiscoveryList","items":[]})";

http::Response ok(std::string body) {
  http::Response response;
  response.status = 200;
  response.body = std::move(body);
  return response;
}

/// What every server here answers to discovery; none for other requests.
std::optional<http::Response> discovery(const ScriptedHttp::Sent& sent) {
  if (sent.url == "https://api/api") return ok(kAggregated);
  if (sent.url == "https://api/apis") return ok(kNoGroups);
  return std::nullopt;
}

struct Server {
  Server() {
    config.server = "https://api";
    http.on_request([this](const ScriptedHttp::Sent& sent) { return answer(sent); });
  }
  Result<http::Response> answer(const ScriptedHttp::Sent& sent) {
    if (auto known = discovery(sent)) return std::move(*known);
    const std::string path = sent.url.substr(config.server.size());
    urls.push_back(sent.method + " " + path);
    if (script.empty()) return fail(Code::kInternal, "no answer for " + path);
    http::Response response = script.front();
    script.pop_front();
    return response;
  }
  void then(int status, std::string body, http::Headers headers = {}) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    script.push_back(std::move(response));
  }
  kube::Client client() { return kube::Client(config, http, clock); }

  kube::Config config;
  test::ManualClock clock;
  ScriptedHttp http;
  std::deque<http::Response> script;
  std::vector<std::string> urls;
};

const ObjectId kMap{Gvk::from("v1", "ConfigMap"), "ns", "a:b"};
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("client: paths are escaped, credentials and impersonation are sent") {
  Server server;
  server.config.bearer_token = std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(std::string_view("t")));
  kube::Client client = server.client();
  server.then(200, R"({"metadata":{"name":"a:b"}})");
  server.then(200, R"({"metadata":{"name":"a:b"}})");
  REQUIRE_OK(client.get(kMap, {}));
  REQUIRE_OK(client.impersonate("system:serviceaccount:ns:sa")->get(kMap, {}));
  CHECK(server.urls[0] == "GET /api/v1/namespaces/ns/configmaps/a%3Ab");
  const auto sent = server.http.sent();
  REQUIRE(sent.size() == 4);  // two for discovery
  CHECK(sent[2].secret_header == "Authorization: Bearer t");
  CHECK(sent[2].header("Impersonate-User").empty());
  CHECK(sent[3].header("Impersonate-User") == "system:serviceaccount:ns:sa");
  CHECK(client.requests() == 4);
}

TEST_CASE("client: apply is a PATCH of JSON with field manager, force and dry-run") {
  Server server;
  kube::Client client = server.client();
  server.then(200, "{}");
  yaml::Document body;
  body.root().set_mapping();
  body.root().put_string("kind", "ConfigMap");
  REQUIRE_OK(client.apply(kMap, body.root(), nullptr, {.dry_run = true}, {}));
  CHECK(server.urls[0] ==
        "PATCH /api/v1/namespaces/ns/configmaps/a%3Ab?fieldManager=kustomize-controller&force=true&"
        "dryRun=All");
  CHECK(server.http.sent().back().header("Content-Type") == "application/apply-patch+yaml");
  CHECK(server.http.sent().back().body == R"({"kind":"ConfigMap"})");
}

TEST_CASE("client: a leaf without anything to open it is never sent") {
  Server server;
  kube::Client client = server.client();
  yaml::Document body;
  body.root().set_mapping();
  body.root().put_leaf("x", {Digest(), "a", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  const auto refused = client.apply(kMap, body.root(), nullptr, {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kInternal);
  CHECK(server.urls.empty());
}

TEST_CASE("client: 429 is waited out as asked, then given up") {
  Server server;
  kube::Client client = server.client();
  const auto busy =
      R"({"kind":"Status","message":"too many","reason":"TooManyRequests","code":429})";
  server.then(429, busy, {{"retry-after", "0"}});
  server.then(200, "{}");
  REQUIRE_OK(client.get(kMap, {}));
  CHECK(server.urls.size() == 2);
  for (int i = 0; i < 7; ++i)
    server.then(429, busy, {{"retry-after", "0"}});
  const auto refused = client.get(kMap, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kUnavailable);
  CHECK(refused.error().message() == "too many");
  CHECK(server.urls.size() == 9);
}

TEST_CASE("client: a 5xx without Retry-After is not sent again") {
  Server server;
  kube::Client client = server.client();
  server.then(500, "oops");
  CHECK(client.get(kMap, {}).error().code() == Code::kUnavailable);
  CHECK(server.urls.size() == 1);
}

TEST_CASE("client: pages that expired are listed at once") {
  Server server;
  kube::Client client = server.client();
  const kube::ResourceType type{kMap.gvk, "configmaps", true};
  server.then(
      200,
      R"({"metadata":{"resourceVersion":"1","continue":"c/1"},"items":[{"metadata":{"name":"a"}}]})");
  server.then(410, R"({"kind":"Status","reason":"Expired","code":410,"message":"old"})");
  server.then(
      200,
      R"({"metadata":{"resourceVersion":"2"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})");
  const auto list = client.list(type, {.ns = "ns", .page = 1}, {});
  REQUIRE_OK(list);
  CHECK(list->items.size() == 2);
  CHECK(list->resource_version == "2");
  CHECK(list->items[1].root().get("kind").text() == "ConfigMap");
  CHECK(server.urls == Lines{"GET /api/v1/namespaces/ns/configmaps?limit=1",
                             "GET /api/v1/namespaces/ns/configmaps?limit=1&continue=c%2F1",
                             "GET /api/v1/namespaces/ns/configmaps"});
}

TEST_CASE("discovery: without the aggregated form, the group version is asked for") {
  test::ManualClock clock;
  ScriptedHttp http;
  Lines urls;
  http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    urls.push_back(sent.url);
    http::Response response;
    response.status = 200;
    if (sent.url == "https://api/api") {
      response.body = R"({"kind":"APIVersions","versions":["v1"]})";
    } else if (sent.url == "https://api/apis/apps/v1") {
      response.body =
          R"({"kind":"APIResourceList","resources":[{"name":"deployments","kind":"Deployment","namespaced":true},{"name":"deployments/scale","kind":"Scale","namespaced":true}]})";
    } else {
      response.status = 404;
    }
    return response;
  });
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  const auto type = client.resolve(Gvk::from("apps/v1", "Deployment"), {});
  REQUIRE_OK(type);
  CHECK(type->plural == "deployments");
  CHECK_FALSE(client.resolve(Gvk::from("apps/v1", "Scale"), {}).has_value());
  CHECK(urls == Lines{"https://api/api", "https://api/apis/apps/v1"});
}

TEST_CASE("discovery: an unknown kind asks again after a second or when told to forget") {
  Server server;
  kube::Client client = server.client();
  const Gvk gvk = Gvk::from("example.com/v1", "Widget");
  const auto asked = [&] {
    const auto before = server.http.count();
    server.script.clear();
    for (int i = 0; i < 4; ++i)
      server.then(404, "");
    CHECK_FALSE(client.resolve(gvk, {}).has_value());
    return server.http.count() - before;
  };
  CHECK(asked() == 3);  // /api, /apis and the group version itself
  CHECK(asked() == 0);
  server.clock.advance(std::chrono::seconds(2));
  CHECK(asked() == 3);
  client.forget_discovery();
  CHECK(asked() == 3);
}

TEST_CASE("discovery: an ETag spares the body of what has not changed") {
  test::ManualClock clock;
  ScriptedHttp http;
  int not_modified = 0;
  http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response = *discovery(sent);
    if (sent.header("If-None-Match") == "\"v\"") {
      ++not_modified;
      response.status = 304;
      response.body.clear();
    } else {
      response.headers = {{"etag", "\"v\""}};
    }
    return response;
  });
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  REQUIRE_OK(client.resolve(kMap.gvk, {}));
  client.forget_discovery();
  REQUIRE_OK(client.resolve(kMap.gvk, {}));
  CHECK(not_modified == 2);
}

namespace {

/// Gives one watch its bytes in given pieces.
class Pieces final : public http::Client {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<http::Response> send(const http::Request& request, const CancelToken& cancel) override {
    http::Response response;
    response.status = 200;
    urls.push_back(request.url);
    for (const std::string& piece : pieces_) {
      if (cancel.cancelled() || !request.on_body(piece)) return fail(Code::kCancelled, "ended");
    }
    return response;
  }
  Lines urls;

 private:
  std::vector<std::string> pieces_;
};

struct Watched {
  explicit Watched(std::vector<std::string> pieces) : http(std::move(pieces)) {
    kube::Config config;
    config.server = "https://api";
    kube::Client client(config, http, clock);
    result = client.watch(
        {kMap.gvk, "configmaps", true}, {.label_selector = "a=b"}, "5",
        [this](kube::WatchEvent event) {
          events.push_back(std::to_string(static_cast<int>(event.kind)) +
                           std::string(event.object.root().find("metadata", "name").text()));
        },
        {});
  }
  Pieces http;
  test::ManualClock clock;
  Result<std::string> result = std::string();
  Lines events;
};

std::string event(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name +
         R"(","resourceVersion":")" + version + "\"}}}\n";
}

}  // namespace

TEST_CASE("watch: lines are put together from any pieces, and the last version is given") {
  const std::string all = event("ADDED", "a", "6") + "\n" + event("MODIFIED", "a", "7") +
                          event("BOOKMARK", "", "9") + event("NEWKIND", "x", "8") +
                          event("DELETED", "a", "10");
  for (std::size_t size : {std::size_t{1}, std::size_t{7}, all.size()}) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < all.size(); at += size)
      pieces.push_back(all.substr(at, size));
    const Watched watched(pieces);
    REQUIRE_OK(watched.result);
    CHECK(*watched.result == "10");
    CHECK(watched.events == Lines{"0a", "1a", "3", "2a"});
  }
}

TEST_CASE("watch: it asks for bookmarks, resumes, and ends by itself within ten minutes") {
  const Watched watched({});
  const std::string& url = watched.http.urls.at(0);
  CHECK(url.find("allowWatchBookmarks=true") != std::string::npos);
  CHECK(url.find("resourceVersion=5") != std::string::npos);
  CHECK(url.find("labelSelector=a%3Db") != std::string::npos);
  const auto at = url.find("timeoutSeconds=");
  REQUIRE(at != std::string::npos);
  const int seconds = std::atoi(url.c_str() + at + 15);
  CHECK(seconds >= 300);
  CHECK(seconds <= 600);
}

TEST_CASE("watch: an ERROR event is the server's refusal") {
  const Watched watched(
      {event("ADDED", "a", "6"),
       R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
       "\n"});
  REQUIRE_FALSE(watched.result);
  CHECK(watched.result.error().code() == Code::kConflict);
  CHECK(watched.result.error().reason() == "Expired");
  CHECK(watched.events == Lines{"0a"});
  const Watched broken({"not json\n"});
  CHECK(broken.result.error().code() == Code::kUnavailable);
}

TEST_CASE("watch: an event of more than 16 MiB ends the stream") {
  const std::string megabyte(1U << 20, 'x');
  CHECK(Watched(std::vector<std::string>(17, megabyte)).result.error().code() ==
        Code::kUnavailable);
}

TEST_CASE("watch cache: lists again after 410, resumes after a cut, tells only what changed") {
  SystemClock clock;
  ScriptedHttp http;
  std::mutex mutex;
  Lines asked;
  int lists = 0, watches = 0;
  http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    if (auto known = discovery(sent)) return std::move(*known);
    const std::lock_guard lock(mutex);
    const auto item = [](const char* name, const char* version) {
      return R"({"metadata":{"name":")" + std::string(name) + R"(","resourceVersion":")" + version +
             "\"}}";
    };
    if (sent.url.find("watch=true") == std::string::npos) {
      ++lists;
      return ok(lists == 1 ? R"({"metadata":{"resourceVersion":"10"},"items":[)" + item("a", "1") +
                                 "," + item("b", "2") + "]}"
                           : R"({"metadata":{"resourceVersion":"20"},"items":[)" + item("b", "2") +
                                 "," + item("c", "15") + "]}");
    }
    const auto at = sent.url.find("resourceVersion=") + 16;
    asked.push_back(sent.url.substr(at, sent.url.find('&', at) - at));
    switch (++watches) {
      case 1:
        return ok(event("MODIFIED", "a", "11"));
      case 2:
        return fail(Code::kUnavailable, "cut off");
      case 3:
        return ok(R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"old"}})"
                  "\n");
      default:
        return fail(Code::kUnavailable, "gone");
    }
  });
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  Lines changes;
  {
    kube::WatchCache cache(client, kMap.gvk, {}, clock, [&](const kube::Change& change) {
      const std::lock_guard lock(mutex);
      changes.push_back(change.id.name + (change.before ? "b" : "") + (change.after ? "a" : ""));
    });
    REQUIRE(cache.wait_synced(std::chrono::seconds(10), {}));
    for (int i = 0; i < 500 && !cache.find("", "c"); ++i)
      (void)sleep_for(clock, std::chrono::milliseconds(20), {});
    CHECK(cache.find("", "c") != nullptr);
    CHECK(cache.find("", "a") == nullptr);
    CHECK(cache.all().size() == 2);
  }
  const std::lock_guard lock(mutex);
  CHECK(changes == Lines{"aa", "ba", "aba", "ab", "ca"});
  REQUIRE(asked.size() >= 3);
  CHECK(asked[0] == "10");
  CHECK(asked[1] == "11");
  CHECK(asked[2] == "11");
}

TEST_CASE("watch cache: it is synced when on_change has heard of the whole first list") {
  SystemClock clock;
  ScriptedHttp http;
  http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    if (auto known = discovery(sent)) return std::move(*known);
    if (sent.url.find("watch=true") != std::string::npos) return fail(Code::kUnavailable, "gone");
    return ok(R"({"metadata":{"resourceVersion":"10"},"items":[)"
              R"({"metadata":{"name":"a","resourceVersion":"1"}},)"
              R"({"metadata":{"name":"b","resourceVersion":"2"}}]})");
  });
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  std::atomic<int> told{0};
  kube::WatchCache cache(client, kMap.gvk, {}, clock, [&](const kube::Change&) {
    (void)sleep_for(clock, std::chrono::milliseconds(30), {});
    ++told;
  });
  REQUIRE(cache.wait_synced(std::chrono::seconds(10), {}));
  CHECK(told == 2);
}

TEST_CASE("watch cache: a server that ends each watch at once is not asked in a tight loop") {
  SystemClock clock;
  ScriptedHttp http;
  std::atomic<int> watches{0};
  http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    if (auto known = discovery(sent)) return std::move(*known);
    if (sent.url.find("watch=true") == std::string::npos)
      return ok(R"({"metadata":{"resourceVersion":"1"},"items":[]})");
    ++watches;
    return ok("");
  });
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  {
    kube::WatchCache cache(client, kMap.gvk, {}, clock);
    (void)sleep_for(clock, std::chrono::milliseconds(300), {});
    CHECK_FALSE(cache.failure());
  }
  CHECK(watches <= 3);
}
