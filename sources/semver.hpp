#pragma once
/// Semantic versions and ranges of them, as Flux reads `spec.ref.semver`.
///
/// Follows github.com/Masterminds/semver v3.4 (constraints) and fluxcd/pkg/version (tags: strict
/// versions, one leading "v" allowed). Numbers are 64-bit.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::sources {

struct Version {
  std::uint64_t major = 0, minor = 0, patch = 0;
  std::string prerelease;  ///< without the "-"; build metadata does not compare and is dropped
};

/// "1.2.3", "v1.2.3-rc.1+build"; nullopt for anything else.
std::optional<Version> parse_tag_version(std::string_view tag);

/// Precedence by semver.org section 11: negative, zero, positive.
int compare(const Version& a, const Version& b);

class VersionRange {
 public:
  /// Terms joined by space or comma must all hold, groups joined by "||" are alternatives;
  /// operators = != > < >= => <= =< ~ ~> ^, wildcards x X *, "1.2 - 1.4.5". Errors: kInvalid.
  static Result<VersionRange> parse(std::string_view text);
  /// Pre-releases match only in a group one of whose terms names a pre-release.
  bool contains(const Version& version) const;

 private:
  enum class Operator { kSame, kNot, kAbove, kBelow, kAtLeast, kAtMost, kTilde, kCaret };
  enum class Wild { kNone, kPatch, kMinor, kAll };  // the first segment that is left open
  struct Term {
    Operator op = Operator::kSame;
    Version version;
    Wild wild = Wild::kNone;
    bool holds_for(const Version& version) const;
  };
  struct Group {
    std::vector<Term> terms;
    bool has_prerelease = false;
  };
  class Parser;
  std::vector<Group> groups_;
};

}  // namespace sluice::sources
