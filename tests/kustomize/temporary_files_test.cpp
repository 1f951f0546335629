#include "kustomize/temporary_files.hpp"

#include <filesystem>

#include "sluice/sources/dir_tree.hpp"
#include "sluice/sources/mem_tree.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

namespace sluice::kustomize {

namespace fs = std::filesystem;
using test::read_file;

TEST_CASE("a tree is written with its directories, links and modes") {
  auto made = TemporaryDirectory::make(fs::temp_directory_path().string(), "sluice-write-tree-");
  REQUIRE_OK(made);
  const std::string from = made->path() + "/from";
  const std::string to = made->path() + "/to";
  fs::create_directories(from + "/a/b");
  fs::create_directory(to);
  REQUIRE_OK(write_new_file(from + "/a/b/plain", std::string_view("x\0y", 3)));
  REQUIRE_OK(write_new_file(from + "/a/run", "#!/bin/sh\n", true));
  fs::create_symlink("b/plain", from + "/a/link");
  fs::create_symlink("link", from + "/a/link_of_link");
  fs::create_symlink("..", from + "/a/round");
  fs::create_symlink("/etc/passwd", from + "/a/outside");
  fs::create_symlink("nothing", from + "/a/dangling");

  REQUIRE_OK(write_tree(*sources::make_dir_tree(from), to));

  CHECK(read_file(to + "/a/b/plain") == std::string("x\0y", 3));
  const auto mode_of = [&](const char* path) { return fs::status(to + path).permissions(); };
  CHECK((mode_of("/a/b/plain") & fs::perms::owner_exec) == fs::perms::none);
  CHECK((mode_of("/a/run") & fs::perms::owner_exec) != fs::perms::none);
  CHECK(fs::read_symlink(to + "/a/link") == "b/plain");
  CHECK(fs::read_symlink(to + "/a/link_of_link") == "b/plain");
  CHECK(fs::equivalent(to + "/a/round", to));
  CHECK_FALSE(fs::exists(fs::symlink_status(to + "/a/outside")));
  CHECK_FALSE(fs::exists(fs::symlink_status(to + "/a/dangling")));
}

TEST_CASE("a tree with a directory .git is refused") {
  auto made = TemporaryDirectory::make(fs::temp_directory_path().string(), "sluice-write-tree-");
  REQUIRE_OK(made);
  const sources::MemTree tree({{"module/.git/config", "[core]\n"}});
  const auto written = write_tree(tree, made->path());
  REQUIRE_FALSE(written);
  CHECK(written.error().message() == "invalid path 'module/.git': refused, as by git");
}

TEST_CASE("a temporary directory goes with all in it, and the one it replaces, too") {
  std::string first;
  std::string second;
  {
    auto one = TemporaryDirectory::make(fs::temp_directory_path().string(), "sluice-gone-");
    auto two = TemporaryDirectory::make(fs::temp_directory_path().string(), "sluice-gone-");
    REQUIRE_OK(one);
    REQUIRE_OK(two);
    first = one->path();
    second = two->path();
    REQUIRE_OK(write_new_file(second + "/file", "x"));
    *one = *std::move(two);
    CHECK_FALSE(fs::exists(first));
    CHECK(fs::exists(second));
  }
  CHECK_FALSE(fs::exists(second));
}

}  // namespace sluice::kustomize
