#include "git_store.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <unordered_set>

#include <git2.h>
#include <git2/indexer.h>

#include "sluice/base/encoding.hpp"

#include "upload_pack.hpp"

namespace sluice::sources {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTreeBytes = 64U << 20;
constexpr std::size_t kMaxCommitBytes = 16U << 20;
constexpr std::size_t kMaxDepth = 1000;
constexpr int kMaxTagChain = 20;

struct OdbObjectFree {
  void operator()(git_odb_object* object) const { git_odb_object_free(object); }
};
struct IndexerFree {
  void operator()(git_indexer* indexer) const { git_indexer_free(indexer); }
};
struct RepositoryFree {
  void operator()(git_repository* repository) const { git_repository_free(repository); }
};

git_oid oid_of(const Digest& id) {
  git_oid out;
  std::memcpy(out.id, id.bytes().data(), sizeof out.id);
  return out;
}

/// A pack starts with "PACK", its version and the number of its objects.
constexpr std::size_t kPackHead = 12;
std::uint32_t objects_in(std::string_view head) {
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(head[at]));
  };
  return byte(8) << 24 | byte(9) << 16 | byte(10) << 8 | byte(11);
}

}  // namespace

void initialize_libgit2() {
  static const int once = [] {
    git_libgit2_init();
    // Nothing here runs a repository's hooks or reads its configuration, so who owns the files of a
    // local source does not matter; containers often mount them with another owner.
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    return 0;
  }();
  static_cast<void>(once);
}

std::string libgit2_message() {
  const git_error* error = git_error_last();
  return error != nullptr && error->message != nullptr ? error->message : "unknown error";
}

Result<std::shared_ptr<ObjectStore>> ObjectStore::open(const std::string& directory) {
  initialize_libgit2();
  std::shared_ptr<ObjectStore> out(new ObjectStore(directory));
  std::error_code error;
  if (!fs::exists(directory + "/HEAD", error)) {
    git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    git_repository* made = nullptr;
    if (git_repository_init_ext(&made, directory.c_str(), &options) < 0) {
      return fail(Code::kUnavailable,
                  "cannot make the object database \"" + directory + "\": " + libgit2_message());
    }
    const std::unique_ptr<git_repository, RepositoryFree> close(made);
  }
  fs::create_directories(out->pack_directory(), error);
  // What a killed process left half-written.
  for (const auto& entry : fs::directory_iterator(out->pack_directory(), error)) {
    if (entry.path().filename().string().starts_with("pack_git2_")) fs::remove(entry.path(), error);
  }
  if (git_odb_open(&out->odb_, (directory + "/objects").c_str()) < 0) {
    return fail(Code::kUnavailable,
                "cannot open the object database \"" + directory + "\": " + libgit2_message());
  }
  return out;
}

ObjectStore::~ObjectStore() {
  git_odb_free(odb_);
  if (retired_) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
}

bool ObjectStore::has(const Digest& id) const {
  const git_oid oid = oid_of(id);
  return git_odb_exists_ext(odb_, &oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

void ObjectStore::refresh() const {
  git_odb_refresh(odb_);
}

std::size_t ObjectStore::packs() const {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(pack_directory(), error)) {
    if (entry.path().extension() == ".pack") ++count;
  }
  return count;
}

Result<Object> ObjectStore::read(const Digest& id, std::size_t max_bytes) const {
  const git_oid oid = oid_of(id);
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  // The size first: an object is inflated only when it may be read.
  int error = git_odb_read_header(&size, &type, odb_, &oid);
  if (error == 0 && size > max_bytes) {
    return fail(Code::kInvalid, "the Git object " + id.hex() + " is larger than the limit of " +
                                    std::to_string(max_bytes) + " bytes");
  }
  git_odb_object* raw = nullptr;
  if (error == 0) error = git_odb_read(&raw, odb_, &oid);
  if (error == GIT_ENOTFOUND) {
    // Whatever is asked for was here once; to the reader of a tree this is no "no such file".
    damaged_ = true;
    return fail(Code::kIntegrity, "the Git object " + id.hex() + " is missing on disk");
  }
  if (error < 0) {
    damaged_ = true;
    return fail(Code::kIntegrity,
                "the Git object " + id.hex() + " is damaged on disk: " + libgit2_message());
  }
  const std::unique_ptr<git_odb_object, OdbObjectFree> object(raw);
  Object out;
  switch (git_odb_object_type(object.get())) {
    case GIT_OBJECT_COMMIT:
      out.kind = ObjectKind::kCommit;
      break;
    case GIT_OBJECT_TREE:
      out.kind = ObjectKind::kTree;
      break;
    case GIT_OBJECT_TAG:
      out.kind = ObjectKind::kTag;
      break;
    default:
      out.kind = ObjectKind::kBlob;
  }
  out.bytes = std::make_shared<const std::string>(
      static_cast<const char*>(git_odb_object_data(object.get())),
      git_odb_object_size(object.get()));
  return out;
}

Result<std::shared_ptr<const TreeItems>> ObjectStore::tree(const Digest& id) const {
  {
    const std::shared_lock lock(trees_mutex_);
    const auto found = trees_.find(id);
    if (found != trees_.end()) return found->second;
  }
  SLUICE_TRY(const Object object, read(id, kMaxTreeBytes));
  if (object.kind != ObjectKind::kTree) {
    return fail(Code::kIntegrity, "the Git object " + id.hex() + " is not a tree");
  }
  SLUICE_TRY(TreeItems items, parse_tree(*object.bytes));
  auto parsed = std::make_shared<const TreeItems>(std::move(items));
  const std::unique_lock lock(trees_mutex_);
  return trees_.emplace(id, std::move(parsed)).first->second;
}

Result<Commit> ObjectStore::commit(const Digest& id) const {
  SLUICE_TRY(const Object object, read(id, kMaxCommitBytes));
  if (object.kind != ObjectKind::kCommit) {
    return fail(Code::kInvalid, "the Git object " + id.hex() + " is not a commit");
  }
  return parse_commit(*object.bytes);
}

Result<Digest> ObjectStore::peel_to_commit(Digest id) const {
  for (int step = 0; step < kMaxTagChain; ++step) {
    SLUICE_TRY(const Object object, read(id, kMaxCommitBytes));
    if (object.kind == ObjectKind::kCommit) return id;
    if (object.kind != ObjectKind::kTag) {
      return fail(Code::kInvalid, "the ref names a file or directory, not a commit");
    }
    SLUICE_TRY(id, parse_tag_target(*object.bytes));
  }
  return fail(Code::kInvalid,
              "a tag that names more than " + std::to_string(kMaxTagChain) + " tags in a row");
}

Result<PackSummary> ObjectStore::add_pack(int protocol, Spool& answer) {
  // The indexer resolves a thin pack's missing bases from this database.
  git_indexer_options options = GIT_INDEXER_OPTIONS_INIT;
  git_indexer* raw = nullptr;
  if (git_indexer_new(&raw, pack_directory().c_str(), 0, odb_, &options) < 0) {
    return fail(Code::kUnavailable,
                "cannot write below \"" + directory_ + "\": " + libgit2_message());
  }
  const std::unique_ptr<git_indexer, IndexerFree> indexer(raw);
  git_indexer_progress progress{};
  PackSummary out;
  std::string head;
  FetchAnswer parser(protocol, [&](std::string_view pack) -> Result<void> {
    out.bytes += pack.size();
    if (head.size() < kPackHead) head += pack.substr(0, kPackHead - head.size());
    if (git_indexer_append(indexer.get(), pack.data(), pack.size(), &progress) < 0) {
      return fail(Code::kIntegrity, "the server sent a bad pack: " + libgit2_message());
    }
    return {};
  });
  SLUICE_CHECK(answer.read([&](std::string_view bytes) { return parser.feed(bytes); }));
  SLUICE_CHECK(parser.finish());
  if (head.size() < kPackHead) {
    return fail(Code::kIntegrity, "the server sent no pack");
  }
  if (objects_in(head) == 0) return out;  // nothing that is not here already
  if (git_indexer_commit(indexer.get(), &progress) < 0) {
    return fail(Code::kIntegrity, "the server sent a bad pack: " + libgit2_message());
  }
  out.objects = progress.received_objects;
  refresh();
  return out;
}

Result<void> ObjectStore::check_complete(const Digest& commit_id, const Digest& known) const {
  SLUICE_TRY(const Commit checked, commit(commit_id));
  Digest known_tree;
  if (!known.empty()) {
    if (const auto old = commit(known)) known_tree = old->tree;
  }
  return check_tree(checked.tree, known_tree);
}

Result<void> ObjectStore::check_tree(const Digest& root, const Digest& known_root) const {
  struct Pair {
    Digest tree, known;
    std::size_t depth;
  };
  std::vector<Pair> pending{{root, known_root, 0}};
  std::unordered_set<Digest> seen;
  while (!pending.empty()) {
    const Pair at = pending.back();
    pending.pop_back();
    if (at.tree == at.known || !seen.insert(at.tree).second) continue;
    if (at.depth > kMaxDepth) {
      return fail(Code::kInvalid,
                  "the source's directories are nested deeper than " + std::to_string(kMaxDepth));
    }
    if (!has(at.tree)) {
      return fail(Code::kIntegrity, "the server's pack lacks the tree " + at.tree.hex());
    }
    SLUICE_TRY(const auto items, tree(at.tree));
    std::shared_ptr<const TreeItems> known;
    if (!at.known.empty()) {
      if (auto old = tree(at.known)) known = *old;
    }
    for (const TreeItem& item : *items) {
      if (item.kind == TreeItem::Kind::kSubmodule) continue;
      Digest known_id;
      if (known) {
        const auto found = std::lower_bound(
            known->begin(), known->end(), item.name,
            [](const TreeItem& a, const std::string& name) { return a.name < name; });
        if (found != known->end() && found->name == item.name && found->kind == item.kind) {
          known_id = found->id;
        }
      }
      if (item.id == known_id) continue;
      if (item.kind == TreeItem::Kind::kDirectory) {
        pending.push_back({item.id, known_id, at.depth + 1});
      } else if (!has(item.id)) {
        return fail(Code::kIntegrity, "the server's pack lacks the file " + go_quote(item.name));
      }
    }
  }
  return {};
}

}  // namespace sluice::sources
