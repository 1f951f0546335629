#pragma once
/// Names for files, as 4-byte ids, so that every node of a document can carry the file it came
/// from.

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sluice/base/error.hpp"

namespace sluice {

enum class FileId : std::uint32_t { kNone = 0 };

/// A place inside a file in 4 bytes: line in the upper 20 bits, column in the lower 12 (both
/// 1-based; larger ones saturate). 0 is unknown.
class Position {
 public:
  constexpr Position() = default;
  constexpr Position(std::uint32_t line, std::uint32_t column)
      : bits_((line > kMaxLine ? kMaxLine : line) << 12 |
              (column > kMaxColumn ? kMaxColumn : column)) {}
  constexpr std::uint32_t line() const { return bits_ >> 12; }
  constexpr std::uint32_t column() const { return bits_ & kMaxColumn; }
  friend constexpr bool operator==(Position, Position) = default;

 private:
  static constexpr std::uint32_t kMaxLine = (1U << 20) - 1;
  static constexpr std::uint32_t kMaxColumn = (1U << 12) - 1;
  std::uint32_t bits_ = 0;
};

/// Append-only and thread-safe. Ids are handed out from 1 and stay valid as long as the table.
class FileTable {
 public:
  /// The id of `name`, the same for the same name.
  FileId add(std::string_view name);
  /// The name, or "" for kNone and unknown ids. The view lives as long as the table.
  std::string_view name(FileId id) const;
  Where where(FileId id, Position position) const;

 private:
  mutable std::mutex mutex_;  // guards both members
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, FileId> ids_;
};

}  // namespace sluice
