#include "sluice/sources/work_tree.hpp"

#include <filesystem>
#include <fstream>

#include "support/git_repository.hpp"
#include "support/test.hpp"

namespace sluice::sources {
namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a work tree tells the revision of HEAD, and which files differ from it") {
  if (!test::have_git()) SLUICE_SKIP("no git program (scripts/deps --tests installs it)");
  test::GitRepository repository;
  const std::string first = repository.commit({{"a/one", "1"}, {"a/link", "@link:one"}});
  WorkTrees trees;
  const auto revision_of = [&](const char* name) {
    return trees.revision_of(repository.work() / name);
  };
  REQUIRE(revision_of("a/one"));
  CHECK(revision_of("a/one")->revision == "main@sha1:" + first);
  CHECK_FALSE(revision_of("a/one")->modified);
  CHECK_FALSE(revision_of("a/link")->modified);  // what it points at counts
  write(repository.work() / "a/one", "2");
  CHECK(revision_of("a/one")->modified);
  write(repository.work() / "new", "3");
  REQUIRE(revision_of("new"));
  CHECK(revision_of("new")->modified);
  CHECK_FALSE(revision_of("missing"));
  write(repository.work() / ".." / "outside", "4");
  CHECK_FALSE(revision_of("../outside"));

  repository.git({"checkout", "-q", "--detach"});
  REQUIRE(WorkTrees().revision_of(repository.work() / "new"));
  CHECK(WorkTrees().revision_of(repository.work() / "new")->revision == "sha1:" + first);
}

TEST_CASE("a work tree before its first commit has no revision") {
  if (!test::have_git()) SLUICE_SKIP("no git program (scripts/deps --tests installs it)");
  const test::GitRepository repository;
  write(repository.work() / "new", "1");
  CHECK_FALSE(WorkTrees().revision_of(repository.work() / "new"));
}

}  // namespace sluice::sources
