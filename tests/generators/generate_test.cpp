// ConfigMaps and Secrets from their sources (kustomize api/kv/kv.go, api/internal/generators,
// kyaml/yaml/datamap.go). Wanted texts are what kustomize 5.8.2 printed.

#include "sluice/generators/generate.hpp"

#include <string>
#include <vector>

#include "sluice/sources/mem_tree.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice;
using generators::GenerateContext;
using generators::GeneratorArgs;

namespace {

GenerateContext context_of(const sources::MemTree& tree) {
  GenerateContext context;
  context.load = [&tree](std::string_view path) -> Result<sources::Blob> {
    SLUICE_TRY(const TreePath parsed, TreePath::parse(path));
    return tree.read(parsed);
  };
  return context;
}

std::string print(const Result<yaml::Document>& document) {
  REQUIRE_OK(document);
  std::string text;
  REQUIRE_OK(yaml::write_yaml(document->root(), text));
  return text;
}

std::string config_map(const GeneratorArgs& args, const sources::MemTree& tree = {}) {
  return print(generators::generate_config_map(args, context_of(tree)));
}

std::string error_of(const GeneratorArgs& args, const sources::MemTree& tree = {}) {
  const auto made = generators::generate_config_map(args, context_of(tree));
  REQUIRE_FALSE(made.has_value());
  return made.error().message();
}

GeneratorArgs named(std::string name) {
  GeneratorArgs args;
  args.name = std::move(name);
  return args;
}

// The data of a ConfigMap made from one env file.
std::string from_env(const std::string& content) {
  GeneratorArgs args = named("e");
  args.envs = {"f.env"};
  const std::string text = config_map(args, {{"f.env", content}});
  const std::size_t data = text.find("data:\n");
  if (data == std::string::npos) return "";
  return text.substr(data + 6, text.find("kind:") - data - 6);
}

}  // namespace

TEST_CASE("literals: split at the first =, one pair of quotes goes") {
  GeneratorArgs args = named("l");
  args.literals = {"a=1", "b='x y'", "c=\"z\"", "d=", "e=f=g", "h='mixed\"", "i='"};
  CHECK(
      config_map(args) ==
      "apiVersion: v1\ndata:\n  a: \"1\"\n  b: x y\n  c: z\n  d: \"\"\n  e: f=g\n  h: '''mixed\"'\n"
      "  i: ''''\nkind: ConfigMap\nmetadata:\n  name: l\n");
  args.literals = {"=x"};
  CHECK(error_of(args) ==
        "loading KV pairs: literal sources [=x]: invalid literal source =x, expected key=value");
  args.literals = {"a=1", "novalue"};
  CHECK(error_of(args) ==
        "loading KV pairs: literal sources [a=1 novalue]: invalid literal source "
        "novalue, expected key=value");
}

TEST_CASE("env files: lines as Go's scanner gives them, values verbatim") {
  CHECK(from_env("A=1\nB='q' \n") == "  A: \"1\"\n  B: '''q'' '\n");
  CHECK(from_env("# comment\n\n   \n  C=x\n\tD=y\n") == "  C: x\n  D: \"y\"\n");
  CHECK(from_env("A=1\r\nB=2\r\n") == "  A: \"1\"\n  B: \"2\"\n");
  CHECK(from_env("A=1\rB\n") == "  A: \"1\\rB\"\n");
  CHECK(from_env("ALONE\nX=a=b\n") == "  ALONE: \"\"\n  X: a=b\n");
  CHECK(from_env("\xEF\xBB\xBF"
                 "A=1\n") == "  A: \"1\"\n");
  CHECK(from_env("=x\nA=last") == "  A: last\n");  // a line without a key is skipped
  CHECK(from_env("\xC2\xA0\xE2\x80\x83K=v\n") == "  K: v\n");
}

TEST_CASE("env files: bytes that are not UTF-8 are refused") {
  GeneratorArgs args = named("e");
  args.envs = {"f.env"};
  CHECK(error_of(args, {{"f.env", "A=\xff\n"}}) ==
        "loading KV pairs: env source files: [f.env]: line [65 61 255] has invalid utf8 bytes");
}

TEST_CASE("env files: a line over 64 KiB ends the file, as in kustomize") {
  const std::string longest = "A=" + std::string(64 * 1024 - 3, 'x');
  CHECK(from_env(longest + "\nB=1\n").find("B: \"1\"") != std::string::npos);
  CHECK(from_env("C=0\n" + longest + "x\nB=1\n") == "  C: \"0\"\n");
}

TEST_CASE("files: the key is the last part of the path unless one is given") {
  GeneratorArgs args = named("f");
  args.files = {"d/a.txt", "key=d/a.txt"};
  CHECK(config_map(args, {{"d/a.txt", "x\ny\n"}}) ==
        "apiVersion: v1\ndata:\n  a.txt: |\n    x\n    y\n  key: |\n    x\n    y\nkind: "
        "ConfigMap\nmetadata:\n  name: f\n");
  const auto refused = [](const char* source) {
    const auto parsed = generators::parse_file_source(source);
    REQUIRE_FALSE(parsed.has_value());
    return parsed.error().message();
  };
  CHECK(refused("=f") == R"(missing key name for file path "f" in source "=f")");
  CHECK(refused("k=") == R"(missing file path for key name "k" in source "k=")");
  CHECK(refused("a=b=c") == R"(source "a=b=c" key name or file path contains '=')");
}

TEST_CASE("files: what is not UTF-8 becomes binaryData of a ConfigMap") {
  GeneratorArgs args = named("b");
  args.files = {"x.bin"};
  CHECK(config_map(args, {{"x.bin", std::string("\xff\x00\x01", 3)}}) ==
        "apiVersion: v1\nbinaryData:\n  x.bin: /wAB\nkind: ConfigMap\nmetadata:\n  name: b\n");
}

TEST_CASE("a key may come once, whatever its source") {
  GeneratorArgs args = named("dup");
  args.literals = {"a=1"};
  args.files = {"a=f"};
  CHECK(error_of(args, {{"f", ""}}) == "configmap dup illegally repeats the key `a`");
}

TEST_CASE("a generator needs a name") {
  CHECK(error_of(GeneratorArgs{}) == "a configmap must have a name");
}

TEST_CASE("Secret: base64 of everything, a type, data even when empty") {
  GeneratorArgs args = named("s");
  args.ns = "n1";
  CHECK(print(generators::generate_secret(args, context_of({}))) ==
        "apiVersion: v1\ndata: {}\nkind: Secret\nmetadata:\n  name: s\n  namespace: n1\ntype: "
        "Opaque\n");
  args.type = "kubernetes.io/tls";
  args.literals = {"a=b"};
  const std::string text = print(generators::generate_secret(args, context_of({})));
  CHECK(text.find("  a: Yg==\n") != std::string::npos);
  CHECK(text.find("type: kubernetes.io/tls\n") != std::string::npos);
}

TEST_CASE("base64 breaks after each 70 characters once it is longer") {
  CHECK(generators::wrapped_base64(std::string(51, 'x')).size() == 68);
  CHECK(generators::wrapped_base64(std::string(51, 'x')).find('\n') == std::string::npos);
  const std::string longer = generators::wrapped_base64(std::string(52, 'x'));
  CHECK(longer.size() == 72 + 2);
  CHECK(longer[70] == '\n');
  CHECK(longer.back() == '\n');
  CHECK(generators::wrapped_base64(std::string(105, 'x')).size() == 140 + 2);
}

TEST_CASE("options: labels, annotations and immutable; local ones win over the file's") {
  generators::GeneratorOptions global;
  global.labels = {{"a", "global"}, {"g", "1"}};
  global.immutable = true;
  generators::GeneratorOptions local;
  local.labels = {{"a", "local"}};
  local.disable_name_suffix_hash = true;
  const auto merged = generators::merge_options(local, global);
  REQUIRE(merged.has_value());
  CHECK(merged->disable_name_suffix_hash);
  GeneratorArgs args = named("o");
  args.options = merged;
  CHECK(config_map(args) ==
        "apiVersion: v1\nimmutable: true\nkind: ConfigMap\nmetadata:\n  labels:\n    a: local\n    "
        "g: "
        "\"1\"\n  name: o\n");
  CHECK_FALSE(generators::merge_options(std::nullopt, std::nullopt).has_value());
  CHECK(generators::merge_options(std::nullopt, global)->immutable);
}
