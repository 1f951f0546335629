#pragma once
/// Which commit `spec.ref` means. Pure. Follows fluxcd/pkg git/gogit/clone.go and git/git.go.

#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/sources/source_store.hpp"

#include "upload_pack.hpp"

namespace sluice::sources {

/// Errors: kInvalid (a name that Git does not allow, a short commit id, a range that does not
/// parse).
Result<void> check_ref(const GitRef& ref);

/// The prefixes of refs to ask a server for.
std::vector<std::string> ref_prefixes(const GitRef& ref);

/// A ref that was chosen. Several only for a semver range, when versions differ in nothing that
/// counts: then the youngest commit wins.
struct Chosen {
  std::string id;     ///< 40 hex: a commit or an annotated tag
  std::string label;  ///< before "@sha1:…" in the revision
};
/// `url` is for the message. Errors: kNotFound (no such ref; no version in the range).
Result<std::vector<Chosen>> choose_ref(const GitRef& ref, const std::vector<RemoteRef>& refs,
                                       const std::string& url);

/// "main@sha1:…"; "sha1:…" without a label.
std::string revision_text(const std::string& label, const std::string& commit);

}  // namespace sluice::sources
