#include "sluice/sources/ignored_tree.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxPatterns = 100'000;
constexpr std::size_t kMaxLevels = 1'000;  // of directories
constexpr std::string_view kIgnoreFile = ".sourceignore";
// fluxcd/pkg sourceignore: what is no part of any artifact, and what is none unless somebody says
// otherwise.
constexpr std::string_view kVersionControl = ".git/\n.gitignore\n.gitmodules\n.gitattributes\n";
constexpr std::string_view kByDefault =
    "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n"
    ".github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\ncloudbuild.yaml\n"
    "codeship-services.yml\ncodeship-steps.yml\n"
    "**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml\n";

using Parts = std::vector<std::string_view>;

Parts split(std::string_view path) {
  Parts parts;
  if (path.empty()) return parts;
  for (;;) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

struct Pattern {
  std::vector<std::string> domain, parts;
  bool includes = false, directories_only = false, has_slash = false;

  bool matches(const Parts& path, bool is_directory) const {
    if (path.size() <= domain.size()) return false;
    for (std::size_t i = 0; i < domain.size(); ++i) {
      if (path[i] != domain[i]) return false;
    }
    return has_slash ? matches_path(path, is_directory) : matches_name(path, is_directory);
  }

 private:
  bool matches_name(const Parts& path, bool is_directory) const {
    for (std::size_t i = domain.size(); i < path.size(); ++i) {
      const auto match = glob_matches(parts[0], path[i]);
      if (!match) return false;
      if (!*match) continue;
      return !(directories_only && !is_directory && i + 1 == path.size());
    }
    return false;
  }

  bool matches_path(const Parts& path, bool is_directory) const {
    bool matched = false;
    bool may_skip = false;
    std::size_t at = domain.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string& part = parts[i];
      if (part.empty()) {
        may_skip = false;
        continue;
      }
      if (part == "**") {
        if (i + 1 == parts.size()) break;
        may_skip = true;
        continue;
      }
      if (part.find("**") != std::string::npos || at == path.size()) return false;
      if (!may_skip) {
        const auto match = glob_matches(part, path[at++]);
        if (!match || !*match) return false;
        matched = true;
        continue;
      }
      may_skip = false;
      while (at < path.size()) {
        const auto match = glob_matches(part, path[at++]);
        if (!match) return false;
        matched = *match || (matched && at < path.size());
        if (*match) break;
      }
    }
    return matched && !(directories_only && !is_directory && at == path.size());
  }
};

Pattern parse_pattern(std::string_view text, const Parts& domain) {
  Pattern pattern;
  pattern.domain.assign(domain.begin(), domain.end());
  if (text.starts_with('!')) {
    pattern.includes = true;
    text.remove_prefix(1);
  }
  if (!text.ends_with("\\ ")) {
    while (text.ends_with(' '))
      text.remove_suffix(1);
  }
  if (text.ends_with('/')) {
    pattern.directories_only = true;
    text.remove_suffix(1);
  }
  pattern.has_slash = text.find('/') != std::string_view::npos;
  for (const std::string_view part : split(text))
    pattern.parts.emplace_back(part);
  if (pattern.parts.empty()) pattern.parts.emplace_back();
  return pattern;
}

Result<void> read_patterns(std::string_view text, const Parts& domain,
                           std::vector<Pattern>& patterns) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#') || line.find_first_not_of(" \t\v\f") == std::string_view::npos) {
      continue;
    }
    if (patterns.size() == kMaxPatterns) {
      return fail(Code::kInvalid,
                  "more than " + std::to_string(kMaxPatterns) + " patterns of what to ignore");
    }
    patterns.push_back(parse_pattern(line, domain));
  }
  return {};
}

bool is_ignored(const std::vector<Pattern>& patterns, std::string_view path, bool is_directory) {
  const Parts parts = split(path);
  for (auto pattern = patterns.rbegin(); pattern != patterns.rend(); ++pattern) {
    if (pattern->matches(parts, is_directory)) return !pattern->includes;
  }
  return false;
}

/// `.sourceignore` files, a directory's before those below it.
Result<void> find_patterns(const Tree& tree, const TreePath& directory, std::size_t level,
                           std::vector<Pattern>& patterns) {
  SLUICE_TRY(const auto entries, tree.list(directory));
  const Parts domain = split(directory.text());
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::kFile || entry.name != kIgnoreFile) continue;
    SLUICE_TRY(const TreePath path, directory.join(entry.name));
    SLUICE_TRY(const Blob blob, tree.read(path));
    SLUICE_CHECK(read_patterns(*blob.bytes, domain, patterns));
  }
  if (level == kMaxLevels) return {};
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::kDirectory) continue;
    SLUICE_TRY(const TreePath path, directory.join(entry.name));
    const auto stat = tree.stat(path);
    if (!stat || stat->real_path != path) continue;  // a link: artifacts have none
    if (is_ignored(patterns, path.text(), true)) continue;
    SLUICE_CHECK(find_patterns(tree, path, level + 1, patterns));
  }
  return {};
}

class IgnoredTree final : public Tree {
 public:
  IgnoredTree(std::shared_ptr<const Tree> base, std::vector<Pattern> patterns)
      : base_(std::move(base)), patterns_(std::move(patterns)) {
    includes_ = std::any_of(patterns_.begin(), patterns_.end(),
                            [](const Pattern& pattern) { return pattern.includes; });
  }

  Result<Stat> stat(const TreePath& path) const override {
    SLUICE_TRY(Stat found, base_->stat(path));
    if (!is_there(path, found.kind) || !is_there(found.real_path, found.kind)) {
      return missing(path);
    }
    return found;
  }

  Result<Blob> read(const TreePath& path) const override {
    SLUICE_TRY(Blob found, base_->read(path));
    if (!is_there(path, EntryKind::kFile) || !is_there(found.real_path, EntryKind::kFile)) {
      return missing(path);
    }
    return found;
  }

  Result<std::vector<Entry>> list(const TreePath& path) const override {
    SLUICE_TRY(std::vector<Entry> entries, base_->list(path));
    SLUICE_TRY(const Stat here, base_->stat(path));
    if (!is_there(here.real_path, EntryKind::kDirectory)) return missing(path);
    std::erase_if(entries, [&](const Entry& entry) {
      const auto inner = here.real_path.join(entry.name);
      return !inner || !stat(*inner);  // a link goes with what it points to
    });
    return entries;
  }

  std::string display(const TreePath& path) const override { return base_->display(path); }

 private:
  static tl::unexpected<Error> missing(const TreePath& path) {
    return fail(Code::kNotFound, "no such file or directory: \"" + path.text() + "\"");
  }

  bool is_there(const TreePath& path, EntryKind kind) const {
    if (path.is_root()) return true;
    if (!is_ignored(patterns_, path.text(), kind == EntryKind::kDirectory)) return true;
    return kind == EntryKind::kDirectory && includes_ && has_included(path, 0);
  }

  /// A directory that is ignored is there all the same when something in it is included again.
  bool has_included(const TreePath& directory, std::size_t level) const {
    const auto entries = base_->list(directory);
    if (!entries || level == kMaxLevels) return false;
    for (const Entry& entry : *entries) {
      const auto path = directory.join(entry.name);
      if (!path) continue;
      if (entry.kind == EntryKind::kDirectory ? has_included(*path, level + 1)
                                              : !is_ignored(patterns_, path->text(), false)) {
        return true;
      }
    }
    return false;
  }

  std::shared_ptr<const Tree> base_;
  std::vector<Pattern> patterns_;
  bool includes_ = false;
};

/// One character class, "[a-c]", at the start of `pattern`: its length, and whether `c` is in it.
struct Class {
  std::size_t size;
  bool has;
};
std::optional<Class> match_class(std::string_view pattern, unsigned char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  const auto letter = [&]() -> std::optional<unsigned char> {
    if (at < pattern.size() && pattern[at] == '\\') ++at;
    if (at >= pattern.size()) return std::nullopt;
    return static_cast<unsigned char>(pattern[at++]);
  };
  for (bool first = true; at < pattern.size() && (pattern[at] != ']' || first); first = false) {
    if (pattern[at] == '-' || pattern[at] == ']') return std::nullopt;
    const auto low = letter();
    auto high = low;
    if (at < pattern.size() && pattern[at] == '-') {
      ++at;
      if (at < pattern.size() && pattern[at] == ']') return std::nullopt;
      high = letter();
    }
    if (!low || !high) return std::nullopt;
    found |= *low <= c && c <= *high;
  }
  if (at >= pattern.size()) return std::nullopt;
  return Class{at + 1, found != negated};
}

}  // namespace

std::optional<bool> glob_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // where to go on after the last '*' …
  std::size_t resume = 0;                     // … with one more character taken by it
  while (n < name.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = n;
      continue;
    }
    bool matched = false;
    std::size_t size = 1;
    if (p < pattern.size() && n < name.size()) {
      if (pattern[p] == '?') {
        matched = true;
      } else if (pattern[p] == '[') {
        const auto found = match_class(pattern.substr(p), static_cast<unsigned char>(name[n]));
        if (!found) return std::nullopt;
        matched = found->has;
        size = found->size;
      } else if (pattern[p] == '\\') {
        if (p + 1 == pattern.size()) return std::nullopt;
        matched = pattern[p + 1] == name[n];
        size = 2;
      } else {
        matched = pattern[p] == name[n];
      }
    }
    if (matched) {
      p += size;
      ++n;
      continue;
    }
    if (star == std::string_view::npos || resume >= name.size()) return false;
    p = star;
    n = ++resume;
  }
  return true;
}

Result<std::shared_ptr<const Tree>> make_ignored_tree(std::shared_ptr<const Tree> tree,
                                                      const std::optional<std::string>& ignore) {
  std::vector<Pattern> given;
  SLUICE_CHECK(find_patterns(*tree, TreePath(), 0, given));
  if (ignore) SLUICE_CHECK(read_patterns(*ignore, {}, given));
  std::vector<Pattern> patterns;
  SLUICE_CHECK(read_patterns(kVersionControl, {}, patterns));
  if (given.empty()) SLUICE_CHECK(read_patterns(kByDefault, {}, patterns));
  patterns.insert(patterns.end(), std::make_move_iterator(given.begin()),
                  std::make_move_iterator(given.end()));
  return std::make_shared<const IgnoredTree>(std::move(tree), std::move(patterns));
}

}  // namespace sluice::sources
