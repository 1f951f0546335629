#pragma once
/// Git's pkt-lines: four hexadecimal digits of length, then bytes (gitprotocol-common(5)).

#include <functional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

namespace sluice::sources {

enum class PacketKind { kData, kFlush, kDelimiter, kEnd };

/// Takes bytes as they arrive and hands on whole packets. At most one packet is buffered.
class PktLines {
 public:
  /// The view is valid during the call; an error ends the reading.
  using OnPacket = std::function<Result<void>(PacketKind, std::string_view)>;
  explicit PktLines(OnPacket on_packet) : on_packet_(std::move(on_packet)) {}
  /// Errors: kIntegrity (not a pkt-line, longer than 65520 bytes), and those of the handler.
  Result<void> feed(std::string_view bytes);
  /// Errors: kUnavailable when the bytes end within a packet.
  Result<void> finish() const;

 private:
  Result<std::size_t> take(std::string_view bytes);
  OnPacket on_packet_;
  std::string partial_;
};

/// One packet; `payload` is at most 65516 bytes.
std::string pkt_line(std::string_view payload);
inline constexpr std::string_view kFlushPacket = "0000";
inline constexpr std::string_view kDelimiterPacket = "0001";
inline constexpr std::size_t kMaxPacket = 65520;  // LARGE_PACKET_MAX, the four digits included

}  // namespace sluice::sources
