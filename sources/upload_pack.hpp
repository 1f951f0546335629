#pragma once
/// What a Git server says: its advertisement, its list of refs, its answer to a fetch. Pure: bytes
/// in, values out (gitprotocol-v2(5), gitprotocol-pack(5)).

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "pktline.hpp"

namespace sluice::sources {

struct RemoteRef {
  std::string name;  ///< "refs/heads/main"; "HEAD"
  std::string id;    ///< 40 hex; of an annotated tag its own, not what it names
};

/// The answer to GET info/refs.
struct Advertisement {
  int protocol = 0;                                 ///< 2, or 0 for versions 0 and 1
  std::map<std::string, std::string> capabilities;  ///< "fetch" -> "shallow wait-for-done filter"
  std::vector<RemoteRef> refs;                      ///< of versions 0 and 1
};

/// At most this many refs are listed.
inline constexpr std::size_t kMaxRefs = 1U << 20;

/// Errors: kIntegrity (not the protocol), kUnsupported (SHA-256 repository), kNotFound or kInvalid
/// (the server's own ERR), kUnavailable (cut off).
Result<Advertisement> parse_advertisement(std::string_view body);
/// The answer to ls-refs. Errors: as above.
Result<std::vector<RemoteRef>> parse_ls_refs(std::string_view body);

/// Reads the answer to a fetch as it comes.
class FetchAnswer {
 public:
  using OnPack = std::function<Result<void>(std::string_view)>;
  FetchAnswer(int protocol, OnPack on_pack);
  Result<void> feed(std::string_view bytes) { return lines_.feed(bytes); }
  /// Errors: kUnavailable when the answer is not complete.
  Result<void> finish() const;
  const std::vector<std::string>& shallow() const { return shallow_; }

 private:
  enum class Section { kHead, kShallow, kOther, kPack };
  Result<void> packet(PacketKind kind, std::string_view payload);
  Result<void> band(std::string_view payload);
  Result<void> shallow_line(std::string_view line);
  int protocol_;
  OnPack on_pack_;
  Section section_ = Section::kHead;
  bool complete_ = false;
  std::vector<std::string> shallow_;
  PktLines lines_;
};

/// "ERR …" and band 3, as an error: kNotFound when the server does not have what was asked for.
Error remote_error(std::string_view text);
bool is_object_id(std::string_view text);  ///< 40 lower-case hexadecimal digits

}  // namespace sluice::sources
