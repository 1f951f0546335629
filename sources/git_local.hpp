#pragma once
/// A Git repository on this machine as a source (file://): its refs and objects are read, its
/// configuration and hooks are not.

#include <memory>
#include <string>
#include <vector>

#include "sluice/base/digest.hpp"

#include "git_store.hpp"
#include "upload_pack.hpp"

struct git_repository;

namespace sluice::sources {

class LocalRepository {
 public:
  /// Bare or with a work tree (of which only what is committed counts). Errors: kNotFound.
  static Result<LocalRepository> open(const std::string& path);
  /// Errors: kUnavailable.
  Result<std::vector<RemoteRef>> list() const;
  /// Adds what `commits` (or annotated tags) name and is missing in `store`, as one pack, without
  /// history. Errors: kNotFound (no such object), kIntegrity, kUnavailable.
  Result<PackSummary> copy_to(ObjectStore& store, const std::vector<Digest>& wants) const;

 private:
  struct Free {
    void operator()(git_repository* repository) const;
  };
  explicit LocalRepository(git_repository* repository) : repository_(repository) {}
  std::unique_ptr<git_repository, Free> repository_;
};

}  // namespace sluice::sources
