// Changing encrypted files: what nobody touched stays as it was, byte for byte.
#include <set>

#include "sluice/decrypt/encryptor.hpp"

#include "decrypt/tree.hpp"
#include "decrypt/written_file.hpp"
#include "files.hpp"
#include "recipient.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using test::make_recipient;
using test::Recipient;

namespace {

EncryptSettings settings_for(const std::vector<std::string>& names) {
  EncryptSettings settings;
  settings.groups.emplace_back();
  for (const std::string& name : names)
    settings.groups.back().push_back(parse_master_keys("age", name).value().front());
  return settings;
}

std::string encrypted(const std::string& text, Format format, const Recipient& key) {
  EncryptFileOptions options{format, format};
  options.settings = settings_for({key.name});
  options.now = "2026-01-01T00:00:00Z";
  const auto file =
      encrypt_file(crypto::SecretBytes::copy_of(text), "test", options, key.services, {});
  REQUIRE_OK(file);
  return *file;
}

RewriteOptions rewrite(Format format) {
  RewriteOptions options{format};
  options.now = "2026-11-23T12:00:00Z";
  return options;
}

std::string decrypted(const std::string& text, Format format, const KeyServices& services) {
  const auto plain = decrypt_file(text, "test", {format, format}, services, {});
  REQUIRE_OK(plain);
  return std::string(plain->reveal_text());
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    all.push_back(line);
  return all;
}

// Numbers of the lines that differ; both must have as many.
std::vector<std::size_t> changed_lines(const std::string& a, const std::string& b) {
  const auto from = lines(a);
  const auto to = lines(b);
  REQUIRE(from.size() == to.size());
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != to[i]) changed.push_back(i + 1);
  }
  return changed;
}

const std::string kYaml =
    "# about\n"
    "a:   \"canary\"   # why\n"
    "list:\n"
    "- canary-2\n"
    "- {x: canary-3, y: [1, 2.5]}\n"
    "\n"
    "text: >-\n"
    "  canary-4\n"
    "  more\n"
    "open_unencrypted: 'as it was'\n";

}  // namespace

TEST_CASE("encrypt: comments, order, quotes, flow collections and empty lines stay") {
  const Recipient key = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  CHECK(file.find("canary") == std::string::npos);
  CHECK(file.find("about") == std::string::npos);  // comments are encrypted too
  const auto all = lines(file);
  CHECK(all[1].starts_with("a:   \"ENC[AES256_GCM,data:"));
  CHECK(all[1].find("\"   #ENC[") != std::string::npos);
  CHECK(all[3].starts_with("- ENC["));
  CHECK(all[4].starts_with("- {x: \"ENC["));
  CHECK(all[5].empty());
  CHECK(file.find("\nopen_unencrypted: 'as it was'\nsops:\n") != std::string::npos);
}

TEST_CASE("edit: the text is shown as it was written, and saving it unchanged keeps ciphertexts") {
  const Recipient key = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  const std::string shown(edit->text().reveal_text());
  CHECK(shown.find("sops") == std::string::npos);
  CHECK(shown.find("- {x: \"canary-3\", y: [1, 2.5]}\n\n") != std::string::npos);
  const auto same = edit->finish(edit->text());
  REQUIRE_OK(same);
  for (const std::size_t number : changed_lines(file, *same)) {
    const std::string line = lines(*same)[number - 1];
    CAPTURE(line);
    CHECK((line.starts_with("    lastmodified:") || line.starts_with("    mac:")));
  }
}

TEST_CASE("edit: a comment that belongs to nothing is no reason to print the file anew") {
  const Recipient key = make_recipient();
  EncryptFileOptions options{Format::kYaml, Format::kYaml};
  options.settings = settings_for({key.name});
  options.settings.encrypted_regex = "^(a|c)$";
  options.now = "2026-01-01T00:00:00Z";
  const std::string text =
      "a:   canary\nb:   [\n  # none yet\n]\nc: [ # canary-2\n  # canary-3\n ]\n";
  const auto file =
      encrypt_file(crypto::SecretBytes::copy_of(text), "test", options, key.services, {});
  REQUIRE_OK(file);
  // Where the rule encrypts nothing it stays; elsewhere it would be readable, and SOPS drops it.
  CHECK(file->find("]\nb:   [\n  # none yet\n]\nc: [\n ]\nsops:\n") != std::string::npos);
  CHECK(file->find("canary") == std::string::npos);

  // Written into the encrypted file by hand: it is public, and not for us to remove.
  std::string by_hand = *file;
  by_hand.replace(by_hand.find("c: [\n"), 5, "c: [ # by hand\n");
  const auto edit = Edit::open(by_hand, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  std::string shown(edit->text().reveal_text());
  CHECK(shown == "a:   canary\nb:   [\n  # none yet\n]\nc: [ # by hand\n ]\n");
  shown.replace(shown.find("canary"), 6, "canary-4");
  shown.replace(shown.find(" ]\n"), 3, "  # canary-5\n ]\n");
  const auto changed = edit->finish(crypto::SecretBytes::copy_of(shown));
  REQUIRE_OK(changed);
  CHECK(changed->find("canary") == std::string::npos);
  for (const std::size_t number : changed_lines(by_hand, *changed)) {
    const std::string line = lines(*changed)[number - 1];
    CAPTURE(line);
    CHECK((line.starts_with("a:   ENC") || line.starts_with("    lastmodified:") ||
           line.starts_with("    mac:")));
  }
}

TEST_CASE("MAC: a ciphertext in a comment that is not one of a comment counts, as for SOPS") {
  const Recipient key = make_recipient();
  for (const Format format : {Format::kYaml, Format::kDotenv}) {
    const bool is_yaml = format == Format::kYaml;
    std::string file = encrypted(is_yaml ? "# note\na: x\n" : "# note\na=x\n", format, key);
    const std::size_t type = file.find("type:comment]");
    REQUIRE(type != std::string::npos);
    file.replace(type, 13, "type:str]");
    const auto plain = decrypt_file(file, "test", {format, format}, key.services, {});
    REQUIRE_FALSE(plain.has_value());
    CHECK(plain.error().code() == Code::kIntegrity);
    CHECK_FALSE(
        update_keys(file, "test", rewrite(format), settings_for({key.name}), key.services, {})
            .has_value());
    // The MAC itself is a string.
    file = encrypted(is_yaml ? "a: x\n" : "a=x\n", format, key);
    const std::size_t mac_type = file.find("type:str]", file.find("mac"));
    file.replace(mac_type, 9, "type:comment]");
    CHECK_FALSE(decrypt_file(file, "test", {format, format}, key.services, {}).has_value());
  }
}

TEST_CASE("edit: empty lines that end a value and empty lines behind it are not mixed up") {
  const Recipient key = make_recipient();
  for (const char* text :
       {"a: |+ # c\n  l1\n\n\nb: 'x'\n", "a:\n- |2+\n  l1\n\n\n- \"x\\n\\n\"\n\n\nb:   1\n",
        "a: >+\n\n  l1\n\n  # c\nb:   1\n", "a: \"\\n\"\n\nb: |\n  x\n\n\nc:   1\n",
        "a: |-\n  x\n\n\nb: |+\n\n  y\n\n\n"}) {
    CAPTURE(text);
    const std::string file = encrypted(text, Format::kYaml, key);
    const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
    REQUIRE_OK(edit);
    const std::string shown(edit->text().reveal_text());
    const auto as_written = read_tree(text, Format::kYaml);
    const auto as_shown = read_tree(shown, Format::kYaml);
    REQUIRE_OK(as_written);
    REQUIRE_OK(as_shown);
    CHECK(same_tree(*as_written, *as_shown));
    // The last lines of the text have the spaces that printing would not give them.
    CHECK((shown.find("b:   1") != std::string::npos) ==
          (std::string_view(text).find("b:   1") != std::string::npos));
    CHECK((shown.find("c:   1") != std::string::npos) ==
          (std::string_view(text).find("c:   1") != std::string::npos));
    const auto same = edit->finish(edit->text());
    REQUIRE_OK(same);
    CHECK(changed_lines(file, *same).size() == 2);
  }
}

TEST_CASE("edit: a comment behind the mark of a block is no reason to print the file anew") {
  const Recipient key = make_recipient();
  const std::string text =
      "b:   [x]\na: |-   # canary\n  l1\n  canary-2\nl:\n- >+ # canary-3\n  l3\n\n\n- y\nc:    z\n";
  const std::string file = encrypted(text, Format::kYaml, key);
  CHECK(file.starts_with("b:   [\"ENC["));
  CHECK(file.find("canary") == std::string::npos);
  CHECK(file.find("\nc:    ENC[") != std::string::npos);
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  const std::string shown(edit->text().reveal_text());
  CHECK(shown.find("# canary\n") != std::string::npos);
  CHECK(shown.find("\nc:    z\n") != std::string::npos);
  const auto as_written = read_tree(text, Format::kYaml);
  const auto as_shown = read_tree(shown, Format::kYaml);
  REQUIRE_OK(as_written);
  REQUIRE_OK(as_shown);
  CHECK(same_tree(*as_written, *as_shown));
  const auto same = edit->finish(edit->text());
  REQUIRE_OK(same);
  CHECK(changed_lines(file, *same).size() == 2);
}

TEST_CASE("edit: a float that prints as an integer stays one") {
  const Recipient key = make_recipient();
  for (const auto& [format, text] : {std::pair{Format::kYaml, "a:   1.0 # c\nb: -0.0\nc: 1e3\n"},
                                     std::pair{Format::kJson, "{\"a\":  1.0, \"b\": [-0.0]}\n"}}) {
    const std::string file = encrypted(text, format, key);
    const auto edit = Edit::open(file, "test", rewrite(format), key.services, {});
    REQUIRE_OK(edit);
    CHECK(edit->text().reveal_text().find("1.0") != std::string::npos);
    const auto same = edit->finish(edit->text());
    REQUIRE_OK(same);
    const auto number_of = [&](const std::string& where) {
      std::size_t count = 0;
      for (std::size_t at = 0; (at = where.find("type:float]", at)) != std::string::npos; ++at)
        ++count;
      return count;
    };
    CHECK(number_of(*same) == number_of(file));
    CHECK(same->substr(0, 100) == file.substr(0, 100));  // the first value
  }
}

TEST_CASE("edit: only the value that was changed gets a new ciphertext") {
  const Recipient key = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  std::string text(edit->text().reveal_text());
  text.replace(text.find("canary-2"), 8, "another");
  const auto changed = edit->finish(crypto::SecretBytes::copy_of(text));
  REQUIRE_OK(changed);
  CHECK(changed_lines(file, *changed).size() == 3);  // the value, lastmodified, mac
  CHECK(changed_lines(file, *changed)[0] == 4);
  CHECK(decrypted(*changed, Format::kYaml, key.services).find("- another\n") != std::string::npos);
}

TEST_CASE("edit: a text that cannot be encrypted is refused, and may be mended") {
  const Recipient key = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  for (const char* const wrong : {"a: [canary", "", "sops: {}\n", "1: canary\n"}) {
    CAPTURE(wrong);
    const auto refused = edit->finish(crypto::SecretBytes::copy_of(std::string_view(wrong)));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text().find("canary") == std::string::npos);
  }
  CHECK_OK(edit->finish(crypto::SecretBytes::copy_of(std::string_view("b: c\n"))));
}

TEST_CASE("edit: what SOPS would print so that it says something else is not shown") {
  const Recipient key = make_recipient();
  // JSON that is read as YAML cannot keep its layout; in a list SOPS gives a block the wrong number
  // of spaces, and a tab at its start is none of YAML.
  struct Case {
    const char *value, *place, *path;
  };
  for (const auto& [value, place, path] : {
           Case{"[{\"x\": \"   canary\\n\"}]", "test:4:8: ", "[\"c\"][0][\"x\"]"},
           Case{"[\"  canary\\nb\"]", "test:4:1: ", "[\"c\"][0]"},
           Case{"\"\\tcanary\\nb\"", "test:4:1: ", "[\"c\"]"},
       }) {
    CAPTURE(value);
    const std::string text =
        std::string("{\n \"a\": [1.5],\n \"c\":\n") + value + ",\n \"b\": \"x\"\n}\n";
    const std::string file = encrypted(text, Format::kJson, key);
    const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
    REQUIRE_OK(edit);
    const auto refused = edit->editable();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::kUnsupported);
    CHECK(sops_exit_code(refused.error()) == 4);
    INFO(refused.error().text());
    CHECK(refused.error().text().starts_with(place));
    CHECK(refused.error().text().find("canary") == std::string::npos);
    CHECK(edit->text().size() == 0);
    // It is changed without being shown.
    const auto changed = edit->set(parse_value_path("[\"a\"][0]").value(),
                                   crypto::SecretBytes::copy_of(std::string_view("2.5")));
    REQUIRE_OK(changed);
    REQUIRE(changed->has_value());
    CHECK(decrypted(**changed, Format::kYaml, key.services).find("2.5") != std::string::npos);
    const auto mended = edit->unset(parse_value_path(path).value());
    REQUIRE_OK(mended);
    const auto again = Edit::open(*mended, "test", rewrite(Format::kYaml), key.services, {});
    REQUIRE_OK(again);
    CHECK_OK(again->editable());
    CHECK(again->text().reveal_text().find("canary") == std::string::npos);
  }
}

TEST_CASE("edit: a text that is printed anew says what the file says") {
  const Recipient key = make_recipient();
  for (const auto& [format, text] : std::vector<std::pair<Format, std::string>>{
           {Format::kYaml,
            "# c\na: &x {n: 1.0, t: 2026-01-02T03:04:05Z, e: [], z: ~, 1: ''} # d\nb: [*x, "
            "*x]\n---\n"
            "DEFAULT: {}\n"},
           {Format::kJson, "{\"a\": 1.0, \"b\": [null, 1e21, {}], \"sops\": 1}"},
       }) {
    CAPTURE(text);
    const auto tree = read_tree(text, format);
    REQUIRE_OK(tree);
    std::string printed;
    StringSink sink(printed);
    REQUIRE_OK(print_tree(*tree, format, {}, sink));
    const auto again = read_tree(printed, format);
    REQUIRE_OK(again);
    CHECK(first_difference(*tree, *again, format) == nullptr);
  }
}

TEST_CASE("first_difference: names what is other, missing or more, comments aside") {
  const auto between = [](Format format, const char* a, const char* b) {
    const auto from = read_tree(a, format);
    const auto to = read_tree(b, format);
    REQUIRE_OK(from);
    REQUIRE_OK(to);
    const Item* const other = first_difference(*from, *to, format);
    return other == nullptr ? std::string("none")
                            : std::to_string(other->line) + ":" + std::to_string(other->column);
  };
  const char* const yaml = "a: 1\nb:\n- x\n- {c: d}\n";
  for (const auto& [text, where] : {
           std::pair{"# c\na: 1.0\nb: [x, {c: 'd'}] # e\n", "none"},
           {"a: '1'\nb:\n- x\n- {c: d}\n", "1:4"},
           {"a: 1\nb:\n- x\n- {c: e}\n", "4:7"},
           {"a: 1\nb:\n- x\n- {e: d}\n", "4:7"},
           {"a: 1\nb:\n- x\n- [d]\n", "4:3"},
           {"a: 1\nb:\n- x\n", "4:3"},
           {"a: 1\nb:\n- x\n- {c: d}\n- y\n", "3:1"},
       }) {
    CAPTURE(text);
    CHECK(between(Format::kYaml, yaml, text) == where);
  }
  CHECK(between(Format::kIni, "[a]\nb = 1\n", "; c\n[a]\nb = 2\n") == "2:0");
  const auto one = read_tree(yaml, Format::kYaml);
  const auto two = read_tree(std::string(yaml) + "---\na: 1\n", Format::kYaml);
  CHECK(first_difference(*one, *two, Format::kYaml) == &one->front());
  CHECK(first_difference(*two, *one, Format::kYaml) == &two->back());
  CHECK(between(Format::kDotenv, "A=1\nB=2\n", "A=1\n#c\nB=2\n") == "none");
}

TEST_CASE("edit: a tampered file is not opened") {
  const Recipient key = make_recipient();
  std::string file = encrypted(kYaml, Format::kYaml, key);
  file.replace(file.find("as it was"), 9, "otherwise");
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_FALSE(edit.has_value());
  CHECK(sops_exit_code(edit.error()) == 51);
}

TEST_CASE("rotate: every ciphertext is new, the text around them is not") {
  const Recipient key = make_recipient();
  const Recipient other = make_recipient();
  const std::pair<Format, std::string> cases[] = {
      {Format::kYaml, kYaml},
      {Format::kJson, "{\"a\": \"canary\",  \"b\": [1, {\"c\": \"canary\"}]}\n"},
      {Format::kDotenv, "# canary\n\nA=canary\nB=canary\n"},
      {Format::kIni, "; canary\n[s]\na=canary\n\n  b  :  canary\n"}};
  for (const auto& [format, text] : cases) {
    CAPTURE(text);
    const std::string file = encrypted(text, format, key);
    const auto rotated =
        rotate_file(file, "test", rewrite(format), settings_for({other.name}).groups[0],
                    settings_for({key.name}).groups[0], key.services, {});
    REQUIRE_OK(rotated);
    CHECK_FALSE(changed_lines(file, *rotated).empty());
    CHECK(decrypted(*rotated, format, other.services) == decrypted(file, format, key.services));
    CHECK_FALSE(decrypt_file(*rotated, "test", {format, format}, key.services, {}).has_value());
    std::size_t shared = 0;
    for (std::size_t at = 0; (at = file.find("data:", at)) != std::string::npos; ++at) {
      if (rotated->find(file.substr(at, 60)) != std::string::npos) ++shared;
    }
    CHECK(shared == 0);
  }
  // Without any key left nothing could ever be read again.
  CHECK_FALSE(rotate_file(encrypted(kYaml, Format::kYaml, key), "test", rewrite(Format::kYaml), {},
                          settings_for({key.name}).groups[0], key.services, {})
                  .has_value());
}

TEST_CASE("updatekeys: values and MAC stay, and keys that stay keep their entry") {
  const Recipient key = make_recipient();
  const Recipient other = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  const EncryptSettings both = settings_for({key.name, other.name});
  const auto changes = compare_keys(file, "test", Format::kYaml, both);
  REQUIRE_OK(changes);
  CHECK(changes->any());
  CHECK(changes->groups[0].common == std::vector<std::string>{key.name});
  CHECK(changes->groups[0].added == std::vector<std::string>{other.name});
  const auto updated = update_keys(file, "test", rewrite(Format::kYaml), both, key.services, {});
  REQUIRE_OK(updated);
  const auto old_lines = lines(file);
  const auto new_lines = lines(*updated);
  const std::set<std::string> now(new_lines.begin(), new_lines.end());
  for (const std::string& line : old_lines)
    CHECK(now.count(line) == 1);
  CHECK(decrypted(*updated, Format::kYaml, other.services) ==
        decrypted(file, Format::kYaml, key.services));
  CHECK_FALSE(compare_keys(*updated, "test", Format::kYaml, both)->any());
}

TEST_CASE("set and unset: one value, by its path") {
  const Recipient key = make_recipient();
  const std::string file = encrypted(kYaml, Format::kYaml, key);
  const auto edit = Edit::open(file, "test", rewrite(Format::kYaml), key.services, {});
  REQUIRE_OK(edit);
  const auto set = [&](const char* path, std::string_view json) {
    return edit->set(parse_value_path(path).value(), crypto::SecretBytes::copy_of(json));
  };
  const auto changed = set("[\"list\"][1][\"y\"][0]", "\"new\"");
  REQUIRE_OK(changed);
  REQUIRE(changed->has_value());
  CHECK(changed_lines(file, **changed).size() == 3);
  const auto same = set("[\"list\"][0]", "\"canary-2\"");
  REQUIRE_OK(same);
  CHECK_FALSE(same->has_value());
  const auto added = set("[\"new\"][\"deep\"]", "[1, {\"b\": null}]");
  REQUIRE_OK(added);
  CHECK(decrypted(**added, Format::kYaml, key.services)
            .find("new:\n    deep:\n        - 1\n        - b: null\n") != std::string::npos);
  for (const char* const wrong : {"canary", "1} , {", "\"a\", \"b\": 1", ""}) {
    CAPTURE(wrong);
    const auto refused = set("[\"a\"]", wrong);
    REQUIRE_FALSE(refused.has_value());
    CHECK(sops_exit_code(refused.error()) == 7);
    CHECK(refused.error().text().find("canary") == std::string::npos);
  }
  const auto shorter = edit->unset(parse_value_path("[\"text\"]").value());
  REQUIRE_OK(shorter);
  CHECK(lines(file).size() == lines(*shorter).size() + 1);
  CHECK(decrypted(*shorter, Format::kYaml, key.services).find("text") == std::string::npos);
  CHECK(edit->unset(parse_value_path("[\"nothing\"]").value()).error().code() == Code::kNotFound);
}

TEST_CASE("aliases: a text that cannot keep its layout is printed anew, and opens") {
  const Recipient key = make_recipient();
  const std::string file = encrypted("a: &x canary\nb: *x\n", Format::kYaml, key);
  CHECK(file.find("canary") == std::string::npos);
  CHECK(file.find('*') == std::string::npos);
  CHECK(decrypted(file, Format::kYaml, key.services) == "a: canary\nb: canary\n");
}
