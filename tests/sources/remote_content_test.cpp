// What kustomizations name by URL, from real servers on loopback: our own client, the git program
// where it cannot, submodules. Beside the real kustomize: tests/e2e/remote_e2e.py.
#include "sluice/sources/remote_content.hpp"

#include <filesystem>
#include <memory>
#include <stdlib.h>

#include "sluice/http/curl_client.hpp"

#include "sources/submodules.hpp"
#include "support/git_repository.hpp"
#include "support/test.hpp"

namespace fs = std::filesystem;

namespace sluice::sources {
namespace {

using namespace std::chrono_literals;
using test::GitRepository;
using test::GitServer;

#define NEED_GIT() \
  if (!test::have_git()) SLUICE_SKIP("no git or python3 program (scripts/deps installs them)")

struct Bench {
  explicit Bench(RemoteOptions options = {}) {
    std::string pattern = fs::temp_directory_path() / "sluice-remote-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    http = http::make_curl_client();
    store = make_source_store(directory + "/objects", *http);
    options.scratch_directory = directory;
    content = make_remote_content(*store, *http, std::move(options));
  }
  ~Bench() {
    content.reset();
    store.reset();
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  std::string read(const RemoteRepository& wanted, const std::string& name) const {
    const auto artifact = content->repository(wanted, {});
    if (!artifact) return "<" + artifact.error().message() + ">";
    const auto blob = artifact->tree->read(*TreePath::parse(name));
    return blob ? *blob->bytes : "<" + blob.error().message() + ">";
  }

  std::string directory;
  std::unique_ptr<http::CurlClient> http;
  std::unique_ptr<SourceStore> store;
  std::unique_ptr<RemoteContent> content;
};

RemoteOptions with_git() {
  RemoteOptions options;
  options.allow_local = true;
  options.git_program = test::find_program("git").value_or("");
  for (const char* name : {"PATH", "HOME"}) {
    const char* value = ::getenv(name);
    options.git_environment.push_back(std::string(name) + "=" + (value != nullptr ? value : "/"));
  }
  return options;
}

}  // namespace

TEST_CASE("remote repositories: a ref is found as git fetch finds it") {
  NEED_GIT();
  GitRepository repository;
  const std::string one = repository.commit({{"a", "one"}});
  repository.git({"tag", "-a", "-m", "words", "v1"});
  repository.git({"branch", "both"});
  repository.commit({{"a", "two"}});
  repository.git({"tag", "both"});
  repository.push();
  for (const char* protocol : {"2", "0"}) {
    const GitServer server(repository, {"--protocol", protocol});
    const Bench bench;
    CHECK(bench.read({.url = server.url()}, "a") == "two");
    CHECK(bench.read({.url = server.url(), .ref = "HEAD"}, "a") == "two");
    CHECK(bench.read({.url = server.url(), .ref = "v1"}, "a") == "one");
    CHECK(bench.read({.url = server.url(), .ref = one}, "a") == "one");
    CHECK(bench.read({.url = server.url(), .ref = "both"}, "a") == "two");  // tags before branches
    CHECK(bench.read({.url = server.url(), .ref = "heads/both"}, "a") == "one");
    CHECK(bench.read({.url = server.url(), .ref = "refs/heads/both"}, "a") == "one");
    CHECK(bench.read({.url = server.url(), .ref = "nope"}, "a") ==
          "<failed to run 'git fetch --depth=1 " + server.url() +
              " nope': couldn't find remote ref 'nope'>");
    CHECK(bench.read({.url = server.url(), .ref = one.substr(0, 10)}, "a").starts_with("<failed"));
    CHECK(bench.read({.url = server.url(), .ref = "a..b"}, "a").starts_with("<failed"));
  }
}

TEST_CASE("remote repositories: credentials in a URL go to the server and nowhere else") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "one"}});
  const GitServer server(repository);
  const std::string url = server.url("/auth/fleet.git");
  std::string known = url;
  known.insert(known.find("//") + 2, "git:secr%65t@");
  for (const RemoteOptions& options : {RemoteOptions(), with_git()}) {
    const Bench bench(options);
    CHECK(bench.read({.url = known}, "a") == "one");
    CHECK(bench.read({.url = known, .ref = "nope"}, "a").find("secr") == std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(bench.directory))
      CHECK(entry.path().string().find("secr") == std::string::npos);
  }
  const Bench bench;
  // What was fetched with them is not given to those who come without.
  CHECK(bench.read({.url = known}, "a") == "one");
  CHECK(bench.read({.url = url, .ref = repository.git({"rev-parse", "HEAD"})}, "a")
            .find("authentication required") != std::string::npos);
}

TEST_CASE("remote repositories: those of this machine only where that is allowed") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "one"}});
  const std::string url = "file://" + repository.work().string();
  const Bench closed;
  CHECK(closed.read({.url = url}, "a") ==
        "<'" + url + "': repositories of this machine are not read>");
  const Bench open(with_git());
  CHECK(open.read({.url = url}, "a") == "one");
  CHECK(open.read({.url = url, .ref = "main"}, "a") == "one");
  CHECK(open.read({.url = repository.work().string()}, "a") == "one");
  CHECK(closed.read({.url = repository.work().string()}, "a").find("are not read") !=
        std::string::npos);
  const std::string missing = open.read({.url = "file:///not/there"}, "a");
  CHECK(missing.find("/git fetch --depth=1 file:///not/there HEAD': fatal: '/not/there' does not "
                     "appear to be a git repository") != std::string::npos);
  CHECK(missing.ends_with(": exit status 128>"));
  CHECK(fs::is_empty(open.directory + "/objects") == false);
  for (const auto& entry : fs::directory_iterator(open.directory))
    CHECK(entry.path().filename() == "objects");  // scratch is gone
}

TEST_CASE("remote repositories: ssh needs the git program") {
  const Bench bench;
  const auto refused = bench.content->repository({.url = "git@host.example:org/repo"}, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kUnsupported);
  CHECK_FALSE(refused.error().hint().empty());
  const Bench with(with_git());
  CHECK(with.read({.url = "--upload-pack=touch /tmp/x", .ref = "y"}, "a").starts_with("<"));
}

TEST_CASE("remote repositories: a timeout ends the fetch, of ours and of git's") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "one"}});
  const GitServer server(repository, {"--misbehave", "hang"});
  const Bench bench(with_git());
  const auto late =
      bench.content->repository({.url = server.url(), .ref = {}, .timeout = 300ms}, {});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().reason() == kTimeout);
  CHECK(late.error().message() ==
        "hit 300ms timeout running 'git fetch --depth=1 " + server.url() + " HEAD'");
  CancelSource stop;
  stop.cancel();
  const auto stopped = bench.content->repository({.url = server.url()}, stop.token());
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code() == Code::kCancelled);
}

TEST_CASE("remote repositories: submodules are fetched, relative ones from the same server") {
  NEED_GIT();
  GitRepository inner("inner");
  const std::string commit = inner.commit({{"d/f", "inner"}});
  GitRepository outer("outer");
  fs::copy(inner.bare(), outer.root() / "inner.git", fs::copy_options::recursive);
  fs::create_directories(outer.work() / "x/sub");  // else `git add` takes the submodule away
  outer.git({"update-index", "--add", "--cacheinfo", "160000," + commit + ",x/sub"});
  outer.commit({{".gitmodules", "[submodule \"s\"]\n\tpath = x/sub\n\turl = ../inner.git\n"},
                {"x/y", "outer"}});
  const GitServer server(outer);
  const Bench bench;
  const RemoteRepository wanted{.url = server.url("/outer.git")};
  CHECK(bench.read(wanted, "x/y") == "outer");
  CHECK(bench.read(wanted, "x/sub/d/f") == "inner");
  const auto artifact = bench.content->repository(wanted, {});
  REQUIRE_OK(artifact);
  const auto listed = artifact->tree->list(*TreePath::parse("x"));
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 2);
  CHECK(listed->front().name == "sub");
  CHECK(artifact->tree->stat(*TreePath::parse("x/sub/d/f"))->real_path.text() == "x/sub/d/f");
  RemoteRepository without = wanted;
  without.submodules = false;
  CHECK(bench.read(without, "x/sub/d/f").starts_with("<no such file"));

  outer.commit({{".gitmodules", "[submodule \"s\"]\n\tpath = x/sub\n\turl = file:///etc\n"}});
  CHECK(bench.read(wanted, "x/y") == "<submodule 'x/sub': transport 'file' not allowed>");
  outer.commit({{".gitmodules", "[submodule \"s\"]\n\tpath = x/sub\n\turl = /etc/x.git\n"}});
  CHECK(bench.read(wanted, "x/y") == "<submodule 'x/sub': transport 'file' not allowed>");
  outer.commit({{".gitmodules", "[submodule \"s\"]\n\tpath = x/sub\n\turl = ../none.git\n"}});
  CHECK(bench.read(wanted, "x/y").starts_with("<submodule 'x/sub': failed to run"));
}

TEST_CASE("submodules: .gitmodules is read as git reads it") {
  const auto modules = parse_gitmodules(
      "# words\n[core]\n\tpath = no\n[submodule \"a\"]\n\tpath = a b ; rest\n\turl=\"x # y\"  \n"
      "[submodule \"c\"]\npath=c\n[submodule \"d\"]\r\n path = d\\\\e\r\n url = ../d\r\n");
  REQUIRE(modules.size() == 2);
  CHECK(modules[0].path == "a b");
  CHECK(modules[0].url == "x # y");
  CHECK(modules[1].path == "d\\e");
  CHECK(modules[1].url == "../d");
  CHECK(submodule_url("https://h/o/r.git", "../s.git") == "https://h/o/s.git");
  CHECK(submodule_url("https://h/o/r/", "../../p/s") == "https://h/p/s");
  CHECK(submodule_url("git@h:o/r", "../s") == "git@h:o/s");
  CHECK(submodule_url("git@h:r", "../s") == "git@h:s");
  CHECK(submodule_url("https://h/o/r", "./s") == "https://h/o/r/s");
  CHECK(submodule_url("https://h/o/r", "https://other/s") == "https://other/s");
}
}  // namespace sluice::sources
