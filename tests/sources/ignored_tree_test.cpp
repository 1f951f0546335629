// What artifacts leave out. Mirrors fluxcd/pkg sourceignore_test.go and go-git's
// plumbing/format/gitignore/pattern_test.go.
#include "sluice/sources/ignored_tree.hpp"

#include <string>

#include "sluice/sources/mem_tree.hpp"

#include "support/test.hpp"

namespace sluice::sources {
namespace {

/// Every file that is left, by walking the lists, as one text.
std::string files_of(const Tree& tree, const TreePath& directory = {}) {
  std::string out;
  const auto entries = tree.list(directory);
  if (!entries) return "<" + entries.error().message() + ">";
  for (const Entry& entry : *entries) {
    const TreePath path = *directory.join(entry.name);
    if (entry.kind == EntryKind::kDirectory) {
      out += files_of(tree, path);
    } else {
      CHECK(tree.read(path).has_value());
      out += path.text() + " ";
    }
  }
  return out;
}

std::string left(const std::map<std::string, std::string>& files,
                 const std::optional<std::string>& ignore = {}) {
  const auto tree = make_ignored_tree(std::make_shared<const MemTree>(files), ignore);
  REQUIRE_OK(tree);
  for (const auto& [name, text] : files) {
    const TreePath path = *TreePath::parse(name);
    CHECK((*tree)->stat(path).has_value() == (*tree)->read(path).has_value());
  }
  return files_of(**tree);
}

}  // namespace

TEST_CASE("ignore: Flux's own patterns apply when nobody gives any") {
  const std::map<std::string, std::string> files = {
      {"a.yaml", ""},         {"d/b.yaml", ""},     {"d/x.png", ""},    {"y.tar.gz", ""},
      {".github/ci.yml", ""}, {"d/.sops.yaml", ""}, {".gitignore", ""}, {".gitmodules", ""}};
  CHECK(left(files) == "a.yaml d/b.yaml ");
  CHECK(left(files, "") == "a.yaml d/b.yaml ");
  CHECK(left(files, "# nothing\n\n  \n") == "a.yaml d/b.yaml ");
  // A pattern of the user's replaces all but what is Git's own.
  CHECK(left(files, "/a.yaml") == ".github/ci.yml d/.sops.yaml d/b.yaml d/x.png y.tar.gz ");
}

TEST_CASE("ignore: .sourceignore files count from their directory, spec.ignore comes last") {
  CHECK(left({{".sourceignore", "/c/\n*.txt\n"},
              {"c/x", ""},
              {"d/c/x", ""},
              {"d/a.txt", ""},
              {"d/.sourceignore", "/e\n!keep.txt\n"},
              {"d/e/x", ""},
              {"d/keep.txt", ""},
              {"e/x", ""},
              {"keep.txt", ""}}) == ".sourceignore d/.sourceignore d/c/x d/keep.txt e/x ");
  CHECK(left({{".sourceignore", "a\n"}, {"a", ""}, {"b", ""}}, "!a\nb\n") == ".sourceignore a ");
}

TEST_CASE("ignore: a file below an ignored directory can be included again") {
  CHECK(left({{"a/a.yaml", ""}, {"a/skip.yaml", ""}, {"b/b.yaml", ""}, {"c", ""}},
             "/*\n!/a\n/a/skip.yaml\n") == "a/a.yaml ");
  const auto tree =
      make_ignored_tree(std::make_shared<const MemTree>(
                            std::map<std::string, std::string>{{"a/b/c", ""}, {"d/e", ""}}),
                        "/*\n!/a/b/c\n");
  REQUIRE_OK(tree);
  CHECK((*tree)->stat(*TreePath::parse("a/b")).has_value());
  CHECK_FALSE((*tree)->stat(*TreePath::parse("d")).has_value());
  CHECK((*tree)->list(*TreePath::parse("d")).error().code() == Code::kNotFound);
}

TEST_CASE("ignore: patterns match as go-git matches them") {
  struct Row {
    const char* pattern;
    const char* path;
    bool ignored;
  };
  const Row rows[] = {
      {"value", "value", true},
      {"value", "a/value/b", true},
      {"value", "valuex", false},
      {"val*", "a/value", true},
      {"va[k-m]ue", "value", true},
      {"va[^k-m]ue", "value", false},
      {"va?ue", "value", true},
      {"dir/", "dir/x", true},
      {"x/", "dir/x", false},
      {"/a/b", "a/b/c", true},
      {"/a/b", "c/a/b", false},
      {"a/b", "a/b", true},
      {"a/b", "c/a/b", false},
      {"a/*/c", "a/b/c", true},
      {"a/*/c", "a/b/d/c", false},
      {"**/x", "a/b/x", true},
      {"**/x", "x", true},
      {"a/**/x", "a/b/c/x", true},
      {"a/**/x", "b/x", false},
      {"a/**", "a/b", true},
      {"/**", "a", false},
      {"a**b/c", "axb/c", false},
      {"[", "[", false},
      {"\\!a", "!a", true},
      {"a\\ ", "a ", true},
      {"a ", "a", true},
  };
  for (const Row& row : rows) {
    const std::string name = std::string(row.pattern) + " on " + row.path;
    INFO(name);
    const std::string text = left({{row.path, ""}, {"other", ""}}, row.pattern);
    CHECK((text == "other ") == row.ignored);
  }
}

TEST_CASE("ignore: links show nothing that is ignored; too many patterns are refused") {
  CHECK(left({{"secret/x", ""}, {"l", "@link:secret/x"}, {"m", ""}}, "secret/\n") == "m ");
  std::string many;
  for (int i = 0; i < 100'000; ++i)
    many += "a\n";
  const auto tree = std::make_shared<const MemTree>(std::map<std::string, std::string>{{"b", ""}});
  CHECK_OK(make_ignored_tree(tree, many));
  const auto refused = make_ignored_tree(tree, many + "a\n");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kInvalid);
}

TEST_CASE("glob: a pattern of many stars takes polynomial time") {
  std::string pattern;
  for (int i = 0; i < 50; ++i)
    pattern += "a*";
  CHECK(glob_matches(pattern + "b", std::string(5'000, 'a')) == false);
  CHECK(glob_matches(pattern, std::string(5'000, 'a')) == true);
}
}  // namespace sluice::sources
