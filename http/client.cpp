#include "sluice/http/client.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::http {
namespace {

std::shared_ptr<const crypto::SecretBytes> join(std::string_view scheme,
                                                std::span<const std::byte> value) {
  crypto::SecretBytes out(scheme.size() + value.size());
  const std::span<std::byte> to = out.writable();
  std::memcpy(to.data(), scheme.data(), scheme.size());
  std::copy(value.begin(), value.end(), to.begin() + static_cast<std::ptrdiff_t>(scheme.size()));
  return std::make_shared<const crypto::SecretBytes>(std::move(out));
}

}  // namespace

std::string_view Response::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

std::shared_ptr<const crypto::SecretBytes> basic_authorization(
    std::string_view user, const crypto::SecretBytes& password) {
  crypto::SecretBytes pair(user.size() + 1 + password.size());
  const std::span<std::byte> to = pair.writable();
  std::memcpy(to.data(), user.data(), user.size());
  to[user.size()] = std::byte{':'};
  const auto secret = password.reveal();
  std::copy(secret.begin(), secret.end(),
            to.begin() + static_cast<std::ptrdiff_t>(user.size() + 1));
  return join("Basic ", crypto::base64_encode_secret(pair.reveal()).reveal());
}

std::shared_ptr<const crypto::SecretBytes> bearer_authorization(const crypto::SecretBytes& token) {
  return join("Bearer ", token.reveal());
}

}  // namespace sluice::http
