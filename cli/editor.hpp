#pragma once
/// Showing secret text in the user's editor without a file: the text lies in a memfd, which the
/// editor finds under /proc/self/fd.

#include <string>
#include <vector>

#include "sluice/base/descriptor.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::cli {

class EditorSession {
 public:
  /// Errors: kInternal when there is no memfd.
  static Result<EditorSession> start(const crypto::SecretBytes& text);
  EditorSession(EditorSession&&) = default;
  EditorSession& operator=(EditorSession&&) = delete;
  ~EditorSession();

  /// Runs the editor until it ends and gives what the text is then. Vim and its kin are told to
  /// write no swap, backup, undo and history files. Errors: kInvalid with kReasonNoEditor.
  Result<crypto::SecretBytes> run() const;

 private:
  EditorSession() = default;
  Descriptor text_;
};

}  // namespace sluice::cli
