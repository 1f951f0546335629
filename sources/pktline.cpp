#include "pktline.hpp"

#include <algorithm>

namespace sluice::sources {
namespace {

constexpr std::size_t kHead = 4;

/// The length that `head` announces; kNoLength when it is not hexadecimal.
constexpr std::size_t kNoLength = ~std::size_t{0};
std::size_t announced(std::string_view head) {
  std::size_t value = 0;
  for (const char c : head) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<std::size_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<std::size_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<std::size_t>(c - 'A' + 10);
    } else {
      return kNoLength;
    }
  }
  return value;
}

}  // namespace

/// Hands on the packet at the start of `bytes`; returns its size, 0 when it is not complete.
Result<std::size_t> PktLines::take(std::string_view bytes) {
  if (bytes.size() < kHead) return std::size_t{0};
  const std::size_t length = announced(bytes.substr(0, kHead));
  if (length == kNoLength || length == 3 || length > kMaxPacket) {
    return fail(Code::kIntegrity,
                "the server's answer is not in Git's protocol (bad packet length)");
  }
  if (length < kHead) {
    static constexpr PacketKind kKinds[] = {PacketKind::kFlush, PacketKind::kDelimiter,
                                            PacketKind::kEnd};
    SLUICE_CHECK(on_packet_(kKinds[length], {}));
    return kHead;
  }
  if (bytes.size() < length) return std::size_t{0};
  SLUICE_CHECK(on_packet_(PacketKind::kData, bytes.substr(kHead, length - kHead)));
  return length;
}

Result<void> PktLines::feed(std::string_view bytes) {
  // Complete the packet that the last bytes left open: first its length, then the rest of it.
  while (!partial_.empty() && !bytes.empty()) {
    std::size_t want = kHead;
    if (partial_.size() >= kHead) {
      want = announced(std::string_view(partial_).substr(0, kHead));
      want = want == kNoLength || want < kHead ? kHead : want;
    }
    const std::size_t more =
        std::min(bytes.size(), want > partial_.size() ? want - partial_.size() : 0);
    partial_.append(bytes.substr(0, more));
    bytes.remove_prefix(more);
    SLUICE_TRY(const std::size_t taken, take(partial_));
    if (taken != 0) partial_.clear();
  }
  while (!bytes.empty()) {
    SLUICE_TRY(const std::size_t taken, take(bytes));
    if (taken == 0) break;
    bytes.remove_prefix(taken);
  }
  partial_.append(bytes);
  return {};
}

Result<void> PktLines::finish() const {
  if (!partial_.empty()) {
    return fail(Code::kUnavailable, "the server's answer is cut off within a packet");
  }
  return {};
}

std::string pkt_line(std::string_view payload) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::size_t length = payload.size() + kHead;
  std::string out;
  for (int shift = 12; shift >= 0; shift -= 4)
    out += kDigits[length >> shift & 15];
  out += payload;
  return out;
}

}  // namespace sluice::sources
