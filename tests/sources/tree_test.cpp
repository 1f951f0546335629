// The rules that every Tree keeps (include/sluice/sources/tree.hpp), on memory and on a directory.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/crypto/hash.hpp"
#include "sluice/sources/dir_tree.hpp"
#include "sluice/sources/mem_tree.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

namespace fs = std::filesystem;

namespace sluice::sources {
namespace {

using test::TemporaryFolder;

TreePath path(std::string_view text) {
  return *TreePath::parse(text);
}

/// A text "@link:TARGET" stands for a link.
void put(const TemporaryFolder& folder, const std::string& name, const std::string& content) {
  if (content.starts_with("@link:")) {
    folder.link(name, content.substr(6));
  } else {
    folder.write(name, content);
  }
}

using Files = std::map<std::string, std::string>;

/// Runs `check` on the same files in memory and in a directory.
void on_each_tree(const Files& files, const std::function<void(const Tree&)>& check) {
  {
    INFO("in memory");
    check(MemTree(files));
  }
  {
    INFO("in a directory");
    const TemporaryFolder dir;
    for (const auto& [name, content] : files)
      put(dir, name, content);
    check(*make_dir_tree(dir.path()));
  }
}

std::string names(const Result<std::vector<Entry>>& entries) {
  if (!entries) return entries.error().text();
  std::string out;
  for (const Entry& entry : *entries)
    out += entry.name + (entry.kind == EntryKind::kDirectory ? "/ " : " ");
  return out;
}

}  // namespace

TEST_CASE("a tree reads files, lists directories in byte order and knows their kind") {
  on_each_tree({{"b/two.yaml", "two"}, {"a", "one"}, {"b-c", "3"}, {"b/x/deep", ""}},
               [](const Tree& tree) {
                 CHECK(names(tree.list(path(""))) == "a b/ b-c ");
                 CHECK(names(tree.list(path("b"))) == "two.yaml x/ ");
                 const auto blob = tree.read(path("b/two.yaml"));
                 REQUIRE_OK(blob);
                 CHECK(*blob->bytes == "two");
                 CHECK(blob->real_path == path("b/two.yaml"));
                 CHECK(tree.read(path("b/x/deep"))->bytes->empty());
                 CHECK(tree.stat(path("b"))->kind == EntryKind::kDirectory);
                 CHECK(tree.stat(path(""))->kind == EntryKind::kDirectory);
                 CHECK(tree.stat(path("a"))->kind == EntryKind::kFile);
               });
}

TEST_CASE("a missing file is kNotFound, also below a file; a directory cannot be read") {
  on_each_tree({{"a", "one"}, {"d/e", ""}}, [](const Tree& tree) {
    CHECK(tree.read(path("nope")).error().code() == Code::kNotFound);
    CHECK(tree.stat(path("a/below")).error().code() == Code::kNotFound);
    CHECK(tree.read(path("a/below")).error().code() == Code::kNotFound);
    CHECK(tree.list(path("nope")).error().code() == Code::kNotFound);
    CHECK(tree.read(path("d")).error().code() == Code::kInvalid);
    CHECK(tree.list(path("a")).error().code() == Code::kInvalid);
    CHECK(tree.read(path("nope")).error().message().find("nope\"") != std::string::npos);
  });
}

TEST_CASE("links are followed inside the tree and the real path is told") {
  on_each_tree({{"real/file", "content"},
                {"link", "@link:real/file"},
                {"dir", "@link:real"},
                {"real/up", "@link:../real/./file"},
                {"real/chain", "@link:../dir/up"},
                {"dangling", "@link:gone"}},
               [](const Tree& tree) {
                 for (const char* name : {"link", "dir/file", "dir/up", "real/chain"}) {
                   INFO(name);
                   const auto blob = tree.read(path(name));
                   REQUIRE_OK(blob);
                   CHECK(*blob->bytes == "content");
                   CHECK(blob->real_path == path("real/file"));
                 }
                 CHECK(tree.stat(path("dir"))->real_path == path("real"));
                 CHECK(tree.stat(path("dir"))->kind == EntryKind::kDirectory);
                 CHECK(tree.read(path("dangling")).error().code() == Code::kNotFound);
                 CHECK(tree.read(path("link/x")).error().code() == Code::kNotFound);
                 CHECK(names(tree.list(path(""))) == "dir/ link real/ ");
                 CHECK(names(tree.list(path("dir"))) == "chain file up ");
               });
}

TEST_CASE("'..' in a link is taken of what was really reached") {
  // x/l points to y/z; x/l/../f is y/f, not x/f.
  on_each_tree({{"x/f", "wrong"},
                {"y/f", "right"},
                {"y/z/.keep", ""},
                {"x/l", "@link:../y/z"},
                {"via", "@link:x/l/../f"}},
               [](const Tree& tree) { CHECK(*tree.read(path("via"))->bytes == "right"); });
}

TEST_CASE("a link that leaves the tree is refused, not clamped at the root") {
  on_each_tree(
      {{"a/out", "@link:../../etc/passwd"},
       {"abs", "@link:/etc/passwd"},
       {"twice", "@link:a/../../x"},
       {"x", "in"}},
      [](const Tree& tree) {
        for (const char* name : {"a/out", "abs", "twice"}) {
          INFO(name);
          const auto blob = tree.read(path(name));
          REQUIRE_FALSE(blob.has_value());
          CHECK(blob.error().code() == Code::kInvalid);
          CHECK(blob.error().message().find("leaves the source root") != std::string::npos);
          CHECK(tree.stat(path(name)).error().code() == Code::kInvalid);
        }
      });
}

TEST_CASE("40 links in a row are followed, 41 are refused; a loop ends") {
  Files files{{"end", "x"}, {"l1", "@link:end"}, {"loop", "@link:loop"}};
  for (int i = 2; i <= 41; ++i)
    files["l" + std::to_string(i)] = "@link:l" + std::to_string(i - 1);
  on_each_tree(files, [](const Tree& tree) {
    CHECK_OK(tree.read(path("l40")));
    CHECK(tree.read(path("l41")).error().code() == Code::kInvalid);
    CHECK(tree.read(path("loop")).error().code() == Code::kInvalid);
  });
}

TEST_CASE("MemTree counts reads and lists, and gives Git's ids") {
  MemTree tree{{"a.txt", "hello\n"}, {"d/b.txt", "x"}};
  CHECK(tree.reads() == 0);
  const auto blob = tree.read(path("a.txt"));
  // git hash-object
  CHECK(blob->digest.hex() == "ce013625030ba8dba906f756967f9e9ca394464a");
  CHECK(tree.reads() == 1);
  CHECK_OK(tree.list(path("")));
  CHECK(tree.lists() == 1);
  const Digest before = tree.stat(path(""))->digest;
  const Digest d = tree.stat(path("d"))->digest;
  tree.put("a.txt", "changed");
  CHECK(tree.stat(path(""))->digest != before);
  CHECK(tree.stat(path("d"))->digest == d);
  tree.put("a.txt", "hello\n");
  CHECK(tree.stat(path(""))->digest == before);
  tree.remove("d/b.txt");
  CHECK(tree.stat(path("d")).error().code() == Code::kNotFound);
}

TEST_CASE("MemTree: the id of a directory is the id of Git's tree object") {
  // git write-tree of these files; "a-b" sorts before the directory "a" ('-' < '/').
  const MemTree tree{{"a-b", "1"}, {"a/x", "2"}, {"a0", "3"}};
  CHECK(tree.stat(path(""))->digest.hex() == "485bf713199fd4a91490319e50c3299fbd081a17");
}

TEST_CASE("DirTree: absolute links into the root are inside, '/' as root reaches all") {
  const TemporaryFolder dir;
  put(dir, "real", "content");
  fs::create_symlink(dir.path("real"), dir.path("link"));
  const auto tree = make_dir_tree(dir.path() + "/");
  REQUIRE_OK(tree->read(path("link")));
  CHECK(tree->read(path("link"))->real_path == path("real"));
  CHECK(tree->display(path("link")) == dir.path() + "/link");
  CHECK(tree->display(path("")) == dir.path());

  const auto everything = make_dir_tree("/");
  const auto blob = everything->read(path(dir.path("link")));
  REQUIRE_OK(blob);
  CHECK("/" + blob->real_path.text() == fs::canonical(dir.path("real")).string());
  CHECK(everything->display(path("/etc/x")) == "/etc/x");
}

TEST_CASE("DirTree: files past the limit, pipes and forbidden files are refused") {
  const TemporaryFolder dir;
  put(dir, "four", "1234");
  put(dir, "five", "12345");
  const auto tree = make_dir_tree(dir.path(), /*max_file_bytes=*/4);
  CHECK_OK(tree->read(path("four")));
  CHECK(tree->read(path("five")).error().code() == Code::kInvalid);
  REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  CHECK(tree->read(path("pipe")).error().code() == Code::kInvalid);
  CHECK(make_dir_tree(dir.path("none"))->list(path("")).error().code() == Code::kNotFound);
  if (::geteuid() != 0) {
    fs::permissions(dir.path("four"), fs::perms::none);
    CHECK(tree->read(path("four")).error().code() == Code::kDenied);
  }
}

TEST_CASE("DirTree: a file that announces no size is read to its end") {
  const auto tree = make_dir_tree("/proc");
  const auto blob = tree->read(path("self/status"));
  REQUIRE_OK(blob);
  CHECK(blob->bytes->find("Name:") == 0);
}

}  // namespace sluice::sources
