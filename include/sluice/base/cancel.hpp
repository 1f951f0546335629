#pragma once
/// Cancellation: a CancelSource cancels, its CancelTokens see it. Both are cheap to copy.

#include <functional>
#include <memory>
#include <utility>

namespace sluice {

class CancelToken {
 public:
  CancelToken() = default;  ///< never cancelled
  bool cancelled() const;
  /// Calls `callback` once when cancelled (at once if it already is), on the cancelling thread.
  /// The returned handle unregisters when destroyed; it waits for a running callback to end.
  class Registration {
   public:
    Registration() = default;
    explicit Registration(std::function<void()> undo) : undo_(std::move(undo)) {}
    Registration(Registration&& other) noexcept : undo_(std::exchange(other.undo_, nullptr)) {}
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    std::function<void()> undo_;
  };
  [[nodiscard]] Registration on_cancel(std::function<void()> callback) const;

 private:
  friend class CancelSource;
  struct State;
  std::shared_ptr<State> state_;
};

class CancelSource {
 public:
  CancelSource();
  /// A source that is also cancelled when `parent` is.
  explicit CancelSource(const CancelToken& parent);
  CancelToken token() const { return token_; }
  void cancel();

 private:
  CancelToken token_;
  CancelToken::Registration parent_;
};

}  // namespace sluice
