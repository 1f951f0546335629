#pragma once
/// Where the writers put bytes: a string, or a ByteSink behind a buffer that plaintext bypasses.
/// Private to the module.

#include <string>
#include <string_view>

#include "sluice/yaml/write.hpp"

namespace sluice::yaml {

class StringOutput {
 public:
  explicit StringOutput(std::string& out) : out_(out) {}
  void put(char c) { out_.push_back(c); }
  void append(std::string_view bytes) { out_.append(bytes); }
  void fill(std::size_t count, char c) { out_.append(count, c); }
  void begin_plaintext() {}
  void end_plaintext() {}

 private:
  std::string& out_;
};

class SinkOutput {
 public:
  explicit SinkOutput(ByteSink& sink) : sink_(sink) { buffer_.reserve(kFlushBytes + 256); }
  ~SinkOutput() { flush(); }
  SinkOutput(const SinkOutput&) = delete;
  SinkOutput& operator=(const SinkOutput&) = delete;

  void put(char c) {
    if (direct_) {
      sink_.append({&c, 1});
      return;
    }
    buffer_.push_back(c);
  }
  void append(std::string_view bytes) {
    if (direct_ || bytes.size() >= kFlushBytes) {
      flush();
      sink_.append(bytes);
      return;
    }
    buffer_.append(bytes);
    if (buffer_.size() >= kFlushBytes) flush();
  }
  void fill(std::size_t count, char c) {
    for (; count != 0; --count)
      put(c);
  }
  /// From here to end_plaintext() bytes go to the sink only: no copy stays in the buffer.
  void begin_plaintext() {
    flush();
    direct_ = true;
  }
  void end_plaintext() { direct_ = false; }

 private:
  static constexpr std::size_t kFlushBytes = 32U << 10;
  void flush() {
    if (!buffer_.empty()) sink_.append(buffer_);
    buffer_.clear();
  }

  ByteSink& sink_;
  std::string buffer_;
  bool direct_ = false;
};

}  // namespace sluice::yaml
