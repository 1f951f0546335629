#include "sluice/sources/dir_tree.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "sluice/base/descriptor.hpp"

#include "links.hpp"

namespace sluice::sources {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

class DirTree final : public Tree {
 public:
  DirTree(std::string root, std::size_t max_file_bytes)
      : root_(std::move(root)), max_file_bytes_(max_file_bytes) {
    while (root_.size() > 1 && root_.back() == '/')
      root_.pop_back();
    root_fd_ = Descriptor(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    root_errno_ = root_fd_.is_open() ? 0 : errno;
    // Absolute links are judged by where the root really lies.
    if (char* real = ::realpath(root_.c_str(), nullptr)) {
      real_root_ = real;
      ::free(real);
    }
  }

  Result<Stat> stat(const TreePath& path) const override {
    SLUICE_TRY(auto opened, open(path, O_PATH));
    return Stat{S_ISDIR(opened.status.st_mode) ? EntryKind::kDirectory : EntryKind::kFile,
                std::move(opened.real), Digest()};
  }

  Result<Blob> read(const TreePath& path) const override {
    // O_NONBLOCK: opening a named pipe must not wait for a writer.
    SLUICE_TRY(auto opened, open(path, O_RDONLY | O_NONBLOCK));
    const struct stat& status = opened.status;
    if (S_ISDIR(status.st_mode)) {
      return fail(Code::kInvalid, "\"" + display(path) + "\" is a directory, not a file");
    }
    if (!S_ISREG(status.st_mode)) {
      return fail(Code::kInvalid, "\"" + display(path) + "\" is not a regular file");
    }
    const auto announced = static_cast<std::size_t>(status.st_size);
    if (announced > max_file_bytes_) return file_too_large(display(path), max_file_bytes_);
    // One byte more than announced, so that one read also sees the end.
    auto bytes = std::make_shared<std::string>();
    bytes->resize(announced + 1);
    std::size_t size = 0;
    while (true) {
      if (size == bytes->size()) {  // grew while we read, or /proc, which announces nothing
        if (size > max_file_bytes_) return file_too_large(display(path), max_file_bytes_);
        bytes->resize(std::min(max_file_bytes_ + 1, size * 2 + 4096));
      }
      const auto rest = std::as_writable_bytes(std::span(*bytes)).subspan(size);
      const ssize_t got = read_some(opened.fd.get(), rest);
      if (got < 0) return system_error(path, errno);
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
      if (size == announced && size < bytes->size()) break;  // the usual case: no second read
    }
    if (size > max_file_bytes_) return file_too_large(display(path), max_file_bytes_);
    bytes->resize(size);
    return Blob{std::move(bytes), Digest(), std::move(opened.real),
                (status.st_mode & S_IXUSR) != 0};
  }

  Result<std::vector<Entry>> list(const TreePath& path) const override {
    SLUICE_TRY(auto opened, open(path, O_RDONLY | O_NONBLOCK));
    if (!S_ISDIR(opened.status.st_mode)) {
      return fail(Code::kInvalid, "\"" + display(path) + "\" is a file, not a directory");
    }
    const std::unique_ptr<DIR, DirCloser> dir(::fdopendir(opened.fd.get()));
    if (!dir) return system_error(path, errno);
    opened.fd.release();  // closed with the directory
    std::vector<Entry> out;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) {
        if (errno != 0) return system_error(path, errno);
        break;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_REG || entry->d_type == DT_DIR) {
        out.push_back({std::string(name),
                       entry->d_type == DT_DIR ? EntryKind::kDirectory : EntryKind::kFile,
                       {}});
        continue;
      }
      SLUICE_TRY(const TreePath child, opened.real.join(name));
      if (auto status = stat(child)) out.push_back({std::string(name), status->kind, {}});
    }
    std::sort(out.begin(), out.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return out;
  }

  std::string display(const TreePath& path) const override {
    if (path.is_root()) return root_;
    return (root_ == "/" ? root_ : root_ + "/") + path.text();
  }

 private:
  struct Opened {
    Descriptor fd;
    struct stat status {};
    TreePath real;
  };

  tl::unexpected<Error> system_error(const TreePath& path, int error) const {
    const std::string shown = "\"" + display(path) + "\"";
    switch (error) {
      case ENOENT:
      case ENOTDIR:
        return fail(Code::kNotFound, "no such file or directory: " + shown);
      case EACCES:
      case EPERM:
        return fail(Code::kDenied, shown + ": permission denied");
      case ENAMETOOLONG:
        return fail(Code::kInvalid, shown + ": the name is too long");
      default:
        return fail(Code::kUnavailable, shown + ": " + std::strerror(error));
    }
  }

  /// Opens a path none of whose segments may be a link: so it cannot leave the root, and it is its
  /// own real path. None with errno (ELOOP: a link is on the way).
  Descriptor open_without_links(const std::string& text, int flags) const {
    const char* relative = text.empty() ? "." : text.c_str();
    if (has_openat2_.load(std::memory_order_relaxed)) {
      open_how how{};
      how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
      how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
      while (true) {
        const long fd = ::syscall(SYS_openat2, root_fd_.get(), relative, &how, sizeof how);
        if (fd >= 0) return Descriptor(static_cast<int>(fd));
        if (errno == EINTR || errno == EAGAIN) continue;
        if (errno != ENOSYS && errno != EPERM) return {};
        break;
      }
      // An old kernel, or a container runtime's filter that knows no openat2 and says EPERM.
      if (errno == ENOSYS || !openat2_works()) {
        has_openat2_.store(false, std::memory_order_relaxed);
      } else {
        errno = EPERM;
        return {};
      }
    }
    // Segment by segment, each without following a link.
    int at = root_fd_.get();
    Descriptor held;
    std::string_view rest = relative;
    while (true) {
      const std::size_t slash = rest.find('/');
      const std::string part(rest.substr(0, slash));
      const bool last = slash == std::string_view::npos;
      Descriptor step(::openat(at, part.c_str(),
                               (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC));
      if (!step.is_open()) {
        // O_DIRECTORY|O_NOFOLLOW on a link says ENOTDIR.
        struct stat status {};
        const int error = errno;
        const bool is_link = ::fstatat(at, part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                             S_ISLNK(status.st_mode);
        errno = is_link ? ELOOP : error;
        return {};
      }
      if (last) {
        struct stat status {};
        if (::fstat(step.get(), &status) == 0 && S_ISLNK(status.st_mode)) {  // O_PATH opens links
          step.close();
          errno = ELOOP;
          return {};
        }
        return step;
      }
      held = std::move(step);
      at = held.get();
      rest.remove_prefix(slash + 1);
    }
  }

  bool openat2_works() const {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    const long fd = ::syscall(SYS_openat2, root_fd_.get(), ".", &how, sizeof how);
    return Descriptor(static_cast<int>(fd)).is_open();
  }

  Result<Opened> open(const TreePath& path, int flags) const {
    if (!root_fd_.is_open()) return system_error(TreePath(), root_errno_);
    Opened out;
    out.real = path;
    out.fd = open_without_links(path.text(), flags);
    for (int race = 0; !out.fd.is_open() && errno == ELOOP && race < 8; ++race) {
      SLUICE_TRY(out.real, resolve(path));
      out.fd = open_without_links(out.real.text(), flags);  // ELOOP: changed since; look again
    }
    if (!out.fd.is_open() || ::fstat(out.fd.get(), &out.status) != 0) {
      return system_error(path, errno);
    }
    return out;
  }

  Result<TreePath> resolve(const TreePath& path) const {
    return resolve_links(path, real_root_, [&](const std::string& real) -> Result<Look> {
      char target[4096];
      const ssize_t size = ::readlinkat(root_fd_.get(), real.c_str(), target, sizeof target);
      if (size >= 0) {
        return Look{Look::Kind::kLink, std::string(target, static_cast<std::size_t>(size))};
      }
      // EINVAL: it is there and no link. Whether it is a directory shows one segment later.
      if (errno == EINVAL) return Look{Look::Kind::kDirectory, {}};
      if (errno == ENOENT || errno == ENOTDIR) return Look{Look::Kind::kMissing, {}};
      return system_error(path, errno);
    });
  }

  std::string root_;
  std::string real_root_;
  std::size_t max_file_bytes_;
  Descriptor root_fd_;
  int root_errno_ = 0;
  mutable std::atomic<bool> has_openat2_{true};
};

}  // namespace

tl::unexpected<Error> file_too_large(const std::string& display_path, std::size_t limit_bytes) {
  return fail(Code::kInvalid, "\"" + display_path + "\" is larger than the limit of " +
                                  std::to_string(limit_bytes) + " bytes");
}

std::unique_ptr<Tree> make_dir_tree(std::string root, std::size_t max_file_bytes) {
  return std::make_unique<DirTree>(std::move(root), max_file_bytes);
}

}  // namespace sluice::sources
