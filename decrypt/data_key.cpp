#include "data_key.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "sluice/crypto/aead.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kDataKeySize = 32;

// Without tables or branches on the data: the operands are key material.
std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  unsigned x = a;
  for (unsigned i = 0; i < 8; ++i) {
    product ^= x & (0U - (b >> i & 1U));
    x = (x << 1) ^ (0x11bU & (0U - (x >> 7 & 1U)));
  }
  return static_cast<std::uint8_t>(product);
}

std::uint8_t inverse(std::uint8_t a) {  // a^254
  std::uint8_t result = 1;
  std::uint8_t square = a;
  for (int i = 0; i < 7; ++i) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
}

std::string describe(const MasterKey& key) {
  constexpr std::size_t kShown = 120;  // a hybrid recipient has 2000 characters
  if (key.id.empty()) return key.type + " (no id)";
  const bool cut = key.id.size() > kShown;
  return key.type + " \"" + key.id.substr(0, cut ? kShown / 4 : kShown) + (cut ? "…\"" : "\"");
}

class Recovery {
 public:
  Recovery(const KeyServices& services, const std::vector<std::string>& order,
           const CancelToken& cancel)
      : services_(services), order_(order), cancel_(cancel) {}

  Result<std::optional<crypto::SecretBytes>> open_group(const std::vector<MasterKey>& group) {
    std::vector<const MasterKey*> keys;
    for (const MasterKey& key : group)
      keys.push_back(&key);
    const auto rank = [this](const MasterKey* key) {
      return std::find(order_.begin(), order_.end(), key->type) - order_.begin();
    };
    std::stable_sort(keys.begin(), keys.end(),
                     [&rank](const MasterKey* a, const MasterKey* b) { return rank(a) < rank(b); });
    for (const MasterKey* key : keys) {
      if (cancel_.cancelled()) return fail(Code::kCancelled, "cancelled");
      auto part = open(*key);
      if (part) {
        opened_by_.push_back(describe(*key));
        return std::optional(std::move(*part));
      }
      if (part.error().code() == Code::kCancelled) return fail(std::move(part).error());
      unavailable_ = unavailable_ || part.error().code() == Code::kUnavailable;
      const std::string& hint = part.error().hint();
      attempts_.push_back(describe(*key) + ": " + part.error().message() +
                          (hint.empty() ? "" : " (" + hint + ")"));
    }
    return std::optional<crypto::SecretBytes>();
  }

  const std::vector<std::string>& opened_by() const { return opened_by_; }

  Error failure(std::string what) const {
    for (const std::string& attempt : attempts_)
      what += "; " + attempt;
    std::string looked_in;
    for (const auto& service : services_) {
      if (!tried_.contains(std::string(service->type()))) continue;
      for (const std::string& place : service->looked_in()) {
        if (!looked_in.empty()) looked_in += "; ";
        looked_in += std::string(service->type()) + " keys: " + place;
      }
    }
    return Error(unavailable_ ? Code::kUnavailable : Code::kDenied, std::move(what), {},
                 !looked_in.empty()  ? looked_in
                 : services_.empty() ? "no decryption keys were given"
                                     : std::string())
        .reason(std::string(kReasonNoDataKey));
  }

 private:
  Result<crypto::SecretBytes> open(const MasterKey& key) {
    tried_.insert(key.type);
    std::optional<Error> error;
    for (const auto& service : services_) {
      if (service->type() != key.type) continue;
      auto part = service->unwrap(key, cancel_);
      if (part) return part;
      error = std::move(part).error();
    }
    if (error) return fail(std::move(*error));
    return fail(Code::kUnsupported, "no " + key.type + " keys were given");
  }

  const KeyServices& services_;
  const std::vector<std::string>& order_;
  const CancelToken& cancel_;
  std::vector<std::string> attempts_;
  std::vector<std::string> opened_by_;
  std::set<std::string> tried_;  // types: where others were looked for helps nobody
  bool unavailable_ = false;
};

}  // namespace

Result<void> KeyService::complete(MasterKey& /*key*/, const CancelToken& /*cancel*/) {
  return {};
}

Result<std::string> KeyService::wrap(const MasterKey& key, const crypto::SecretBytes& /*data_key*/,
                                     const CancelToken& /*cancel*/) {
  return fail(Code::kUnsupported,
              key.type + " \"" + key.id + "\": encrypting for keys of this type is not supported",
              Where{}, "files that have it can still be read; take it out of the creation rule");
}

Result<crypto::SecretBytes> combine_parts(const std::vector<crypto::SecretBytes>& parts) {
  if (parts.size() < 2 || parts.size() > 255) {
    return fail(Code::kInvalid, "a data key in parts needs 2 to 255 of them");
  }
  const std::size_t size = parts[0].size();
  std::vector<std::uint8_t> x;
  for (const crypto::SecretBytes& part : parts) {
    if (part.size() != size || size < 2) {
      return fail(Code::kInvalid, "the parts of the data key differ in length");
    }
    x.push_back(std::to_integer<std::uint8_t>(part.reveal()[size - 1]));
  }
  std::vector<std::uint8_t> sorted = x;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end() || sorted[0] == 0) {
    return fail(Code::kInvalid, "two key groups hold the same part of the data key");
  }
  crypto::SecretBytes secret(size - 1);
  for (std::size_t j = 0; j < parts.size(); ++j) {
    std::uint8_t weight = 1;  // Lagrange at 0: product of x_m / (x_m - x_j)
    for (std::size_t m = 0; m < parts.size(); ++m) {
      if (m == j) continue;
      weight = multiply(weight, multiply(x[m], inverse(static_cast<std::uint8_t>(x[m] ^ x[j]))));
    }
    for (std::size_t i = 0; i + 1 < size; ++i) {
      const auto y = std::to_integer<std::uint8_t>(parts[j].reveal()[i]);
      secret.writable()[i] ^= static_cast<std::byte>(multiply(y, weight));
    }
  }
  return secret;
}

Result<std::vector<crypto::SecretBytes>> split_parts(const crypto::SecretBytes& secret,
                                                     std::size_t count, std::int64_t threshold) {
  if (count > 255) return fail(Code::kInvalid, "more than 255 key groups");
  if (threshold < 2 || static_cast<std::uint64_t>(threshold) > count) {
    return fail(Code::kInvalid,
                "a Shamir threshold of " + std::to_string(threshold) + " with " +
                    std::to_string(count) + " key groups",
                Where{}, "use 2 to " + std::to_string(count));
  }
  if (secret.empty()) return fail(Code::kInvalid, "an empty data key cannot be split");
  std::vector<crypto::SecretBytes> parts;
  for (std::size_t i = 0; i < count; ++i) {
    parts.emplace_back(secret.size() + 1);
    parts.back().writable()[secret.size()] = static_cast<std::byte>(i + 1);  // x; 0 is the secret
  }
  const auto degree = static_cast<std::size_t>(threshold) - 1;
  for (std::size_t byte = 0; byte < secret.size(); ++byte) {
    const crypto::SecretBytes coefficients = crypto::random_bytes(degree);
    for (std::size_t i = 0; i < count; ++i) {
      const auto x = static_cast<std::uint8_t>(i + 1);
      std::uint8_t y = 0;  // Horner, from the highest coefficient to the secret
      for (std::size_t k = degree; k-- > 0;) {
        y = multiply(y ^ std::to_integer<std::uint8_t>(coefficients.reveal()[k]), x);
      }
      y ^= std::to_integer<std::uint8_t>(secret.reveal()[byte]);
      parts[i].writable()[byte] = static_cast<std::byte>(y);
    }
  }
  return parts;
}

namespace {

Result<std::string> wrap_for(const MasterKey& key, const crypto::SecretBytes& part,
                             const KeyServices& services, const CancelToken& cancel) {
  std::optional<Error> error;
  for (const auto& service : services) {
    if (service->type() != key.type) continue;
    auto wrapped = service->wrap(key, part, cancel);
    if (wrapped) return wrapped;
    error = std::move(wrapped).error();
  }
  if (!error) {
    error = Error(Code::kUnsupported, "encrypting for keys of this type is not supported");
  }
  return fail(std::move(*error).prefix("cannot encrypt the data key for " + describe(key) + ": "));
}

}  // namespace

Result<void> complete_keys(std::vector<MasterKey>& keys, const KeyServices& services,
                           const CancelToken& cancel) {
  for (MasterKey& key : keys) {
    for (const auto& service : services) {
      if (service->type() == key.type) SLUICE_CHECK(service->complete(key, cancel));
    }
  }
  return {};
}

Result<void> wrap_data_key(Metadata& metadata, const crypto::SecretBytes& data_key,
                           const KeyServices& services, const std::string& now,
                           const CancelToken& cancel) {
  const std::string hint = "give --age RECIPIENT, or a creation rule in .sops.yaml";
  if (metadata.groups.empty()) return fail(Code::kInvalid, "no keys to encrypt for", Where{}, hint);
  for (const auto& group : metadata.groups) {
    if (group.empty()) return fail(Code::kInvalid, "a key group without keys", Where{}, hint);
  }
  std::vector<crypto::SecretBytes> parts;
  if (metadata.groups.size() == 1) {
    parts.push_back(data_key.clone());
  } else {
    if (metadata.shamir_threshold == 0) {
      metadata.shamir_threshold = static_cast<std::int64_t>(metadata.groups.size());
    }
    SLUICE_TRY(parts, split_parts(data_key, metadata.groups.size(), metadata.shamir_threshold));
  }
  for (std::size_t i = 0; i < metadata.groups.size(); ++i) {
    for (MasterKey& key : metadata.groups[i]) {
      // The whole data key, wrapped before: nothing to do.
      if (metadata.groups.size() == 1 && !key.wrapped_key.empty()) continue;
      SLUICE_TRY(key.wrapped_key, wrap_for(key, parts[i], services, cancel));
      if (key.type != "age" && key.fields["created_at"].empty()) key.fields["created_at"] = now;
    }
  }
  return {};
}

Result<crypto::SecretBytes> recover_data_key(const Metadata& metadata, const KeyServices& services,
                                             const std::vector<std::string>& decryption_order,
                                             const CancelToken& cancel,
                                             std::vector<std::string>* opened_by) {
  Recovery recovery(services, decryption_order, cancel);
  std::vector<crypto::SecretBytes> parts;
  for (const auto& group : metadata.groups) {
    SLUICE_TRY(auto part, recovery.open_group(group));
    if (part) parts.push_back(std::move(*part));
  }
  crypto::SecretBytes data_key;
  if (metadata.groups.size() == 1) {
    if (parts.empty()) {
      return fail(recovery.failure("cannot get the data key: none of its " +
                                   std::to_string(metadata.groups[0].size()) +
                                   " key(s) could be opened"));
    }
    data_key = std::move(parts[0]);
  } else {
    // Threshold 0: upstream combines what there is.
    const auto needed =
        static_cast<std::size_t>(std::max<std::int64_t>(metadata.shamir_threshold, 2));
    if (parts.size() < needed) {
      return fail(recovery.failure("cannot get the data key: " + std::to_string(parts.size()) +
                                   " of " + std::to_string(metadata.groups.size()) +
                                   " key groups could be opened, " + std::to_string(needed) +
                                   " are needed"));
    }
    SLUICE_TRY(data_key, combine_parts(parts));
  }
  if (data_key.size() != kDataKeySize) {
    return fail(Error(Code::kInvalid, "the data key is not 32 bytes long")
                    .reason(std::string(kReasonNoDataKey)));
  }
  if (opened_by != nullptr) *opened_by = recovery.opened_by();
  return data_key;
}

}  // namespace sluice::decrypt
