#include "git_ref.hpp"

#include <algorithm>

#include "semver.hpp"

namespace sluice::sources {
namespace {

/// git check-ref-format, of one name after "refs/heads/" or the like.
bool is_ref_name(std::string_view name) {
  if (name.empty() || name.size() > 1024 || name.front() == '/' || name.back() == '/' ||
      name.back() == '.' || name == "@" || name.ends_with(".lock")) {
    return false;
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos) {
      return false;
    }
  }
  for (const char* sequence : {"..", "//", "@{", "/.", ".lock/"}) {
    if (name.find(sequence) != std::string_view::npos) return false;
  }
  return name.front() != '.';
}

Result<void> check_name(const char* field, std::string_view name) {
  if (is_ref_name(name)) return {};
  return fail(Code::kInvalid, std::string("ref.") + field + " \"" + std::string(name) +
                                  "\" is not a name that Git allows");
}

/// Where `git fetch URL NAME` looks, in this order (gitrevisions(7)).
std::vector<std::string> places_of(const std::string& name) {
  return {name,
          "refs/" + name,
          "refs/tags/" + name,
          "refs/heads/" + name,
          "refs/remotes/" + name,
          "refs/remotes/" + name + "/HEAD"};
}

/// The full name of the one ref that is asked for; "" for a range or a commit without a branch.
std::string full_name(const GitRef& ref) {
  if (!ref.name.empty()) return ref.name;
  if (!ref.semver.empty()) return {};
  if (!ref.tag.empty()) return "refs/tags/" + ref.tag;
  return "refs/heads/" + (ref.branch.empty() ? std::string("master") : ref.branch);
}

}  // namespace

Result<void> check_ref(const GitRef& ref) {
  if (!ref.commit.empty()) {
    if (!is_object_id(ref.commit)) {
      return fail(Code::kInvalid, "ref.commit \"" + ref.commit +
                                      "\" is not a full commit id (40 hexadecimal digits)");
    }
    if (!ref.branch.empty()) return check_name("branch", ref.branch);
    return {};
  }
  if (!ref.any.empty()) return check_name("any", ref.any);
  if (!ref.name.empty()) return check_name("name", ref.name);
  if (!ref.semver.empty()) {
    SLUICE_CHECK(VersionRange::parse(ref.semver));
    return {};
  }
  if (!ref.tag.empty()) return check_name("tag", ref.tag);
  if (!ref.branch.empty()) return check_name("branch", ref.branch);
  return {};
}

std::vector<std::string> ref_prefixes(const GitRef& ref) {
  if (!ref.any.empty()) return places_of(ref.any);
  const std::string name = full_name(ref);
  return {name.empty() ? "refs/tags/" : name};
}

Result<std::vector<Chosen>> choose_ref(const GitRef& ref, const std::vector<RemoteRef>& refs,
                                       const std::string& url) {
  if (!ref.any.empty()) {
    for (const std::string& place : places_of(ref.any)) {
      for (const RemoteRef& remote : refs) {
        if (remote.name == place) return std::vector{Chosen{remote.id, ref.any}};
      }
    }
    return fail(Code::kNotFound, "couldn't find remote ref '" + ref.any + "'");
  }
  const std::string name = full_name(ref);
  if (!name.empty()) {
    const auto found = std::find_if(refs.begin(), refs.end(),
                                    [&](const RemoteRef& remote) { return remote.name == name; });
    if (found == refs.end()) {
      return fail(Code::kNotFound, "unable to clone: couldn't find remote ref '" + name +
                                       "': git repository: '" + url + "'");
    }
    const std::string& label = !ref.name.empty()  ? ref.name
                               : !ref.tag.empty() ? ref.tag
                                                  : ref.branch;
    return std::vector{Chosen{found->id, label.empty() ? "master" : label}};
  }
  SLUICE_TRY(const VersionRange range, VersionRange::parse(ref.semver));
  std::vector<Chosen> best;
  Version best_version;
  constexpr std::string_view kTags = "refs/tags/";
  for (const RemoteRef& remote : refs) {
    if (!remote.name.starts_with(kTags)) continue;
    const std::string tag = remote.name.substr(kTags.size());
    const auto version = parse_tag_version(tag);
    if (!version || !range.contains(*version)) continue;
    const int order = best.empty() ? 1 : compare(*version, best_version);
    if (order < 0) continue;
    if (order > 0) best.clear();
    best_version = *version;
    best.push_back({remote.id, tag});
  }
  if (best.empty()) {
    return fail(Code::kNotFound, "no match found for semver: " + ref.semver);
  }
  return best;
}

std::string revision_text(const std::string& label, const std::string& commit) {
  return label.empty() ? "sha1:" + commit : label + "@sha1:" + commit;
}

}  // namespace sluice::sources
