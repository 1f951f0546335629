#pragma once
/// What can go wrong, as data. An `Error` becomes an exit code, a status condition, an event or a
/// `file:line:column` diagnostic; it never carries plaintext, tokens or credentials.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Decides what happens next: see exit_code() and the reconciler.
enum class Code : std::uint8_t {
  kInvalid,      ///< the user's input is wrong: wait for a new revision
  kNotFound,     ///< something that the input names does not exist
  kDenied,       ///< credentials or permissions
  kConflict,     ///< somebody else changed or owns it: retry
  kUnavailable,  ///< the world, for now: retry with backoff
  kIntegrity,    ///< MAC, digest or signature mismatch: never retry this revision
  kUnsupported,  ///< valid, but sluice refuses it; the message names it
  kInternal,     ///< our bug
  kCancelled,    ///< a CancelToken was cancelled; never shown to the user as a failure
};

/// Lower-case word for logs and tests: "invalid", "not found", …
std::string_view code_name(Code code);

/// Process exit status for a command that ends with `code`: 1, 2, 3, 4 or 70 (docs: README).
int exit_code(Code code);

/// Where a value came from. `file` is a path as the user knows it; 0 means unknown line or column.
struct Where {
  std::string file;
  std::uint32_t line = 0;    ///< 1-based
  std::uint32_t column = 0;  ///< 1-based, in bytes
  bool empty() const { return file.empty() && line == 0; }
  /// "file:line:column", leaving out what is unknown.
  std::string text() const;
  friend bool operator==(const Where&, const Where&) = default;
};

/// One failure, boxed so that Result<int> is two words.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message);
  Error(Code code, std::string message, Where where, std::string hint = {});
  Error(Error&&) noexcept;
  Error& operator=(Error&&) noexcept;
  Error(const Error& other);
  Error& operator=(const Error& other);
  ~Error();

  Code code() const;
  const std::string& message() const;
  const Where& where() const;
  const std::string& hint() const;
  const std::vector<std::string>& within() const;
  /// A short machine-readable word for callers that must tell failures of one code apart: an API
  /// server's reason ("Invalid", "AlreadyExists"), "mac mismatch". "" for none; never printed by
  /// text().
  const std::string& reason() const;
  /// Other failures found in the same pass, in file order.
  const std::vector<Error>& also() const;

  // Builders that return *this, so that an error can be dressed on its way out.
  Error&& at(Where where) &&;  ///< sets the place unless one is set; a place without a file gets
                               ///< only the file
  Error&& hint(std::string text) &&;         ///< sets what to do
  Error&& in(std::string context) &&;        ///< appends a "in …" line: innermost first
  Error&& prefix(std::string_view text) &&;  ///< puts `text` before the message
  Error&& as(Code code) &&;
  Error&& reason(std::string word) &&;
  void add(Error other);  ///< reports `other` together with this one

  /// The whole diagnostic: place, message, "in" lines, hint, then the others; no trailing newline.
  std::string text() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sluice
