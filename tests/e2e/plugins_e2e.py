#!/usr/bin/env python3
"""What `sluice build` hands to programs, beside the real kustomize: exec functions, legacy plugins and helm.

Every program is a script that records its arguments, environment, directory, standard input and the files that its
arguments name. Both builds run the same tree: records, standard output, exit status and the first words on standard
error must be equal. With a real helm on PATH, a chart is rendered by both as well. Needs kustomize (scripts/tools);
without it: exit status 77.
"""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLUICE = os.environ.get("SLUICE", os.path.join(ROOT, "build", "release", "sluice"))
KUSTOMIZE = shutil.which("kustomize")

RECORD = r"""#!/bin/bash
# records, then does what the text below says
n=$(ls "$RECORD" | wc -l)
{ echo "argv: $0"; printf 'arg: %s\n' "$@"; echo "cwd: $PWD"; env | grep -v '^_=\|^SHLVL=\|^RECORD=' | sort
  for a in "$@"; do [ -f "$a" ] && { echo "file: $a"; cat "$a"; echo "mode: $(stat -c %a "$a")"; }; done; } > "$RECORD/$n"
"""
SAVE_INPUT = 'cat > "$RECORD/$n.in"\n'

RESOURCES = """apiVersion: v1
kind: ConfigMap
metadata: {name: y, annotations: {z: 1, a: 'true'}}
data:
  t: "true"
  n: '12'
  sp: " lead"
  colon: "a: b"
  ml: "a\\nb\\n"
  mlt: "a \\nb"
  mli: "  a\\nb"
  tab: "a\\tb"
  long: "aaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccccccc dddddddd eeee"
  emoji: "\\U0001F600 x"
  empty: ""
  single: "it's"
  "y": "yes"
seq: [1, {a: 1, b: [2,3]}, [4, 5], []]
nul: null
flt: 1.50
map: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {replicas: 0x10}
"""
FUNCTION = """apiVersion: x.io/v1
kind: Fn
metadata:
  name: fn
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ./fn.sh
        args: [one, "two three"]
        envs: [A=1, B=2=3, HOME=/nowhere]
spec: {a: [1, 2]}
"""
LEGACY = """apiVersion: x.io/v1
kind: Leg
metadata: {name: leg}
argsOneLiner: a "b c" 'd\\' e\\ f # comment
argsFromFile: args.txt
"""
PLUGIN = "home/.config/kustomize/plugin/x.io/v1/leg/Leg"
CHART = """#!/bin/bash
. ./record.inc
case $1 in
  version) echo 'v3.19.4+g7cfb6e4'; echo warning >&2 ;;
  pull) d=; p=; for a in "$@"; do [ "$p" = --untardir ] && d=$a; p=$a; n=${a##*/}; case $p in --*|[0-9]*) ;; *) l=$n ;; esac; done
        mkdir -p "$d/pulled" && printf 'a: {b: 1, c: [1]}\\nd: e # c\\n' > "$d/pulled/values.yaml" ;;
  template) printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: c\\n  namespace: ns-of-chart\\ndata:\\n  args: "%s"\\n' "${2##*/}" ;;
esac
"""
CHART = CHART.replace(". ./record.inc", RECORD.partition("\n")[2])


def case(name, files, *flags, build=".", **more):
    return dict(more, name=name, files=files, flags=list(flags), build=build)


PLUGINS = ["--enable-alpha-plugins", "--enable-exec"]
HELM = ["--enable-helm", "--helm-command", "./helm"]


def kustomization(**fields):
    return "".join("%s: %s\n" % item for item in fields.items())


def function_case(name, role, script, *extra, flags=PLUGINS, **files):
    tree = {"kustomization.yaml": kustomization(resources="[r.yaml]", namePrefix="pre-", **{role: "[fn.yaml]"}),
            "r.yaml": RESOURCES, "fn.yaml": FUNCTION, "fn.sh": RECORD + SAVE_INPUT + script}
    tree.update(files)
    return case(name, tree, *flags, *extra)


def legacy_case(name, role, script, **files):
    tree = {"kustomization.yaml": kustomization(resources="[r.yaml]", **{role: "[leg.yaml]"}), "r.yaml": RESOURCES,
            "leg.yaml": LEGACY, "args.txt": "  x\n\n y z \nlast", PLUGIN: RECORD + SAVE_INPUT + script}
    tree.update(files)
    return case(name, tree, *PLUGINS)


GENERATED = """cat <<'END'
apiVersion: v1
kind: ConfigMap
metadata:
  name: made
  annotations: {kustomize.config.k8s.io/needs-hash: "true", other: x}
data: {a: b}
END
"""
MERGED = GENERATED.replace("name: made", "name: y").replace("other: x", "kustomize.config.k8s.io/behavior: merge")
PASS_ON = 'cat "$RECORD/$n.in"\n'


def helm_case(name, chart, *flags, **files):
    tree = {"kustomization.yaml": "helmCharts:\n- " + chart.replace("\n", "\n  ") + "\n", "helm": CHART,
            "charts/local/values.yaml": "# v\nx: 1\nlist: [a, b]\ndeep: {k: v, gone: 1}\n", "extra.yaml": "z: 1\n",
            "own.yaml": "own: true\nx: 0x10\n"}
    tree.update(files)
    return case(name, tree, *(flags or HELM))


CASES = [
    function_case("function: a generator", "generators", GENERATED),
    function_case("function: a generator that prints a ResourceList", "generators", PASS_ON),
    function_case("function: a generator that merges", "generators", MERGED),
    function_case("function: a needs-hash that is no boolean", "generators", GENERATED.replace('"true"', "maybe")),
    function_case("function: a transformer", "transformers", "sed 's/a: b/a: c/' \"$RECORD/$n.in\"\n"),
    function_case("function: a transformer that drops all", "transformers", "true\n"),
    function_case("function: a transformer that adds", "transformers", PASS_ON + "echo ---\n" + GENERATED),
    function_case("function: duplicates", "transformers", GENERATED + "echo ---\n" + GENERATED),
    function_case("function: failing, with words on standard error", "transformers", "echo why >&2; exit 3\n"),
    function_case("function: failing generator", "generators", "exit 3\n"),
    function_case("function: output that is no YAML goes before the exit status", "transformers", 'echo "a: b: c"; exit 3\n'),
    function_case("function: killed", "generators", "kill -9 $$\n"),
    function_case("function: more environment from the command line", "generators", GENERATED, "--env", "C=3", "-e", "A=9"),
    function_case("function: no --enable-exec: nothing runs", "transformers", "exit 1\n", flags=["--enable-alpha-plugins"]),
    function_case("function: plugins disabled", "transformers", "exit 1\n", flags=[]),
    function_case("function: not there", "transformers", "", **{"fn.yaml": FUNCTION.replace("./fn.sh", "./no.sh")}),
    function_case("function: not on PATH", "generators", "", **{"fn.yaml": FUNCTION.replace("./fn.sh", "no-such-thing")}),
    function_case("function: starlark", "generators", "", **{"fn.yaml": FUNCTION.replace("exec:", "starlark:")}),
    function_case("function: a strange field", "generators", "", **{"fn.yaml": FUNCTION.replace("args:", "arg:")}),
    function_case("function: two in a row", "transformers", PASS_ON,
                  **{"kustomization.yaml": kustomization(resources="[r.yaml]", transformers="[fn.yaml, fn2.yaml]"),
                     "fn2.yaml": FUNCTION.replace("name: fn", "name: fn2")}),
    function_case("function: origins", "transformers", PASS_ON,
                  **{"kustomization.yaml": kustomization(resources="[r.yaml]", transformers="[fn.yaml]", generators="[fn.yaml]",
                                                         buildMetadata="[originAnnotations, transformerAnnotations]")}),
    function_case("function: generated configMaps and their references", "transformers", PASS_ON,
                  **{"kustomization.yaml": kustomization(resources="[base]", transformers="[fn.yaml]", namespace="over"),
                     "base/kustomization.yaml": "nameSuffix: -s\nconfigMapGenerator: [{name: g, literals: [a=b]}]\nresources: [p.yaml]\n",
                     "base/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, configMap: {name: g}}]}\n"}),
    legacy_case("legacy: a generator", "generators", "echo noise >&2\n" + GENERATED),
    legacy_case("legacy: a transformer", "transformers", PASS_ON),
    legacy_case("legacy: failing generator", "generators", "echo why >&2; exit 3\n"),
    legacy_case("legacy: failing transformer", "transformers", "echo out; exit 3\n"),
    legacy_case("legacy: silent failure", "transformers", "exit 1\n"),
    legacy_case("legacy: an open quote", "generators", "", **{"leg.yaml": LEGACY.replace("a \"b", "a 'b")}),
    legacy_case("legacy: no arguments file", "generators", "", **{"leg.yaml": LEGACY.replace("args.txt", "none.txt")}),
    legacy_case("legacy: no plugin of that kind", "generators", "", **{"leg.yaml": LEGACY.replace("kind: Leg", "kind: Lag")}),
    case("legacy: no home", {"kustomization.yaml": "generators: [leg.yaml]\n", "leg.yaml": LEGACY}, *PLUGINS),
    case("legacy: not executable", {"kustomization.yaml": "generators: [leg.yaml]\n", "leg.yaml": LEGACY,
                                    "args.txt": "", PLUGIN: "plain file"}, *PLUGINS),
    case("legacy: KUSTOMIZE_PLUGIN_HOME first", {
        "kustomization.yaml": "generators: [leg.yaml]\n", "leg.yaml": LEGACY, "args.txt": "", PLUGIN: RECORD + "exit 1\n",
        "plugins/x.io/v1/leg/Leg": RECORD + GENERATED}, *PLUGINS, environment={"KUSTOMIZE_PLUGIN_HOME": "@/plugins"}),
    helm_case("helm: a local chart", "name: local"),
    helm_case("helm: every argument", """name: local
releaseName: rel
namespace: ns
nameTemplate: "t-{{ .x }}"
valuesFile: own.yaml
additionalValuesFiles: [extra.yaml]
apiVersions: [a/v1, b/v1]
kubeVersion: "1.30"
includeCRDs: true
skipTests: true
skipHooks: true
debug: true
devel: true"""),
    helm_case("helm: inline values override", "name: local\nvaluesInline: {x: 2, list: [c], deep: {gone: null, new: 1}, s: 'true'}"),
    helm_case("helm: inline values merge", "name: local\nvaluesMerge: merge\nvaluesInline: {x: 2, list: [c], deep: {new: 1}, s: 1.0}"),
    helm_case("helm: inline values replace", "name: local\nvaluesMerge: replace\nvaluesInline: {x: 2}"),
    helm_case("helm: an unknown merge", "name: local\nvaluesMerge: mix\nvaluesInline: {x: 2}"),
    helm_case("helm: pull", "name: pulled\nrepo: https://charts.example.com\nversion: 1.2.3"),
    helm_case("helm: pull from a registry", "name: pulled\nrepo: oci://registry.example.com/charts/\ndevel: true\nvaluesInline: {a: {b: 2}}"),
    helm_case("helm: no chart and no repo", "name: nowhere"),
    helm_case("helm: no name", "releaseName: x"),
    helm_case("helm: a name like a flag", "name: --post-renderer"),
    helm_case("helm: a release like a flag", "name: local\nreleaseName: -x"),
    helm_case("helm: no values file", "name: local\nvaluesFile: none.yaml"),
    helm_case("helm: not enabled", "name: local", "--helm-command", "./helm"),
    helm_case("helm: no such program", "name: local", "--enable-helm", "--helm-command", "no-helm"),
    helm_case("helm: version 2", "name: local", **{"helm": CHART.replace("v3.19.4", "v2.1.0")}),
    helm_case("helm: no version", "name: local", **{"helm": CHART.replace("v3.19.4+g7cfb6e4", "none")}),
    helm_case("helm: failing", "name: local", **{"helm": CHART.replace("  template)", "  template) echo why >&2; exit 4;;\n  never)")}),
    helm_case("helm: failing in debug mode", "name: local\ndebug: true",
              **{"helm": CHART.replace("  template)", "  template) echo out; echo why >&2; exit 4;;\n  never)")}),
    helm_case("helm: output that is no YAML", "name: local", **{"helm": CHART.replace("apiVersion: v1", "a: b: c")}),
    helm_case("helm: output without a kind", "name: local", **{"helm": CHART.replace("kind: ConfigMap", "x: y")}),
    helm_case("helm: from the command line", "name: local\nkubeVersion: '1.29'", *HELM, "--helm-kube-version", "1.31",
              "--helm-api-versions", "x/v1", "--helm-api-versions", "y/v1,z/v1", "--helm-debug"),
    helm_case("helm: a namespace from above", "", **{
        "kustomization.yaml": "namespace: above\nresources: [base]\n", "base/kustomization.yaml": "resources: [leaf]\n",
        "base/leaf/kustomization.yaml": "helmGlobals: {chartHome: c, configHome: /tmp/h}\nhelmCharts: [{name: l}]\n",
        "base/leaf/c/l/values.yaml": ""}),
    helm_case("helm: as a plugin config", "", **{
        "kustomization.yaml": "generators: [chart.yaml]\nnamespace: ignored\n",
        "chart.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: local\nvaluesInline: {q: 1}\n"}),
    helm_case("helm: the deprecated field", "", **{
        "kustomization.yaml": "helmChartInflationGenerator:\n- {chartName: local, releaseName: old, helmHome: /tmp/hh, values: own.yaml}\n"}),
]


# One configuration of each builtin that can be named in generators:, transformers: or validators:.
BUILTINS = {
    "AnnotationsTransformer": "annotations: {x: '1'}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
    "ConfigMapGenerator": "behavior: create\nliterals: [a=b]\nfiles: [args.txt]\nenvs: [e.env]\noptions: {labels: {l: '1'}}\n",
    "HashTransformer": "",
    "IAMPolicyGenerator": "cloud: gke\nkubernetesService: {namespace: n, name: s}\nserviceAccount: {name: acc, projectId: p1}\n",
    "ImageTagTransformer": "imageTag: {name: nginx, newName: other, newTag: v2}\nfieldSpecs: [{path: spec/image}]\n",
    "LabelTransformer": "labels: {l: v, n: '1'}\nfieldSpecs: [{path: metadata/labels, create: true}]\n",
    "NamespaceTransformer": "fieldSpecs: [{path: metadata/namespace, create: true}]\nsetRoleBindingSubjects: allServiceAccounts\n",
    "PatchJson6902Transformer": "target: {group: apps, version: v1, kind: Deployment, name: d}\njsonOp: '[{\"op\": \"add\", \"path\": \"/spec/x\", \"value\": 1}]'\n",
    "PatchStrategicMergeTransformer": "paths: [patch.yaml]\npatches: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: y}\n  data: {t: null}\n",
    "PatchTransformer": "path: patch.yaml\ntarget: {kind: Deployment}\noptions: {allowNameChange: true}\n",
    "PrefixTransformer": "prefix: p-\nfieldSpecs: [{path: metadata/name}]\n",
    "SuffixTransformer": "suffix: -s\nfieldSpecs: [{path: metadata/name}]\n",
    "PrefixSuffixTransformer": "prefix: p-\nsuffix: -s\nfieldSpecs: [{path: metadata/name}]\n",
    "ReplacementTransformer": "replacements:\n- source: {kind: ConfigMap, name: y, fieldPath: data.n}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [spec.replicas]\n",
    "ReplicaCountTransformer": "replica: {name: d, count: 7}\nfieldSpecs: [{path: spec/replicas, create: true, kind: Deployment}]\n",
    "SecretGenerator": "literals: [a=b]\ntype: Opaque\nnamespace: q\n",
    "ValueAddTransformer": "value: added\ntargetFilePath: targets.yaml\ntargets: [{selector: {kind: Deployment}, fieldPath: spec/place, filePathPosition: 0}]\n",
    "SortOrderTransformer": "sortOptions: {order: fifo}\n",
    "NoSuchTransformer": "",
}
EXTRA = {"r.yaml": RESOURCES, "args.txt": "text\n", "e.env": "E=1\n",
         "patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, labels: {patched: 'yes'}}\nspec: {image: 'nginx:1'}\n",
         "targets.yaml": "targets:\n- selector: {kind: ConfigMap}\n  fieldPath: data/added\n"}


def builtin_cases():
    """By a file, inline, from a directory that renames its configurations, and from a base."""
    for kind, fields in BUILTINS.items():
        config = "apiVersion: builtin\nkind: %s\nmetadata: {name: conf, namespace: from-meta}\n%s" % (kind, fields)
        inline = "|-\n  " + config.rstrip("\n").replace("\n", "\n  ")
        for field in ("generators", "transformers", "validators"):
            top = kustomization(resources="[r.yaml]", **{field: "[conf.yaml]"})
            yield case("builtin: %s in %s, a file" % (kind, field), dict(EXTRA, **{"kustomization.yaml": top, "conf.yaml": config}))
            if field == "validators":
                continue
            text = "resources: [r.yaml]\n%s:\n- %s\n" % (field, inline)
            yield case("builtin: %s in %s, inline" % (kind, field), dict(EXTRA, **{"kustomization.yaml": text}))
            text = kustomization(resources="[r.yaml]", buildMetadata="[originAnnotations, transformerAnnotations]", **{field: "[confs]"})
            yield case("builtin: %s in %s, a directory" % (kind, field), dict(EXTRA, **{
                "kustomization.yaml": text, "confs/kustomization.yaml": "resources: [conf.yaml]\nnamespace: changed\n",
                "confs/conf.yaml": config}))
            files = {"base/" + name: content for name, content in EXTRA.items()}
            files.update({"base/kustomization.yaml": top, "base/conf.yaml": config,
                          "kustomization.yaml": "resources: [base]\nnamePrefix: over-\n"})
            yield case("builtin: %s in %s, in a base" % (kind, field), files)


def make_tree(directory, files):
    for path, text in files.items():
        place = os.path.join(directory, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w") as file:
            file.write(text)
        if text.startswith("#!"):
            os.chmod(place, os.stat(place).st_mode | stat.S_IXUSR)


def run(program, test, parent):
    """Builds a fresh copy of the tree, always at the same place, so that paths in records are equal."""
    work = os.path.join(parent, "work")
    shutil.rmtree(work, ignore_errors=True)
    for part in ("tree", "record", "tmp"):
        os.makedirs(os.path.join(work, part))
    tree = os.path.join(work, "tree")
    make_tree(tree, test["files"])
    environment = {"PATH": os.environ["PATH"], "HOME": tree + "/home", "RECORD": work + "/record", "TMPDIR": work + "/tmp",
                   "SOPS_AGE_KEY": "kept-for-plugins"}
    for name, value in test.get("environment", {}).items():
        environment[name] = value.replace("@", tree)
    done = subprocess.run([program, "build", test["build"], *test["flags"]], cwd=tree, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    plain = lambda text: re.sub(r"(kust-plugin-config-|kustomize-helm-)[0-9A-Za-z]+", r"\1X", text)
    # kustomize goes on with addresses in memory.
    shorter = lambda text: re.sub(r"(?s)(validator shouldn't modify the resource map: ).*", r"\1", text)
    records = {}
    for name in sorted(os.listdir(work + "/record")):
        with open(os.path.join(work, "record", name)) as file:
            records[name] = plain(file.read())
    left = os.listdir(work + "/tmp")
    return done.returncode, plain(done.stdout.decode()), shorter(plain(done.stderr.decode())), records, left


def compare(test, parent):
    theirs = run(KUSTOMIZE, test, parent)
    ours = run(SLUICE, test, parent)
    problems = []
    if (theirs[0] != 0) != (ours[0] != 0):
        problems.append("exit status %d, kustomize's is %d" % (ours[0], theirs[0]))
    if theirs[1] != ours[1]:
        problems.append("standard output differs:\n--- kustomize\n%s--- sluice\n%s" % (theirs[1], ours[1]))
    # Ours goes on with the place and a hint.
    if theirs[0] != 0 and not ours[2].startswith(theirs[2].rstrip("\n")):
        problems.append("standard error differs:\n--- kustomize\n%s--- sluice\n%s" % (theirs[2], ours[2]))
    if theirs[0] == 0 and theirs[2] != ours[2]:
        problems.append("standard error differs:\n--- kustomize\n%s--- sluice\n%s" % (theirs[2], ours[2]))
    for name in sorted(set(theirs[3]) | set(ours[3])):
        if theirs[3].get(name) != ours[3].get(name):
            problems.append("the program saw something else (%s):\n--- kustomize\n%s--- sluice\n%s"
                            % (name, theirs[3].get(name), ours[3].get(name)))
    if ours[4]:
        problems.append("left in the temporary directory: %s" % " ".join(ours[4]))
    return problems


CHART_FILES = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "charts/web/values.yaml": "image: {name: nginx, tag: '1'}\nreplicas: 2\n",
    "charts/web/crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.y.io}\n",
    "charts/web/templates/d.yaml": """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
      - {name: web, image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"}
""",
    "charts/web/templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n"}


def real_helm_cases():
    for chart in ("name: web\nreleaseName: r", "name: web\nreleaseName: r\nincludeCRDs: true\nskipTests: true\nnamespace: n",
                  "name: web\nreleaseName: r\nvaluesInline: {image: {tag: '2'}, replicas: 0x10}\nskipHooks: true",
                  "name: missing\nrepo: http://127.0.0.1:9"):
        files = dict(CHART_FILES, **{"kustomization.yaml": "namespace: k\nhelmCharts:\n- " + chart.replace("\n", "\n  ") + "\n"})
        yield case("real helm: " + chart.replace("\n", ", "), files, "--enable-helm")


def main():
    if not KUSTOMIZE:
        print("SKIP: kustomize is not on PATH (scripts/tools build kustomize)")
        return 77
    cases = list(CASES) + list(builtin_cases())
    if shutil.which("helm"):
        cases += real_helm_cases()
    else:
        print("SKIP: no helm on PATH: only its stand-in is called")
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = ran = 0
    with tempfile.TemporaryDirectory(prefix="sluice-plugins-") as parent:
        for test in cases:
            if wanted not in test["name"]:
                continue
            ran += 1
            problems = compare(test, os.path.realpath(parent))
            failed += bool(problems)
            for problem in problems:
                print("FAILED: %s: %s" % (test["name"], problem))
    print("%d passed, %d failed" % (ran - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
