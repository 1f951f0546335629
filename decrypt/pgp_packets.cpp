#include "pgp_packets.hpp"

#include <algorithm>

namespace sluice::decrypt {
namespace {

constexpr std::size_t kMaxRecipients = 255;
constexpr unsigned kSessionKeyPacket = 1;

struct Packet {
  unsigned tag = 0;
  std::size_t body = 0, size = 0;
  bool is_partial = false;  // of unknown length: only data packets are
};

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

Result<Packet> read_header(std::string_view message, std::size_t at) {
  const auto cut_off = [] {
    return fail(Code::kInvalid, "the OpenPGP message is cut off, or none");
  };
  if (at >= message.size()) return cut_off();
  const unsigned first = byte_at(message, at++);
  if ((first & 0x80U) == 0) return cut_off();
  Packet packet;
  std::size_t length_bytes = 0;
  if ((first & 0x40U) != 0) {
    packet.tag = first & 0x3fU;
    if (at >= message.size()) return cut_off();
    const unsigned length = byte_at(message, at);
    if (length < 192) {
      packet.size = length;
      packet.body = at + 1;
    } else if (length < 224) {
      if (at + 1 >= message.size()) return cut_off();
      packet.size = ((length - 192U) << 8) + byte_at(message, at + 1) + 192U;
      packet.body = at + 2;
    } else if (length < 255) {
      packet.is_partial = true;
    } else {
      length_bytes = 4;
      ++at;
    }
  } else {
    packet.tag = first >> 2 & 0xfU;
    packet.is_partial = (first & 3U) == 3;
    if (!packet.is_partial) length_bytes = std::size_t{1} << (first & 3U);
  }
  if (length_bytes != 0) {
    if (message.size() - at < length_bytes) return cut_off();
    for (std::size_t i = 0; i < length_bytes; ++i)
      packet.size = packet.size << 8 | byte_at(message, at + i);
    packet.body = at + length_bytes;
  }
  return packet;
}

}  // namespace

Result<std::vector<PgpRecipient>> read_pgp_recipients(std::string_view message) {
  std::vector<PgpRecipient> recipients;
  for (std::size_t at = 0; recipients.size() < kMaxRecipients;) {
    SLUICE_TRY(const Packet packet, read_header(message, at));
    if (packet.tag != kSessionKeyPacket) {
      if (recipients.empty()) {
        return fail(Code::kInvalid, "the OpenPGP message is not encrypted to any key");
      }
      break;
    }
    constexpr std::size_t kFixedPart = 10;  // version, key id, algorithm
    if (packet.is_partial || packet.size < kFixedPart ||
        packet.size > message.size() - packet.body) {
      return fail(Code::kInvalid, "the OpenPGP message is cut off in its recipients");
    }
    at = packet.body + packet.size;
    if (byte_at(message, packet.body) != 3) continue;
    PgpRecipient recipient;
    recipient.key_id_at = packet.body + 1;
    const std::string_view id = message.substr(recipient.key_id_at, 8);
    recipient.is_hidden = std::all_of(id.begin(), id.end(), [](char c) { return c == '\0'; });
    recipient.algorithm = static_cast<std::uint8_t>(byte_at(message, packet.body + 9));
    recipients.push_back(recipient);
  }
  return recipients;
}

}  // namespace sluice::decrypt
