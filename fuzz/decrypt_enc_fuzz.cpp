// Encrypted values as anybody could commit them, and what is sealed opens as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "decrypt/enc_value.hpp"
#include "decrypt/encrypt_tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::decrypt;
  if (size < 2) return 0;
  static const auto key =
      crypto::SecretBytes::copy_of(std::string_view("0123456789abcdef0123456789abcdef"));
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = data[0] % (all.size() + 1);
  const std::string_view path = all.substr(0, split);
  const std::string_view text = all.substr(split);
  static_cast<void>(parse_enc(all).has_value());
  static_cast<void>(open_enc(all, key, "a:").has_value());
  if (text.empty()) return 0;
  const std::string sealed = seal_enc(ItemKind::kString, text, key, path);
  const auto opened = open_enc(sealed, key, path);
  if (!opened || opened->text.reveal_text() != text) std::abort();
  std::string changed = sealed;
  changed[30 + split % (changed.size() - 60)] ^= 1;
  const auto tampered = open_enc(changed, key, path);
  // Base64 has unused bits at its end, and the kind of a value is not authenticated.
  if (tampered && tampered->text.reveal_text() != text) std::abort();
  return 0;
}
