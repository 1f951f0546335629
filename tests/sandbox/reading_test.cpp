// Discovery, lists, tables and watches.
#include <atomic>
#include <thread>

#include "sandbox_api.hpp"

namespace sluice::test {
namespace {

void make(SandboxApi& api, const std::string& name, const std::string& labels) {
  REQUIRE(api.send("POST", kMaps,
                   R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
                       R"(","labels":)" + labels + "}}")
              .status == 201);
}

std::string names(const Reply& list) {
  std::string out;
  for (int i = 0; list.at("items", i) != ""; ++i)
    out += list.at("items", i, "metadata", "name");
  return out;
}

}  // namespace

TEST_CASE("discovery lists groups, versions and resources, plain and aggregated") {
  SandboxApi api;
  CHECK(api.get("/api").at("versions") == R"(["v1"])");
  CHECK(has(api.get("/apis").text, R"("name":"apps")"));
  CHECK(api.get("/apis/apps").at("preferredVersion", "version") == R"("v1")");
  CHECK(has(api.get("/apis/apps/v1").text, R"("name":"deployments/scale")"));
  CHECK(has(api.get("/version").text, "not a cluster"));
  const Reply all =
      api.send("GET", "/apis", "", kJson,
               "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  CHECK(all.at("kind") == R"("APIGroupDiscoveryList")");
  CHECK(api.get("/openapi/v3").at("paths", "apis/apps/v1") != "");
  CHECK(api.get("/apis/no.such/v1").status == 404);
  CHECK(api.get("/apis/apps/v9/deployments").status == 404);
  CHECK(api.send("GET", kMaps, "", kJson, "text/html").status == 406);
}

TEST_CASE("lists select by labels and fields") {
  SandboxApi api;
  make(api, "a", R"({"x":"1"})");
  make(api, "b", R"({"x":"2","y":""})");
  make(api, "c", "{}");
  const auto list = [&](const std::string& query) { return names(api.get(kMaps + "?" + query)); };
  CHECK(list("labelSelector=x") == R"("a""b")");
  CHECK(list("labelSelector=x%3D1") == R"("a")");
  CHECK(list("labelSelector=x!%3D1") == R"("b""c")");
  CHECK(list("labelSelector=x+in+(1,2),!y") == R"("a")");
  CHECK(list("labelSelector=x+notin+(1)") == R"("b""c")");
  CHECK(list("fieldSelector=metadata.name%3Db") == R"("b")");
  CHECK(api.get(kMaps + "?fieldSelector=data.x%3Db").status == 400);
  CHECK(api.get(kMaps + "?labelSelector=%3D").status == 400);
  CHECK(names(api.get("/api/v1/configmaps")) == R"("a""b""c")");
}

TEST_CASE("a list of built-in kinds names the kind once") {
  SandboxApi api;
  make(api, "a", "{}");
  const Reply list = api.get(kMaps);
  CHECK(list.at("kind") == R"("ConfigMapList")");
  CHECK(list.at("items", 0, "kind") == "");
}

TEST_CASE("lists come in pages") {
  SandboxApi api;
  for (const char* name : {"a", "b", "c", "d", "e"})
    make(api, name, "{}");
  const Reply first = api.get(kMaps + "?limit=2");
  CHECK(names(first) == R"("a""b")");
  CHECK(first.at("metadata", "remainingItemCount") == "3");
  std::string token = first.at("metadata", "continue");
  token = token.substr(1, token.size() - 2);
  const Reply second = api.get(kMaps + "?limit=3&continue=" + token);
  CHECK(names(second) == R"("c""d""e")");
  CHECK(second.at("metadata", "continue") == "");
  CHECK(api.get(kMaps + "?limit=x").status == 400);
  CHECK(api.get(kMaps + "?continue=x").status == 400);
}

TEST_CASE("tables and metadata alone") {
  SandboxApi api;
  api.send("POST", kMaps, config_map_json(R"({"a":"1","b":"2"})"));
  const Reply table = api.send("GET", kMaps, "", kJson, kTable);
  CHECK(table.at("kind") == R"("Table")");
  CHECK(table.at("columnDefinitions", 1, "name") == R"("Data")");
  CHECK(table.at("rows", 0, "cells", 1) == "2");
  CHECK(table.at("rows", 0, "object", "kind") == R"("PartialObjectMetadata")");
  const Reply metadata = api.send("GET", kMap, "", kJson,
                                  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  CHECK(metadata.at("kind") == R"("PartialObjectMetadata")");
  CHECK(metadata.at("data") == "");
}

TEST_CASE("a watch tells what happened since a version") {
  SandboxApi api;
  make(api, "a", R"({"x":"1"})");
  std::string version = api.get(kMaps).at("metadata", "resourceVersion");
  version = version.substr(1, version.size() - 2);
  api.send("PATCH", kMaps + "/a", R"({"metadata":{"labels":{"x":"2"}}})", kMergePatch);
  api.send("PATCH", kMaps + "/a", R"({"metadata":{"labels":{"x":"1"}}})", kMergePatch);
  api.send("DELETE", kMaps + "/a");
  const std::string since = kMaps + "?watch=1&timeoutSeconds=1&resourceVersion=" + version;
  const auto all = api.watch(since);
  REQUIRE(all.size() == 3);
  CHECK(has(all[0], R"("type":"MODIFIED")"));
  CHECK(has(all[2], R"("type":"DELETED")"));
  // Into and out of a selection: what a client that sees only these must be told.
  const auto selected = api.watch(since + "&labelSelector=x%3D1");
  REQUIRE(selected.size() == 3);
  CHECK(has(selected[0], R"("type":"DELETED")"));
  CHECK(has(selected[1], R"("type":"ADDED")"));
  CHECK(has(selected[2], R"("type":"DELETED")"));
}

TEST_CASE("a watch without a version begins with what is there; bookmarks end the beginning") {
  SandboxApi api;
  make(api, "a", "{}");
  const auto events = api.watch(kMaps + "?watch=1&timeoutSeconds=1");
  REQUIRE(events.size() == 1);
  CHECK(has(events[0], R"("type":"ADDED")"));
  const auto streamed = api.watch(kMaps +
                                  "?watch=1&timeoutSeconds=1&sendInitialEvents=true&"
                                  "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan");
  REQUIRE(streamed.size() >= 2);
  CHECK(has(streamed[1], R"("k8s.io/initial-events-end":"true")"));
}

TEST_CASE("bookmarks come at their interval") {
  sandbox::SandboxOptions options;
  options.bookmark_interval = std::chrono::milliseconds(100);
  SandboxApi api(options);
  const auto events = api.watch(kMaps + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true");
  REQUIRE(!events.empty());
  CHECK(has(events[0], R"("type":"BOOKMARK")"));
  CHECK(api.watch(kMaps + "?watch=1&timeoutSeconds=1").empty());
}

TEST_CASE("a watch from before the kept history ends with 410") {
  sandbox::SandboxOptions options;
  options.history_events = 4;
  SandboxApi api(options);
  make(api, "a", "{}");
  std::string version = api.get(kMaps).at("metadata", "resourceVersion");
  version = version.substr(1, version.size() - 2);
  const auto change = [&](int times) {
    for (int i = 0; i < times; ++i) {
      static int value = 0;
      api.send("PATCH", kMaps + "/a", R"({"data":{"k":")" + std::to_string(++value) + R"("}})",
               kMergePatch);
    }
  };
  const std::string since = kMaps + "?watch=1&timeoutSeconds=1&resourceVersion=" + version;
  change(4);
  CHECK(api.watch(since).size() == 4);  // all that is kept
  change(1);
  const auto gone = api.watch(since);  // one past it
  REQUIRE(gone.size() == 1);
  CHECK(has(gone[0], R"("type":"ERROR")"));
  CHECK(has(gone[0], R"("code":410)"));
}

TEST_CASE("the end of the sandbox ends its watches at once") {
  SandboxApi api;
  std::atomic<bool> started = false;
  http::Request request;
  request.url = api.sandbox().url() + kMaps + "?watch=1&timeoutSeconds=60";
  request.on_body = [&](std::string_view) {
    started = true;
    return true;
  };
  make(api, "a", "{}");
  std::thread watcher([&] { (void)api.http().send(request, {}); });
  for (int i = 0; i < 500 && !started; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(started);
  CHECK(api.sandbox().open_watches() == 1);
  const auto before = std::chrono::steady_clock::now();
  api.end();
  watcher.join();
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(3));
}

TEST_CASE("many writers of one object lose nothing") {
  SandboxApi api;
  api.send("POST", kMaps, config_map_json("{}"));
  std::vector<std::thread> writers;
  std::atomic<int> good = 0;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 10; ++i) {
        http::Request request;
        request.method = "PATCH";
        request.url = api.sandbox().url() + kMap;
        request.headers = {{"Content-Type", kMergePatch}};
        request.body =
            R"({"data":{"w)" + std::to_string(w) + "-" + std::to_string(i) + R"(":"v"}})";
        const auto answer = api.http().send(request, {});
        if (answer && answer->status == 200) ++good;
      }
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  CHECK(good == 40);
  const Reply after = api.get(kMap);
  for (int w = 0; w < 4; ++w) {
    for (int i = 0; i < 10; ++i) {
      const std::string name = "w" + std::to_string(w) + "-" + std::to_string(i);
      CHECK(after.at("data", name.c_str()) == R"("v")");
    }
  }
  CHECK(api.sandbox().write_requests() == 41);
}

TEST_CASE("a port that is no port is kInvalid, one that is in use kUnavailable") {
  SandboxApi api;
  sandbox::SandboxOptions options;
  options.port = 65'536;
  const auto impossible = sandbox::Sandbox::start(options);
  REQUIRE(!impossible);
  CHECK(impossible.error().code() == Code::kInvalid);
  options.port = api.sandbox().port();
  const auto taken = sandbox::Sandbox::start(options);
  REQUIRE(!taken);
  CHECK(taken.error().code() == Code::kUnavailable);
}

}  // namespace sluice::test
