// FIPS 180-4 example values; git hash-object for blob ids.
#include "sluice/crypto/hash.hpp"

#include "sluice/base/encoding.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::crypto;

TEST_CASE("hash: SHA-256 and SHA-512 of known messages") {
  CHECK(sha256("abc").text() ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha512("abc").hex() ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
        "feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("hash: a blob id is what git hash-object prints") {
  CHECK(git_blob_id("").text() == "sha1:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  CHECK(git_blob_id("hello\n").text() == "sha1:ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST_CASE("hash: pieces give the digest of the whole") {
  Hash hash(HashAlgorithm::kSha1);
  hash.append("a");
  hash.append("bc");
  hash.append(std::string_view());
  CHECK(hash.size() == 20);
  const auto value = hash.finish();
  CHECK(hex_encode(std::span(value).first(20)) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(value[20] == 0);
}
