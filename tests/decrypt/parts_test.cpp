// The parts: ENC grammar, metadata, rules, Shamir, selectors, numbers, and the formats beside YAML.
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"

#include "decrypt/data_key.hpp"
#include "decrypt/enc_value.hpp"
#include "decrypt/metadata.hpp"
#include "decrypt/numbers.hpp"
#include "decrypt/selector.hpp"
#include "decrypt/walk.hpp"
#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;

namespace {

std::string enc(const std::string& data, const std::string& iv, const std::string& tag,
                const std::string& type, const std::string& tail = "]") {
  return "ENC[AES256_GCM,data:" + base64_encode(data) + ",iv:" + base64_encode(iv) +
         ",tag:" + base64_encode(tag) + ",type:" + type + tail;
}

std::string format(double value, char form) {
  ShortText text;
  format_float(value, form, text);
  return std::string(text.view());
}

Result<std::optional<Metadata>> metadata_of(const std::string& yaml) {
  auto tree = read_yaml_tree(yaml);
  REQUIRE_OK(tree);
  return extract_metadata(*tree, Format::kYaml);
}

const std::string kGood =
    "sops:\n  lastmodified: \"2024-01-02T03:04:05Z\"\n  mac: x\n"
    "  age:\n    - recipient: age1x\n      enc: y\n";

// Selectors that `rule` selects in `yaml`.
std::string selected(const Rule& rule, const std::string& yaml) {
  auto tree = read_yaml_tree(yaml);
  REQUIRE_OK(tree);
  const auto selection = Selection::make(rule);
  REQUIRE_OK(selection);
  std::string names;
  REQUIRE_OK(walk(*tree, *selection, [&](const Visit& visit) -> Result<void> {
    if (visit.selected)
      names += (visit.item.is_comment() ? "#" : std::string(visit.selector)) + " ";
    return {};
  }));
  return names;
}

}  // namespace

TEST_CASE("ENC: well-formed values are taken apart, and what follows the bracket is ignored") {
  const std::string tag(16, 't');
  for (const char* tail : {"]", "] x", "]\nmore"}) {
    const auto value = parse_enc(enc("d", std::string(32, 'i'), tag, "int", tail));
    REQUIRE_OK(value);
    CHECK(value->data == "d");
    CHECK(value->iv.size() == 32);
    CHECK(value->tag == tag);
    CHECK(value->kind == ItemKind::kInt);
  }
}

TEST_CASE("ENC: tags other than 16 bytes, long IVs and unknown types are refused unquoted") {
  const std::string tag(16, 't');
  const std::string iv(32, 'i');
  const std::string bad[] = {enc("d", iv, std::string(15, 't'), "str"),
                             enc("d", iv, std::string(17, 't'), "str"),
                             enc("d", std::string(129, 'i'), tag, "str"),
                             enc("d", "", tag, "str"),
                             enc("", iv, tag, "str"),
                             enc("d", iv, tag, "string"),
                             enc("d", iv, tag, "str", ""),
                             enc("d", iv, tag, "str", "]]"),
                             "ENC[AES256_GCM,data:!!,iv:aa==,tag:aa==,type:str]",
                             "ENC[AES256_GCM,iv:aa==,tag:aa==,type:str]",
                             "hunter2",
                             ""};
  for (const std::string& text : bad) {
    CAPTURE(text);
    const auto value = parse_enc(text);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().message().find("hunter2") == std::string::npos);
  }
  CHECK_OK(parse_enc(enc("d", std::string(128, 'i'), tag, "str")));
}

TEST_CASE("metadata: rules, weak types and placeholders as older releases wrote them") {
  const auto good = metadata_of("a: 1\n" + kGood +
                                "  kms: []\n  pgp: null\n  mac_only_encrypted: \"true\"\n"
                                "  encrypted_regex: ^a\n  shamir_threshold: 2\n");
  REQUIRE_OK(good);
  REQUIRE(good->has_value());
  CHECK((*good)->rule.kind == Rule::Kind::kEncryptedRegex);
  CHECK((*good)->mac_only_encrypted);
  CHECK((*good)->shamir_threshold == 2);
  CHECK((*good)->groups.size() == 1);
  const auto none = metadata_of("a: 1\n");
  REQUIRE_OK(none);
  CHECK_FALSE(none->has_value());
}

TEST_CASE("metadata: every key type is recognized, with what identifies it") {
  const std::string created = "      created_at: \"2024-01-02T03:04:05Z\"\n      enc: e\n";
  const auto metadata = metadata_of(
      kGood + "  pgp:\n    - fp: AB\n" + created + "  kms:\n    - arn: arn:x\n      role: r\n" +
      "      context:\n        App: web\n" + created +
      "  gcp_kms:\n    - resource_id: projects/p\n" + created +
      "  azure_kv:\n    - vault_url: https://v\n      name: n\n      version: w\n" + created +
      "  hc_vault:\n    - vault_address: https://h\n      engine_path: s\n      key_name: k\n" +
      created + "  hckms:\n    - key_id: eu:1\n" + created);
  REQUIRE_OK(metadata);
  std::string ids;
  for (const MasterKey& key : (*metadata)->groups[0])
    ids += key.type + "=" + key.id + " ";
  CHECK(ids ==
        "kms=arn:x gcp_kms=projects/p hckms=eu:1 azure_kv=https://v/keys/n/w "
        "hc_vault=https://h/v1/s/keys/k pgp=AB age=age1x ");
  CHECK((*metadata)->groups[0][0].fields.at("role") == "r");
  CHECK((*metadata)->groups[0][0].fields.at("context.App") == "web");
  CHECK((*metadata)->groups[0][0].wrapped_key == "e");
}

TEST_CASE("metadata: broken blocks are refused") {
  for (const char* extra : {"  unencrypted_suffix: a\n  encrypted_regex: b\n",
                            "  pgp:\n    - fp: x\n      created_at: yesterday\n      enc: e\n",
                            "  pgp: text\n", "  shamir_threshold: many\n"}) {
    CAPTURE(extra);
    CHECK_FALSE(metadata_of(kGood + extra).has_value());
  }
  CHECK_FALSE(metadata_of("sops: text\n").has_value());
  CHECK_FALSE(metadata_of("sops:\n  lastmodified: \"2024-01-02T03:04:05Z\"\n").has_value());
  CHECK_FALSE(
      metadata_of("sops:\n  lastmodified: \"2024-01-02T03:04:05Z\"\n  key_groups:\n  - ages: []\n")
          .has_value());
  CHECK_FALSE(
      metadata_of("sops:\n  lastmodified: never\n  age:\n    - recipient: x\n").has_value());
  CHECK_FALSE(Selection::make({Rule::Kind::kEncryptedRegex, "(?=x)"}).has_value());
  CHECK_FALSE(Selection::make({Rule::Kind::kEncryptedRegex, "("}).has_value());
}

TEST_CASE("metadata: times are printed again as Go prints them") {
  CHECK(normal_rfc3339("2024-01-02T03:04:05+00:00") == "2024-01-02T03:04:05Z");
  CHECK(normal_rfc3339("2024-01-02T03:04:05.678Z") == "2024-01-02T03:04:05Z");
  CHECK(normal_rfc3339("2024-02-29T03:04:05-07:30") == "2024-02-29T03:04:05-07:30");
  for (const char* text :
       {"", "2023-02-29T03:04:05Z", "2024-01-02 03:04:05Z", "2024-01-02T24:04:05Z",
        "2024-01-02T03:04:05", "2024-01-02T03:04:05.Z", "2024-01-02T03:04:05Zx"}) {
    CAPTURE(text);
    CHECK_FALSE(normal_rfc3339(text).has_value());
  }
}

TEST_CASE("selection: suffixes and expressions are tested against every key on the way down") {
  const std::string yaml = "a_x:\n  b: 1\nc:\n  d_x: 2\n  e: [3, {f_x: 4}]\ng: null\n";
  CHECK(selected({Rule::Kind::kUnencryptedSuffix, "_x"}, yaml) == "c:e[0] ");
  CHECK(selected({Rule::Kind::kEncryptedSuffix, "_x"}, yaml) == "a_x:b c:d_x c:e[1]:f_x ");
  CHECK(selected({Rule::Kind::kEncryptedRegex, "^(c|b)$"}, yaml) ==
        "a_x:b c:d_x c:e[0] c:e[1]:f_x ");
  CHECK(selected({Rule::Kind::kUnencryptedRegex, "x$"}, yaml) == "c:e[0] ");
}

TEST_CASE("selection: a comment counts for the value below it and for all inside that") {
  const std::string yaml =
      "# enc\n# more\na: 1\nb: 2\nc:\n  # enc\n  d:\n    e: 3\n    f: 4\n  g: 5\n";
  CHECK(selected({Rule::Kind::kEncryptedCommentRegex, "^ enc"}, yaml) == "# a c:d:e c:d:f ");
  CHECK(selected({Rule::Kind::kUnencryptedCommentRegex, "^ enc"}, yaml) == "b c:g ");
}

TEST_CASE("selection: what SOPS refuses to walk is refused") {
  const auto walked = [](const std::string& yaml) {
    auto tree = read_yaml_tree(yaml);
    REQUIRE_OK(tree);
    const auto selection = Selection::make({});
    return walk(*tree, *selection, [](const Visit&) -> Result<void> { return {}; }).has_value();
  };
  CHECK_FALSE(walked("1: x\n"));
  CHECK_FALSE(walked("true: x\n"));
  CHECK_FALSE(walked("a: 18446744073709551615\n"));
  CHECK(walked("a: 9223372036854775807\n"));
}

TEST_CASE("selectors: no two places of a file share one") {
  const std::string yaml =
      "a:\n  b: 1\n  '': 2\n'a:b': 3\n'a[0]': 4\nc: [5]\n'c\\': 6\n'=yaml': 7\n'#1:a': 8\n'': 9\n"
      "---\n\n---\na:\n  b: 10\n";
  CHECK(selected({}, yaml) == "a:b a:\\e a\\:b a\\[0\\] c[0] c\\\\ \\=yaml \\#1\\:a \\e #1:a:b ");
  CHECK(whole_selector(Format::kYaml, Format::kYaml).empty());
  CHECK(whole_selector(Format::kYaml, Format::kJson) == "=json");
  CHECK(whole_format("=dotenv", Format::kYaml) == Format::kDotenv);
  CHECK_FALSE(whole_format("\\=yaml", Format::kYaml).has_value());
  CHECK_FALSE(whole_format("=other", Format::kYaml).has_value());
}

TEST_CASE("Shamir: parts of HashiCorp's scheme combine") {
  // f(i) = s + r*i over GF(2^8), x = 1, 2, 255, with s = {0x00, 0x53, 0xff}, r = {0x01, 0xca,
  // 0x80}.
  const auto part = [](std::initializer_list<int> bytes) {
    std::string text;
    for (const int byte : bytes)
      text += static_cast<char>(byte);
    return crypto::SecretBytes::copy_of(text);
  };
  std::vector<crypto::SecretBytes> parts;
  parts.push_back(part({0x01, 0x99, 0x7f, 1}));
  parts.push_back(part({0x02, 0xdc, 0xe4, 2}));
  auto combined = combine_parts(parts);
  REQUIRE_OK(combined);
  CHECK(combined->reveal_text() == std::string_view("\x00\x53\xff", 3));
  CHECK_FALSE(combine_parts({}).has_value());
  parts.push_back(part({0x02, 0xdc, 0xe4, 2}));
  CHECK_FALSE(combine_parts(parts).has_value());  // the same x twice
  parts.pop_back();
  parts.push_back(part({1, 2, 3}));
  CHECK_FALSE(combine_parts(parts).has_value());
  std::vector<crypto::SecretBytes> many;
  for (int i = 0; i < 256; ++i)
    many.push_back(part({1, i}));
  CHECK_FALSE(combine_parts(many).has_value());
}

TEST_CASE("numbers: floats are printed as Go prints them") {
  CHECK(format(1e21, 'g') == "1e+21");
  CHECK(format(1234567, 'g') == "1.234567e+06");
  CHECK(format(100000, 'g') == "100000");
  CHECK(format(0.0001, 'g') == "0.0001");
  CHECK(format(0.00001, 'g') == "1e-05");
  CHECK(format(-0.0, 'g') == "-0");
  CHECK(format(1e21, 'f') == "1000000000000000000000");
  CHECK(format(1.5e-7, 'f') == "0.00000015");
  CHECK(format(1e21, 'j') == "1e+21");
  CHECK(format(1e20, 'j') == "100000000000000000000");
  CHECK(format(1.5e-7, 'j') == "1.5e-7");
  CHECK(format(5e-324, 'f').size() == 326);
  CHECK(format(1.7976931348623157e308, 'f').size() == 309);
  CHECK(parse_float(format(5e-324, 'f')) == 5e-324);
  CHECK_FALSE(parse_float("1x").has_value());
  CHECK_FALSE(parse_float("infinity").has_value());
  CHECK(parse_int("-9223372036854775808").has_value());
  CHECK_FALSE(parse_int("9223372036854775808").has_value());
  CHECK_FALSE(parse_int("+-1").has_value());
}

TEST_CASE("json: order, repeated keys and numbers stay as encoding/json would have them") {
  const auto tree = read_json_tree(
      "{\"b\":1,\"a\":1.0,\"b\":\"<\\u2028\\ud83d\\ude00\\ud800>\",\"n\":[],\"o\":{}}");
  REQUIRE_OK(tree);
  std::string out;
  StringSink sink(out);
  REQUIRE_OK(print_json_tree(*tree, -1, sink));
  CHECK(out ==
        "{\n\t\"b\": 1,\n\t\"a\": 1,\n\t\"b\": \"\\u003c\\u2028😀\xEF\xBF\xBD\\u003e\",\n\t\"n\": "
        "[],\n"
        "\t\"o\": {}\n}\n");
  for (const char* text :
       {"", "[]", "1", "{", "{\"a\":}", "{\"a\":1,}", "{\"a\":01}", "{\"a\":\"\n\"}", "{\"a\":1} x",
        "{\"a\":tru}", "{\"a\":\"\\x\"}", "{\"a\":1e999}"}) {
    CAPTURE(text);
    const auto broken = read_json_tree(text);
    REQUIRE_FALSE(broken.has_value());
    CHECK(broken.error().where().line == 1);
  }
}

TEST_CASE("dotenv and INI hold times without a fraction of a second, as sops prints them") {
  const auto printed = [](const char* text, Format format) {
    const auto tree = read_yaml_tree(text);
    REQUIRE_OK(tree);
    std::string out;
    StringSink sink(out);
    REQUIRE_OK(print_tree(*tree, format, {}, sink));
    return out;
  };
  CHECK(printed("a: 2001-12-14t21:59:43.10-05:00\nb: 2001-12-14T21:59:43.5Z\nc: 2001-12-14\n",
                Format::kDotenv) ==
        "a=2001-12-14T21:59:43-05:00\nb=2001-12-14T21:59:43Z\nc=2001-12-14T00:00:00Z\n");
  CHECK(printed("s:\n  a: 2001-12-14t21:59:43.10-05:00\n", Format::kIni) ==
        "[s]\na = 2001-12-14T21:59:43-05:00\n");
}

TEST_CASE("dotenv: no quotes, no export; a line without = is refused without quoting it") {
  const auto tree = read_dotenv_tree("# c\nA=\"q\"\n\nexport B =x=y\\nz\n #no=comment\n");
  REQUIRE_OK(tree);
  std::string out;
  StringSink sink(out);
  REQUIRE_OK(print_dotenv_tree(*tree, sink));
  CHECK(out == "# c\nA=\"q\"\nexport B =x=y\\nz\n #no=comment\n");
  const auto broken = read_dotenv_tree("A=1\nsecret-without-equals\n");
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().where().line == 2);
  CHECK(broken.error().text().find("secret-without") == std::string::npos);
}

TEST_CASE("ini: sections, comments, quotes and continued lines") {
  const auto tree = read_ini_tree(
      "x = 1 ; inline\n; top\n[one] # s\na: 'q'\n\"k=y\" = `b#c`\nm = \"\"\"l1\nl2\"\"\"\nc = "
      "a\\\nb\n");
  REQUIRE_OK(tree);
  std::string out;
  StringSink sink(out);
  REQUIRE_OK(print_ini_tree(*tree, sink));
  CHECK(
      out ==
      "; inline\nx = 1\n\n; top\n# s\n[one]\na     = q\n`k=y` = `b#c`\nm     = \"\"\"l1\nl2\"\"\"\n"
      "c     = ab\n");
  for (const char* text :
       {"[x\n", "[]\n", "novalue\n", "=1\n", "\"k = 1\n", "a = `open\n", "a=1\na=2\n"}) {
    CAPTURE(text);
    CHECK_FALSE(read_ini_tree(text).has_value());
  }
}

TEST_CASE("ini: keys without a name are counted in each section") {
  const auto tree = read_ini_tree("- = a\n-: b\n[s]\n- = c\n");
  REQUIRE_OK(tree);
  const auto& sections = tree->front().items;
  REQUIRE(sections.size() == 2);
  CHECK(sections[0].items[1].key == "#2");
  CHECK(sections[1].items[0].key == "#1");
}

TEST_CASE("ini: spaces around values are those of Unicode, as for Go") {
  const auto tree = read_ini_tree(
      "a = \u1680\u2000 x\u2028y \u200a\u3000\nb\u205f=\u2029\u202f\nc = \u200bz\u00a0\u0085\n");
  REQUIRE_OK(tree);
  const auto& items = tree->front().items.front().items;
  REQUIRE(items.size() == 3);
  CHECK(items[0].text == "x\u2028y");
  CHECK(items[1].key == "b");
  CHECK(items[1].text.empty());
  CHECK(items[2].text == "\u200bz");
}

TEST_CASE("yaml: a value behind \"!\" is what it would be without") {
  const auto tree = read_yaml_tree("a: ! 12\nb: ! \"12\"\nc: !x 12\nd: ! 2020-01-02\n");
  REQUIRE_OK(tree);
  const auto& items = tree->front().items;
  CHECK(items[0].kind == ItemKind::kInt);
  CHECK(items[1].kind == ItemKind::kString);
  CHECK(items[2].kind == ItemKind::kString);
  CHECK(items[3].kind == ItemKind::kTime);
}

TEST_CASE("limits: depth and size, one past each") {
  const auto nested = [](std::size_t levels) {
    std::string json;
    for (std::size_t i = 0; i < levels; ++i)
      json += "{\"a\":";
    return json + "1" + std::string(levels, '}');
  };
  CHECK_OK(read_json_tree(nested(kMaxDepth)));
  const auto deep = read_json_tree(nested(kMaxDepth + 1));
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().code() == Code::kUnsupported);
  const auto large = read_tree(std::string(kMaxSopsFileBytes + 1, ' '), Format::kYaml);
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code() == Code::kUnsupported);
}

TEST_CASE("formats: by extension, and Flux's markers") {
  CHECK(format_for_path("a/b.yaml") == Format::kYaml);
  CHECK(format_for_path("b.yml") == Format::kYaml);
  CHECK(format_for_path("b.json") == Format::kJson);
  CHECK(format_for_path(".env") == Format::kDotenv);
  CHECK(format_for_path("b.ini") == Format::kIni);
  CHECK(format_for_path("b.txt") == Format::kBinary);
  CHECK(looks_encrypted("sops:\n  mac: ENC[AES", Format::kYaml));
  CHECK(looks_encrypted("\"mac\": \"ENC[AES", Format::kJson));
  CHECK(looks_encrypted("sops_mac=ENC[AES", Format::kDotenv));
  CHECK_FALSE(looks_encrypted("mac: x", Format::kYaml));
}

TEST_CASE("printing: what a format cannot hold is an error with its own exit status") {
  const auto keys = age_keys({std::filesystem::path(SLUICE_SOURCE_DIR) / "fixtures/sops/key.txt"});
  const auto print = [&](const char* name, Format output) {
    const std::string text =
        read_file(std::filesystem::path(SLUICE_SOURCE_DIR) / "fixtures/sops" / name);
    return decrypt_file(text, name, {format_for_path(name), output}, keys, {});
  };
  for (const auto& [name, output] :
       std::initializer_list<std::pair<const char*, Format>>{{"secret.yaml", Format::kDotenv},
                                                             {"secret.yaml", Format::kIni},
                                                             {"secret.yaml", Format::kBinary},
                                                             {"multi.yaml", Format::kJson}}) {
    const auto printed = print(name, output);
    REQUIRE_FALSE(printed.has_value());
    CHECK(sops_exit_code(printed.error()) == 4);
    CHECK(printed.error().text().find("canary") == std::string::npos);
  }
}
