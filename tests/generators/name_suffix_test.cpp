// Suffixes against those that kustomize 5.8.2 gave (api/hasher/hasher.go).

#include "sluice/generators/name_suffix.hpp"

#include <string>

#include "sluice/yaml/read.hpp"

#include "support/test.hpp"

using namespace sluice;

namespace {

std::string suffix(const std::string& text) {
  const auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  const auto made = generators::name_suffix(documents->front().root(), nullptr);
  REQUIRE_OK(made);
  return *made;
}

// Gives every leaf the same plaintext, and counts.
class FakeDecryptor final : public decrypt::LeafDecryptor {
 public:
  explicit FakeDecryptor(std::string plaintext) : plaintext_(std::move(plaintext)) {}
  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf&, const CancelToken&) override {
    ++opened;
    return crypto::SecretBytes::copy_of(plaintext_);
  }
  int opened = 0;

 private:
  std::string plaintext_;
};

yaml::Document secret_with_leaf() {
  yaml::Document document;
  const yaml::Ref root = document.root();
  root.set_mapping();
  root.put_string("kind", "Secret");
  root.put_string("type", "Opaque");
  yaml::EncryptedLeaf leaf;
  leaf.selector = "a";
  leaf.encoding = yaml::LeafEncoding::kBase64;
  root.put_mapping("data").put_leaf("k", leaf);
  return document;
}

}  // namespace

TEST_CASE("suffix of a ConfigMap: data, or an empty text for none; never the name") {
  CHECK(suffix("{kind: ConfigMap, metadata: {name: a}, data: {k: v}}") ==
        suffix("{kind: ConfigMap, metadata: {name: b}, data: {k: v}}"));
  CHECK(suffix("{kind: ConfigMap, data: {\"k1\": \" \"}}") == "c22bhh8gm7");
  CHECK(suffix("{kind: ConfigMap, data: {k: \"\\ta\"}}") == "f75b5dfbh8");
  CHECK(suffix("{kind: ConfigMap, data: {k: \"a\\u2028b\"}}") == "2cg7d79b42");
  CHECK(suffix("{kind: ConfigMap}") != suffix("{kind: ConfigMap, data: {}}"));
}

TEST_CASE("suffix: U+0085 counts as itself, though it is printed as a space") {
  CHECK(suffix("{kind: ConfigMap, data: {k1: \"\\u0085\"}}") == "bcdfcftd42");
}

TEST_CASE("suffix: integers count as the float64 that kustomize reads them as") {
  CHECK(suffix("{kind: Secret, data: {made: 9223372036854775808}, type: Opaque}") == "kf29k4f22t");
  CHECK(suffix("{kind: Secret, data: {made: 9223372036854775809}, type: Opaque}") == "kf29k4f22t");
}

TEST_CASE("suffix: binaryData and stringData count when they are mappings") {
  const std::string plain = suffix("{kind: Secret, data: {a: YQ==}, type: Opaque}");
  CHECK(plain != suffix("{kind: Secret, data: {a: YQ==}, stringData: {b: c}, type: Opaque}"));
  CHECK(plain == suffix("{kind: Secret, data: {a: YQ==}, stringData: null, type: Opaque}"));
  CHECK(plain != suffix("{kind: Secret, data: {a: YQ==}, type: other}"));
}

TEST_CASE("suffix: another kind is refused by name") {
  const auto documents = yaml::read_yaml("{kind: Deployment}", FileId::kNone);
  REQUIRE_OK(documents);
  const auto made = generators::name_suffix(documents->front().root(), nullptr);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code() == Code::kUnsupported);
  CHECK(made.error().message().find("Deployment") != std::string::npos);
}

TEST_CASE("suffix: a leaf counts as its plaintext, with the line breaks of long base64") {
  const yaml::Document document = secret_with_leaf();
  FakeDecryptor short_value("b");
  const auto made = generators::name_suffix(document.root(), &short_value);
  REQUIRE_OK(made);
  CHECK(*made == suffix("{kind: Secret, type: Opaque, data: {k: Yg==}}"));
  CHECK(short_value.opened == 1);

  FakeDecryptor long_value(std::string(52, 'x'));
  const auto wrapped = generators::name_suffix(document.root(), &long_value);
  REQUIRE_OK(wrapped);
  std::string expected = "eHh4";
  for (int i = 0; i < 4; ++i)
    expected += expected;
  expected += "eHh4eA\\n==\\n";
  CHECK(*wrapped == suffix("{kind: Secret, type: Opaque, data: {k: \"" + expected + "\"}}"));
}

TEST_CASE("suffix: without a decryptor it names the ciphertext, and says that it would need one") {
  const yaml::Document document = secret_with_leaf();
  CHECK(generators::suffix_needs_decryption(document.root()));
  const auto first = generators::name_suffix(document.root(), nullptr);
  REQUIRE_OK(first);
  CHECK(first->size() == 10);
  CHECK(*first == *generators::name_suffix(document.root(), nullptr));
}

TEST_CASE("suffix: an error of the decryptor is handed on") {
  class Failing final : public decrypt::LeafDecryptor {
   public:
    Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf&, const CancelToken&) override {
      return fail(Code::kIntegrity, "mac mismatch");
    }
  } failing;
  const yaml::Document document = secret_with_leaf();
  const auto made = generators::name_suffix(document.root(), &failing);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code() == Code::kIntegrity);
}
