// Leaves: lifted without keys, opened one at a time; files of fixtures/sops, made with sops.
#include <atomic>
#include <thread>

#include "sluice/yaml/read.hpp"

#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

fs::path fixtures() {
  return fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops";
}

struct Lifted {
  std::shared_ptr<SopsFiles> files = std::make_shared<SopsFiles>();
  std::vector<yaml::Document> documents;
};

Lifted lift(const std::string& name, std::string text = {}) {
  Lifted lifted;
  auto bytes =
      std::make_shared<const std::string>(text.empty() ? read_file(fixtures() / name) : text);
  auto documents = yaml::read_yaml(bytes, FileId::kNone);
  REQUIRE_OK(documents);
  lifted.documents = std::move(*documents);
  const auto done = lift_leaves(lifted.documents, bytes, name, *lifted.files);
  REQUIRE_OK(done);
  REQUIRE(*done);
  return lifted;
}

std::string open_text(LeafDecryptor& decryptor, yaml::Node node) {
  REQUIRE(node.is_encrypted());
  const auto opened = decryptor.open(node.leaf(), {});
  REQUIRE_OK(opened);
  return std::string(opened->reveal_text());
}

// Counts how often the data key is asked for.
class CountingService final : public KeyService {
 public:
  explicit CountingService(std::shared_ptr<KeyService> inner) : inner_(std::move(inner)) {}
  std::string_view type() const override { return "age"; }
  std::vector<std::string> looked_in() const override { return inner_->looked_in(); }
  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    ++calls;
    if (failures-- > 0) return fail(Code::kUnavailable, "the network is down");
    return inner_->unwrap(key, cancel);
  }
  std::atomic<int> calls = 0;
  std::atomic<int> failures = 0;

 private:
  std::shared_ptr<KeyService> inner_;
};

}  // namespace

TEST_CASE("lift_leaves: encrypted values become leaves of their kind, the sops block goes") {
  const Lifted lifted = lift("secret.yaml");
  const yaml::Node root = lifted.documents[0].root();
  CHECK_FALSE(root.get("sops").exists());
  CHECK(root.get("kind").text() == "Secret");
  const yaml::Node data = root.get("stringData");
  CHECK(data.get("password").leaf().selector == "stringData:password");
  CHECK(data.get("password").leaf().kind == yaml::Kind::kString);
  CHECK(data.get("port").leaf().kind == yaml::Kind::kInt);
  CHECK(data.get("ratio").leaf().kind == yaml::Kind::kFloat);
  CHECK(data.get("debug").leaf().kind == yaml::Kind::kBool);
  CHECK(data.get("since").leaf().kind == yaml::Kind::kTimestamp);
  CHECK(data.get("empty").text().empty());
  CHECK(data.get("nothing").kind() == yaml::Kind::kNull);
  CHECK(data.get("odd:key[0]").leaf().selector == "stringData:odd\\:key\\[0\\]");
}

TEST_CASE(
    "lift_leaves: encrypted comments leave their list, and the other items keep their place") {
  const Lifted lifted = lift("secret.yaml");
  const yaml::Node list = lifted.documents[0].root().find("stringData", "list");
  REQUIRE(list.size() == 3);
  CHECK(list.at(0).leaf().selector == "stringData:list[1]");
  CHECK(list.at(1).get("x").leaf().selector == "stringData:list[2]:x");
  CHECK(list.at(2).at(0).leaf().selector == "stringData:list[3][0]");
  SopsDecryptor decryptor(lifted.files, age_keys({fixtures() / "key.txt"}));
  CHECK(open_text(decryptor, list.at(0)) == "first");
  CHECK(open_text(decryptor, list.at(1).get("x")) == "nested");
  CHECK(open_text(decryptor, list.at(2).at(0)) == "deep");
}

TEST_CASE("SopsDecryptor: opens values of every kind, and the reader says how to print them") {
  const Lifted lifted = lift("secret.yaml");
  const yaml::Node data = lifted.documents[0].root().get("stringData");
  SopsDecryptor decryptor(lifted.files, age_keys({fixtures() / "key.txt"}));
  CHECK(open_text(decryptor, data.get("password")) == "canary-7f3a91 correct horse");
  CHECK(open_text(decryptor, data.get("port")) == "5432");
  CHECK(open_text(decryptor, data.get("ratio")) == "0.25");
  CHECK(open_text(decryptor, data.get("debug")) == "true");
  CHECK(open_text(decryptor, data.get("since")) == "2024-01-02T03:04:05Z");
  CHECK(open_text(decryptor, data.get("odd:key[0]")) == "odd");
  DecryptingLeafReader reader(decryptor, {});
  const auto port = reader.read(data.get("port").leaf());
  REQUIRE_OK(port);
  CHECK(port->kind == yaml::Kind::kInt);
  CHECK(port->text == "5432");
  yaml::EncryptedLeaf encoded = data.get("port").leaf();
  encoded.encoding = yaml::LeafEncoding::kBase64;
  const auto base64 = reader.read(encoded);
  REQUIRE_OK(base64);
  CHECK(base64->kind == yaml::Kind::kString);
  CHECK(base64->text == "NTQzMg==");
}

TEST_CASE("SopsDecryptor: later documents have selectors of their own") {
  const Lifted lifted = lift("multi.yaml");
  REQUIRE(lifted.documents.size() == 2);
  const yaml::Node second = lifted.documents[1].root();
  CHECK(second.get("b").leaf().selector == "#1:b");
  CHECK(second.get("c").at(1).leaf().selector == "#1:c[1]");
  SopsDecryptor decryptor(lifted.files, age_keys({fixtures() / "key.txt"}));
  CHECK(open_text(decryptor, lifted.documents[0].root().get("a")) == "canary-first");
  CHECK(open_text(decryptor, second.get("b")) == "canary-second");
  CHECK(open_text(decryptor, second.get("c").at(1)) == "canary-third");
}

TEST_CASE("lift_leaves: a rule about comments selects by the comments of the file") {
  const Lifted lifted = lift("comments.yaml");
  const yaml::Node root = lifted.documents[0].root();
  CHECK(root.get("plain").text() == "visible");
  CHECK(root.find("block", "other").text() == "visible");
  SopsDecryptor decryptor(lifted.files, age_keys({fixtures() / "key.txt"}));
  CHECK(open_text(decryptor, root.get("secret")) == "canary-comment");
  CHECK(open_text(decryptor, root.find("block", "deep").at(0)) == "canary-list");
}

TEST_CASE("lift_leaves: a file without a sops block is left alone") {
  auto bytes = std::make_shared<const std::string>("a: ENC[AES256_GCM,data:x]\n");
  auto documents = yaml::read_yaml(bytes, FileId::kNone);
  REQUIRE_OK(documents);
  SopsFiles files;
  const auto lifted = lift_leaves(*documents, bytes, "x.yaml", files);
  REQUIRE_OK(lifted);
  CHECK_FALSE(*lifted);
  CHECK(documents->at(0).root().get("a").is_string());
  CHECK(files.size() == 0);
}

TEST_CASE(
    "lift_leaves: a value that should be encrypted and is not is refused without quoting it") {
  const std::string text = read_file(fixtures() / "secret.yaml");
  const std::pair<std::string, std::string> cases[] = {{"empty: \"\"", "empty: plaintext-leak"},
                                                       {"nothing: null", "nothing: 12345"}};
  for (const auto& [from, to] : cases) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    auto bytes = std::make_shared<const std::string>(changed);
    auto documents = yaml::read_yaml(bytes, FileId::kNone);
    REQUIRE_OK(documents);
    SopsFiles files;
    const auto lifted = lift_leaves(*documents, bytes, "secret.yaml", files);
    REQUIRE_FALSE(lifted.has_value());
    CHECK(lifted.error().code() == Code::kInvalid);
    CHECK(lifted.error().where().line != 0);
    CHECK(lifted.error().message().find("encrypted_regex") != std::string::npos);
    CHECK(lifted.error().text().find("plaintext-leak") == std::string::npos);
    CHECK(lifted.error().text().find("12345") == std::string::npos);
  }
}

TEST_CASE("lift_leaves: documents that were encrypted separately and joined are refused") {
  const std::string joined =
      read_file(fixtures() / "secret.yaml") + "---\n" + read_file(fixtures() / "multi.yaml");
  auto bytes = std::make_shared<const std::string>(joined);
  auto documents = yaml::read_yaml(bytes, FileId::kNone);
  REQUIRE_OK(documents);
  SopsFiles files;
  const auto lifted = lift_leaves(*documents, bytes, "joined.yaml", files);
  REQUIRE_FALSE(lifted.has_value());
  CHECK(lifted.error().code() == Code::kUnsupported);
}

TEST_CASE("lift_env: keys in order, plain values as text, encrypted ones as leaves") {
  auto files = std::make_shared<SopsFiles>();
  auto bytes = std::make_shared<const std::string>(read_file(fixtures() / "vars.env"));
  const auto entries = lift_env(bytes, "vars.env", *files);
  REQUIRE_OK(entries);
  REQUIRE(entries->size() == 5);
  SopsDecryptor decryptor(files, age_keys({fixtures() / "key.txt"}));
  const auto value = [&](std::size_t i) {
    const EnvEntry& entry = entries->at(i);
    if (!entry.encrypted) return entry.key + "=" + entry.plain;
    const auto opened = decryptor.open(entry.leaf, {});
    REQUIRE_OK(opened);
    return entry.key + "=" + std::string(opened->reveal_text());
  };
  CHECK(value(0) == "USER=admin");
  CHECK(value(1) == "PASSWORD=canary-env p=w");
  CHECK(value(2) == "LINES=one\\ntwo");  // as in the file that sops -d prints
  CHECK(value(3) == "EMPTY=");
  CHECK(value(4) == "PORT_unencrypted=80");
  CHECK_FALSE(entries->at(4).encrypted);
}

TEST_CASE("lift_whole: the whole plaintext as one leaf, in the asked format") {
  auto files = std::make_shared<SopsFiles>();
  const auto keys = age_keys({fixtures() / "key.txt"});
  SopsDecryptor decryptor(files, keys);
  for (const char* name :
       {"secret.yaml", "multi.yaml", "vars.env", "blob.bin", "config.json", "config.ini"}) {
    CAPTURE(name);
    const Format format = format_for_path(name);
    auto bytes = std::make_shared<const std::string>(read_file(fixtures() / name));
    const auto leaf = lift_whole(bytes, format, format, name, *files);
    REQUIRE_OK(leaf);
    CHECK(leaf->selector.empty());
    const auto opened = decryptor.open(*leaf, {});
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == read_file(fixtures() / "want" / name));
  }
  auto bytes = std::make_shared<const std::string>(read_file(fixtures() / "secret.yaml"));
  const auto leaf = lift_whole(bytes, Format::kYaml, Format::kJson, "secret.yaml", *files);
  REQUIRE_OK(leaf);
  const auto opened = decryptor.open(*leaf, {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == read_file(fixtures() / "want/secret.yaml.json"));
  const auto plain = lift_whole(std::make_shared<const std::string>("a: 1\n"), Format::kYaml,
                                Format::kYaml, "plain.yaml", *files);
  REQUIRE_FALSE(plain.has_value());
  CHECK(plain.error().text().starts_with("plain.yaml: "));
}

TEST_CASE("SopsDecryptor: the data key is unwrapped once for all leaves of a file") {
  const Lifted lifted = lift("secret.yaml");
  auto counting = std::make_shared<CountingService>(age_keys({fixtures() / "key.txt"}).front());
  SopsDecryptor decryptor(lifted.files, {counting});
  std::vector<std::thread> threads;
  std::atomic<int> bad = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const yaml::EncryptedLeaf& leaf : lifted.documents[0].leaves()) {
        if (!decryptor.open(leaf, {})) ++bad;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(bad == 0);
  CHECK(counting->calls == 1);
}

TEST_CASE("SopsDecryptor: a key service that was down is asked again, a bad MAC is not") {
  const Lifted lifted = lift("secret.yaml");
  auto counting = std::make_shared<CountingService>(age_keys({fixtures() / "key.txt"}).front());
  counting->failures = 1;
  SopsDecryptor decryptor(lifted.files, {counting});
  const yaml::EncryptedLeaf& leaf = lifted.documents[0].leaves()[0];
  const auto down = decryptor.open(leaf, {});
  REQUIRE_FALSE(down.has_value());
  CHECK(down.error().code() == Code::kUnavailable);
  CHECK_OK(decryptor.open(leaf, {}));
  CHECK(counting->calls == 2);

  std::string changed = read_file(fixtures() / "secret.yaml");
  changed.replace(changed.find("name: db"), 8, "name: dc");
  const Lifted tampered = lift("secret.yaml", changed);
  counting->calls = 0;
  SopsDecryptor other(tampered.files, {counting});
  for (int i = 0; i < 2; ++i) {
    const auto opened = other.open(tampered.documents[0].leaves()[0], {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kIntegrity);
    CHECK(opened.error().reason() == kReasonMac);
  }
  CHECK(counting->calls == 1);
}

TEST_CASE("SopsDecryptor: a cancelled token stops it") {
  const Lifted lifted = lift("secret.yaml");
  SopsDecryptor decryptor(lifted.files, age_keys({fixtures() / "key.txt"}));
  CancelSource source;
  source.cancel();
  const auto opened = decryptor.open(lifted.documents[0].leaves()[0], source.token());
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code() == Code::kCancelled);
}

TEST_CASE("tampering: each changed byte of a file fails, and no message holds plaintext") {
  const std::string text = read_file(fixtures() / "secret.yaml");
  const auto keys = age_keys({fixtures() / "key.txt"});
  const std::size_t start = text.find("stringData:");
  const std::size_t end = text.find("sops:\n");
  int opened = 0;
  for (std::size_t i = start; i < end; i += 7) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto plaintext =
        decrypt_file(changed, "secret.yaml", {Format::kYaml, Format::kYaml}, keys, {});
    if (plaintext) {
      ++opened;  // a comment, the key of an empty or null value: not covered by the MAC
      continue;
    }
    CHECK(plaintext.error().text().find("canary") == std::string::npos);
    CHECK(plaintext.error().text().find("5432") == std::string::npos);
  }
  MESSAGE(opened << " changes outside of what SOPS protects");
  CHECK(opened < 40);
}

TEST_CASE("identities: what cannot be used is refused by name, never by content") {
  const auto add = [](std::string_view text) {
    return make_age_key_service()->add_identities(crypto::SecretBytes::copy_of(text), "keys.txt");
  };
  const auto plugin = add("# x\nAGE-PLUGIN-YUBIKEY-1QQQQ\n");
  REQUIRE_FALSE(plugin.has_value());
  CHECK(plugin.error().code() == Code::kUnsupported);
  CHECK(plugin.error().where().line == 2);
  CHECK(add("AGE-SECRET-KEY-PQ-1QQQQ\n").error().code() == Code::kInvalid);
  const auto broken = add("\nAGE-SECRET-KEY-1QQQSECRETPART\n");
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().code() == Code::kInvalid);
  CHECK(broken.error().text().find("SECRETPART") == std::string::npos);
  CHECK(add("-----BEGIN AGE ENCRYPTED FILE-----\n").error().code() == Code::kUnsupported);
  const auto both = make_age_key_service();
  const std::string text = read_file(fixtures() / "key.txt") + "AGE-PLUGIN-X-1Q\n";
  REQUIRE_OK(both->add_identities(crypto::SecretBytes::copy_of(text), "keys.txt"));
  CHECK(both->identities() == 1);
  CHECK(both->looked_in().at(0).find("skipped") != std::string::npos);
}
