// Mirrors the tables of api/internal/git/repospec_test.go.
#include "kustomize/repo_url.hpp"

#include <string>

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using namespace std::chrono_literals;

TEST_CASE("repository URLs: host, repository, path and ref") {
  struct Row {
    const char* text;
    const char* clone;
    const char* path;
    const char* ref;
  };
  const Row rows[] = {
      {"https://github.com/org/repo", "https://github.com/org/repo", "", ""},
      {"http://github.com/org/repo/dir", "https://github.com/org/repo", "dir", ""},
      {"github.com/org/repo/dir?ref=v1", "https://github.com/org/repo", "dir", "v1"},
      {"GitHub.com/org/repo/dir", "https://github.com/org/repo", "dir", ""},
      {"https://user@github.com/org/repo", "user@github.com:org/repo", "", ""},
      {"git@github.com:org/repo/dir", "git@github.com:org/repo", "dir", ""},
      {"git@github.com/org/repo.git/dir", "git@github.com:org/repo.git", "dir", ""},
      {"ssh://git@github.com/org/repo//dir", "git@github.com:org/repo", "dir", ""},
      {"org-123@github.com:org/repo", "org-123@github.com:org/repo", "", ""},
      {"https://host.example/org/repo/dir?version=v2", "https://host.example/org/repo", "dir",
       "v2"},
      {"https://host.example/org/repo?version=a&ref=b", "https://host.example/org/repo", "", "b"},
      {"https://host.example/a/b/c.git", "https://host.example/a/b/c.git", "", ""},
      {"https://host.example/a/b/c//d/e/?ref=x", "https://host.example/a/b/c", "d/e/", "x"},
      {"https://host.example/c/p/_git/repo/dir?version=v1", "https://host.example/c/p/_git/repo",
       "dir", "v1"},
      {"git::https://host.example/c/p/_git/repo", "https://host.example/c/p/_git/repo", "", ""},
      {"git@gitlab.example:a/b/c.git?ref=v0.1.0", "git@gitlab.example:a/b/c.git", "", "v0.1.0"},
      {"git@host.example/a/b.git//dir", "git@host.example/a/b.git", "dir", ""},
      {"ssh://git@host.example/a/b.git//dir", "ssh://git@host.example/a/b.git", "dir", ""},
      {"file:///a/b/repo?ref=x", "file:///a/b/repo", "", "x"},
      {"file:///a/b/repo.git/dir", "file:///a/b/repo.git", "dir", ""},
      {"file://a/b/repo//dir", "file://a/b/repo", "dir", ""},
      {"package@v1.28.0.example/configs/base", "package@v1.28.0.example/configs/base", "", ""},
      // %-escapes are of the query only; one that is wrong makes the whole query unread.
      {"https://h/a/b?ref=kustomize%2Fv4.5.7", "https://h/a/b", "", "kustomize/v4.5.7"},
      {"https://h/a/b?ref=a+b", "https://h/a/b", "", "a b"},
      {"https://h/a/b?ref=v1&x=%zz", "https://h/a/b", "", ""},
      {"https://h/a/b?ref=v1;x=1", "https://h/a/b", "", ""},
      {"https://h/a%20b/c", "https://h/a%20b/c", "", ""},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const auto url = parse_repo_url(row.text);
    REQUIRE(url.has_value());
    CHECK(url->clone_url() == row.clone);
    CHECK(url->path == row.path);
    CHECK(url->ref == row.ref);
  }
}

TEST_CASE("repository URLs: what is a local path or a file on the web") {
  for (const char* text : {"",
                           ".",
                           "..",
                           "dir",
                           "/abs/dir",
                           "./github.com/org/repo",
                           "host.example/org/repo",
                           "https://host.example/file",
                           "https://",
                           "github.com",
                           "github.com/org",
                           "git@",
                           "git::",
                           "ftp://host/a/b",
                           "htxxtp://github.com/",
                           "ssh:git@github.com:org/repo",
                           "https://github.com/org/repo//../../up",
                           "git@github.com:org/repo//..",
                           "c:/dir/a",
                           "1user@host:a/b"}) {
    INFO(std::string(text));
    CHECK_FALSE(parse_repo_url(text).has_value());
  }
}

TEST_CASE("repository URLs: timeout is whole seconds or a duration, 27 s when it is neither") {
  struct Row {
    const char* query;
    std::chrono::milliseconds timeout;
    bool submodules;
  };
  for (const Row& row :
       {Row{"", 27s, true}, Row{"timeout=61", 61s, true}, Row{"timeout=1m1s", 61s, true},
        Row{"timeout=500ms", 500ms, true}, Row{"timeout=0", 27s, true},
        Row{"timeout=-1", 27s, true}, Row{"timeout=4x", 27s, true},
        Row{"submodules=false", 27s, false}, Row{"submodules=0&timeout=5", 5s, false},
        Row{"submodules=no", 27s, true}, Row{"timeout=2&timeout=9", 2s, true},
        Row{"timeout=99999999999", std::chrono::seconds(1'000'000'000), true}}) {
    INFO(std::string(row.query));
    const auto url = parse_repo_url("https://h/a/b?" + std::string(row.query));
    REQUIRE(url.has_value());
    CHECK(url->timeout == row.timeout);
    CHECK(url->submodules == row.submodules);
  }
}

TEST_CASE("files on the web begin with http: or https:") {
  CHECK(is_remote_file("https://h/a.yaml"));
  CHECK(is_remote_file("HTTP://h/a.yaml"));
  CHECK_FALSE(is_remote_file("git::https://h/a/b"));
  CHECK_FALSE(is_remote_file("a/https:"));
}
