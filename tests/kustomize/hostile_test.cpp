// Trees that mean harm: each is refused in bounded time and memory, by an error that names the
// place, or it is built like any other. The huge ones are in tests/e2e/hostile_e2e.py.

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

#include "sluice/sources/dir_tree.hpp"

#include "kustomize/builder.hpp"
#include "support/files.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;
using sluice::test::contains;
using sluice::test::Files;
using sluice::test::kConfigMap;
using sluice::test::TemporaryFolder;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

/// The error, which must name `file`.
Error refused(const Files& files, std::string_view file, const std::string& directory = "",
              const kustomize::BuildOptions& options = {}) {
  Error error = build_error(files, directory, options);
  INFO(error.text().substr(0, 2000));
  CHECK(error.where().file == file);
  return error;
}

const std::string kComponent = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";

/// Nine references to nine references to … : 9^levels nodes.
std::string bomb(int levels) {
  std::string text = "l0: &l0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < levels; ++i) {
    const std::string before = std::to_string(i - 1);
    text += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [*l" + before +
            repeat(",*l" + before, 8) + "]\n";
  }
  return text;
}

}  // namespace

TEST_CASE("hostile: no field that names a file leaves the tree") {
  const std::string up = "../../../../etc/passwd";
  for (const std::string& field :
       {"resources: [" + up + "]", "components: [" + up + "]", "bases: [" + up + "]",
        "crds: [" + up + "]", "configurations: [" + up + "]", "openapi: {path: " + up + "}",
        "patches: [{path: " + up + "}]", "patchesStrategicMerge: [" + up + "]",
        "patchesJson6902: [{target: {version: v1, kind: A, name: a}, path: " + up + "}]",
        "replacements: [{path: " + up + "}]", "generators: [" + up + "]",
        "transformers: [" + up + "]", "validators: [" + up + "]",
        "configMapGenerator: [{name: a, files: [" + up + "]}]",
        "configMapGenerator: [{name: a, envs: [" + up + "]}]",
        "secretGenerator: [{name: a, files: [k=" + up + "]}]"}) {
    for (const auto restrictor :
         {kustomize::LoadRestrictor::kRootOnly, kustomize::LoadRestrictor::kNone,
          kustomize::LoadRestrictor::kSourceRoot}) {
      INFO(field);
      kustomize::BuildOptions options;
      options.load_restrictor = restrictor;
      const Error error =
          build_error({{"a/b/kustomization.yaml", "resources: [c.yaml]\n" + field + "\n"},
                       {"a/b/c.yaml", kConfigMap}},
                      "a/b", options);
      CHECK(error.code() != Code::kInternal);
      CHECK(contains(error.text(), up));
    }
  }
}

TEST_CASE("hostile: links out of a directory tree are refused, for files, bases and their names") {
  const TemporaryFolder directory;
  directory.write("secret.yaml", kConfigMap);
  directory.write("outside/kustomization.yaml", "resources: []\n");
  directory.write("tree/file/kustomization.yaml", "resources: [x.yaml]\n");
  directory.link("tree/file/x.yaml", "../../secret.yaml");
  directory.write("tree/base/kustomization.yaml", "resources: [../up]\n");
  directory.link("tree/up", "../outside");
  directory.link("tree/name/kustomization.yaml", "../../outside/kustomization.yaml");
  directory.write("tree/loop/kustomization.yaml", "resources: [x.yaml]\n");
  directory.link("tree/loop/x.yaml", "x.yaml");
  directory.write("tree/absolute/kustomization.yaml", "resources: [x.yaml]\n");
  directory.link("tree/absolute/x.yaml", "/etc/passwd");
  directory.write("tree/around/kustomization.yaml", "resources: [back/around]\n");
  directory.link("tree/around/back", "..");
  const auto tree = sources::make_dir_tree(directory.path("tree"));
  for (const char* name : {"file", "base", "name", "loop", "absolute", "around"}) {
    for (const auto restrictor :
         {kustomize::LoadRestrictor::kRootOnly, kustomize::LoadRestrictor::kSourceRoot}) {
      INFO(std::string(name));
      kustomize::BuildOptions options;
      options.load_restrictor = restrictor;
      const auto built = test::build(*tree, name, options);
      REQUIRE_FALSE(built.has_value());
      CHECK(built.error().code() != Code::kInternal);
    }
  }
}

TEST_CASE("hostile: bases that include themselves end at the first turn") {
  const auto cycle = [](const Files& files) {
    CHECK(contains(build_error(files, "a").message(), "cycle detected"));
  };
  cycle({{"a/kustomization.yaml", "resources: [.]\n"}});
  cycle({{"a/kustomization.yaml", "resources: [../a]\n"}});
  cycle({{"a/kustomization.yaml", "resources: [./../a/.]\n"}});
  cycle(
      {{"a/kustomization.yaml", "resources: [..]\n"}, {"kustomization.yaml", "resources: [a]\n"}});
  cycle({{"a/kustomization.yaml", "components: [../a]\n"}});
  cycle({{"a/kustomization.yaml", "generators: [../b]\n"},
         {"b/kustomization.yaml", "transformers: [../a]\n"}});
  cycle({{"a/kustomization.yaml", "resources: [../b]\n"},
         {"b/kustomization.yaml", "resources: [../c]\n"},
         {"c/kustomization.yaml", "resources: [../l]\n"},
         {"l", "@link:a"}});
}

TEST_CASE("hostile: bases that double at each level are counted, one too many is refused") {
  Files files{{"kustomization.yaml", "resources: [a0]\n"}};
  for (int i = 0; i < 40; ++i) {
    const std::string next = std::to_string(i + 1);
    for (const char* side : {"a", "b"}) {
      files[side + std::to_string(i) + "/kustomization.yaml"] =
          "namePrefix: x\nresources: [../a" + next + ", ../b" + next + "]\n";
    }
  }
  files["a40/kustomization.yaml"] = files["b40/kustomization.yaml"] = "resources: []\n";
  kustomize::BuildOptions options;
  options.max_directories = 2'000;
  const Error error = build_error(files, "", options);
  CHECK(error.code() == Code::kUnsupported);
  CHECK(contains(error.message(), "more than 2000 bases and components"));
  CHECK(error.where().file.ends_with("/kustomization.yaml"));

  const Files three = {{"kustomization.yaml", "resources: [a, b, c]\n"},
                       {"a/kustomization.yaml", "resources: []\n"},
                       {"b/kustomization.yaml", "resources: []\n"},
                       {"c/kustomization.yaml", "resources: []\n"}};
  options.max_directories = 3;
  CHECK(build_text(three, "", options).empty());
  options.max_directories = 2;
  CHECK(build_error(three, "", options).code() == Code::kUnsupported);
}

TEST_CASE("hostile: bases and components nest 200 levels deep, not one more") {
  for (const bool components : {false, true}) {
    const auto chain = [&](int levels) {
      Files files;
      for (int i = 0; i <= levels; ++i) {
        std::string text = components && i > 0 ? kComponent : std::string();
        if (i < levels) {
          text += components ? "components" : "resources";
          text += ": [../d" + std::to_string(i + 1) + "]\n";
        } else {
          text += "namePrefix: x\n";
        }
        files["d" + std::to_string(i) + "/kustomization.yaml"] = text;
      }
      return files;
    };
    CHECK(build_text(chain(200), "d0").empty());
    const Error error = build_error(chain(201), "d0");
    CHECK(error.code() == Code::kUnsupported);
    CHECK(contains(error.message(), "bases are nested deeper than 200 levels"));
    // kustomize's words are repeated at each level; with components they are quoted, and quotes of
    // quotes double.
    CHECK(error.message().size() < (1U << 20));
  }
}

TEST_CASE("hostile: alias bombs are refused in every kind of file") {
  const std::string text = bomb(20);
  CHECK(contains(refused({{"kustomization.yaml", text}}, "kustomization.yaml").message(),
                 "excessive aliasing"));
  const std::string object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n" + text;
  CHECK(contains(
      refused({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", object}}, "a.yaml")
          .message(),
      "excessive aliasing"));
  for (const std::string field :
       {"patches: [{path: b.yaml}]", "patchesStrategicMerge: [b.yaml]", "configurations: [b.yaml]",
        "crds: [b.yaml]", "openapi: {path: b.yaml}", "replacements: [{path: b.yaml}]",
        "transformers: [b.yaml]", "generators: [b.yaml]"}) {
    INFO(field);
    const Error error = build_error({{"kustomization.yaml", "resources: [a.yaml]\n" + field + "\n"},
                                     {"a.yaml", kConfigMap},
                                     {"b.yaml", object}});
    CHECK(contains(error.text(), "b.yaml"));
  }
}

TEST_CASE("hostile: documents nested too deep are refused in every kind of file") {
  for (const std::string& deep :
       {repeat("[", 100'000), repeat("{a: ", 100'000), repeat("- ", 100'000),
        repeat("{\"a\":", 100'000), repeat("[{\"a\":", 50'000)}) {
    CHECK(contains(
        refused({{"kustomization.yaml", "resources:\n  " + deep}}, "kustomization.yaml").message(),
        "nested deeper than 500 levels"));
    CHECK(contains(
        refused({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", deep}}, "a.yaml")
            .message(),
        "nested deeper than 500 levels"));
    CHECK(build_error({{"kustomization.yaml",
                        "resources: [a.yaml]\npatches: [{path: b, target: {kind: ConfigMap}}]\n"},
                       {"a.yaml", kConfigMap},
                       {"b", deep}})
              .code() != Code::kInternal);
  }
}

TEST_CASE("hostile: paths of a million parts are read or refused, not walked for ever") {
  CHECK_FALSE(
      build_error({{"kustomization.yaml", "resources: [\"" + repeat("a/", 1'000'000) + "\"]\n"}})
          .message()
          .empty());
  CHECK_FALSE(
      build_error({{"kustomization.yaml", "resources: [\"" + repeat("../", 1'000'000) + "\"]\n"}})
          .message()
          .empty());
  const auto with = [](const std::string& field) {
    return build_error(
        {{"kustomization.yaml", "resources: [a.yaml]\n" + field},
         {"a.yaml", kConfigMap},
         {"c.yaml", "namePrefix: [{path: " + repeat("a/", 501) + "b, create: true}]\n"}});
  };
  const std::string dots = "a" + repeat(".a", 500);
  CHECK(contains(with("replacements: [{sourceValue: x, targets: [{select: {kind: ConfigMap}, "
                      "fieldPaths: [" +
                      dots + "], options: {create: true}}]}]\n")
                     .message(),
                 "has more than 500 parts"));
  CHECK(contains(with("namePrefix: p\nconfigurations: [c.yaml]\n").message(),
                 "has more than 500 parts"));
  CHECK_FALSE(with("patches: [{target: {kind: ConfigMap}, patch: '[{\"op\": \"add\", \"path\": \"" +
                   repeat("/a", 300'000) + "\", \"value\": 1}]'}]\n")
                  .message()
                  .empty());
  const std::string text =
      build_text({{"kustomization.yaml",
                   "resources: [a.yaml]\nreplacements: [{sourceValue: x, targets: [{select: {kind: "
                   "ConfigMap}, fieldPaths: [" +
                       dots.substr(0, dots.size() - 2) + "], options: {create: true}}]}]\n"},
                  {"a.yaml", kConfigMap}});
  CHECK(contains(text, "a: x\n"));
}

TEST_CASE("hostile: copies that double a document are refused before it is too large") {
  std::string operations;
  for (int i = 0; i < 60; ++i) {
    operations += std::string(i == 0 ? "" : ",") +
                  "{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/data/x" + std::to_string(i) +
                  "\"}";
  }
  const std::string big = kConfigMap + "  b: \"" + std::string(100'000, 'b') + "\"\n";
  const auto build = [&](const std::string& field) {
    return build_error({{"kustomization.yaml", "resources: [a.yaml]\n" + field}, {"a.yaml", big}});
  };
  CHECK(contains(
      build("patches: [{target: {kind: ConfigMap}, patch: '[" + operations + "]'}]\n").message(),
      "copies make the document larger than 67108864 bytes"));
  std::string separate = "patches:\n";
  std::string copies = "replacements:\n";
  std::string splices = "replacements:\n";
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    separate +=
        "- {target: {kind: ConfigMap}, patch: '[{\"op\":\"copy\",\"from\":\"/data\","
        "\"path\":\"/data/x" +
        number + "\"}]'}\n";
    copies +=
        "- source: {kind: ConfigMap, fieldPath: data}\n  targets: [{select: {kind: "
        "ConfigMap}, fieldPaths: [data.x" +
        number + "], options: {create: true}}]\n";
    splices +=
        "- source: {kind: ConfigMap, fieldPath: data.b}\n  targets: [{select: {kind: "
        "ConfigMap}, fieldPaths: [data.b], options: {delimiter: '-', index: 99}}]\n";
  }
  CHECK(contains(build(separate).message(), "copies make the document larger"));
  CHECK(contains(build(copies).message(), "copies make the document larger"));
  CHECK(contains(build(splices).message(), "a replacement makes a text longer"));
  CHECK(contains(build("vars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: cm}, "
                       "fieldref: {fieldpath: data.b}}]\nconfigurations: [c.yaml]\n"
                       "patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: cm}, "
                       "data: {c: \"" +
                       repeat("$(A)", 700) + "\"}}'}]\n")
                     .message(),
                 "c.yaml"));  // not there: the build with it follows
  const Error vars = build_error(
      {{"kustomization.yaml",
        "resources: [a.yaml]\nconfigurations: [c.yaml]\nvars: [{name: A, objref: {apiVersion: v1, "
        "kind: ConfigMap, name: cm}, fieldref: {fieldpath: data.b}}]\n"},
       {"c.yaml", "varReference: [{path: data, kind: ConfigMap}]\n"},
       {"a.yaml", big + "  c: \"" + repeat("$(A)", 700) + "\"\n"}});
  CHECK(contains(vars.message(), "vars make a text longer than 67108864 bytes"));
}

TEST_CASE("hostile: a copy into itself, again and again, does not nest for ever") {
  std::string operations = "{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/data/x\"}";
  for (int i = 0; i < 12; ++i)
    operations += ",{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/data/x/x\"}";
  CHECK_FALSE(build_text({{"kustomization.yaml",
                           "resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[" +
                               operations + "]'}]\n"},
                          {"a.yaml", kConfigMap}})
                  .empty());
  std::string deeper;
  for (int i = 0; i < 1'100; ++i) {
    deeper +=
        "- source: {kind: ConfigMap, fieldPath: x}\n  targets: [{select: {kind: ConfigMap}, "
        "fieldPaths: [x.y], options: {create: true}}]\n";
  }
  CHECK(
      contains(build_error({{"kustomization.yaml", "resources: [a.yaml]\nreplacements:\n" + deeper},
                            {"a.yaml", kConfigMap + "x: {z: {}, a: b}\n"}})
                   .message(),
               "copies nest the document deeper than 1000 levels"));
}

TEST_CASE("hostile: bytes that are no UTF-8 are refused with their place, or kept as binary") {
  CHECK(
      contains(refused({{"kustomization.yaml", "namePrefix: \xff\xfe\xc0\n"}}, "kustomization.yaml")
                   .message(),
               "yaml"));
  CHECK_FALSE(refused({{"kustomization.yaml", "resources: [a.yaml]\n"},
                       {"a.yaml", kConfigMap + "  x: \"\xc3\x28\"\n"}},
                      "a.yaml")
                  .message()
                  .empty());
  CHECK_FALSE(
      build_error({{"kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n"},
                   {"a.yaml", kConfigMap},
                   {"p.yaml", kConfigMap + "  x: \"\xed\xa0\x80\"\n"}})
          .message()
          .empty());
  CHECK(
      contains(build_text({{"kustomization.yaml", "configMapGenerator: [{name: a, files: [f]}]\n"},
                           {"f", "\xff\xfe"}}),
               "binaryData:\n  f: //4=\n"));
}

TEST_CASE("hostile: regular expressions take linear time, and large ones are refused") {
  const auto select = [](const std::string& expression) {
    return Files{{"kustomization.yaml",
                  "resources: [a.yaml]\npatches: [{target: {kind: ConfigMap, name: \"" +
                      expression + "\"}, patch: '[{\"op\": \"remove\", \"path\": \"/data\"}]'}]\n"},
                 {"a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " +
                                std::string(5'000, 'a') + "}\ndata: {a: b}\n"}};
  };
  CHECK(contains(build_text(select("(a*)*(a*)*(a|a)*(a|aa)+b")), "data:"));
  CHECK(build_error(select("((a{1000}){1000}){1000}")).message() ==
        "error parsing regexp: invalid repeat count: `{1000}`");
  const auto in_groups = [](std::size_t depth) {
    return repeat("(", depth) + "a" + repeat(")", depth);
  };
  CHECK(contains(build_text(select(in_groups(998))), "data:"));
  for (const std::size_t depth : {999, 100'000}) {
    const Error error = build_error(select(in_groups(depth)));
    CHECK(error.message().starts_with("error parsing regexp: expression nests too deeply: `"));
    CHECK(error.text().size() < (1U << 20));
  }
}

TEST_CASE("hostile: indexes far outside of a list are refused") {
  const auto patch = [](const std::string& index) {
    return build_error({{"kustomization.yaml",
                         "resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, patch: "
                         "'[{\"op\": \"add\", \"path\": \"/l/" +
                             index + "\", \"value\": 1}]'}]\n"},
                        {"a.yaml", kConfigMap + "l: [a]\n"}});
  };
  for (const char* index : {"2", "-3", "999999999999", "-999999999999", "99999999999999999999999"})
    CHECK_FALSE(patch(index).message().empty());
  const Error replacement =
      build_error({{"kustomization.yaml",
                    "resources: [a.yaml]\nreplacements: [{sourceValue: x, targets: [{select: "
                    "{kind: ConfigMap}, "
                    "fieldPaths: [l.999999999.x], options: {create: true}}]}]\n"},
                   {"a.yaml", kConfigMap + "l: [a]\n"}});
  CHECK_FALSE(replacement.message().empty());
}

TEST_CASE("hostile: lists in lists and many documents are read in linear time") {
  std::string nested = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
  for (int i = 0; i < 150; ++i)
    nested = "{apiVersion: v1, kind: List, items: [" + nested + "]}";
  CHECK(build_text({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", nested}}) ==
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n");
  kustomize::BuildOptions options;
  options.max_resources = 1'000;
  CHECK(contains(refused({{"kustomization.yaml", "resources: [a.yaml]\n"},
                          {"a.yaml", repeat("---\n" + kConfigMap, 1) +
                                         [] {
                                           std::string all;
                                           for (int i = 0; i < 1'000; ++i) {
                                             all +=
                                                 "---\napiVersion: v1\nkind: ConfigMap\n"
                                                 "metadata: {name: a" +
                                                 std::to_string(i) + "}\n";
                                           }
                                           return all;
                                         }()}},
                         "kustomization.yaml", "", options)
                     .message(),
                 "more than 1000 resources"));
}
