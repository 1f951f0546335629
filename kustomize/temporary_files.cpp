#include "temporary_files.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "sluice/base/descriptor.hpp"

namespace sluice::kustomize {

namespace {

Error failed(const std::string& what, const std::string& path) {
  return Error(Code::kUnavailable, what + " " + path + ": " + std::strerror(errno));
}

Result<void> write_directory(const sources::Tree& tree, const TreePath& from,
                             const std::string& directory) {
  SLUICE_TRY(const std::vector<sources::Entry> entries, tree.list(from));
  for (const sources::Entry& entry : entries) {
    SLUICE_TRY(const TreePath path, from.join(entry.name));
    if (entry.name == ".git") {
      return fail(Code::kInvalid, "invalid path '" + path.text() + "': refused, as by git");
    }
    const std::string place = directory + "/" + entry.name;
    SLUICE_TRY(const sources::Stat stat, tree.stat(path));
    if (stat.real_path != path) {
      const std::string target = stat.real_path.relative_to(from);
      if (::symlink(target.c_str(), place.c_str()) != 0) return fail(failed("symlink", place));
    } else if (stat.kind == sources::EntryKind::kDirectory) {
      if (::mkdir(place.c_str(), 0755) != 0) return fail(failed("mkdir", place));
      SLUICE_CHECK(write_directory(tree, path, place));
    } else {
      SLUICE_TRY(const sources::Blob blob, tree.read(path));
      SLUICE_CHECK(write_new_file(place, *blob.bytes, blob.executable));
    }
  }
  return {};
}

}  // namespace

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& parent,
                                                    const std::string& prefix) {
  std::string name = parent + "/" + prefix + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail(failed("mkdir", name));
  TemporaryDirectory made;
  made.path_ = std::move(name);
  return made;
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  remove();
  path_ = std::exchange(other.path_, {});
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  remove();
}

void TemporaryDirectory::remove() {
  if (path_.empty()) return;
  std::error_code ignored;  // what is left over is in the temporary directory
  std::filesystem::remove_all(path_, ignored);
  path_.clear();
}

Result<TemporaryFile> TemporaryFile::make(const std::string& parent, const std::string& prefix,
                                          std::string_view content) {
  std::string name = parent + "/" + prefix + "XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.is_open()) return fail(failed("open", name));
  TemporaryFile made(std::move(name));
  if (!write_all(file.get(), content)) return fail(failed("write", made.path()));
  return made;
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> write_new_file(const std::string& path, std::string_view content, bool executable) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, executable ? 0755 : 0644));
  if (!file.is_open()) return fail(failed("open", path));
  if (!write_all(file.get(), content)) return fail(failed("write", path));
  return {};
}

Result<void> write_tree(const sources::Tree& tree, const std::string& directory) {
  return write_directory(tree, TreePath(), directory);
}

}  // namespace sluice::kustomize
