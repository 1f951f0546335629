// The files with a Sealed Secrets controller's private keys: PEM, or back-ups of its Secrets.
#include <cstdint>
#include <string_view>

#include "sluice/decrypt/sealed_secret.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  decrypt::SealedKeys keys;
  static_cast<void>(keys.add(crypto::SecretBytes::copy_of(text), "file").has_value());
  return 0;
}
