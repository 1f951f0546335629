// Pulling from a real Git server (git upload-pack behind tests/support/git_server.py): what comes,
// what it costs, and what happens when the server misbehaves.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdlib.h>
#include <thread>

#include "sluice/http/curl_client.hpp"
#include "sluice/sources/source_store.hpp"

#include "support/files.hpp"
#include "support/git_repository.hpp"
#include "support/test.hpp"

namespace fs = std::filesystem;

namespace sluice::sources {
namespace {

using namespace std::chrono_literals;
using crypto::SecretBytes;
using test::GitRepository;
using test::GitServer;

#define NEED_GIT() \
  if (!test::have_git()) SLUICE_SKIP("no git or python3 program (scripts/deps installs them)")

TreePath path(std::string_view text) {
  return *TreePath::parse(text);
}

std::string file(const Artifact& artifact, std::string_view name) {
  const auto blob = artifact.tree->read(path(name));
  return blob ? *blob->bytes : "<" + blob.error().text() + ">";
}

/// A store on a directory of its own, with one source.
struct Bench {
  Bench() : http(http::make_curl_client()), store(make_source_store(dir.path(), *http)) {}
  Result<Artifact> pull(const std::string& url, GitRef ref = {.branch = "main"},
                        const Credentials& credentials = {}) {
    return store->pull({.id = "ns/fleet", .url = url, .ref = std::move(ref), .timeout = 20s},
                       credentials, {}, &stats);
  }
  void reopen(const SourceLimits& limits = {}) {
    store.reset();
    store = make_source_store(dir.path(), *http, limits);
  }
  test::TemporaryFolder dir;
  std::unique_ptr<http::CurlClient> http;
  std::unique_ptr<SourceStore> store;
  PullStats stats;
};

std::shared_ptr<const SecretBytes> secret(std::string_view text) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of(text));
}

std::map<std::string, std::string> many_files(int count) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < count; ++i) {
    files["apps/app-" + std::to_string(i / 10) + "/file-" + std::to_string(i) + ".yaml"] =
        "number: " + std::to_string(i) + "\n";
  }
  return files;
}

}  // namespace

TEST_CASE("a pull brings the tree of the branch; an unchanged remote costs one request") {
  NEED_GIT();
  GitRepository repository;
  const std::string first =
      repository.commit({{"a.yaml", "one\n"}, {"d/b.yaml", "two\n"}, {"d/l", "@link:../a.yaml"}},
                        "the first commit\n\nbody");
  const GitServer server(repository);
  Bench bench;
  const auto artifact = bench.pull(server.url());
  REQUIRE_OK(artifact);
  CHECK(artifact->revision == "main@sha1:" + first);
  CHECK(artifact->commit == first);
  CHECK(artifact->subject == "the first commit");
  CHECK(artifact->digest.hex() == repository.git({"rev-parse", "HEAD^{tree}"}));
  CHECK(file(*artifact, "a.yaml") == "one\n");
  CHECK(file(*artifact, "d/l") == "one\n");
  CHECK(artifact->tree->read(path("d/l"))->real_path == path("a.yaml"));
  CHECK(artifact->tree->stat(path("d"))->digest.hex() == repository.git({"rev-parse", "HEAD:d"}));
  CHECK(artifact->tree->list(path("d"))->size() == 2);
  CHECK(bench.stats.requests == 3);  // meet, ls-refs, fetch
  CHECK(bench.stats.objects == 6);   // a commit, two trees, two files, a link
  CHECK_FALSE(bench.stats.unchanged);

  const auto again = bench.pull(server.url());
  REQUIRE_OK(again);
  CHECK(again->revision == artifact->revision);
  CHECK(again->tree == artifact->tree);
  CHECK(bench.stats.requests == 1);
  CHECK(bench.stats.objects == 0);
  CHECK(bench.stats.unchanged);

  bench.reopen();  // a new process
  const auto restarted = bench.pull(server.url());
  REQUIRE_OK(restarted);
  CHECK(bench.stats.requests == 1);
  CHECK(bench.stats.unchanged);
  CHECK(file(*restarted, "d/b.yaml") == "two\n");
}

TEST_CASE("a new commit costs its own objects only, whatever the repository's size") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(500));
  const GitServer server(repository);
  Bench bench;
  const auto before = bench.pull(server.url());
  REQUIRE_OK(before);
  CHECK(bench.stats.objects == 1 + 2 + 50 + 500);
  const std::string second = repository.commit({{"apps/app-7/file-77.yaml", "changed: true\n"}});
  const auto after = bench.pull(server.url());
  REQUIRE_OK(after);
  CHECK(after->commit == second);
  CHECK(bench.stats.requests == 2);  // ls-refs, fetch
  CHECK(bench.stats.objects == 5);   // the commit, three trees on the way, the file
  CHECK(bench.stats.bytes < 2000);
  CHECK(file(*after, "apps/app-7/file-77.yaml") == "changed: true\n");
  CHECK(file(*after, "apps/app-8/file-88.yaml") == "number: 88\n");
  // The artifact that was pulled before still reads as before.
  CHECK(file(*before, "apps/app-7/file-77.yaml") == "number: 77\n");
  CHECK(before->tree->stat(path("apps/app-8"))->digest ==
        after->tree->stat(path("apps/app-8"))->digest);
}

TEST_CASE("a branch that goes back needs no objects; one that is rewritten works") {
  NEED_GIT();
  GitRepository repository;
  const std::string first = repository.commit({{"a", "1"}});
  const std::string second = repository.commit({{"a", "2"}});
  const GitServer server(repository);
  Bench bench;
  REQUIRE_OK(bench.pull(server.url(), {.commit = first}));
  REQUIRE_OK(bench.pull(server.url()));
  repository.git({"reset", "-q", "--hard", first});
  repository.push();
  const auto back = bench.pull(server.url());
  REQUIRE_OK(back);
  CHECK(back->commit == first);
  CHECK(bench.stats.requests == 1);
  CHECK(bench.stats.objects == 0);
  CHECK_FALSE(bench.stats.unchanged);
  const std::string other = repository.commit({{"a", "3"}}, "another second");
  CHECK(other != second);
  CHECK(file(*bench.pull(server.url()), "a") == "3");
}

TEST_CASE("refs: branch, tag, annotated tag, name, commit and semver give Flux's revisions") {
  NEED_GIT();
  GitRepository repository;
  const std::string one = repository.commit({{"a", "1"}});
  repository.git({"tag", "v1.0.0"});
  repository.git({"branch", "dev"});
  repository.git({"branch", "master"});
  const std::string two = repository.commit({{"a", "2"}});
  repository.git({"tag", "-a", "v1.1.0", "-m", "x"});
  const std::string three = repository.commit({{"a", "3"}});
  repository.git({"tag", "v2.0.0-rc.1"});
  repository.git({"tag", "not-a-version"});
  repository.push();
  const GitServer server(repository);
  for (const bool local : {false, true}) {
    CAPTURE(local);
    const auto revision = [&](GitRef ref) {
      Bench bench;
      const auto artifact =
          bench.pull(local ? "file://" + repository.bare().string() : server.url(), ref);
      return artifact ? artifact->revision : artifact.error().message();
    };
    CHECK(revision({.branch = "dev"}) == "dev@sha1:" + one);
    CHECK(revision({}) == "master@sha1:" + one);
    CHECK(revision({.tag = "v1.0.0"}) == "v1.0.0@sha1:" + one);
    CHECK(revision({.tag = "v1.1.0"}) == "v1.1.0@sha1:" + two);
    CHECK(revision({.name = "refs/tags/v1.1.0"}) == "refs/tags/v1.1.0@sha1:" + two);
    CHECK(revision({.name = "refs/heads/dev"}) == "refs/heads/dev@sha1:" + one);
    CHECK(revision({.semver = ">=1.0.0"}) == "v1.1.0@sha1:" + two);
    CHECK(revision({.semver = ">=1.0.0-0"}) == "v2.0.0-rc.1@sha1:" + three);
    CHECK(revision({.commit = two}) == "sha1:" + two);
    CHECK(revision({.branch = "main", .commit = two}) == "main@sha1:" + two);
    // commit > name > semver > tag > branch
    CHECK(revision({.branch = "dev", .tag = "v1.0.0", .semver = "1.x", .name = "refs/heads/dev"}) ==
          "refs/heads/dev@sha1:" + one);
    CHECK(revision({.branch = "dev", .tag = "v1.0.0", .semver = "1.x"}) == "v1.1.0@sha1:" + two);
    CHECK(revision({.branch = "dev", .tag = "v1.0.0"}) == "v1.0.0@sha1:" + one);
    // What is not there.
    CHECK(revision({.branch = "nope"})
              .starts_with("unable to clone: couldn't find remote ref 'refs/heads/nope'"));
    CHECK(revision({.tag = "v9"})
              .starts_with("unable to clone: couldn't find remote ref 'refs/tags/v9'"));
    CHECK(revision({.semver = ">=9"}) == "no match found for semver: >=9");
    CHECK(
        revision({.commit = std::string(40, 'a')})
            .starts_with("unable to resolve commit object for 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                         "aaaa': object not found"));
  }
}

TEST_CASE("a pinned commit that is here costs nothing") {
  NEED_GIT();
  GitRepository repository;
  const std::string one = repository.commit({{"a", "1"}});
  repository.commit({{"a", "2"}});
  const GitServer server(repository);
  Bench bench;
  REQUIRE_OK(bench.pull(server.url(), {.commit = one}));
  CHECK(bench.stats.requests == 2);  // meet, fetch
  REQUIRE_OK(bench.pull(server.url(), {.commit = one}));
  CHECK(bench.stats.requests == 0);
  CHECK(bench.stats.unchanged);
}

TEST_CASE("semver: versions that differ in build metadata only: the youngest commit wins") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  repository.git({"tag", "1.0.0+b"});
  // One hour later than the fixed date.
  repository.git({"-c", "user.name=t", "commit", "-q", "--allow-empty", "-m", "later"});
  const std::string parent = repository.git({"rev-parse", "HEAD"});
  const std::string tree = repository.git({"rev-parse", "HEAD^{tree}"});
  const test::Finished made =
      test::run({"env", "GIT_COMMITTER_DATE=2026-01-01T01:00:00Z", "git", "-C", repository.work(),
                 "-c", "user.name=t", "-c", "user.email=t@example.com", "commit-tree", tree, "-p",
                 parent, "-m", "young"});
  REQUIRE(made.status == 0);
  const std::string young = made.output.substr(0, 40);
  repository.git({"tag", "1.0.0+a", young});
  repository.push();
  const GitServer server(repository);
  Bench bench;
  const auto artifact = bench.pull(server.url(), {.semver = "1.x"});
  REQUIRE_OK(artifact);
  CHECK(artifact->revision == "1.0.0+a@sha1:" + young);
  REQUIRE_OK(bench.pull(server.url(), {.semver = "1.x"}));
  CHECK(bench.stats.requests == 1);
}

TEST_CASE("a server that speaks only protocol 0 or 1 is understood") {
  NEED_GIT();
  for (const char* protocol : {"0", "1"}) {
    CAPTURE(protocol);
    GitRepository repository;
    repository.commit(many_files(30));
    repository.git({"tag", "-a", "v1", "-m", "x"});
    repository.push();
    const GitServer server(repository, {"--protocol", protocol});
    Bench bench;
    const auto artifact = bench.pull(server.url());
    REQUIRE_OK(artifact);
    CHECK(bench.stats.requests == 2);
    CHECK(bench.stats.objects == 1 + 2 + 3 + 30);
    const std::string second = repository.commit({{"apps/app-1/file-11.yaml", "x"}});
    const auto after = bench.pull(server.url());
    REQUIRE_OK(after);
    CHECK(after->commit == second);
    CHECK(bench.stats.objects == 5);
    REQUIRE_OK(bench.pull(server.url()));
    CHECK(bench.stats.requests == 1);
    CHECK(bench.stats.unchanged);
    CHECK(bench.pull(server.url(), {.tag = "v1"})->commit == artifact->commit);
    CHECK(bench.pull(server.url(), {.branch = "no"}).error().code() == Code::kNotFound);
  }
}

TEST_CASE("a server that changes its protocol between two pulls is met again") {
  NEED_GIT();
  GitRepository repository;
  const std::string first = repository.commit({{"a", "1"}});
  Bench bench;
  {
    const GitServer server(repository);
    REQUIRE_OK(bench.pull(server.url()));
  }
  // Another server, at another port: the state is edited as if it were the same one.
  const GitServer old(repository, {"--protocol", "0"});
  bench.store.reset();
  const std::string state_file = bench.dir.path() + "/ns%2Ffleet/state";
  std::string state;
  {
    std::ifstream in(state_file);
    state.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::size_t at = state.find("http://");
  const std::string old_url = state.substr(at, state.find('\n', at) - at);
  for (std::size_t found = state.find(old_url); found != std::string::npos;
       found = state.find(old_url, found + 1)) {
    state.replace(found, old_url.size(), old.url());
  }
  std::ofstream(state_file) << state;
  bench.reopen();
  const auto artifact = bench.pull(old.url());
  REQUIRE_OK(artifact);
  CHECK(artifact->commit == first);
  CHECK(bench.stats.unchanged);
}

TEST_CASE("credentials: none, wrong, basic, bearer; 403; a repository that is not there") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  const GitServer server(repository);
  Bench bench;
  auto none = bench.pull(server.url("/auth/fleet.git"));
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code() == Code::kDenied);
  CHECK(none.error().message().ends_with("authentication required"));
  CHECK(bench.stats.requests == 1);
  Credentials wrong{.username = "git",
                    .password = secret("guess"),
                    .bearer_token = {},
                    .ca_pem = {},
                    .client_certificate_pem = {},
                    .client_key_pem = {}};
  none = bench.pull(server.url("/auth/fleet.git"), {.branch = "main"}, wrong);
  CHECK(none.error().code() == Code::kDenied);
  CHECK(none.error().text().find("guess") == std::string::npos);
  Credentials right = wrong;
  right.password = secret("secret");
  REQUIRE_OK(bench.pull(server.url("/auth/fleet.git"), {.branch = "main"}, right));
  REQUIRE_OK(bench.pull(server.url("/auth/fleet.git"), {.branch = "main"}, right));
  CHECK(bench.stats.requests == 1);
  Credentials bearer;
  bearer.bearer_token = secret("token-1");
  REQUIRE_OK(bench.pull(server.url("/auth/fleet.git"), {.branch = "main"}, bearer));
  CHECK(bench.pull(server.url("/forbidden/fleet.git")).error().code() == Code::kDenied);
  const auto missing = bench.pull(server.url("/missing.git"));
  CHECK(missing.error().code() == Code::kNotFound);
  CHECK(missing.error().message() == "unable to clone: repository not found: git repository: '" +
                                         server.url("/missing.git") + "'");
}

TEST_CASE("the first contact follows a redirect of the same shape, later requests go there") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  const GitServer server(repository);
  Bench bench;
  REQUIRE_OK(bench.pull(server.url("/moved/fleet.git/")));
  CHECK(bench.stats.requests == 4);
  REQUIRE_OK(bench.pull(server.url("/moved/fleet.git/")));
  CHECK(bench.stats.requests == 1);
}

TEST_CASE("an empty repository and one with other branches are kNotFound, naming the ref") {
  NEED_GIT();
  const GitRepository repository;
  const GitServer server(repository);
  Bench bench;
  const auto artifact = bench.pull(server.url());
  REQUIRE_FALSE(artifact.has_value());
  CHECK(artifact.error().code() == Code::kNotFound);
  CHECK(artifact.error().message().find("refs/heads/main") != std::string::npos);
}

TEST_CASE("a server that misbehaves: the error says how, the old artifact stays, recovery works") {
  NEED_GIT();
  struct Case {
    const char* how;
    Code code;
    const char* words;
  };
  for (const auto& [how, code, words] :
       {Case{"truncate", Code::kUnavailable, "cut off"}, Case{"die", Code::kUnavailable, "cut off"},
        Case{"corrupt", Code::kIntegrity, "bad pack"},
        Case{"error", Code::kUnavailable, "the disk is on fire"},
        Case{"huge", Code::kIntegrity, "bad packet length"}}) {
    CAPTURE(how);
    GitRepository repository;
    const std::string first = repository.commit(many_files(100));
    Bench bench;
    {
      const GitServer bad(repository, {"--misbehave", how});
      const auto artifact = bench.pull(bad.url());
      REQUIRE_FALSE(artifact.has_value());
      CHECK(artifact.error().code() == code);
      CHECK_MESSAGE(artifact.error().message().find(words) != std::string::npos,
                    artifact.error().message());
      CHECK(artifact.error().message().find('\x1b') == std::string::npos);
    }
    const GitServer good(repository);
    const auto artifact = bench.pull(good.url());
    REQUIRE_OK(artifact);
    CHECK(artifact->commit == first);
    CHECK(file(*artifact, "apps/app-3/file-33.yaml") == "number: 33\n");
  }
}

TEST_CASE("misbehaving while updating: what is here stays whole") {
  NEED_GIT();
  for (const char* how : {"truncate", "die", "corrupt", "error", "huge"}) {
    CAPTURE(how);
    GitRepository repository;
    repository.commit(many_files(100));
    Bench bench;
    const GitServer good(repository);
    const auto before = bench.pull(good.url());
    REQUIRE_OK(before);
    const std::string second = repository.commit({{"new", "x"}});
    const GitServer bad(repository, {"--misbehave", how});
    // Another URL starts afresh; the artifact that is held must not notice.
    CHECK_FALSE(bench.pull(bad.url()).has_value());
    CHECK(file(*before, "apps/app-3/file-33.yaml") == "number: 33\n");
    const auto after = bench.pull(good.url());
    REQUIRE_OK(after);
    CHECK(after->commit == second);
    CHECK(file(*before, "apps/app-4/file-44.yaml") == "number: 44\n");
  }
}

TEST_CASE("a web page, a busy server, an unreachable one, a slow one and a cancelled pull") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  Bench bench;
  {
    const GitServer server(repository, {"--misbehave", "html"});
    CHECK(bench.pull(server.url()).error().code() == Code::kUnsupported);
  }
  {
    const GitServer server(repository, {"--misbehave", "busy"});
    const auto busy = bench.pull(server.url());
    CHECK(busy.error().code() == Code::kUnavailable);
    CHECK(busy.error().message().ends_with("the server answered 503"));
  }
  std::string url;
  {
    const GitServer server(repository);
    url = server.url();
  }
  CHECK(bench.pull(url).error().code() == Code::kUnavailable);
  const GitServer slow(repository, {"--misbehave", "hang"});
  const GitSpec spec{
      .id = "ns/slow", .url = slow.url(), .ref = {.branch = "main"}, .timeout = 300ms};
  CHECK(bench.store->pull(spec, {}, {}).error().code() == Code::kUnavailable);
  GitSpec patient = spec;
  patient.timeout = 60s;
  CancelSource source;
  std::thread canceller([&] {
    std::this_thread::sleep_for(300ms);
    source.cancel();
  });
  CHECK(bench.store->pull(patient, {}, source.token()).error().code() == Code::kCancelled);
  canceller.join();
}

TEST_CASE("a pack past the limit is refused, also one that never ends") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(100));
  const GitServer server(repository);
  Bench bench;
  bench.reopen({.max_pack_bytes = 1000});
  CHECK(bench.pull(server.url()).error().code() == Code::kInvalid);
  bench.reopen({.max_pack_bytes = 1U << 20});
  CHECK_OK(bench.pull(server.url()));
  const GitServer endless(repository, {"--misbehave", "endless"});
  bench.reopen({.max_pack_bytes = 20U << 20});
  CHECK(bench.pull(endless.url()).error().code() == Code::kInvalid);
}

TEST_CASE("URLs, ids and refs that cannot be are refused before anything is asked") {
  Bench bench;
  const auto code = [&](const std::string& url, GitRef ref = {}) {
    return bench.pull(url, std::move(ref)).error().code();
  };
  CHECK(code("ssh://git@x/y.git") == Code::kUnsupported);
  CHECK(code("git@x:y.git") == Code::kInvalid);
  CHECK(code("ftp://x/y") == Code::kInvalid);
  CHECK(code("file://otherhost/y") == Code::kInvalid);
  CHECK(code("http://x/y\n") == Code::kInvalid);
  CHECK(code("http://user:hunter2@127.0.0.1/y") == Code::kInvalid);
  for (const char* name : {"a b", "a..b", "-x/../y", "a~", "/a", "a/", ".a", "a.lock", "a\\b", "@"})
    CHECK_MESSAGE(code("http://127.0.0.1:1/", {.branch = name}) == Code::kInvalid, name);
  CHECK(code("http://127.0.0.1:1/", {.commit = "abc123"}) == Code::kInvalid);
  CHECK(code("http://127.0.0.1:1/", {.semver = "one point two"}) == Code::kInvalid);
  CHECK(bench.http->requests_sent() == 0);
  CHECK(bench.store->pull({.id = "", .url = "http://x/"}, {}, {}).error().code() == Code::kInvalid);
  CHECK(bench.store->pull({.id = "x", .url = "file:///nowhere"}, {}, {}).error().code() ==
        Code::kNotFound);
}

TEST_CASE("a damaged object database is fetched anew") {
  NEED_GIT();
  GitRepository repository;
  const std::string first = repository.commit(many_files(50));
  const GitServer server(repository);
  Bench bench;
  REQUIRE_OK(bench.pull(server.url()));
  const fs::path source = bench.dir.path() + "/ns%2Ffleet";
  SUBCASE("a pack is gone") {
    bench.store.reset();
    fs::remove_all(source / "objects-1" / "objects" / "pack");
    bench.reopen();
  }
  SUBCASE("the state is garbage") {
    bench.store.reset();
    std::ofstream(source / "state") << "sluice-source 1\ngeneration x\ncommit zzz\n";
    bench.reopen();
  }
  SUBCASE("the state is cut off") {
    bench.store.reset();
    fs::resize_file(source / "state", fs::file_size(source / "state") / 2);
    bench.reopen();
  }
  SUBCASE("HEAD is gone") {
    bench.store.reset();
    fs::remove_all(source / "objects-1" / "HEAD");
    bench.reopen();
  }
  SUBCASE("bytes of the pack have changed: noticed at the latest when they are read") {
    bench.store.reset();
    for (const auto& entry : fs::directory_iterator(source / "objects-1" / "objects" / "pack")) {
      if (entry.path().extension() != ".pack") continue;
      fs::permissions(entry.path(), fs::perms::owner_all);
      std::fstream pack(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto size = fs::file_size(entry.path());
      for (std::uintmax_t at = 300; at + 30 < size; at += 40) {
        pack.seekp(static_cast<std::streamoff>(at));
        pack.put('\x55');
      }
    }
    bench.reopen();
    const auto artifact = bench.pull(server.url());
    if (artifact) {
      for (int i = 0; i < 50; ++i) {
        const auto blob = artifact->tree->read(
            path("apps/app-" + std::to_string(i / 10) + "/file-" + std::to_string(i) + ".yaml"));
        if (blob) {
          CHECK(*blob->bytes == "number: " + std::to_string(i) + "\n");
        } else {
          CHECK(blob.error().code() == Code::kIntegrity);
        }
      }
    }
  }
  const auto artifact = bench.pull(server.url());
  REQUIRE_OK(artifact);
  CHECK(artifact->commit == first);
  for (int i = 0; i < 50; ++i) {
    CHECK(file(*artifact, "apps/app-" + std::to_string(i / 10) + "/file-" + std::to_string(i) +
                              ".yaml") == "number: " + std::to_string(i) + "\n");
  }
}

TEST_CASE("what a killed process left half-written is cleaned up and harms nothing") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(50));
  const GitServer server(repository);
  Bench bench;
  REQUIRE_OK(bench.pull(server.url()));
  bench.store.reset();
  const fs::path source = bench.dir.path() + "/ns%2Ffleet";
  const fs::path packs = source / "objects-1" / "objects" / "pack";
  std::ofstream(packs / "pack_git2_AbCdEf") << "half a pack";
  std::ofstream(packs / "pack-0123456789012345678901234567890123456789.idx") << "half an index";
  std::ofstream(source / "state.new") << "half a sta";
  fs::create_directories(source / "objects-2" / "objects");
  fs::create_directories(bench.dir.path() + "/gone%2Fsource/objects-1");
  bench.reopen();
  const std::string second = repository.commit({{"new", "x"}});
  const auto artifact = bench.pull(server.url());
  REQUIRE_OK(artifact);
  CHECK(artifact->commit == second);
  CHECK(bench.stats.requests == 2);
  CHECK(bench.stats.objects == 3);
  CHECK_FALSE(fs::exists(packs / "pack_git2_AbCdEf"));
  CHECK_FALSE(fs::exists(source / "objects-2"));
  CHECK_FALSE(fs::exists(bench.dir.path() + "/gone%2Fsource"));
}

TEST_CASE("a process killed at any moment of a pull leaves a store that works") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(400));
  const GitServer server(repository);
  const test::TemporaryFolder dir;
  // Children pull again and again and are killed after ever other times.
  std::string last;
  for (int round = 0; round < 12; ++round) {
    last = repository.commit(
        {{"round", std::to_string(round)}, {"apps/app-1/file-11.yaml", std::to_string(round)}});
    const test::Process child(
        {"/proc/self/exe", "--test-case=*(child of the kill test)*"},
        {"SLUICE_TEST_PULL=" + server.url(), "SLUICE_TEST_DIR=" + dir.path()});
    std::this_thread::sleep_for(std::chrono::milliseconds(15 + 9 * round));
    ::kill(child.pid(), SIGKILL);
  }
  const auto http = http::make_curl_client();
  const auto store = make_source_store(dir.path(), *http);
  const auto artifact =
      store->pull({.id = "s", .url = server.url(), .ref = {.branch = "main"}}, {}, {});
  REQUIRE_OK(artifact);
  CHECK(artifact->commit == last);
  CHECK(file(*artifact, "round") == "11");
  CHECK(file(*artifact, "apps/app-39/file-399.yaml") == "number: 399\n");
}

TEST_CASE("pulls until killed (child of the kill test)") {
  const char* url = ::getenv("SLUICE_TEST_PULL");
  const char* dir = ::getenv("SLUICE_TEST_DIR");
  if (url == nullptr || dir == nullptr) return;  // only as that child
  const auto http = http::make_curl_client();
  const auto store = make_source_store(dir, *http);
  while (true) {
    static_cast<void>(store->pull({.id = "s", .url = url, .ref = {.branch = "main"}}, {}, {}));
    store->forget("other");
  }
}

TEST_CASE("old packs go: after max_packs increments everything is fetched once more") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(20));
  const GitServer server(repository);
  Bench bench;
  bench.reopen({.max_packs = 3});
  std::shared_ptr<const Tree> held;
  for (int i = 0; i < 8; ++i) {
    repository.commit({{"n", std::to_string(i)}});
    const auto artifact = bench.pull(server.url());
    REQUIRE_OK(artifact);
    CHECK(file(*artifact, "n") == std::to_string(i));
    CHECK(bench.stats.requests <= 3);
    if (i == 0) held = artifact->tree;
  }
  CHECK(*held->read(path("n"))->bytes == "0");  // though its packs were replaced
  held.reset();
  std::size_t packs = 0;
  for (const auto& entry : fs::recursive_directory_iterator(bench.dir.path())) {
    if (entry.path().extension() == ".pack") ++packs;
  }
  CHECK(packs <= 3);
}

TEST_CASE("two pulls of one source wait for each other, other sources do not") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(200));
  const GitServer server(repository);
  Bench bench;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto artifact = bench.store->pull(
          {.id = "s" + std::to_string(i / 4), .url = server.url(), .ref = {.branch = "main"}}, {},
          {});
      if (artifact && file(*artifact, "apps/app-3/file-33.yaml") == "number: 33\n") ++good;
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(good == 8);
  CHECK(bench.http->requests_sent() == 2 * 3 + 6);  // each source fetched once, then looked at
}

TEST_CASE("readers of one tree on several threads, while new packs arrive") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(200));
  const GitServer server(repository);
  Bench bench;
  const auto artifact = bench.pull(server.url());
  REQUIRE_OK(artifact);
  std::atomic<bool> stop{false};
  std::atomic<int> bad{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        for (int i = 0; i < 200; ++i) {
          if (file(*artifact, "apps/app-" + std::to_string(i / 10) + "/file-" + std::to_string(i) +
                                  ".yaml") != "number: " + std::to_string(i) + "\n") {
            ++bad;
          }
        }
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    repository.commit({{"n", std::to_string(i)}});
    CHECK_OK(bench.pull(server.url()));
  }
  stop = true;
  for (auto& reader : readers)
    reader.join();
  CHECK(bad == 0);
}

TEST_CASE("one process at a time uses a directory; a forgotten source leaves nothing") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  Bench bench;
  const std::string url = "file://" + repository.bare().string();
  {
    const auto other = make_source_store(bench.dir.path(), *bench.http);
    CHECK(other->pull({.id = "x", .url = url}, {}, {}).error().code() == Code::kConflict);
  }
  auto artifact = bench.pull(url);
  REQUIRE_OK(artifact);
  bench.store->forget("ns/fleet");
  CHECK(file(*artifact, "a") == "1");  // held: still readable
  artifact = fail(Code::kInternal, "let go");
  CHECK_FALSE(fs::exists(bench.dir.path() + "/ns%2Ffleet/objects-1"));
  REQUIRE_OK(bench.pull(url));
}

TEST_CASE("file://: bare and with a work tree, increments, and only what is committed") {
  NEED_GIT();
  GitRepository repository;
  repository.commit(many_files(50));
  Bench bench;
  const auto artifact = bench.pull("file://" + repository.bare().string());
  REQUIRE_OK(artifact);
  CHECK(bench.stats.requests == 0);
  CHECK(bench.stats.objects == 1 + 2 + 5 + 50);
  repository.commit({{"apps/app-1/file-11.yaml", "x"}});
  REQUIRE_OK(bench.pull("file://" + repository.bare().string()));
  CHECK(bench.stats.objects == 5);
  REQUIRE_OK(bench.pull("file://" + repository.bare().string()));
  CHECK(bench.stats.unchanged);
  std::ofstream(repository.work() / "uncommitted") << "x";
  const auto work = bench.pull("file://localhost" + repository.work().string());
  REQUIRE_OK(work);
  CHECK(file(*work, "apps/app-1/file-11.yaml") == "x");
  CHECK(work->tree->stat(path("uncommitted")).error().code() == Code::kNotFound);
}

TEST_CASE("ids of any spelling have directories of their own; 513 bytes are refused") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"a", "1"}});
  Bench bench;
  const std::string url = "file://" + repository.bare().string();
  const std::string longest(510, 'n');
  std::size_t count = 0;
  for (const std::string& id :
       {std::string("a/b"), std::string("a%2Fb"), std::string(".."), std::string("."),
        std::string("lock"), longest + "/1", longest + "/2", std::string("\xff\x01")}) {
    CHECK_OK(bench.store->pull({.id = id, .url = url, .ref = {.branch = "main"}}, {}, {}));
    ++count;
  }
  for (const auto& entry : fs::directory_iterator(bench.dir.path())) {
    if (entry.is_directory()) --count;
  }
  CHECK(count == 0);
  CHECK(bench.store->pull({.id = longest + "/12", .url = url}, {}, {}).error().code() ==
        Code::kInvalid);
}

TEST_CASE("a link that leaves the source is refused; submodules are left out") {
  NEED_GIT();
  GitRepository repository;
  repository.commit({{"out", "@link:../../etc/passwd"}, {"a", "1"}});
  repository.git({"update-index", "--add", "--cacheinfo",
                  "160000," + repository.git({"rev-parse", "HEAD"}) + ",module"});
  repository.git({"commit", "-q", "-m", "with a submodule"});
  repository.push();
  const GitServer server(repository);
  Bench bench;
  const auto artifact = bench.pull(server.url());
  REQUIRE_OK(artifact);
  CHECK(artifact->tree->read(path("out")).error().code() == Code::kInvalid);
  CHECK(artifact->tree->stat(path("module")).error().code() == Code::kNotFound);
  CHECK(artifact->tree->list(path(""))->size() == 1);
}

TEST_CASE("a hostile tree is refused when pulled: '..' and two entries of one name") {
  NEED_GIT();
  for (const char* how : {"..", "twice"}) {
    CAPTURE(how);
    GitRepository repository;
    repository.commit({{"a", "1"}});
    // git mktree refuses some of this; hash-object --literally does not.
    const test::Finished made = test::run(
        {"python3", "-c",
         "import sys,subprocess\n"
         "blob=bytes.fromhex(subprocess.check_output(['git','-C',sys.argv[1],'rev-parse','HEAD:a'])"
         ".decode().strip())\n"
         "name=b'..' if sys.argv[2]=='..' else b'a'\n"
         "tree=b'100644 '+name+b'\\0'+blob\n"
         "tree=tree if sys.argv[2]=='..' else tree+tree\n"
         "run=lambda *a,i=b'': subprocess.check_output(['git','-C',sys.argv[1],'-c','user.name=t',"
         "'-c','user.email=t',*a],input=i).decode().strip()\n"
         "t=run('hash-object','-t','tree','-w','--literally','--stdin',i=tree)\n"
         "c=run('commit-tree',t,'-m','hostile')\n"
         "run('update-ref','refs/heads/hostile',c)\n",
         repository.work(), how});
    REQUIRE_MESSAGE(made.status == 0, made.output);
    repository.push();
    const GitServer server(repository);
    Bench bench;
    const auto artifact = bench.pull(server.url(), {.branch = "hostile"});
    REQUIRE_FALSE(artifact.has_value());
    CHECK(artifact.error().code() == Code::kInvalid);
    CHECK(artifact.error().message().find("refused") != std::string::npos);
    REQUIRE_OK(bench.pull(server.url()));
  }
}

}  // namespace sluice::sources
