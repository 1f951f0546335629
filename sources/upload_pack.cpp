#include "upload_pack.hpp"

#include <algorithm>

namespace sluice::sources {
namespace {

constexpr std::size_t kIdSize = 40;

std::string_view without_newline(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

tl::unexpected<Error> not_git(std::string_view what) {
  return fail(Code::kIntegrity,
              "the server's answer is not in Git's protocol (" + std::string(what) + ")");
}

Result<void> check_object_format(std::string_view format) {
  if (format.empty() || format == "sha1") return {};
  return fail(Code::kUnsupported, "the repository's object format is \"" + std::string(format) +
                                      "\": only sha1 is supported");
}

/// Splits "a b c" and calls `each`.
template <class Each>
void each_word(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) each(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
}

}  // namespace

bool is_object_id(std::string_view text) {
  return text.size() == kIdSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Error remote_error(std::string_view text) {
  std::string shown;
  for (const char c : without_newline(text).substr(0, 300))
    shown += c >= ' ' && c != '\x7f' ? c : ' ';
  const bool missing = shown.find("not our ref") != std::string::npos ||
                       shown.find("not found") != std::string::npos ||
                       shown.find("does not exist") != std::string::npos;
  return Error(missing ? Code::kNotFound : Code::kUnavailable, "the server says: " + shown);
}

Result<Advertisement> parse_advertisement(std::string_view body) {
  Advertisement out;
  bool started = false;
  PktLines lines([&](PacketKind kind, std::string_view payload) -> Result<void> {
    if (kind != PacketKind::kData) return {};
    if (payload.starts_with("ERR ")) return fail(remote_error(payload.substr(4)));
    std::string_view line = without_newline(payload);
    if (line.starts_with("# service=")) return {};
    if (!started) {
      started = true;
      if (line == "version 2") {
        out.protocol = 2;
        return {};
      }
      if (line == "version 1") {
        started = false;  // then it goes on as version 0
        return {};
      }
      const std::size_t nul = line.find('\0');
      if (nul == std::string_view::npos) return not_git("no capabilities");
      each_word(line.substr(nul + 1), [&](std::string_view word) {
        const std::size_t equals = word.find('=');
        out.capabilities.emplace(word.substr(0, equals), equals == std::string_view::npos
                                                             ? std::string_view()
                                                             : word.substr(equals + 1));
      });
      line = line.substr(0, nul);
    } else if (out.protocol == 2) {
      const std::size_t equals = line.find('=');
      out.capabilities.emplace(line.substr(0, equals), equals == std::string_view::npos
                                                           ? std::string_view()
                                                           : line.substr(equals + 1));
      return {};
    }
    if (line.starts_with("shallow ")) return {};
    if (line.size() < kIdSize + 2 || !is_object_id(line.substr(0, kIdSize)) ||
        line[kIdSize] != ' ') {
      return not_git("a ref that is none");
    }
    const std::string_view name = line.substr(kIdSize + 1);
    if (name == "capabilities^{}") return {};  // an empty repository
    if (name.ends_with("^{}")) return {};      // what a tag names: looked up in the tag itself
    if (out.refs.size() == kMaxRefs) {
      return fail(Code::kInvalid,
                  "the repository has more than " + std::to_string(kMaxRefs) + " refs");
    }
    out.refs.push_back({std::string(name), std::string(line.substr(0, kIdSize))});
    return {};
  });
  SLUICE_CHECK(lines.feed(body));
  SLUICE_CHECK(lines.finish());
  if (!started) return not_git("no advertisement");
  const auto format = out.capabilities.find("object-format");
  if (format != out.capabilities.end()) SLUICE_CHECK(check_object_format(format->second));
  return out;
}

Result<std::vector<RemoteRef>> parse_ls_refs(std::string_view body) {
  // A server that does not know the command says nothing at all.
  if (body.empty()) return not_git("an empty answer");
  std::vector<RemoteRef> out;
  bool ended = false;
  PktLines lines([&](PacketKind kind, std::string_view payload) -> Result<void> {
    if (kind == PacketKind::kFlush) ended = true;
    if (kind != PacketKind::kData) return {};
    if (payload.starts_with("ERR ")) return fail(remote_error(payload.substr(4)));
    const std::string_view line = without_newline(payload);
    if (line.starts_with("unborn ")) return {};
    RemoteRef ref;
    int word_number = 0;
    each_word(line, [&](std::string_view word) {
      if (word_number == 0) ref.id = word;
      if (word_number == 1) ref.name = word;
      ++word_number;
    });
    if (!is_object_id(ref.id) || ref.name.empty()) {
      return not_git("a ref that is none");
    }
    if (out.size() == kMaxRefs) {
      return fail(Code::kInvalid,
                  "the repository has more than " + std::to_string(kMaxRefs) + " refs");
    }
    out.push_back(std::move(ref));
    return {};
  });
  SLUICE_CHECK(lines.feed(body));
  SLUICE_CHECK(lines.finish());
  if (!ended) return fail(Code::kUnavailable, "the server's list of refs is cut off");
  return out;
}

FetchAnswer::FetchAnswer(int protocol, OnPack on_pack)
    : protocol_(protocol),
      on_pack_(std::move(on_pack)),
      lines_([this](PacketKind kind, std::string_view payload) { return packet(kind, payload); }) {
  // Version 0 starts with the shallow lines (none when the depth was not limited).
  if (protocol_ != 2) section_ = Section::kShallow;
}

Result<void> FetchAnswer::packet(PacketKind kind, std::string_view payload) {
  if (complete_) return {};
  if (kind == PacketKind::kEnd) return {};
  if (kind == PacketKind::kDelimiter) {
    section_ = Section::kHead;
    return {};
  }
  if (kind == PacketKind::kFlush) {
    if (section_ == Section::kPack) {
      complete_ = true;
    } else if (protocol_ == 2) {
      return not_git("no packfile");
    } else {
      section_ = Section::kOther;  // the shallow lines are over
    }
    return {};
  }
  if (section_ == Section::kPack) return band(payload);
  if (payload.starts_with("ERR ")) return fail(remote_error(payload.substr(4)));
  const std::string_view line = without_newline(payload);
  if (protocol_ == 2) {
    switch (section_) {
      case Section::kHead:
        section_ = line == "packfile"       ? Section::kPack
                   : line == "shallow-info" ? Section::kShallow
                                            : Section::kOther;
        return {};
      case Section::kShallow:
        return shallow_line(line);
      default:
        return {};
    }
  }
  if (line == "NAK" || line.starts_with("ACK ")) return {};
  if (line.starts_with("shallow ") || line.starts_with("unshallow ")) return shallow_line(line);
  section_ = Section::kPack;
  return band(payload);
}

Result<void> FetchAnswer::band(std::string_view payload) {
  if (payload.empty()) return {};
  switch (payload.front()) {
    case 1:
      return on_pack_(payload.substr(1));
    case 2:
      return {};  // progress, for people at a terminal
    case 3:
      return fail(remote_error(payload.substr(1)));
    default:
      return not_git("an unknown side band");
  }
}

Result<void> FetchAnswer::shallow_line(std::string_view line) {
  if (line.starts_with("unshallow ")) return {};
  if (!line.starts_with("shallow ") || !is_object_id(line.substr(8))) return not_git("shallow");
  shallow_.emplace_back(line.substr(8));
  return {};
}

Result<void> FetchAnswer::finish() const {
  SLUICE_CHECK(lines_.finish());
  if (!complete_) return fail(Code::kUnavailable, "the server's answer is cut off");
  return {};
}

}  // namespace sluice::sources
