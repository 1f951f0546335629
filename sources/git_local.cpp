#include "git_local.hpp"

#include <cstring>
#include <unordered_set>

#include <git2.h>

namespace sluice::sources {
namespace {

struct OdbFree {
  void operator()(git_odb* odb) const { git_odb_free(odb); }
};
struct OdbObjectFree {
  void operator()(git_odb_object* object) const { git_odb_object_free(object); }
};
struct PackBuilderFree {
  void operator()(git_packbuilder* builder) const { git_packbuilder_free(builder); }
};
struct IteratorFree {
  void operator()(git_reference_iterator* iterator) const { git_reference_iterator_free(iterator); }
};
struct ReferenceFree {
  void operator()(git_reference* reference) const { git_reference_free(reference); }
};

git_oid oid_of(const Digest& id) {
  git_oid out;
  std::memcpy(out.id, id.bytes().data(), sizeof out.id);
  return out;
}

std::string hex(const git_oid& oid) {
  char text[GIT_OID_HEXSZ + 1];
  return git_oid_tostr(text, sizeof text, &oid);
}

}  // namespace

void LocalRepository::Free::operator()(git_repository* repository) const {
  git_repository_free(repository);
}

Result<LocalRepository> LocalRepository::open(const std::string& path) {
  initialize_libgit2();
  git_repository* repository = nullptr;
  if (git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) <
      0) {
    return fail(Code::kNotFound,
                "unable to clone: repository not found: git repository: 'file://" + path + "'");
  }
  return LocalRepository(repository);
}

Result<std::vector<RemoteRef>> LocalRepository::list() const {
  git_reference_iterator* raw = nullptr;
  if (git_reference_iterator_new(&raw, repository_.get()) < 0) {
    return fail(Code::kUnavailable, "cannot list the repository's refs: " + libgit2_message());
  }
  const std::unique_ptr<git_reference_iterator, IteratorFree> iterator(raw);
  std::vector<RemoteRef> out;
  git_oid head;
  if (git_reference_name_to_id(&head, repository_.get(), "HEAD") == 0) {
    out.push_back({"HEAD", hex(head)});
  }
  git_reference* next = nullptr;
  while (git_reference_next(&next, iterator.get()) == 0) {
    const std::unique_ptr<git_reference, ReferenceFree> reference(next);
    git_oid id;
    if (git_reference_name_to_id(&id, repository_.get(), git_reference_name(reference.get())) < 0) {
      continue;  // a symbolic ref to nowhere
    }
    if (out.size() == kMaxRefs) {
      return fail(Code::kInvalid,
                  "the repository has more than " + std::to_string(kMaxRefs) + " refs");
    }
    out.push_back({git_reference_name(reference.get()), hex(id)});
  }
  return out;
}

Result<PackSummary> LocalRepository::copy_to(ObjectStore& store,
                                             const std::vector<Digest>& wants) const {
  git_odb* raw_odb = nullptr;
  git_packbuilder* raw_builder = nullptr;
  if (git_repository_odb(&raw_odb, repository_.get()) < 0 ||
      git_packbuilder_new(&raw_builder, repository_.get()) < 0) {
    git_odb_free(raw_odb);
    return fail(Code::kUnavailable, "cannot read the repository: " + libgit2_message());
  }
  const std::unique_ptr<git_odb, OdbFree> odb(raw_odb);
  const std::unique_ptr<git_packbuilder, PackBuilderFree> builder(raw_builder);
  git_packbuilder_set_threads(builder.get(), 1);

  PackSummary out;
  std::vector<Digest> pending = wants;
  std::unordered_set<Digest> seen;
  while (!pending.empty()) {
    const Digest id = pending.back();
    pending.pop_back();
    if (!seen.insert(id).second || store.has(id)) continue;
    const git_oid oid = oid_of(id);
    git_odb_object* raw = nullptr;
    if (git_odb_read(&raw, odb.get(), &oid) < 0) {
      return fail(Code::kNotFound,
                  "unable to resolve commit object for '" + id.hex() + "': object not found");
    }
    const std::unique_ptr<git_odb_object, OdbObjectFree> object(raw);
    const std::string_view bytes(static_cast<const char*>(git_odb_object_data(raw)),
                                 git_odb_object_size(raw));
    switch (git_odb_object_type(raw)) {
      case GIT_OBJECT_COMMIT: {
        SLUICE_TRY(const Commit commit, parse_commit(bytes));
        pending.push_back(commit.tree);
        break;
      }
      case GIT_OBJECT_TAG: {
        SLUICE_TRY(const Digest target, parse_tag_target(bytes));
        pending.push_back(target);
        break;
      }
      case GIT_OBJECT_TREE: {
        SLUICE_TRY(const TreeItems items, parse_tree(bytes));
        for (const TreeItem& item : items) {
          if (item.kind != TreeItem::Kind::kSubmodule) pending.push_back(item.id);
        }
        break;
      }
      default:
        break;
    }
    if (git_packbuilder_insert(builder.get(), &oid, nullptr) < 0) {
      return fail(Code::kUnavailable, "cannot pack the repository: " + libgit2_message());
    }
    ++out.objects;
    out.bytes += bytes.size();
  }
  if (out.objects == 0) return out;
  if (git_packbuilder_write(builder.get(), store.pack_directory().c_str(), 0, nullptr, nullptr) <
      0) {
    return fail(Code::kUnavailable,
                "cannot write below \"" + store.directory() + "\": " + libgit2_message());
  }
  store.refresh();
  return out;
}

}  // namespace sluice::sources
