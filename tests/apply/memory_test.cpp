// After a Secret was tried, applied and compared, with everything still in place (client, its
// connections, cache), no writable page may hold its values, plain or in base64.
#include <string>

#include "sluice/apply/apply.hpp"
#include "sluice/base/encoding.hpp"

#include "support/api_server.hpp"
#include "support/memory_scan.hpp"

using namespace sluice;

namespace {

// OpenSSL must get its allocator before it allocates, so before main().
const crypto::HardenReport hardened = crypto::harden_process();

/// Makes the plaintext when asked, in secret memory only.
class DisguisedDecryptor final : public decrypt::LeafDecryptor {
 public:
  explicit DisguisedDecryptor(std::string disguised) : disguised_(std::move(disguised)) {}
  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf&, const CancelToken&) override {
    crypto::SecretBytes bytes(disguised_.size());
    for (std::size_t i = 0; i < disguised_.size(); ++i) {
      bytes.writable()[i] = static_cast<std::byte>(disguised_[i] ^ 0x5a);
    }
    return bytes;
  }

 private:
  std::string disguised_;
};

}  // namespace

TEST_CASE("contract: memory holds no value of an applied Secret") {
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
  SLUICE_API_SERVER(server);
  if (!server->is_real()) SLUICE_SKIP("the sandbox keeps Secrets in this process");
  const std::string ns = server->new_namespace();
  // Built from parts, and disguised while the plain text is short-lived and wiped.
  const auto make = [](std::size_t seed) {
    std::string text;
    for (std::size_t i = 0; i < 48; ++i) {
      text.push_back(static_cast<char>('a' + (seed * 31 + i * i * 7) % 26));
    }
    return text;
  };
  std::string plain = make(static_cast<std::size_t>(::getpid()));
  std::string encoded = base64_encode(plain);
  const std::string plain_disguised = test::disguise(plain);
  const std::string encoded_disguised = test::disguise(encoded);
  CHECK(test::count_in_memory(plain_disguised) >= 1);  // the search finds what is there
  crypto::wipe(plain);
  crypto::wipe(encoded);
  const auto plain_before = test::count_in_memory(plain_disguised);
  const auto encoded_before = test::count_in_memory(encoded_disguised);

  DisguisedDecryptor decryptor(plain_disguised);
  apply::AppliedCache cache(server->client(), server->clock(), "kustomize.toolkit.fluxcd.io");
  apply::Cluster cluster{server->client(), server->clock(), &cache, &decryptor};
  apply::ApplyOptions options;
  options.owner_name = "app";
  options.owner_namespace = ns;
  for (const char* note : {"one", "two"}) {
    yaml::Document body =
        test::document("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: " + ns +
                       ", annotations: {note: " + note + "}}\nstringData: {}\n");
    body.root()
        .get("stringData")
        .put_leaf("k", {Digest(), "k", yaml::Kind::kString, yaml::LeafEncoding::kNone});
    kustomize::ResourceSet set;
    set.resources.push_back({kube::object_id(body.root()), std::move(body)});
    for (int round = 0; round < 2; ++round) {
      const auto result = apply::apply_all(set, options, cluster, {}, nullptr);
      REQUIRE_OK(result);
      options.before = result->inventory;
    }
  }
  // A refusal that quotes it, too.
  const ObjectId service{Gvk::from("v1", "Service"), ns, "x"};
  yaml::Document body =
      test::document("apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: " + ns +
                     "}\nspec: {ports: [{port: 80}]}\n");
  body.root().get("spec").put_leaf("sessionAffinity",
                                   {Digest(), "k", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  kustomize::ResourceSet set;
  set.resources.push_back({service, std::move(body)});
  const auto refused = apply::apply_all(set, options, cluster, {}, nullptr);
  REQUIRE_FALSE(refused);
  CHECK(test::count_in_memory(plain_disguised) <= plain_before);
  CHECK(test::count_in_memory(encoded_disguised) <= encoded_before);
}
