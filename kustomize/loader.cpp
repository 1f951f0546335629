#include "loader.hpp"

#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/sources/dir_tree.hpp"

#include "remote_fetches.hpp"
#include "status_text.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kIsDirectory = "is a directory";
constexpr std::size_t kMaxPathBytes = 4096;  // Linux's PATH_MAX

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

Loader::Loader(BuildContext& context, const sources::Tree& tree, std::shared_ptr<const Clone> clone,
               TreePath root, const Loader* referrer)
    : context_(&context),
      tree_(&tree),
      clone_(std::move(clone)),
      root_(std::move(root)),
      display_(shown(root_)),
      referrer_(referrer),
      depth_(referrer == nullptr ? 0 : referrer->depth_ + 1) {}

Result<Loader> Loader::at(const sources::Tree& tree, const TreePath& directory,
                          BuildContext& context) {
  Loader loader(context, tree, nullptr, {}, nullptr);
  SLUICE_TRY(TreePath root, loader.confirm_directory(directory));
  return Loader(context, tree, nullptr, std::move(root), nullptr);
}

Result<Loader> Loader::at(const RepoUrl& url, std::string_view text, BuildContext& context) {
  return open(url, text, context, nullptr);
}

Loader Loader::in(BuildContext& context) const {
  Loader copy = *this;
  copy.context_ = &context;
  return copy;
}

std::string Loader::shown(const TreePath& path) const {
  if (is_on_disk()) return tree_->display(path);
  return path.is_root() ? clone_->shown : clone_->shown + "//" + path.text();
}

bool Loader::is_root_only() const {
  // Repositories that were fetched never reach out of the directory that is built.
  return clone_ != nullptr || context_->options().load_restrictor == LoadRestrictor::kRootOnly;
}

void Loader::note_read(const TreePath& path) const {
  if (!clone_) context_->note_read(path);
}

// What filepath.EvalSymlinks says about a path that is not there: which part is missing.
std::string Loader::lstat_failure(const TreePath& path) const {
  TreePath known = path;
  std::string missing(path.name());
  while (!known.is_root()) {
    missing = known.name();
    known = known.parent();
    const auto stat = tree_->stat(known);
    if (!stat) continue;
    if (stat->kind == sources::EntryKind::kFile) return "not a directory";
    const auto full = stat->real_path.join(missing);
    return "lstat " + shown(full ? *full : path) + ": no such file or directory";
  }
  return "lstat " + shown(path) + ": no such file or directory";
}

Error Loader::missing_error(const TreePath& path) const {
  return Error(Code::kNotFound,
               "evalsymlink failure on '" + shown(path) + "' : " + lstat_failure(path));
}

Result<TreePath> Loader::confirm_directory(const TreePath& path) const {
  note_read(path);
  auto stat = tree_->stat(path);
  if (!stat) {
    if (stat.error().code() != Code::kNotFound) {
      return fail(std::move(stat).error().prefix("must build at directory: "));
    }
    return fail(missing_error(path).prefix("must build at directory: not a valid directory: "));
  }
  if (stat->kind != sources::EntryKind::kDirectory) {
    return fail(Code::kInvalid,
                "must build at directory: '" + shown(path) + "': file is not directory");
  }
  return std::move(stat->real_path);
}

// In a tree that is the machine's file system, "/.." is "/" as everywhere.
Result<TreePath> Loader::join(std::string_view path) const {
  if (path.size() > kMaxPathBytes) {
    return fail(Code::kInvalid, "'" + std::string(path.substr(0, 80)) + "…': file name too long");
  }
  auto full = root_.join(path);
  if (full || clone_ || tree_->display(TreePath()) != "/") return full;
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
  if (!path.starts_with('/')) {
    auto full = join(path);
    if (!full && clone_) {
      return fail(Error(Code::kInvalid, "security; file '" + std::string(path) +
                                            "' is not in or below '" + display_ + "'"));
    }
    return full;
  }
  // An absolute path is one of this machine: it can only be meant for a tree that shows such paths.
  const std::string top = is_on_disk() ? tree_->display(TreePath()) : std::string();
  std::string_view rest = path;
  if (top.starts_with('/') && rest.starts_with(top)) {
    rest.remove_prefix(top.size());
    return TreePath::parse(rest.starts_with('/') ? rest.substr(1) : rest);
  }
  return fail(Code::kInvalid, "'" + std::string(path) + "' is outside of the source");
}

Result<LoadedFile> Loader::load_web(const std::string& url) const {
  auto file = context_->remotes().file(url);
  if (!file) {
    if (file.error().code() == Code::kUnsupported) return fail(std::move(file).error());
    return fail(std::move(file).error().prefix("Get \"" + without_password(url) + "\": "));
  }
  if (file->status < 200 || file->status > 299) {
    if (parse_repo_url(url)) return fail(Code::kNotFound, "URL is a git repository");
    return fail(Error(Code::kNotFound, "HTTP Error: status code " + std::to_string(file->status) +
                                           " (" + std::string(http_status_text(file->status)) + ")")
                    .reason(std::string(kHttpError)));
  }
  LoadedFile loaded;
  loaded.bytes = std::move(file->body);
  loaded.real_path = TreePath::parse(url).value_or(TreePath());  // tells web files apart
  loaded.shown = without_password(url);
  return loaded;
}

Result<LoadedFile> Loader::load(std::string_view path) const {
  if (is_remote_file(path)) return load_web(std::string(path));
  // What may be a repository is tried as a file first, and shown in the message that it is none.
  const bool is_url = path.find("://") != std::string_view::npos;
  const std::string safe = is_url ? without_password(std::string(path)) : std::string();
  SLUICE_TRY(const TreePath full, resolve(is_url ? std::string_view(safe) : path));
  note_read(full);
  auto blob = tree_->read(full);
  const bool root_only = is_root_only();
  if (!blob) {
    const auto stat = tree_->stat(full);
    const std::string name = shown(full);
    if (stat && stat->kind == sources::EntryKind::kDirectory) {
      return fail(Error(Code::kInvalid, root_only ? "'" + name + "' must resolve to a file"
                                                  : "read " + name + ": is a directory")
                      .reason(std::string(kIsDirectory)));
    }
    if (blob.error().code() == Code::kNotFound) {
      if (root_only) return fail(missing_error(full));
      return fail(Code::kNotFound, "open " + name + ": no such file or directory");
    }
    return fail(std::move(blob).error());
  }
  if (root_only && !blob->real_path.parent().is_in_or_below(root_)) {
    return fail(Error(Code::kDenied,
                      "security; file '" + shown(full) + "' is not in or below '" + display_ + "'")
                    .as(Code::kInvalid));
  }
  LoadedFile loaded{*std::move(blob), {}};
  loaded.shown = shown(loaded.real_path);
  return loaded;
}

Result<sources::Blob> Loader::load_anywhere(std::string_view path) const {
  SLUICE_TRY(const TreePath full, resolve(path));
  note_read(full);
  auto blob = tree_->read(full);
  if (blob || blob.error().code() != Code::kNotFound) return blob;
  return fail(Code::kNotFound, "open " + std::string(path) + ": no such file or directory");
}

Result<Loader> Loader::on_disk() const {
  if (is_on_disk()) return *this;
  const std::scoped_lock lock(clone_->mutex);
  if (!clone_->on_disk) {
    const std::string& parent = context_->options().programs->temporary_directory;
    auto copy = std::make_shared<Clone>();
    SLUICE_TRY(copy->directory, TemporaryDirectory::make(parent, "kustomize-"));
    SLUICE_CHECK(write_tree(*clone_->tree, copy->directory.path()));
    copy->text = clone_->text;
    copy->tree = sources::make_dir_tree(copy->directory.path());
    clone_->on_disk = std::move(copy);
  }
  return Loader(*context_, *clone_->on_disk->tree, clone_->on_disk, root_, referrer_);
}

std::optional<LoadedFile> Loader::find(std::string_view name) const {
  const auto path = root_.join(name);
  if (!path) return std::nullopt;
  note_read(*path);
  auto blob = tree_->read(*path);
  if (!blob) return std::nullopt;
  if (is_root_only() && !blob->real_path.parent().is_in_or_below(root_)) return std::nullopt;
  LoadedFile loaded{*std::move(blob), {}};
  loaded.shown = shown(loaded.real_path);
  return loaded;
}

bool Loader::leads_to_directory(std::string_view path) const {
  if (path.find("://") != std::string_view::npos || parse_repo_url(path)) return false;
  const auto full = resolve(path);
  if (!full) return false;
  const auto stat = tree_->stat(*full);
  return stat && stat->kind == sources::EntryKind::kDirectory;
}

Result<Loader> Loader::open(const RepoUrl& url, std::string_view text, BuildContext& context,
                            const Loader* referrer) {
  SLUICE_TRY(sources::Artifact artifact, context.remotes().repository(url));
  auto clone = std::make_shared<Clone>();
  clone->text = text;
  clone->shown =
      without_password(url.clone_url()) + (url.ref.empty() ? std::string() : "@" + url.ref);
  clone->tree = std::move(artifact.tree);
  const sources::Tree& tree = *clone->tree;
  Loader loader(context, tree, std::move(clone), {}, referrer);
  SLUICE_TRY(const TreePath directory, TreePath::parse(url.path));
  auto stat = tree.stat(directory);
  if (!stat) {
    if (stat.error().code() == Code::kNotFound) return fail(loader.missing_error(directory));
    return fail(std::move(stat).error());
  }
  if (stat->kind != sources::EntryKind::kDirectory) {
    return fail(Code::kInvalid, "'" + loader.shown(directory) + "' refers to file '" +
                                    std::string(directory.name()) + "'; expecting directory");
  }
  loader.root_ = std::move(stat->real_path);
  loader.display_ = loader.shown(loader.root_);
  return loader;
}

void warn_of_git_prefix(std::string_view url, BuildContext& context) {
  if (!has_git_prefix(url)) return;
  context.warn(
      "Warning: Forcing the git protocol using the 'git::' URL prefix is not supported. Kustomize "
      "currently strips this invalid prefix, but will stop doing so in a future release. Please "
      "remove the 'git::' prefix from your configuration.");
}

Result<Loader> Loader::descend(std::string_view path) const {
  if (path.empty()) return fail(Code::kInvalid, "new root cannot be empty");
  SLUICE_CHECK(context_->enter_directory(depth_ + 1));
  warn_of_git_prefix(path, *context_);
  if (const auto repo = parse_repo_url(path)) {
    for (const Loader* visited = this; visited != nullptr; visited = visited->referrer_) {
      if (visited->clone_ && visited->clone_->text.starts_with(path)) {
        return fail(Code::kInvalid, "cycle detected: URI '" + without_password(std::string(path)) +
                                        "' referenced by previous URI '" +
                                        without_password(visited->clone_->text) + "'");
      }
    }
    return open(*repo, path, *context_, this);
  }
  if (path.starts_with('/')) {
    return fail(Code::kInvalid, "new root '" + std::string(path) + "' cannot be absolute");
  }
  const auto full = join(path);
  if (has_ambiguous_segment(path)) {
    return fail(Code::kInvalid,
                "path " + go_quote(path) + " is ambiguous: resolves to " +
                    go_quote(full ? full->relative_to(root_) : std::string(path)) +
                    " after normalization, which is likely not the intended target; check for "
                    "YAML indentation errors in your kustomization file");
  }
  if (!full && clone_) {
    return fail(Code::kInvalid,
                "security; bases in kustomizations found in cloned git repos must be within the "
                "repo, but base '" +
                    std::string(path) + "' is outside '" + clone_->shown + "'");
  }
  if (!full) return fail(full.error());
  SLUICE_TRY(TreePath root, confirm_directory(*full));
  for (const Loader* visited = this; visited != nullptr; visited = visited->referrer_) {
    if (visited->clone_ == clone_ && visited->root_.is_in_or_below(root)) {
      return fail(Code::kInvalid, "cycle detected: candidate root '" + shown(root) +
                                      "' contains visited root '" + visited->display_ + "'");
    }
  }
  return Loader(*context_, *tree_, clone_, std::move(root), this);
}

}  // namespace sluice::kustomize
