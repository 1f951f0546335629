#pragma once
/// What a source remembers between pulls and across restarts: the file "state" in its directory.

#include <cstdint>
#include <string>

#include "sluice/base/result.hpp"

#include "git_wire.hpp"

namespace sluice::sources {

/// Written whole into a new file that replaces the old one, so that it is always complete; what it
/// names is complete before it is written.
struct SourceState {
  std::uint64_t generation = 0;  ///< the directory of objects that is in use
  std::string url;               ///< of the spec; objects of another URL are not reused
  std::string commit;            ///< complete in that generation; "" : none yet
  ServerMemory server;
};

/// Lines "key value" under a first line "sluice-source 1". A missing or unreadable file is an empty
/// state: the source is then fetched anew.
SourceState read_state(const std::string& file);
/// Errors: kUnavailable.
Result<void> write_state(const std::string& file, const SourceState& state);

/// A file name for any id: bytes other than letters, digits, '-', '_' and inner '.' as %XX; a long
/// one ends in the id's SHA-256 instead.
std::string directory_name(const std::string& id);

}  // namespace sluice::sources
