#include "loader.hpp"

#include <utility>

#include "repo_url.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kIsDirectory = "is a directory";

// What filepath.EvalSymlinks says about a path that is not there: which part is missing.
std::string lstat_failure(const BuildContext& context, const TreePath& path) {
  TreePath known = path;
  std::string missing(path.name());
  while (!known.is_root()) {
    missing = known.name();
    known = known.parent();
    const auto stat = context.tree().stat(known);
    if (!stat) continue;
    if (stat->kind == sources::EntryKind::kFile) return "not a directory";
    const auto full = stat->real_path.join(missing);
    return "lstat " + context.tree().display(full ? *full : path) + ": no such file or directory";
  }
  return "lstat " + context.tree().display(path) + ": no such file or directory";
}

Error missing_error(const BuildContext& context, const TreePath& path) {
  return Error(Code::kNotFound, "evalsymlink failure on '" + context.tree().display(path) +
                                    "' : " + lstat_failure(context, path));
}

Result<TreePath> confirm_directory(BuildContext& context, const TreePath& path) {
  context.note_read(path);
  auto stat = context.tree().stat(path);
  if (!stat) {
    if (stat.error().code() != Code::kNotFound) {
      return fail(std::move(stat).error().prefix("must build at directory: "));
    }
    return fail(
        missing_error(context, path).prefix("must build at directory: not a valid directory: "));
  }
  if (stat->kind != sources::EntryKind::kDirectory) {
    return fail(Code::kInvalid, "must build at directory: '" + context.tree().display(path) +
                                    "': file is not directory");
  }
  return std::move(stat->real_path);
}

// fileloader.go hasAmbiguousPathSegment: what a wrongly indented list makes of two paths.
bool has_ambiguous_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (part != ".." && part.find("..") != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool is_directory_error(const Error& error) {
  return error.reason() == kIsDirectory;
}

Loader::Loader(BuildContext& context, TreePath root, const Loader* referrer)
    : context_(&context),
      root_(std::move(root)),
      display_(context.tree().display(root_)),
      referrer_(referrer) {}

Result<Loader> Loader::at(const TreePath& directory, BuildContext& context) {
  SLUICE_TRY(TreePath root, confirm_directory(context, directory));
  return Loader(context, std::move(root), nullptr);
}

// In a tree that is the machine's file system, "/.." is "/" as everywhere.
Result<TreePath> Loader::join(std::string_view path) const {
  auto full = root_.join(path);
  if (full || context_->tree().display(TreePath()) != "/") return full;
  TreePath at = root_;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (part == ".." && at.is_root()) continue;
    SLUICE_TRY(at, at.join(part.empty() ? "." : part));
  }
  return at;
}

Result<TreePath> Loader::resolve(std::string_view path) const {
  if (!path.starts_with('/')) return join(path);
  // An absolute path is one of this machine: it can only be meant for a tree that shows such paths.
  const std::string top = context_->tree().display(TreePath());
  std::string_view rest = path;
  if (top.starts_with('/') && rest.starts_with(top)) {
    rest.remove_prefix(top.size());
    return TreePath::parse(rest.starts_with('/') ? rest.substr(1) : rest);
  }
  return fail(Code::kInvalid, "'" + std::string(path) + "' is outside of the source");
}

Result<sources::Blob> Loader::load(std::string_view path) const {
  if (is_remote_file(path)) {
    return fail(Error(Code::kUnsupported,
                      "'" + std::string(path) + "': files from the web are not supported", {},
                      "put a copy of the file next to the kustomization"));
  }
  SLUICE_TRY(const TreePath full, resolve(path));
  context_->note_read(full);
  auto blob = context_->tree().read(full);
  const bool root_only = context_->options().load_restrictor == LoadRestrictor::kRootOnly;
  if (!blob) {
    const auto stat = context_->tree().stat(full);
    const std::string shown = context_->tree().display(full);
    if (stat && stat->kind == sources::EntryKind::kDirectory) {
      return fail(Error(Code::kInvalid, root_only ? "'" + shown + "' must resolve to a file"
                                                  : "read " + shown + ": is a directory")
                      .reason(std::string(kIsDirectory)));
    }
    if (blob.error().code() == Code::kNotFound) {
      if (root_only) return fail(missing_error(*context_, full));
      return fail(Code::kNotFound, "open " + shown + ": no such file or directory");
    }
    return blob;
  }
  if (root_only && !blob->real_path.parent().is_in_or_below(root_)) {
    return fail(Error(Code::kDenied, "security; file '" + context_->tree().display(full) +
                                         "' is not in or below '" + display_ + "'")
                    .as(Code::kInvalid));
  }
  return blob;
}

Result<sources::Blob> Loader::load_anywhere(std::string_view path) const {
  SLUICE_TRY(const TreePath full, resolve(path));
  context_->note_read(full);
  auto blob = context_->tree().read(full);
  if (blob || blob.error().code() != Code::kNotFound) return blob;
  return fail(Code::kNotFound, "open " + std::string(path) + ": no such file or directory");
}

std::optional<sources::Blob> Loader::find(std::string_view name) const {
  const auto path = root_.join(name);
  if (!path) return std::nullopt;
  context_->note_read(*path);
  auto blob = context_->tree().read(*path);
  if (!blob) return std::nullopt;
  if (context_->options().load_restrictor == LoadRestrictor::kRootOnly &&
      !blob->real_path.parent().is_in_or_below(root_)) {
    return std::nullopt;
  }
  return *std::move(blob);
}

Result<Loader> Loader::descend(std::string_view path) const {
  if (path.empty()) return fail(Code::kInvalid, "new root cannot be empty");
  if (const auto repo = parse_repo_url(path)) {
    return fail(Error(Code::kUnsupported,
                      "'" + std::string(path) + "': remote bases are not supported", {},
                      "add the repository as a submodule or a copy and name its directory"));
  }
  if (path.starts_with('/')) {
    return fail(Code::kInvalid, "new root '" + std::string(path) + "' cannot be absolute");
  }
  if (has_ambiguous_segment(path)) {
    const auto clean = root_.join(path);
    return fail(Code::kInvalid,
                "path \"" + std::string(path) + "\" is ambiguous: resolves to \"" +
                    (clean ? clean->relative_to(root_) : std::string(path)) +
                    "\" after normalization, which is likely not the intended target; check for "
                    "YAML indentation errors in your kustomization file");
  }
  SLUICE_TRY(const TreePath full, join(path));
  SLUICE_TRY(TreePath root, confirm_directory(*context_, full));
  for (const Loader* visited = this; visited != nullptr; visited = visited->referrer_) {
    if (visited->root_.is_in_or_below(root)) {
      return fail(Code::kInvalid, "cycle detected: candidate root '" +
                                      context_->tree().display(root) + "' contains visited root '" +
                                      visited->display_ + "'");
    }
  }
  return Loader(*context_, std::move(root), this);
}

}  // namespace sluice::kustomize
