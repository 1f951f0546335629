#include "spool.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <vector>

#include "sluice/base/descriptor.hpp"

namespace sluice::sources {
namespace {

constexpr std::size_t kInMemory = 8U << 20;
constexpr std::size_t kPiece = 256U << 10;

}  // namespace

bool Spool::append(std::string_view bytes) {
  if (failed_) return false;
  size_ += bytes.size();
  if (!file_) {
    memory_ += bytes;
    if (memory_.size() <= kInMemory) return true;
    Descriptor fd(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd.is_open()) file_.reset(::fdopen(fd.get(), "w+"));
    if (file_) {
      fd.release();  // closed with the file
    } else {
      file_.reset(std::tmpfile());  // a file system without O_TMPFILE
    }
    const std::string first = std::exchange(memory_, {});
    failed_ = !file_ || std::fwrite(first.data(), 1, first.size(), file_.get()) != first.size();
    return !failed_;
  }
  failed_ = std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size();
  return !failed_;
}

Result<void> Spool::read(const std::function<Result<void>(std::string_view)>& each) {
  if (failed_ ||
      (file_ && (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0))) {
    return fail(Code::kUnavailable,
                "cannot keep what was received in \"" + directory_ + "\" (disk full?)");
  }
  if (!file_) {
    for (std::size_t at = 0; at < memory_.size(); at += kPiece)
      SLUICE_CHECK(each(std::string_view(memory_).substr(at, kPiece)));
    return {};
  }
  std::vector<char> piece(kPiece);
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file_.get()))
    SLUICE_CHECK(each(std::string_view(piece.data(), got)));
  if (std::ferror(file_.get()) != 0) {
    return fail(Code::kUnavailable, "cannot read back what was received");
  }
  return {};
}

}  // namespace sluice::sources
