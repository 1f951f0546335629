// What a Git server says, as any bytes: advertisement, list of refs, answers to a fetch, and the
// objects in a pack. The first byte chooses; cutting the bytes elsewhere must not change the
// outcome.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sources/git_store.hpp"
#include "sources/upload_pack.hpp"

namespace {

using namespace sluice;
using namespace sluice::sources;

std::string outcome(int protocol, std::string_view bytes, std::size_t piece) {
  std::string pack;
  FetchAnswer parser(protocol, [&](std::string_view part) -> Result<void> {
    pack += part;
    return {};
  });
  while (!bytes.empty()) {
    if (const auto fed = parser.feed(bytes.substr(0, piece)); !fed) return fed.error().text();
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (const auto end = parser.finish(); !end) return end.error().text();
  return "pack " + pack;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      if (const auto read = parse_advertisement(bytes)) {
        for (const RemoteRef& ref : read->refs) {
          if (!is_object_id(ref.id)) std::abort();
        }
      }
      break;
    case 1:
      if (const auto read = parse_ls_refs(bytes)) {
        for (const RemoteRef& ref : *read) {
          if (!is_object_id(ref.id) || ref.name.empty()) std::abort();
        }
      }
      break;
    case 2:
    case 3: {
      const int protocol = data[0] % 7 == 2 ? 2 : 0;
      if (outcome(protocol, bytes, 1) != outcome(protocol, bytes, bytes.size() + 1)) std::abort();
      break;
    }
    case 4:
      if (const auto items = parse_tree(bytes)) {
        for (const TreeItem& item : *items) {
          if (item.name.empty() || item.name == ".." || item.name.find('/') != std::string::npos) {
            std::abort();
          }
        }
      }
      break;
    case 5:
      if (const auto commit = parse_commit(bytes); commit && commit->subject.size() > 4 * 50 + 3) {
        std::abort();
      }
      break;
    default:
      static_cast<void>(parse_tag_target(bytes).has_value());
  }
  return 0;
}
