#include "git_tree.hpp"

#include <algorithm>
#include <utility>

#include "links.hpp"

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxLinkBytes = 4096;  // Linux's PATH_MAX

class GitTree final : public Tree {
 public:
  GitTree(std::shared_ptr<const ObjectStore> store, Digest root, std::size_t max_file_bytes)
      : store_(std::move(store)), root_(root), max_file_bytes_(max_file_bytes) {}

  Result<Stat> stat(const TreePath& path) const override {
    SLUICE_TRY(Found found, find(path));
    return Stat{kind_of(found), std::move(found.real), found.id};
  }

  Result<Blob> read(const TreePath& path) const override {
    SLUICE_TRY(Found found, find(path));
    if (found.kind == TreeItem::Kind::kDirectory) {
      return fail(Code::kInvalid, "\"" + path.text() + "\" is a directory, not a file");
    }
    auto object = store_->read(found.id, max_file_bytes_);
    if (!object) {
      if (object.error().code() == Code::kInvalid) {
        return file_too_large(path.text(), max_file_bytes_);
      }
      return fail(std::move(object).error().in("\"" + path.text() + "\""));
    }
    if (object->kind != ObjectKind::kBlob) {
      return fail(Code::kIntegrity, "\"" + path.text() + "\" is not a file in the object database");
    }
    return Blob{std::move(object->bytes), found.id, std::move(found.real), found.executable};
  }

  Result<std::vector<Entry>> list(const TreePath& path) const override {
    SLUICE_TRY(const Found found, find(path));
    if (found.kind != TreeItem::Kind::kDirectory) {
      return fail(Code::kInvalid, "\"" + path.text() + "\" is a file, not a directory");
    }
    SLUICE_TRY(const auto items, store_->tree(found.id));
    std::vector<Entry> out;
    out.reserve(items->size());
    for (const TreeItem& item : *items) {
      switch (item.kind) {
        case TreeItem::Kind::kFile:
          out.push_back({item.name, EntryKind::kFile, item.id});
          break;
        case TreeItem::Kind::kDirectory:
          out.push_back({item.name, EntryKind::kDirectory, item.id});
          break;
        case TreeItem::Kind::kLink: {
          SLUICE_TRY(const TreePath link, found.real.join(item.name));
          if (const auto target = stat(link)) {
            out.push_back({item.name, target->kind, target->digest});
          }
          break;
        }
        case TreeItem::Kind::kSubmodule:
          break;
      }
    }
    return out;
  }

  std::string display(const TreePath& path) const override {
    return path.is_root() ? "." : path.text();
  }

  std::optional<Digest> submodule(const TreePath& path) const {
    const auto directory = walk(path.parent().text());
    if (!directory || directory->kind != TreeItem::Kind::kDirectory) return std::nullopt;
    const auto items = store_->tree(directory->id);
    const TreeItem* item = items ? item_named(**items, path.name()) : nullptr;
    if (item == nullptr || item->kind != TreeItem::Kind::kSubmodule) return std::nullopt;
    return item->id;
  }

 private:
  struct Found {
    TreeItem::Kind kind = TreeItem::Kind::kDirectory;
    Digest id;
    TreePath real;
    bool executable = false;
  };

  static EntryKind kind_of(const Found& found) {
    return found.kind == TreeItem::Kind::kDirectory ? EntryKind::kDirectory : EntryKind::kFile;
  }

  static const TreeItem* item_named(const TreeItems& items, std::string_view name) {
    const auto found = std::lower_bound(
        items.begin(), items.end(), name,
        [](const TreeItem& item, std::string_view wanted) { return item.name < wanted; });
    return found != items.end() && found->name == name ? &*found : nullptr;
  }

  /// Walks `path`; stops with kLink as its kind where a link is on the way.
  Result<Found> walk(std::string_view path) const {
    Found at{TreeItem::Kind::kDirectory, root_, {}};
    for (std::string_view rest = path; !rest.empty();) {
      const std::size_t slash = rest.find('/');
      const TreeItem* item = nullptr;
      if (at.kind == TreeItem::Kind::kDirectory) {
        SLUICE_TRY(const auto items, store_->tree(at.id));
        item = item_named(*items, rest.substr(0, slash));
        if (item != nullptr) {
          at.kind = item->kind;
          at.id = item->id;
          at.executable = item->executable;
        }
      }
      if (item == nullptr || at.kind == TreeItem::Kind::kSubmodule) {
        return fail(Code::kNotFound, "no such file or directory: \"" + std::string(path) + "\"");
      }
      if (at.kind == TreeItem::Kind::kLink || slash == std::string_view::npos) break;
      rest.remove_prefix(slash + 1);
    }
    return at;
  }

  Result<Found> find(const TreePath& path) const {
    SLUICE_TRY(Found found, walk(path.text()));
    found.real = path;
    if (found.kind != TreeItem::Kind::kLink) return found;
    SLUICE_TRY(TreePath real,
               resolve_links(path, "", [this](const std::string& at) { return look(at); }));
    SLUICE_TRY(found, walk(real.text()));
    found.real = std::move(real);
    return found;
  }

  Result<Look> look(const std::string& path) const {
    const auto found = walk(path);
    if (!found) {
      if (found.error().code() == Code::kNotFound) return Look{};
      return fail(found.error());
    }
    if (found->kind == TreeItem::Kind::kLink) {
      SLUICE_TRY(const Object target, store_->read(found->id, kMaxLinkBytes));
      return Look{Look::Kind::kLink, *target.bytes};
    }
    return Look{
        found->kind == TreeItem::Kind::kDirectory ? Look::Kind::kDirectory : Look::Kind::kFile, {}};
  }

  std::shared_ptr<const ObjectStore> store_;
  Digest root_;
  std::size_t max_file_bytes_;
};

}  // namespace

std::shared_ptr<const Tree> make_git_tree(std::shared_ptr<const ObjectStore> store, Digest root,
                                          std::size_t max_file_bytes) {
  return std::make_shared<const GitTree>(std::move(store), root, max_file_bytes);
}

std::optional<Digest> submodule_commit(const Tree& tree, const TreePath& path) {
  const auto* of_git = dynamic_cast<const GitTree*>(&tree);
  return of_git != nullptr ? of_git->submodule(path) : std::nullopt;
}

}  // namespace sluice::sources
