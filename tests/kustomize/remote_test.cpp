// Remote bases and files, with a web that is scripted: what is asked for, and how often; what a
// repository may reach. Mirrors api/internal/loader/fileloader_test.go and
// api/krusty/remoteloader_test.go; tests/e2e/remote_e2e.py holds the same beside the real
// kustomize.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;
using sluice::test::contains;
using sluice::test::Files;
using sluice::test::kConfigMap;

namespace {

/// Repositories by "URL" or "URL@ref", files by URL; everything else is not there.
class Web final : public sources::RemoteContent {
 public:
  std::map<std::string, Files> repositories;
  std::map<std::string, std::string> files;
  std::map<std::string, int> statuses;
  std::size_t wait_for = 0;  // nothing is answered before so many wait

  Result<sources::Artifact> repository(const sources::RemoteRepository& wanted,
                                       const CancelToken& cancel) override {
    const std::string name = wanted.url + (wanted.ref.empty() ? "" : "@" + wanted.ref);
    note(name, cancel);
    const auto found = repositories.find(name);
    if (found == repositories.end()) return fail(Code::kNotFound, "no repository " + name);
    sources::Artifact out;
    out.commit = std::string(40, 'c');
    out.tree = std::make_shared<sources::MemTree>(found->second);
    return out;
  }

  Result<sources::RemoteFile> file(const std::string& url, const CancelToken& cancel) override {
    note(url, cancel);
    if (const auto status = statuses.find(url); status != statuses.end()) {
      if (status->second == 0) return fail(Code::kUnavailable, "cannot connect");
      return sources::RemoteFile{status->second, std::make_shared<const std::string>("no")};
    }
    const auto found = files.find(url);
    if (found == files.end()) {
      return sources::RemoteFile{404, std::make_shared<const std::string>("not here")};
    }
    return sources::RemoteFile{200, std::make_shared<const std::string>(found->second)};
  }

  std::vector<std::string> asked() const { return asked_; }

 private:
  void note(const std::string& what, const CancelToken& cancel) {
    std::unique_lock lock(mutex_);
    asked_.push_back(what);
    arrived_.notify_all();
    arrived_.wait_for(lock, std::chrono::seconds(20),
                      [&] { return asked_.size() >= wait_for || cancel.cancelled(); });
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> asked_;
};

kustomize::BuildOptions with(Web& web) {
  kustomize::BuildOptions options;
  options.remotes = &web;
  return options;
}

const Files kBase = {{"kustomization.yaml", "resources: [cm.yaml]\n"}, {"cm.yaml", kConfigMap}};

Files overlay(const std::string& entries) {
  return {{"kustomization.yaml", "namePrefix: p-\nresources:\n" + entries}};
}

}  // namespace

TEST_CASE("remote bases: a directory of a repository at a ref is a base") {
  Web web;
  web.repositories["https://h/org/repo@v1"] = {
      {"deploy/kustomization.yaml", "resources: [../base]\nnameSuffix: -s\n"},
      {"base/kustomization.yaml", "resources: [cm.yaml]\n"},
      {"base/cm.yaml", kConfigMap}};
  const std::string text =
      build_text(overlay("- git::https://h/org/repo//deploy?ref=v1\n"), "", with(web));
  CHECK(contains(text, "name: p-cm-s\n"));
  CHECK(web.asked() == std::vector<std::string>{"https://h/org/repo@v1"});
}

TEST_CASE("remote bases: git:: in front of a URL is told each time that kustomize reads it") {
  Web web;
  web.repositories["https://h/org/repo"] = kBase;
  const auto warnings = [&](std::string_view fields) {
    std::size_t count = 0;
    kustomize::BuildOptions options = with(web);
    options.on_warning = [&](std::string_view line) {
      count += line.starts_with("Warning: Forcing the git protocol using the 'git::' URL prefix");
    };
    Files files = overlay("- git::https://h/org/repo\n");
    files["kustomization.yaml"] += fields;
    (void)build_text(files, "", options);
    return count;
  };
  CHECK(warnings("") == 1);
  CHECK(warnings("buildMetadata: [originAnnotations]\n") == 2);
}

TEST_CASE("remote bases: a web address is a file first, a repository when it is none") {
  Web web;
  web.repositories["https://h/org/repo"] = kBase;
  CHECK(contains(build_text(overlay("- https://h/org/repo\n"), "", with(web)), "name: p-cm\n"));
  CHECK(web.asked() == std::vector<std::string>{"https://h/org/repo", "https://h/org/repo"});
  web.files["https://h/org/repo"] = "<html>\n<p>: a page\n</html>\n";
  CHECK(contains(build_text(overlay("- https://h/org/repo\n"), "", with(web)), "name: p-cm\n"));
  web.files["https://h/org/repo"] = kConfigMap;
  web.repositories.clear();
  CHECK(contains(build_text(overlay("- https://h/org/repo\n"), "", with(web)), "name: p-cm\n"));
}

TEST_CASE("remote files: resources, patches and generator files may be on the web") {
  Web web;
  web.files["https://h/cm.yaml"] = kConfigMap;
  web.files["https://h/patch.yaml"] =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {patched: 'yes'}\n";
  web.files["https://h/text"] = "words";
  const std::string text =
      build_text({{"kustomization.yaml",
                   "resources: ['https://h/cm.yaml']\npatches: [{path: 'https://h/patch.yaml'}]\n"
                   "configMapGenerator: [{name: g, files: ['t=https://h/text']}]\n"}},
                 "", with(web));
  CHECK(contains(text, "patched: \"yes\""));
  CHECK(contains(text, "t: words"));
}

TEST_CASE("remote files: what a server answers instead is told in kustomize's words") {
  Web web;
  const Error missing = build_error(overlay("- https://h/few\n"), "", with(web));
  CHECK(missing.message() ==
        "accumulating resources: accumulating resources from 'https://h/few': HTTP Error: status "
        "code 404 (Not Found)");
  CHECK(missing.where().text() == "kustomization.yaml:3:3");
  web.statuses["https://h/few"] = 503;
  CHECK(contains(build_error(overlay("- https://h/few\n"), "", with(web)).message(),
                 "HTTP Error: status code 503 (Service Unavailable)"));
  CHECK(contains(build_error(overlay("- https://h/org/repo\n"), "", with(web)).message(),
                 "accumulation err='accumulating resources from 'https://h/org/repo': URL is a git "
                 "repository': no repository https://h/org/repo"));
  web.statuses["https://h/few"] = 0;
  CHECK(contains(build_error(overlay("- https://h/few\n"), "", with(web)).message(),
                 "accumulation err='accumulating resources from 'https://h/few': Get "
                 "\"https://h/few\": cannot connect': must build at directory"));
  CHECK(contains(build_error({{"kustomization.yaml", "patches: [{path: 'https://h/p.yaml'}]\n"}},
                             "", with(web))
                     .message(),
                 "HTTP Error: status code 404 (Not Found)"));
}

TEST_CASE("remote bases: one fetch for one repository and ref, whatever is named in it") {
  Web web;
  for (const char* ref : {"", "@v1"}) {
    web.repositories["https://h/o/r" + std::string(ref)] = {
        {"a/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: a-\n"},
        {"a/cm.yaml", kConfigMap},
        {"b/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: b-\n"},
        {"b/cm.yaml", kConfigMap}};
  }
  const sources::MemTree tree(overlay(
      "- git::https://h/o/r//a\n- git::https://h/o/r//b\n- git::https://h/o/r//b?ref=v1\n"));
  auto options = with(web);
  CHECK_FALSE(test::build(tree, "", options).has_value());  // b-cm twice
  CHECK(web.asked().size() == 2);
  const sources::MemTree good(overlay("- git::https://h/o/r//a\n- git::https://h/o/r//b\n"));
  const auto built = test::build(good, "", options);
  REQUIRE_OK(built);
  CHECK(web.asked().size() == 3);
  CHECK(built->fetched == std::vector<std::string>{"https://h/o/r@" + std::string(40, 'c')});
  for (const TreePath& read : built->reads)
    CHECK(read.text().find("b/") == std::string::npos);
}

TEST_CASE("remote bases: several are fetched at the same time, eight at most") {
  Web web;
  std::string entries;
  for (int i = 0; i < 9; ++i) {
    const std::string url = "https://h/o/r" + std::to_string(i);
    web.repositories[url] = {
        {"kustomization.yaml", "namePrefix: r" + std::to_string(i) + "-\nresources: [cm.yaml]\n"},
        {"cm.yaml", kConfigMap}};
    entries += "- git::" + url + "\n";
  }
  web.wait_for = 8;  // answers come only when eight wait
  const std::string text = build_text(overlay(entries), "", with(web));
  CHECK(contains(text, "name: p-r8-cm\n"));
  CHECK(web.asked().size() == 9);
}

TEST_CASE("remote bases: a failing build cancels what is still on its way") {
  Web web;
  web.wait_for = 1000;  // nobody is answered
  CancelSource stop;
  auto options = with(web);
  options.cancel = stop.token();
  stop.cancel();
  CHECK(build_error(overlay("- git::https://h/o/a\n- git::https://h/o/b\n"), "", options).code() ==
        Code::kCancelled);
}

TEST_CASE("remote bases: a repository reaches nothing outside of itself") {
  Web web;
  auto options = with(web);
  options.load_restrictor = kustomize::LoadRestrictor::kNone;
  const auto refused = [&](const Files& repository) {
    web.repositories["https://h/o/r"] = repository;
    return build_error({{"o/kustomization.yaml", "resources: ['git::https://h/o/r//d']\n"},
                        {"o/secret.yaml", kConfigMap},
                        {"d/kustomization.yaml", "resources: []\n"}},
                       "o", options)
        .message();
  };
  CHECK(contains(refused({{"d/kustomization.yaml", "resources: [../../x]\n"}}),
                 "security; bases in kustomizations found in cloned git repos must be within the "
                 "repo, but base '../../x' is outside 'https://h/o/r'"));
  CHECK(contains(refused({{"d/kustomization.yaml", "resources: [../../o/secret.yaml]\n"}}),
                 "security; file '../../o/secret.yaml' is not in or below"));
  // Not even --load-restrictor LoadRestrictionsNone opens the rest of the repository.
  CHECK(contains(
      refused({{"d/kustomization.yaml", "resources: [../cm.yaml]\n"}, {"cm.yaml", kConfigMap}}),
      "security; file 'https://h/o/r//cm.yaml' is not in or below 'https://h/o/r//d'"));
  CHECK(contains(refused({{"d/kustomization.yaml", "resources: [/etc/passwd]\n"}}),
                 "'/etc/passwd' is outside of the source"));
  CHECK(contains(refused({{"d", "@link:../../up"}}), "link"));
  CHECK(contains(refused({{"d", "a file"}}),
                 "'https://h/o/r//d' refers to file 'd'; expecting directory"));
  CHECK(contains(refused({{"e", "a file"}}),
                 "evalsymlink failure on 'https://h/o/r//d' : lstat https://h/o/r//d: no such file "
                 "or directory"));
}

TEST_CASE("remote bases: cycles through repositories are found") {
  Web web;
  web.repositories["https://h/o/a"] = {
      {"kustomization.yaml", "resources: ['git::https://h/o/b']\n"}};
  web.repositories["https://h/o/b"] = {
      {"kustomization.yaml", "resources: ['git::https://h/o/a']\n"}};
  CHECK(contains(build_error(overlay("- git::https://h/o/a\n"), "", with(web)).message(),
                 "cycle detected: URI 'git::https://h/o/a' referenced by previous URI "
                 "'git::https://h/o/a'"));
  web.repositories["https://h/o/b"] = {{"d/kustomization.yaml", "resources: [../d/../d]\n"}};
  CHECK(contains(build_error(overlay("- git::https://h/o/b//d\n"), "", with(web)).message(),
                 "cycle detected: candidate root 'https://h/o/b//d' contains visited root"));
}

TEST_CASE("remote bases: errors and origins name the repository, the ref and the file in it") {
  Web web;
  web.repositories["https://h/o/r@v1"] = {{"d/kustomization.yaml", "resources: [cm.yaml]\n"},
                                          {"d/cm.yaml", kConfigMap}};
  web.repositories["https://h/o/r"] = kBase;
  web.files["https://h/o/r/raw/cm.yaml"] = kConfigMap;
  const std::string text = build_text(
      {{"kustomization.yaml",
        "resources: ['git::https://h/o/r//d?ref=v1', a]\nbuildMetadata: [originAnnotations]\n"},
       {"a/kustomization.yaml",
        "namePrefix: a-\nresources: ['git::https://h/o/r', b, "
        "'https://h/o/r/raw/cm.yaml']\n"},
       {"a/b/kustomization.yaml", "configMapGenerator: [{name: g}]\n"}},
      "", [&] {
        web.repositories["https://h/o/r"]["kustomization.yaml"] =
            "namePrefix: r-\nresources: [cm.yaml]\n";
        return with(web);
      }());
  CHECK(contains(text, "      path: d/cm.yaml\n      repo: https://h/o/r\n      ref: v1\n"));
  // kustomize's own slip: what is at a repository's root is said to be in "notCloned".
  CHECK(contains(text, "      path: notCloned/cm.yaml\n      repo: https://h/o/r\n"));
  CHECK(contains(text, "      path: raw/cm.yaml\n      repo: https://h/o/r\n"));
  CHECK(contains(text, "      configuredIn: a/b/kustomization.yaml\n"));

  web.repositories["https://h/o/r@v1"]["d/cm.yaml"] = "a: [\n";
  web.repositories["https://user:word@h/o/r@v1"] = web.repositories["https://h/o/r@v1"];
  const Error inside =
      build_error(overlay("- git::https://user:word@h/o/r//d?ref=v1\n"), "", with(web));
  CHECK(inside.where().file == "https://user:xxxxx@h/o/r@v1//d/cm.yaml");
}

TEST_CASE("remote bases: a repository itself can be built") {
  Web web;
  web.repositories["https://h/o/r@v1"] = {{"d/kustomization.yaml", "resources: [cm.yaml]\n"},
                                          {"d/cm.yaml", kConfigMap}};
  CHECK(kustomize::is_repository("https://h/o/r//d?ref=v1"));
  CHECK_FALSE(kustomize::is_repository("overlays/prod"));
  const auto built = kustomize::build_repository("https://h/o/r//d?ref=v1", with(web));
  REQUIRE_OK(built);
  CHECK(built->resources.resources.size() == 1);
  CHECK(built->reads.empty());
  CHECK_FALSE(kustomize::build_repository("https://h/o/r//e?ref=v1", with(web)).has_value());
  CHECK_FALSE(kustomize::build_repository("overlays/prod", with(web)).has_value());
}
