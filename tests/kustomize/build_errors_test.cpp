// Bad input: kustomize's words, and the place that the user must edit.

#include <string>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;
using sluice::test::contains;
using sluice::test::Files;
using sluice::test::kConfigMap;

TEST_CASE("kustomization file: an unknown field is refused by name, with its place") {
  const Error error = build_error({{"kustomization.yaml", "resources: []\n  \nnamePrefx: a-\n"}});
  CHECK(error.code() == Code::kInvalid);
  CHECK(error.message() == R"(invalid Kustomization: json: unknown field "namePrefx")");
  CHECK(error.where().text() == "kustomization.yaml:3:1");
}

TEST_CASE("kustomization file: wrong types are worded as Go's decoder words them") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"namePrefix: 123\n",
       "cannot unmarshal number into Go struct field Kustomization.namePrefix of type string"},
      {"configMapGenerator:\n- name: 5\n",
       "cannot unmarshal number into Go struct field "
       "ConfigMapArgs.configMapGenerator.GeneratorArgs."
       "name of type string"},
      {"configMapGenerator: {}\n",
       "cannot unmarshal object into Go struct field Kustomization.configMapGenerator of type "
       "[]types.ConfigMapArgs"},
      {"labels:\n- pairs: {a: 1}\n",
       "cannot unmarshal number into Go struct field Label.labels.pairs of type string"},
      {"commonLabels: {a: true}\n",
       "cannot unmarshal bool into Go struct field Kustomization.commonLabels of type string"},
      {"replicas:\n- name: a\n  count: 1.5\n",
       "cannot unmarshal number 1.5 into Go struct field Replica.replicas.count of type int64"},
      {"patches:\n- target: {kind: [a]}\n",
       "cannot unmarshal array into Go struct field Selector.patches.target.ResId.Gvk.kind of type "
       "string"},
      {"secretGenerator:\n- options: {immutable: a}\n",
       "cannot unmarshal string into Go struct field "
       "GeneratorOptions.secretGenerator.GeneratorArgs."
       "options.immutable of type bool"},
      {"resources: [1]\n",
       "cannot unmarshal number into Go struct field Kustomization.resources of type string"},
      {"- a\n", "cannot unmarshal array into Go value of type types.Kustomization"},
      {"vars:\n- objref: {apiVersion: 1}\n",
       "cannot unmarshal number into Go struct field Target.vars.objref.apiVersion of type string"},
      {"replacements: [{source: {kind: 1}}]\n",
       "cannot unmarshal number into Go struct field "
       "SourceSelector.replacements.Replacement.source."
       "ResId.Gvk.kind of type string"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const Error error = build_error({{"kustomization.yaml", row.text}});
    CHECK(error.message() == std::string("invalid Kustomization: json: ") + row.message);
    CHECK(error.where().file == "kustomization.yaml");
  }
}

TEST_CASE("kustomization file: the first error is the first in the order of names") {
  const Error error = build_error({{"kustomization.yaml", "zoo: 1\nalpha: 2\n"}});
  CHECK(contains(error.message(), "\"alpha\""));
}

TEST_CASE("kustomization file: fields match in any case") {
  CHECK(contains(build_text({{"kustomization.yaml", "Resources: [a.yaml]\nNAMEprefix: p-\n"},
                             {"a.yaml", kConfigMap}}),
                 "name: p-cm"));
}

TEST_CASE("kustomization file: what counts as empty") {
  for (const char* text : {"", "# nothing\n", "kind: Kustomization\n", "resources: null\n",
                           "namespace: ''\n", "bases: []\n"}) {
    INFO(text);
    CHECK(build_error({{"kustomization.yaml", text}}).message() == "kustomization.yaml is empty");
  }
  CHECK(build_text({{"kustomization.yaml", "resources: []\n"}}).empty());
}

TEST_CASE("kustomization file: kind and apiVersion are checked") {
  CHECK(build_error({{"kustomization.yaml", "kind: Foo\nresources: []\n"}}, "").message() ==
        "Failed to read kustomization file under .:\nkind should be Kustomization or Component");
  CHECK(contains(build_error({{"kustomization.yaml", "apiVersion: v1\nresources: []\n"}}).message(),
                 "apiVersion for Kustomization should be kustomize.config.k8s.io/v1beta1"));
}

TEST_CASE("a directory has exactly one kustomization file") {
  CHECK(contains(build_error({{"a/x.yaml", kConfigMap}}, "a").message(),
                 "unable to find one of 'kustomization.yaml', 'kustomization.yml' or "
                 "'Kustomization' in directory"));
  CHECK(contains(
      build_error({{"kustomization.yaml", "resources: []\n"}, {"Kustomization", "resources: []\n"}})
          .message(),
      "Found multiple kustomization files under"));
}

TEST_CASE("resources: a missing file is told as file and as directory, at its line") {
  const Error error = build_error({{"a/kustomization.yaml", "resources:\n- none.yaml\n"}}, "a");
  CHECK(
      error.message() ==
      "accumulating resources: accumulation err='accumulating resources from 'none.yaml': "
      "evalsymlink failure on 'a/none.yaml' : lstat a/none.yaml: no such file or directory': must "
      "build at directory: not a valid directory: evalsymlink failure on 'a/none.yaml' : lstat "
      "a/none.yaml: no such file or directory");
  CHECK(error.where().text() == "a/kustomization.yaml:2:3");
  CHECK(error.code() == Code::kNotFound);
}

TEST_CASE("resources: malformed YAML names file, line and column of the resource") {
  const Error error = build_error(
      {{"kustomization.yaml", "resources: [bad.yaml]\n"}, {"bad.yaml", "a: b\nc: [d\ne: f\n"}});
  CHECK(contains(error.message(),
                 "accumulating resources from 'bad.yaml': MalformedYAMLError: yaml: line"));
  CHECK(contains(error.message(), "in File: bad.yaml"));
  CHECK(error.where().file == "bad.yaml");
  CHECK(error.where().line >= 2);
}

TEST_CASE(
    "resources: line numbers of the message count from the document, the place from the file") {
  const Error error = build_error({{"kustomization.yaml", "resources: [bad.yaml]\n"},
                                   {"bad.yaml", kConfigMap + "---\na: b: c\n"}});
  CHECK(contains(error.message(), "yaml: mapping values are not allowed in this context"));
  CHECK(error.where().text().starts_with("bad.yaml:8:"));
}

TEST_CASE("resources: an object needs a kind and a name") {
  const auto message = [](const char* text) {
    return build_error({{"kustomization.yaml", "resources: [r.yaml]\n"}, {"r.yaml", text}})
        .message();
  };
  CHECK(contains(message("apiVersion: v1\nkind: ConfigMap\n"),
                 "missing metadata.name in object {{v1 ConfigMap} {{ } map[] map[]}}"));
  CHECK(contains(message("apiVersion: v1\nmetadata: {name: a, labels: {x: y, b: c}}\n"),
                 "missing kind in object {{v1 } {{a } map[b:c x:y] map[]}}"));
  CHECK(contains(message("a: b\n"), "missing Resource metadata"));
  CHECK(contains(message("kind: ConfigMap\nmetadata: {name: a}\n--- x\nkind: A\n"),
                 "invalid document separator: --- x"));
}

TEST_CASE("resources: an id may be registered once, in one file, two files or two bases") {
  const Files two = {{"kustomization.yaml", "resources: [a.yaml, b.yaml]\n"},
                     {"a.yaml", kConfigMap},
                     {"b.yaml", kConfigMap}};
  CHECK(contains(
      build_error(two).message(),
      "may not add resource with an already registered id: ConfigMap.v1.[noGrp]/cm.[noNs]"));
  CHECK(contains(build_error({{"kustomization.yaml", "resources: [a.yaml]\n"},
                              {"a.yaml", kConfigMap + "---\n" + kConfigMap}})
                     .message(),
                 "already registered id"));
  CHECK(contains(build_error({{"o/kustomization.yaml", "resources: [../x, ../y]\n"},
                              {"x/kustomization.yaml", "resources: [a.yaml]\n"},
                              {"x/a.yaml", kConfigMap},
                              {"y/kustomization.yaml", "resources: [a.yaml]\n"},
                              {"y/a.yaml", kConfigMap}},
                             "o")
                     .message(),
                 "recursed merging from path 'y': may not add resource"));
}

TEST_CASE("bases: a cycle is an error that names both roots") {
  const Error error = build_error({{"a/kustomization.yaml", "resources: [../b]\n"},
                                   {"b/kustomization.yaml", "resources: [../a]\n"}},
                                  "a");
  CHECK(contains(error.message(), "cycle detected: candidate root 'a' contains visited root"));
  CHECK(contains(build_error({{"a/kustomization.yaml", "resources: [.]\n"}}, "a").message(),
                 "cycle detected: candidate root 'a' contains visited root 'a'"));
}

TEST_CASE("load restrictor: a file outside of the root is refused unless allowed") {
  const Files files = {{"a/kustomization.yaml", "resources: [../cm.yaml]\n"},
                       {"cm.yaml", kConfigMap}};
  CHECK(contains(build_error(files, "a").message(),
                 "security; file 'cm.yaml' is not in or below 'a'"));
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  CHECK(contains(build_text(files, "a", options), "name: cm"));
}

TEST_CASE("load restrictor: a link out of the root is judged by where it leads") {
  const Files files = {{"a/kustomization.yaml", "resources: [cm.yaml]\n"},
                       {"a/cm.yaml", "@link:../cm.yaml"},
                       {"cm.yaml", kConfigMap}};
  CHECK(
      contains(build_error(files, "a").message(), "security; file 'a/cm.yaml' is not in or below"));
}

TEST_CASE("a path that leaves the tree is an error, whatever the restrictor") {
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kNone;
  const Error error =
      build_error({{"a/kustomization.yaml", "resources: [../../../etc/passwd]\n"}}, "a", options);
  CHECK(error.code() == Code::kInvalid);
}

TEST_CASE("remote bases, web files, helm and plugins are refused by name") {
  const auto refused = [](const std::string& text) {
    return build_error({{"kustomization.yaml", text}});
  };
  const Error base = refused("resources: ['https://github.com/org/repo//dir?ref=v1']\n");
  CHECK(base.code() == Code::kUnsupported);
  CHECK(contains(base.message(), "https://github.com/org/repo//dir?ref=v1"));
  CHECK_FALSE(base.hint().empty());
  CHECK(refused("resources: ['git@github.com:org/repo']\n").code() == Code::kUnsupported);
  CHECK(refused("resources: ['https://example.com/x.yaml']\n").code() == Code::kUnsupported);
  CHECK(contains(refused("helmCharts: [{name: c}]\n").message(), "must specify --enable-helm"));
  const Files plugin = {
      {"kustomization.yaml", "transformers: [t.yaml]\n"},
      {"t.yaml", "apiVersion: example.com/v1\nkind: Custom\nmetadata: {name: x}\n"}};
  CHECK(contains(build_error(plugin).message(),
                 "external plugins disabled; unable to load external plugin 'Custom'"));
  kustomize::BuildOptions options;
  options.enable_alpha_plugins = true;
  CHECK(build_error(plugin, "", options).code() == Code::kUnsupported);
}

TEST_CASE("components: kinds must fit where they are named") {
  CHECK(contains(
      build_error({{"o/kustomization.yaml", "components: [../c]\n"},
                   {"c/kustomization.yaml", "resources: []\n"}},
                  "o")
          .message(),
      R"(accumulating components: accumulateDirectory: "expected kind 'Component' for path 'c' but got 'Kustomization'")"));
  CHECK(contains(build_error({{"o/kustomization.yaml", "resources: [../c]\n"},
                              {"c/kustomization.yaml",
                               "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                               "namePrefix: a\n"}},
                             "o")
                     .message(),
                 "expected kind != 'Component' for path 'c'"));
}

TEST_CASE("generators: behavior must fit what is there") {
  CHECK(contains(
      build_error({{"kustomization.yaml", "configMapGenerator:\n- name: a\n  behavior: merge\n"}})
          .message(),
      R"(Name:"a", Namespace:""} does not exist; cannot merge or replace)"));
  const Error exists =
      build_error({{"kustomization.yaml", "configMapGenerator:\n- name: a\n- name: a\n"}});
  CHECK(contains(exists.message(),
                 "exists; can not use behavior: 'unspecified', behavior must be "
                 "merge or replace"));
  CHECK(exists.where().text() == "kustomization.yaml:3:3");
}

TEST_CASE("generators: sources that cannot be read are named with the generator's place") {
  const Error error =
      build_error({{"kustomization.yaml",
                    "namePrefix: a\nconfigMapGenerator:\n- name: a\n  envs: [none.env]\n"}});
  CHECK(contains(error.message(), "loading KV pairs: env source files: [none.env]: evalsymlink"));
  CHECK(error.where().text() == "kustomization.yaml:3:3");
}

TEST_CASE("patches: trouble shows the patch as kustomize would, at its entry") {
  const Error none = build_error({{"kustomization.yaml", "patches:\n- target: {kind: A}\n"}});
  CHECK(none.message() ==
        "trouble configuring builtin PatchTransformer with config: `\ntarget:\n  kind: A\n`: must "
        "specify one of patch and path in\ntarget:\n  kind: A\n");
  CHECK(none.where().text() == "kustomization.yaml:2:3");
  CHECK(contains(build_error({{"kustomization.yaml", "patches: [{path: p.yaml}]\n"}}).message(),
                 "failed to get the patch file from path(p.yaml): evalsymlink failure"));
  CHECK(contains(
      build_error({{"kustomization.yaml", "patches: [{path: p.yaml}]\n"}, {"p.yaml", kConfigMap}})
          .message(),
      "no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/cm.[noNs]\""));
}

TEST_CASE("sortOptions: only known orders") {
  CHECK(
      build_error({{"kustomization.yaml", "resources: []\nsortOptions: {order: x}\n"}}).message() ==
      "the field 'sortOptions.order' must be one of [fifo, legacy]");
}

TEST_CASE("references: more than one candidate is an error that shows them") {
  const Error error = build_error(
      {{"kustomization.yaml", "resources: [a, b, crb.yaml]\n"},
       {"a/kustomization.yaml", "resources: [sa.yaml]\nnamespace: a\n"},
       {"a/sa.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: x}\n"},
       {"b/kustomization.yaml", "resources: [sa.yaml]\nnamespace: b\n"},
       {"b/sa.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: x}\n"},
       {"crb.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: "
        "crb}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}\n"
        "subjects: [{kind: ServiceAccount, name: sa, namespace: x}]\n"}});
  CHECK(contains(error.message(),
                 "found multiple possible referrals: ServiceAccount.v1.[noGrp]/sa.a, "
                 "ServiceAccount.v1.[noGrp]/sa.b"));
}

TEST_CASE("limits: one resource too many is refused") {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: n" + std::to_string(i) + "}\n";
  }
  const Files files = {{"kustomization.yaml", "resources: [all.yaml]\n"}, {"all.yaml", text}};
  kustomize::BuildOptions options;
  options.max_resources = 6;
  CHECK(build_text(files, "", options).size() > 0);
  options.max_resources = 5;
  CHECK(build_error(files, "", options).code() == Code::kUnsupported);
}

TEST_CASE("a cancelled build says so") {
  CancelSource source;
  source.cancel();
  kustomize::BuildOptions options;
  options.cancel = source.token();
  CHECK(build_error({{"kustomization.yaml", "namePrefix: a\n"}}, "", options).code() ==
        Code::kCancelled);
}

TEST_CASE("warnings: deprecated fields, in kustomize's words, also when the build fails") {
  std::vector<std::string> lines;
  kustomize::BuildOptions options;
  options.on_warning = [&](std::string_view line) { lines.emplace_back(line); };
  (void)build_error({{"kustomization.yaml", "bases: [none]\nvars: []\ncommonLabels: {a: b}\n"}}, "",
                    options);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        "# Warning: 'bases' is deprecated. Please use 'resources' instead. Run 'kustomize "
        "edit fix' to update your Kustomization automatically.");
  CHECK(lines[1].starts_with("# Warning: 'commonLabels' is deprecated."));
  CHECK(lines[2] ==
        "# Warning: 'vars' is deprecated. Please use 'replacements' instead. "
        "[EXPERIMENTAL] Run 'kustomize edit fix' to update your Kustomization "
        "automatically.");
}

TEST_CASE("vars: one that is no scalar stays as it is, with a warning that shows it") {
  std::string warned;
  kustomize::BuildOptions options;
  options.on_warning = [&](std::string_view line) { warned.append(line).append("\n"); };
  const std::string text = build_text({{"kustomization.yaml",
                                        "resources: [r.yaml]\nconfigurations: [c.yaml]\nvars: "
                                        "[{name: V, objref: {kind: A, name: a}, "
                                        "fieldref: {fieldpath: spec}}]\n"},
                                       {"c.yaml", "varReference: [{path: text, kind: A}]\n"},
                                       {"r.yaml",
                                        "{kind: A, metadata: {name: a}, text: $(V), spec: {b: [1, "
                                        "x, null, {c: 1.50}], a: true}}\n"}},
                                      "", options);
  CHECK(contains(text, "text: $(V)"));
  CHECK(contains(warned,
                 "MakePrimitiveReplacer: bad replacement type=map[string]interface {} "
                 "val=map[a:true b:[1 x <nil> map[c:1.5]]]\n"));
}

TEST_CASE("vars: the warning of one that is no scalar does not show what a Secret holds") {
  std::string warned;
  kustomize::BuildOptions options;
  options.on_warning = [&](std::string_view line) { warned.append(line).append("\n"); };
  const std::string text = build_text(
      {{"kustomization.yaml",
        "resources: [r.yaml]\nvars: [{name: V, objref: {apiVersion: v1, kind: Secret, name: s}, "
        "fieldref: {fieldpath: stringData}}]\n"},
       {"r.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: canary}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{args: "
        "[$(V)]}]}\n"}},
      "", options);
  CHECK(contains(text, "- $(V)"));
  CHECK(contains(warned, "bad replacement type=map[string]interface {} val=(of a Secret: "));
  CHECK_FALSE(contains(warned, "canary"));
}

TEST_CASE("vars: a plain << in a list is no string") {
  const std::string kustomization =
      "resources: [p.yaml]\nvars: [{name: V, objref: {kind: Pod, name: x}}]\n";
  const auto pod = [](const std::string& args) {
    return "kind: Pod\nmetadata: {name: x}\nspec: {containers: {args: [" + args + "]}}\n";
  };
  const Error error =
      build_error({{"kustomization.yaml", kustomization}, {"p.yaml", pod("a, <<")}});
  CHECK(error.message() ==
        "considering field 'spec/containers/args' of object Pod.[noVer].[noGrp]/x.[noNs]: invalid "
        "value type expect a string");
  const std::string text =
      build_text({{"kustomization.yaml", kustomization}, {"p.yaml", pod("a, '<<'")}});
  CHECK(contains(text, "- <<\n"));
}

TEST_CASE("vars: unused ones are named also when another cannot be set") {
  std::vector<std::string> lines;
  kustomize::BuildOptions options;
  options.on_warning = [&](std::string_view line) { lines.emplace_back(line); };
  const std::string pod =
      "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{args: [1]}]}}";
  (void)build_error(
      {{"kustomization.yaml",
        "resources: [p.yaml]\nvars: [{name: A, objref: {apiVersion: v1, kind: Pod, name: p}}]\n"},
       {"p.yaml", pod}},
      "", options);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] == "well-defined vars that were never replaced: A");
}

TEST_CASE("crds, configurations: an error names the field before the cause") {
  CHECK(contains(build_error({{"kustomization.yaml", "crds: [a.json, b.json]\n"}}).message(),
                 "loading CRDs [a.json b.json]: evalsymlink failure on "));
  CHECK(build_error({{"kustomization.yaml", "resources: [base]\nconfigurations: [c.yaml]\n"},
                     {"c.yaml", "commonLabels: [{path: x/y, create: false}]\n"},
                     {"base/kustomization.yaml", "configurations: [c.yaml]\n"},
                     {"base/c.yaml", "commonLabels: [{path: x/y, create: true}]\n"}})
            .message() ==
        "merging config: failed to merge CommonLabels fieldSpec: conflicting fieldspecs");
}

TEST_CASE(
    "configurations: unknown and repeated names are refused as sigs.k8s.io/yaml refuses them") {
  const auto error = [](std::string_view text) {
    return build_error({{"kustomization.yaml", "resources: [a.yaml]\nconfigurations: [c.yaml]\n"},
                        {"a.yaml", std::string(kConfigMap)},
                        {"c.yaml", std::string(text)}});
  };
  const Error unknown =
      error("nameReference:\n- kind: A\n  fieldSpecs:\n  - {path: b, skip: true}\n");
  CHECK(unknown.message() ==
        R"(error unmarshaling JSON: while decoding JSON: json: unknown field "skip")");
  CHECK(unknown.where().text() == "c.yaml:1:1");
  CHECK(error("images:\n- path: a\nimages:\n- path: b\n").message() ==
        "error converting YAML to JSON: yaml: unmarshal errors:\n"
        "  line 4: key \"images\" already set in map");
}

TEST_CASE("kustomization file: a mapping as key, as templates leave it, is told in Go's words") {
  const Error error = build_error({{"kustomization.yaml", "namespace: {{ .name }}\n"}});
  CHECK(error.message() ==
        "invalid Kustomization: yaml: invalid map key: "
        "map[interface {}]interface {}{\".name\":interface {}(nil)}");
  CHECK(error.where().text() == "kustomization.yaml:1:13");
}

TEST_CASE("images: a field that holds no scalar is named") {
  CHECK(build_error({{"kustomization.yaml",
                      "resources: [cm.yaml]\nconfigurations: [c.yaml]\n"
                      "images: [{name: a, newTag: b}]\n"},
                     {"c.yaml", "images: [{path: data}]\n"},
                     {"cm.yaml", kConfigMap}})
            .message()
            .starts_with("considering field 'data' of object ConfigMap.v1.[noGrp]/cm.[noNs]: "
                         "wrong node kind: expected ScalarNode but got MappingNode"));
}

TEST_CASE("resources that a replacement makes one are refused where they are merged") {
  const std::string two =
      "{apiVersion: v1, kind: A, metadata: {name: x}}\n---\n"
      "{apiVersion: v1, kind: B, metadata: {name: x}}\n";
  const std::string replace =
      "resources: [two.yaml]\nreplacements:\n- sourceValue: C\n  targets:\n"
      "  - {select: {name: x}, fieldPaths: [kind]}\n";
  CHECK(contains(build_error({{"kustomization.yaml", "resources: [base]\n"},
                              {"base/kustomization.yaml", replace},
                              {"base/two.yaml", two}})
                     .message(),
                 "recursed merging from path 'base': may not add resource with an already "
                 "registered id: C.v1.[noGrp]/x.[noNs]"));
  CHECK(contains(build_error({{"kustomization.yaml", "components: [part]\n"},
                              {"part/kustomization.yaml", "kind: Component\n" + replace},
                              {"part/two.yaml", two}})
                     .message(),
                 "accumulating components: accumulateDirectory: \"recursed merging from path "
                 "'part': may not add resource with an already registered id: "));
}

TEST_CASE("a JSON patch meets the text that a replacement left in a field of another type") {
  CHECK(build_error({{"kustomization.yaml",
                      "resources: [base]\n"
                      "patches: [{target: {kind: A}, patch: '- {op: add, path: /x, value: 1}'}]\n"},
                     {"base/kustomization.yaml",
                      "resources: [a.yaml]\nreplacements:\n- sourceValue: text\n  targets:\n"
                      "  - {select: {name: x}, fieldPaths: [number]}\n"},
                     {"base/a.yaml", "{apiVersion: v1, kind: A, metadata: {name: x}, number: 1}"}})
            .message() == "yaml: cannot decode !!str `text` as a !!int");
}

TEST_CASE("kustomization file: U+0085 does not change folded scalars elsewhere") {
  CHECK(contains(build_text({{"kustomization.yaml",
                              "configMapGenerator:\n- name: a\n  literals:\n  - \"n=\\x85\"\n"
                              "  - >\n    k=a\n     b\n"}}),
                 "  k: |\n    a\n     b\n"));
}

TEST_CASE("a name with a comma that a transformer changes is refused, where kustomize panics") {
  const Error error =
      build_error({{"kustomization.yaml", "namePrefix: p-\nresources: [a.yaml]\n"},
                   {"a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ENC[a,b]\n"}});
  CHECK(error.message() ==
        "number of previous names, number of previous namespaces, number of previous kinds not "
        "equal");
  CHECK(error.where().text() == "a.yaml:1:1");
}

TEST_CASE("errors that a random tree found: kustomize's words") {
  struct Row {
    const char* what;
    Files files;
    const char* message;  // how it ends
  };
  const std::string deployment =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: "
      "{containers: [[a]]}}}\n";
  const Row rows[] = {
      {"of two wrong references, that of the path that kustomize tries first is told",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml",
         "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {volumes: {projected: {sources: "
         "{secret: a}}}, containers: {env: {valueFrom: {secretKeyRef: b}}}}}\n"}},
       "considering field 'spec/containers/env/valueFrom/secretKeyRef/name' of object "
       "Pod.v1.[noGrp]/p.[noNs]: expected sequence or mapping node"},
      {"an apiVersion with an empty group is not the one that kustomize puts together",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "{apiVersion: /v1, kind: Deployment, metadata: {name: d}}\n"}},
       "node-referrerOriginal 'APIVersion' mismatch '/v1' != 'v1'"},
      {"a generator replaces by the id that its target has now",
       {{"kustomization.yaml",
         "resources: [base]\nsecretGenerator: [{name: a, behavior: replace}]\n"},
        {"base/kustomization.yaml",
         "resources: [r.yaml]\npatches: [{target: {kind: Secret}, options: {allowKindChange: "
         "true}, "
         "patch: '{kind: Other, metadata: {name: x}}'}]\n"},
        {"base/r.yaml", "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n"}},
       "cannot find resource with id Secret.v1.[noGrp]/a.[noNs] to replace"},
      {"a resource for kustomize alone stays while another has its id",
       {{"kustomization.yaml",
         "resources: [r.yaml]\nreplacements: [{sourceValue: x, targets: [{select: {kind: A}}]}]\n"},
        {"r.yaml",
         "{apiVersion: v1, kind: A, metadata: {name: a}}\n---\n{apiVersion: v1, kind: A, metadata: "
         "{name: b, annotations: {config.kubernetes.io/local-config: 'true'}}}\n"}},
       "may not add resource with an already registered id: A.v1.[noGrp]/x.[noNs]"},
      {"an alias names an anchor of its own document",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "{kind: A, metadata: &m {name: a}}\n---\n{kind: B, metadata: *m}\n"}},
       "MalformedYAMLError: yaml: unknown anchor 'm' referenced in File: r.yaml"},
      {"a part of a path without text is the node itself",
       {{"kustomization.yaml",
         "resources: [r.yaml]\nreplacements: [{sourceValue: x, targets: [{select: {kind: A}, "
         "fieldPaths: [spec..x]}]}]\n"},
        {"r.yaml", "{kind: A, metadata: {name: a}, spec: {b: c}}\n"}},
       "unable to find field \"spec..x\" in replacement target: wrong node kind: expected "
       "ScalarNode but got MappingNode: node contents:\n{b: c}\n"},
      {"an empty list of targets is none",
       {{"kustomization.yaml", "replacements: [{sourceValue: x, targets: []}]\n"}},
       "replacements must specify a source and at least one target"},
      {"a name that came with a comma is an odd history for replacements, too",
       {{"kustomization.yaml", "resources: [base]\nnamePrefix: p-\ncomponents: [comp]\n"},
        {"base/kustomization.yaml", "resources: [r.yaml]\n"},
        {"base/r.yaml", "{apiVersion: v1, kind: A, metadata: {name: 'a,b'}}\n"},
        {"comp/kustomization.yaml",
         "kind: Component\nnamePrefix: q-\nreplacements: [{source: {kind: A}, targets: [{select: "
         "{kind: A}}]}]\n"}},
       "error getting node IDs: number of previous names, number of previous namespaces, number of "
       "previous kinds not equal\""},
      {"every list on the way to a reference is named",
       {{"kustomization.yaml", "resources: [r.yaml]\n"}, {"r.yaml", deployment}},
       "visit traversal on path: [env valueFrom configMapKeyRef name]: visit traversal on path: "
       "[env valueFrom configMapKeyRef name]: expected sequence or mapping node"},
      {"a text of comments alone has no kind of node",
       {{"kustomization.yaml",
         "resources: [r.yaml]\nreplacements:\n- sourceValue: x\n  targets:\n  - select: {kind: "
         "ConfigMap}\n    fieldPaths: [data.a.0]\n"},
        {"r.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '#c'}\n"}},
       "unable to find field \"data.a.0\" in replacement target: wrong node kind: expected "
       "SequenceNode but got : node contents:\nnull\n"},
      {"kustomize's own annotations are annotations",
       {{"kustomization.yaml",
         "resources: [r.yaml]\nnamePrefix: p-\nreplacements:\n- sourceValue: ''\n  targets:\n  - "
         "select: {kind: ConfigMap}\n    fieldPaths: [kind]\n"},
        {"r.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"}},
       "missing kind in object {{v1 } {{p-c } map[] "
       "map[internal.config.kubernetes.io/prefixes:p- "
       "internal.config.kubernetes.io/previousKinds:ConfigMap "
       "internal.config.kubernetes.io/previousNames:c "
       "internal.config.kubernetes.io/previousNamespaces:default]}}"},
      {"a namespace field that is metadata.annotations is found where notes are in it",
       {{"kustomization.yaml", "resources: [r.yaml]\nnamespace: ns\nconfigurations: [c.yaml]\n"},
        {"c.yaml", "namespace: [{path: metadata/annotations}]\n"},
        {"r.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"}},
       "internal.config.kubernetes.io/previousKinds: ConfigMap\n"},
      {"the defaults contradict a configuration when they are merged a second time",
       {{"kustomization.yaml", "resources: [a, b]\n"},
        {"a/kustomization.yaml", "resources: [../base]\nconfigurations: [c.yaml]\n"},
        {"a/c.yaml", "images: [{path: 'spec/containers[]/image', kind: ConfigMap}]\n"},
        {"b/kustomization.yaml", "resources: [../base]\nnamePrefix: b-\n"},
        {"base/kustomization.yaml", "resources: [r.yaml]\n"},
        {"base/r.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"}},
       "failed to merge Images fieldSpec: conflicting fieldspecs"},
      {"a validator that sets a name anew changes it, even to the same",
       {{"kustomization.yaml",
         "resources: [r.yaml]\nvalidators:\n- |\n  apiVersion: builtin\n  kind: "
         "PrefixTransformer\n  metadata: {name: v}\n  prefix: ''\n  fieldSpecs: [{path: "
         "metadata/name}]\n"},
        {"r.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"}},
       "validator shouldn't modify the resource map: nodes unequal: ConfigMap.v1.[noGrp]/c.[noNs]"},
      {"kyaml refuses what cannot be merged, after the text was read",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "kind: A\nmetadata: {name: a}\nspec: {<<: x}\n"}},
       "accumulation err='accumulating resources from 'r.yaml': map merge requires map or sequence "
       "of maps as the value': must build at directory: 'r.yaml': file is not directory"},
      {"and the alias of a list, which it would merge itself",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "kind: A\nmetadata: {name: a}\nlist: &l [{a: b}]\nspec: {<<: *l}\n"}},
       "accumulation err='accumulating resources from 'r.yaml': invalid map merge: received alias "
       "for a non-map value': must build at directory: 'r.yaml': file is not directory"},
      {"a path that is text of several lines is shown as Go quotes it",
       {{"kustomization.yaml", "resources: [\"a: \\\"...\\\"\\n\"]\n"}},
       "path \"a: \\\"...\\\"\\n\" is ambiguous: resolves to \"a: \\\"...\\\"\\n\" after "
       "normalization, which is likely not the intended target; check for YAML indentation errors "
       "in your kustomization file"},
      {"an entry under null is there twice when kyaml has set it anew",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "kind: A\nmetadata: {name: a}\nspec: {~: x, b: c}\n"}},
       "yaml: unmarshal errors:\n  line 3: mapping key \"~\" already defined at line 3"},
      {"a collection as key of the top level",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "kind: A\nmetadata: {name: a}\n{}: x\n"}},
       "yaml: unmarshal errors:\n  line 3: cannot unmarshal !!map into string"},
      {"a plugin's number becomes a string, but not in the fields of an embedded struct",
       {{"kustomization.yaml",
         "generators:\n- |\n  apiVersion: builtin\n  kind: SecretGenerator\n  metadata: {name: "
         "5}\n  "
         "type: 5\n"}},
       "json: cannot unmarshal number into Go struct field SecretGeneratorPlugin.SecretArgs.type "
       "of "
       "type string"},
      {"a number is no key of a plugin's config",
       {{"kustomization.yaml",
         "transformers:\n- |\n  apiVersion: builtin\n  kind: LabelTransformer\n  metadata: {name: "
         "p}\n  labels: {1: b}\n"}},
       "marshalling yaml from res LabelTransformer.builtin.[noGrp]/p.[noNs]: json: unsupported "
       "type: "
       "map[interface {}]interface {}"},
      {"what a NamespaceTransformer does not fit says so",
       {{"kustomization.yaml",
         "transformers:\n- |\n  apiVersion: builtin\n  kind: NamespaceTransformer\n  metadata: "
         "{name: "
         "p}\n  unsetOnly: 5\n"}},
       "fails configuration: unmarshalling NamespaceTransformer config: error unmarshaling JSON: "
       "while decoding JSON: json: cannot unmarshal number into Go struct field "
       "NamespaceTransformerPlugin.unsetOnly of type bool"},
      {"the type of a list's items is named",
       {{"kustomization.yaml", "patchesStrategicMerge: [[a]]\n"}},
       "Kustomization.patchesStrategicMerge of type types.PatchStrategicMerge"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const std::string message = build_error(row.files).message();
    INFO(message);
    CHECK(message.ends_with(row.message));
  }
}

TEST_CASE("what kustomize prints and cannot read again is refused when it is printed") {
  struct Row {
    const char* what;
    Files files;
    const char* message;  // how it ends
  };
  const Row rows[] = {
      {"a key that kustomize adds has no type: a number is no key of JSON",
       {{"kustomization.yaml", "configMapGenerator: [{name: c, literals: [80=x]}]\n"}},
       "json: unsupported type: map[interface {}]interface {}"},
      {"the same for a label",
       {{"kustomization.yaml", "resources: [r.yaml]\nlabels: [{pairs: {\"true\": x}}]\n"},
        {"r.yaml", kConfigMap}},
       "json: unsupported type: map[interface {}]interface {}"},
      {"and for every annotation, which it sets anew at the end",
       {{"kustomization.yaml", "resources: [r.yaml]\n"},
        {"r.yaml", "{apiVersion: v1, kind: A, metadata: {name: a, annotations: {\"1.5\": x}}}\n"}},
       "json: unsupported type: map[interface {}]interface {}"},
      {"a block scalar that begins with a tab cannot be read again",
       {{"kustomization.yaml", "configMapGenerator: [{name: c, files: [f]}]\n"}, {"f", "\ta\n"}},
       "found a tab character where an indentation space is expected"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const sources::MemTree tree(row.files);
    const auto built = sluice::test::build(tree);  // a name suffix is made of printed data
    const auto text = built ? built->resources.to_yaml() : fail(built.error());
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code() == Code::kInvalid);
    CHECK(text.error().message().ends_with(row.message));
  }
}

TEST_CASE("a resource that JSON cannot hold: as a file of its own, in the words of that") {
  const sources::MemTree tree(
      Files{{"kustomization.yaml", "resources: [r.yaml]\n"},
            {"r.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec: {1: .nan}\n"}});
  const auto built = sluice::test::build(tree);
  REQUIRE_OK(built);
  const auto text = built->resources.to_file(built->resources.resources.at(0));
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().message() ==
        "error marshaling into JSON: json: unsupported type: map[interface {}]interface {}");
  CHECK(text.error().where().text() == "r.yaml:4:8");
}
