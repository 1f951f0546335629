#pragma once
/// What a file of this machine is to Git: for records that say of which revision a file was.

#include <memory>
#include <optional>
#include <string>

namespace sluice::sources {

struct WorkTreeRevision {
  std::string revision;  ///< of HEAD, as Flux writes it: "main@sha1:…"; detached: "sha1:…"
  bool modified;         ///< the file is not as that commit has it
};

/// Opens each repository, and reads its HEAD, when the first file of it is asked for. Runs no
/// program and changes nothing. Thread safe.
class WorkTrees {
 public:
  WorkTrees();
  ~WorkTrees();
  /// nullopt for a file that is in no Git work tree, or in one of another user's (Git's own rule),
  /// and before the first commit.
  std::optional<WorkTreeRevision> revision_of(const std::string& absolute_path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sources
