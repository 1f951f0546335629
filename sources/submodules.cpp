#include "submodules.hpp"

#include <algorithm>
#include <utility>

#include "sluice/base/ascii.hpp"

namespace sluice::sources {
namespace {

// git-config(1): quotes group, a backslash escapes, # and ; begin a comment outside of quotes.
std::string config_value(std::string_view raw) {
  std::string out;
  bool quoted = false;
  std::size_t kept = 0;  // spaces at the end are not part of the value
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && i + 1 < raw.size()) {
      const char escaped = raw[++i];
      out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    } else if (!quoted && (c == '#' || c == ';')) {
      break;
    } else {
      out += c;
      if (!quoted && (c == ' ' || c == '\t')) continue;
    }
    kept = out.size();
  }
  out.resize(kept);
  return out;
}

class MountedTree final : public Tree {
 public:
  MountedTree(std::shared_ptr<const Tree> base, std::vector<Mount> mounts)
      : base_(std::move(base)), mounts_(std::move(mounts)) {}

  Result<Stat> stat(const TreePath& path) const override {
    const Mount* mount = mount_of(path);
    if (mount == nullptr) return base_->stat(path);
    SLUICE_TRY(Stat found, mount->tree->stat(below(*mount, path)));
    SLUICE_TRY(found.real_path, mount->at.join(found.real_path.text()));
    return found;
  }

  Result<Blob> read(const TreePath& path) const override {
    const Mount* mount = mount_of(path);
    if (mount == nullptr) return base_->read(path);
    SLUICE_TRY(Blob found, mount->tree->read(below(*mount, path)));
    SLUICE_TRY(found.real_path, mount->at.join(found.real_path.text()));
    return found;
  }

  Result<std::vector<Entry>> list(const TreePath& path) const override {
    if (const Mount* mount = mount_of(path)) return mount->tree->list(below(*mount, path));
    SLUICE_TRY(std::vector<Entry> entries, base_->list(path));
    SLUICE_TRY(const Stat here, base_->stat(path));
    for (const Mount& mount : mounts_) {
      if (mount.at.parent() != here.real_path) continue;
      SLUICE_TRY(const Stat root, mount.tree->stat(TreePath()));
      entries.push_back({std::string(mount.at.name()), EntryKind::kDirectory, root.digest});
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  std::string display(const TreePath& path) const override { return base_->display(path); }

 private:
  const Mount* mount_of(const TreePath& path) const {
    for (const Mount& mount : mounts_) {
      if (path.is_in_or_below(mount.at)) return &mount;
    }
    return nullptr;
  }
  static TreePath below(const Mount& mount, const TreePath& path) {
    const std::string_view rest = std::string_view(path.text()).substr(mount.at.text().size());
    return TreePath::parse(rest).value_or(TreePath());  // a part of a TreePath is one
  }

  std::shared_ptr<const Tree> base_;
  std::vector<Mount> mounts_;
};

}  // namespace

std::vector<Submodule> parse_gitmodules(std::string_view text) {
  std::vector<Submodule> out;
  bool is_submodule = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('[')) {
      is_submodule = line.starts_with("[submodule");
      if (is_submodule) out.emplace_back();
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!is_submodule || equals == std::string_view::npos) continue;
    const std::string_view key = trim(line.substr(0, equals));
    if (key == "path") out.back().path = config_value(trim(line.substr(equals + 1)));
    if (key == "url") out.back().url = config_value(trim(line.substr(equals + 1)));
  }
  std::erase_if(out, [](const Submodule& one) { return one.path.empty() || one.url.empty(); });
  return out;
}

std::string submodule_url(const std::string& parent, const std::string& url) {
  if (!url.starts_with("./") && !url.starts_with("../")) return url;
  std::string base = parent;
  while (base.ends_with('/'))
    base.pop_back();
  std::string_view rest = url;
  char separator = '/';
  for (;;) {
    if (rest.starts_with("./")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with("../")) {
      rest.remove_prefix(3);
      const std::size_t cut = base.find_last_of("/:");
      if (cut == std::string::npos) break;
      separator = base[cut];
      base.resize(cut);
    } else {
      break;
    }
  }
  return base + separator + std::string(rest);
}

std::shared_ptr<const Tree> make_mounted_tree(std::shared_ptr<const Tree> base,
                                              std::vector<Mount> mounts) {
  return std::make_shared<const MountedTree>(std::move(base), std::move(mounts));
}

}  // namespace sluice::sources
