#include "source_state.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sluice/base/ascii.hpp"
#include "sluice/crypto/hash.hpp"

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxNameBytes = 200;  // file systems allow 255
constexpr std::string_view kFirstLine = "sluice-source 1";

}  // namespace

SourceState read_state(const std::string& file) {
  SourceState out;
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) return {};
  bool ended = false;
  while (std::getline(in, line)) {
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
    if (key == "generation") {
      std::from_chars(value.data(), value.data() + value.size(), out.generation);
    } else if (key == "url") {
      out.url = value;
    } else if (key == "commit") {
      out.commit = value;
    } else if (key == "protocol") {
      std::from_chars(value.data(), value.data() + value.size(), out.server.protocol);
    } else if (key == "base") {
      out.server.base = value;
    } else if (key == "capability") {
      const std::size_t equals = value.find('=');
      out.server.capabilities[value.substr(0, equals)] =
          equals == std::string::npos ? "" : value.substr(equals + 1);
    } else if (key == "end") {
      ended = true;
    }
  }
  if (!ended || (!out.commit.empty() && !is_object_id(out.commit))) return {};
  return out;
}

Result<void> write_state(const std::string& file, const SourceState& state) {
  std::ostringstream text;
  text << kFirstLine << "\ngeneration " << state.generation << "\nurl " << state.url << "\ncommit "
       << state.commit << "\nprotocol " << state.server.protocol << "\nbase " << state.server.base
       << "\n";
  for (const auto& [name, value] : state.server.capabilities)
    text << "capability " << name << "=" << value << "\n";
  text << "end\n";
  // No fsync: after a power loss an old or empty state only costs a fetch.
  const std::string next = file + ".new";
  std::ofstream out(next, std::ios::binary | std::ios::trunc);
  out << text.str();
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(next, file, error);
  if (!out || error) {
    return fail(Code::kUnavailable, "cannot write \"" + file + "\" (disk full or read-only?)");
  }
  return {};
}

std::string directory_name(const std::string& id) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : id) {
    const bool plain = is_letter_or_digit(c) || c == '-' || c == '_' || (c == '.' && !out.empty());
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  if (out.size() <= kMaxNameBytes) return out;
  return out.substr(0, kMaxNameBytes - 65) + "-" + crypto::sha256(id).hex();
}

}  // namespace sluice::sources
