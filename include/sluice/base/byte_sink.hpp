#pragma once
/// Where a writer puts its bytes: a string, a hash, secret memory, a socket. Lives here because the
/// writers (yaml) and the sinks that keep plaintext (crypto) know nothing of each other.

#include <string>
#include <string_view>

namespace sluice {

/// Takes bytes in order; `bytes` is valid for the call only. Not thread-safe.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void append(std::string_view bytes) = 0;
};

/// Appends to a string that outlives it.
class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string& out) : out_(out) {}
  void append(std::string_view bytes) override { out_.append(bytes); }

 private:
  std::string& out_;
};

}  // namespace sluice
