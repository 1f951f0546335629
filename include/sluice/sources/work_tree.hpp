#pragma once
/// What a file of this machine is to Git: for records that say of which revision a file was.

#include <optional>
#include <string>

namespace sluice::sources {

struct WorkTreeRevision {
  std::string revision;  ///< of HEAD, as Flux writes it: "main@sha1:…"; detached: "sha1:…"
  bool modified;         ///< the file is not as that commit has it
};

/// nullopt for a file that is in no Git work tree, or in one of another user's (Git's own rule),
/// and before the first commit. Runs no program and changes nothing.
std::optional<WorkTreeRevision> work_tree_revision(const std::string& absolute_path);

}  // namespace sluice::sources
