#include "editor.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.hpp"
#include "key_command.hpp"
#include "sops_files.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxText = std::size_t{64} << 20;

Error no_editor(std::string what) {
  return Error(Code::kInvalid, std::move(what), Where{}, "set SOPS_EDITOR or EDITOR")
      .reason(std::string(kReasonNoEditor));
}

bool on_path(const std::string& program) {
  std::string path = environment("PATH");
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string full = path.substr(at, end - at) + "/" + program;
    if (::access(full.c_str(), X_OK) == 0) return true;
    at = end + 1;
  }
  return false;
}

Result<std::vector<std::string>> editor_words() {
  for (const char* const name : {"SOPS_EDITOR", "EDITOR"}) {
    const std::string text = environment(name);
    if (text.empty()) continue;
    auto words = split_words(text);
    if (!words) return fail(no_editor(std::string("$") + name + " is no command"));
    return words;
  }
  for (const char* const name : {"vim", "nano", "vi"}) {
    if (on_path(name)) return std::vector<std::string>{name};
  }
  return fail(no_editor("no editor: none of vim, nano and vi is there"));
}

// What keeps an editor from leaving copies of the text on disk.
void add_safe_flags(std::vector<std::string>& words) {
  const std::string name = words[0].substr(words[0].rfind('/') + 1);
  if (name == "vim" || name == "nvim" || name == "gvim") {
    words.insert(words.begin() + 1,
                 {"-n", "-i", "NONE", "--cmd", "set nobackup nowritebackup noundofile"});
  } else if (name == "vi") {
    words.insert(words.begin() + 1, "-n");
  }
}

}  // namespace

EditorSession::~EditorSession() {
  // Nobody else can have it; its pages are given back zeroed.
  if (text_.is_open()) static_cast<void>(::ftruncate(text_.get(), 0));
}

Result<EditorSession> EditorSession::start(const crypto::SecretBytes& text) {
  EditorSession session;
  session.text_ = Descriptor(::memfd_create("sluice", 0));  // the editor inherits it
  if (!session.text_.is_open()) {
    return fail(Code::kInternal, std::string("memfd_create: ") + std::strerror(errno));
  }
  SLUICE_CHECK(write_secret(session.text_.get(), text));
  return session;
}

Result<crypto::SecretBytes> EditorSession::run() const {
  SLUICE_TRY(std::vector<std::string> words, editor_words());
  add_safe_flags(words);
  words.push_back("/proc/self/fd/" + std::to_string(text_.get()));
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::lseek(text_.get(), 0, SEEK_SET);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(no_editor("the editor \"" + words[0] + "\" failed"));
  }
  crypto::SecretBuffer text;
  crypto::SecretBytes piece(std::size_t{64} << 10);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(text_.get(), piece.writable().data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || static_cast<std::size_t>(at) > kMaxText) {
      return fail(Code::kInvalid, "the edited text cannot be read, or is larger than 64 MiB");
    }
    if (got == 0) return std::move(text).take();
    text.append(
        {reinterpret_cast<const char*>(piece.writable().data()), static_cast<std::size_t>(got)});
    at += got;
  }
}

}  // namespace sluice::cli
