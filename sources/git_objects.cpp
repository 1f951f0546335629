// Git's object formats: trees, commits and tags, parsed from their bytes (gitformat: git-cat-file).
#include <algorithm>
#include <charconv>

#include "sluice/base/encoding.hpp"

#include "git_store.hpp"
#include "upload_pack.hpp"

namespace sluice::sources {
namespace {

constexpr std::size_t kIdBytes = 20;
constexpr std::size_t kMaxSubject = 50;

Digest id_of(std::string_view bytes) {
  return Digest(DigestAlgorithm::kGitSha1,
                {reinterpret_cast<const std::uint8_t*>(bytes.data()), kIdBytes});
}

/// The value of the header line `name` ("tree ", "object "), which must come first in `bytes`.
Result<Digest> id_line(std::string_view bytes, std::string_view name, std::string_view what) {
  const std::string_view id = bytes.substr(std::min(name.size(), bytes.size()), 2 * kIdBytes);
  if (!bytes.starts_with(name) || !is_object_id(id)) {
    return fail(Code::kIntegrity, "a Git " + std::string(what) + " object is malformed");
  }
  return id_of(*hex_decode(id));
}

/// At most 50 characters, then "..."; like Go, a byte that is no UTF-8 counts as a character.
std::string shortened(std::string_view line) {
  std::size_t characters = 0;
  int continuations = 0;  // bytes that still belong to the character
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto byte = static_cast<unsigned char>(line[at]);
    if ((byte & 0xC0U) == 0x80U && continuations > 0) {
      --continuations;
      continue;
    }
    if (characters++ == kMaxSubject) return std::string(line.substr(0, at)) + "...";
    continuations = byte >= 0xF0U ? 3 : byte >= 0xE0U ? 2 : byte >= 0xC0U ? 1 : 0;
  }
  return std::string(line);
}

}  // namespace

Result<TreeItems> parse_tree(std::string_view bytes) {
  TreeItems out;
  while (!bytes.empty()) {
    const std::size_t space = bytes.find(' ');
    const std::size_t nul = bytes.find('\0');
    if (space == std::string_view::npos || nul == std::string_view::npos || space > nul ||
        bytes.size() - nul - 1 < kIdBytes) {
      return fail(Code::kIntegrity, "a Git tree object is malformed");
    }
    const std::string_view mode = bytes.substr(0, space);
    const std::string_view name = bytes.substr(space + 1, nul - space - 1);
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) {
      return fail(Code::kInvalid, "the source holds a directory with an entry named " +
                                      go_quote(name) + ": refused");
    }
    TreeItem item;
    item.name = name;
    item.id = id_of(bytes.substr(nul + 1));
    if (mode == "40000" || mode == "040000") {
      item.kind = TreeItem::Kind::kDirectory;
    } else if (mode == "120000") {
      item.kind = TreeItem::Kind::kLink;
    } else if (mode == "160000") {
      item.kind = TreeItem::Kind::kSubmodule;
    } else if (mode.starts_with("100")) {
      item.kind = TreeItem::Kind::kFile;
      item.executable = mode.ends_with("755");
    } else {
      return fail(Code::kInvalid, "the source's entry " + go_quote(name) +
                                      " has the unknown mode " + go_quote(mode));
    }
    out.push_back(std::move(item));
    bytes.remove_prefix(nul + 1 + kIdBytes);
  }
  // Git orders directories as if their names ended in "/"; look-ups here go by the name alone.
  const auto by_name = [](const TreeItem& a, const TreeItem& b) { return a.name < b.name; };
  std::sort(out.begin(), out.end(), by_name);
  const auto twice =
      std::adjacent_find(out.begin(), out.end(),
                         [](const TreeItem& a, const TreeItem& b) { return a.name == b.name; });
  if (twice != out.end()) {
    return fail(Code::kInvalid, "the source holds a directory with two entries named " +
                                    go_quote(twice->name) + ": refused");
  }
  return out;
}

Result<Commit> parse_commit(std::string_view bytes) {
  Commit out;
  SLUICE_TRY(out.tree, id_line(bytes, "tree ", "commit"));
  const std::size_t blank = bytes.find("\n\n");
  const std::string_view head = bytes.substr(0, blank);
  if (const std::size_t at = head.find("\ncommitter "); at != std::string_view::npos) {
    const std::string_view line = head.substr(at + 1, head.find('\n', at + 1) - at - 1);
    const std::size_t zone = line.rfind(' ');
    const std::size_t time = zone == 0 || zone == std::string_view::npos
                                 ? std::string_view::npos
                                 : line.rfind(' ', zone - 1);
    if (time != std::string_view::npos) {
      std::from_chars(line.data() + time + 1, line.data() + zone, out.committed);
    }
  }
  if (blank != std::string_view::npos) {
    const std::string_view message = bytes.substr(blank + 2);
    out.subject = shortened(message.substr(0, message.find('\n')));
  }
  return out;
}

Result<Digest> parse_tag_target(std::string_view bytes) {
  return id_line(bytes, "object ", "tag");
}

}  // namespace sluice::sources
