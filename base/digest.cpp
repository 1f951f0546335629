#include "sluice/base/digest.hpp"

#include <algorithm>

#include "sluice/base/encoding.hpp"

namespace sluice {
namespace {

struct Form {
  DigestAlgorithm algorithm;
  std::string_view name;
  std::size_t size;
};
constexpr Form kForms[] = {{DigestAlgorithm::kGitSha1, "sha1", 20},
                           {DigestAlgorithm::kSha256, "sha256", 32},
                           {DigestAlgorithm::kSha512, "sha512", 64}};

const Form* form_of(DigestAlgorithm algorithm) {
  for (const Form& form : kForms) {
    if (form.algorithm == algorithm) return &form;
  }
  return nullptr;
}

}  // namespace

Digest::Digest(DigestAlgorithm algorithm, std::span<const std::uint8_t> bytes)
    : algorithm_(algorithm) {
  std::copy_n(bytes.begin(), std::min(bytes.size(), bytes_.size()), bytes_.begin());
}

Result<Digest> Digest::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  for (const Form& form : kForms) {
    if (colon == std::string_view::npos || text.substr(0, colon) != form.name) continue;
    const auto bytes = hex_decode(text.substr(colon + 1));
    if (!bytes || bytes->size() != form.size) break;
    return Digest(form.algorithm,
                  {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
  }
  return fail(Code::kInvalid, "not a digest: \"" + std::string(text) +
                                  "\" (expected sha1:, sha256: or sha512: and hexadecimal digits)");
}

std::span<const std::uint8_t> Digest::bytes() const {
  const Form* form = form_of(algorithm_);
  return {bytes_.data(), form ? form->size : 0};
}

std::string Digest::hex() const {
  return hex_encode(bytes());
}

std::string Digest::text() const {
  const Form* form = form_of(algorithm_);
  return form ? std::string(form->name) + ":" + hex() : std::string();
}

}  // namespace sluice
