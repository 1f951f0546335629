#pragma once
/// `git fetch --depth=1 URL REF` by the git program, for what our own client does not speak. Its
/// words are kustomize's words, since kustomize runs the same command.

#include <chrono>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"

namespace sluice::sources {

/// Fetches into `directory`, a new bare repository that it makes; returns the commit's id.
/// git asks its own configuration, helpers and agents for credentials. It is killed after `timeout`
/// and when cancelled.
/// Errors: kNotFound "failed to run '…/git fetch …': <what git said>: exit status 128";
/// kUnavailable with reason kTimeout "hit 27s timeout running '…'"; kCancelled.
Result<std::string> fetch_with_git(const std::string& program,
                                   const std::vector<std::string>& environment,
                                   const std::string& directory, const std::string& url,
                                   const std::string& ref, std::chrono::milliseconds timeout,
                                   const CancelToken& cancel);

/// What kustomize says when a command took too long.
Error timeout_error(const std::string& command, std::chrono::milliseconds timeout);

}  // namespace sluice::sources
