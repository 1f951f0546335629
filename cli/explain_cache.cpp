#include "explain_cache.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/kustomize/build_cache.hpp"

#include "environment.hpp"

namespace sluice::cli {
namespace {

using kustomize::Read;

constexpr std::size_t kMostChanges = 20;
constexpr std::string_view kHead = "sluice reads 1\n";

/// "" when there is no home to put it in.
std::string cache_folder() {
  std::string base = environment("XDG_CACHE_HOME");
  if (base.empty()) {
    const std::string home = environment("HOME");
    if (home.empty()) return "";
    base = home + "/.cache";
  }
  return base + "/sluice/reads";
}

/// Per read: asked, found, kind, digest, path, real path, each ended by a NUL, which no path holds.
std::string to_text(const std::vector<Read>& reads) {
  std::string text(kHead);
  const auto field = [&text](std::string_view value) {
    text += value;
    text += '\0';
  };
  for (const Read& read : reads) {
    field(std::to_string(static_cast<int>(read.asked)));
    field(read.found ? "1" : "0");
    field(read.kind == sources::EntryKind::kDirectory ? "1" : "0");
    field(read.digest.text());
    field(read.path.text());
    field(read.real_path.text());
  }
  return text;
}

std::optional<std::vector<Read>> from_text(std::string_view text) {
  if (!text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  bool whole = true;
  const auto field = [&]() -> std::string_view {
    const std::size_t end = text.find('\0');
    whole &= end != std::string_view::npos;
    if (!whole) return {};
    const std::string_view value = text.substr(0, end);
    text.remove_prefix(end + 1);
    return value;
  };
  std::vector<Read> reads;
  while (!text.empty()) {
    Read& read = reads.emplace_back();
    const std::string_view asked = field();
    read.asked = asked == "2"   ? Read::Asked::kListing
                 : asked == "1" ? Read::Asked::kContent
                                : Read::Asked::kKind;
    read.found = field() == "1";
    read.kind = field() == "1" ? sources::EntryKind::kDirectory : sources::EntryKind::kFile;
    if (const std::string_view digest = field(); !digest.empty()) {
      auto parsed = Digest::parse(digest);
      if (!parsed) return std::nullopt;
      read.digest = *parsed;
    }
    auto path = TreePath::parse(field());
    auto real_path = TreePath::parse(field());
    if (!whole || !path || !real_path) return std::nullopt;
    read.path = *std::move(path);
    read.real_path = *std::move(real_path);
  }
  return reads;
}

bool make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

/// Whole or not at all: a second build may read it meanwhile.
bool save(const std::string& folder, const std::string& name, std::string_view text) {
  if (!make_folders(folder)) return false;
  const std::string path = folder + "/" + name;
  const std::string fresh = path + "." + std::to_string(::getpid());
  Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return false;
  if (write_all(file.get(), text) && file.close() && ::rename(fresh.c_str(), path.c_str()) == 0) {
    return true;
  }
  ::unlink(fresh.c_str());
  return false;
}

void say(const std::string& line) {
  std::fprintf(stderr, "cache: %s\n", line.c_str());
}

void explain(const std::string& path, const sources::Tree& tree, const TreePath& directory) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto reads = from_text(text);
  const std::string shown = tree.display(directory);
  if (!reads) {
    say("nothing is known of an earlier build of " + shown + " with these flags");
    return;
  }
  const std::size_t count = reads->size();
  kustomize::ReadSet set(*std::move(reads), tree);
  const auto changes = set.changes(tree, kMostChanges);
  for (const kustomize::ReadChange& change : changes)
    say(tree.display(change.path) + " " + change.what);
  if (changes.empty()) {
    say("good: all " + std::to_string(count) + " reads of the last build give the same");
  } else if (changes.size() == kMostChanges) {
    say("perhaps more");
  }
}

}  // namespace

Result<kustomize::BuildResult> build_and_explain(const sources::Tree& tree,
                                                 const TreePath& directory,
                                                 const kustomize::BuildOptions& options) {
  const std::string folder = cache_folder();
  const std::string name =
      crypto::sha256(tree.display(directory) + '\0' + kustomize::options_key(options)).hex();
  if (!folder.empty()) explain(folder + "/" + name, tree, directory);
  const kustomize::RecordingTree recording(tree);
  SLUICE_TRY(auto result, kustomize::build(recording, directory, options));
  if (folder.empty()) {
    say("neither XDG_CACHE_HOME nor HOME is set: the next build will know nothing of this one");
  } else if (!save(folder, name, to_text(recording.reads()))) {
    say("cannot write to " + folder + ": " + std::strerror(errno));
  }
  return result;
}

}  // namespace sluice::cli
