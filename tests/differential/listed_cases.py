"""Written-down odd inputs, by theme: what the tests of kustomize are about, each in many spellings.

A case is one of a list, so that its number means another one when the list changes. Left out are inputs on which
kustomize does not end (a replacement that creates an item of a list of scalars, `[=$(X)]`) or crashes.
"""
import itertools
import json

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: main
        image: nginx:1.2
        command: ["$(SVC)", "--ns=$(NS)", "$(MISSING)", "$$(SVC)", "a$(SVC)b$(REP)"]
        env:
        - {name: A, value: $(REP)}
        - {name: B, valueFrom: {configMapKeyRef: {name: cm, key: k}}}
        ports:
        - {containerPort: 80, protocol: TCP}
        - {containerPort: 80, protocol: UDP}
      volumes:
      - name: v
        configMap: {name: cm}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: svc, namespace: prod, annotations: {a: b, n: '5'}}
spec: {ports: [{port: 80}], selector: {app: web}, flag: true, ratio: 1.5, big: 1e3, none: null, clusterIP: None}
"""
CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {k: v, z: '5', j: '{"a": {"b": [1, 2]}}', y: "a:\\n  b: 1 # c\\n  l: [x, y]\\n", u: 'http://host:80/p?q=1', e: ''}
"""
RESOURCES = {"d.yaml": DEPLOYMENT, "s.yaml": SERVICE, "c.yaml": CONFIG_MAP}
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n"
TO_ALL = "patches: [{target: {kind: .*}, patch: '%s'}]\n"


def over(text, **extra):
    """The three resources under a kustomization."""
    return {**RESOURCES, "kustomization.yaml": "resources: [d.yaml, s.yaml, c.yaml]\n" + text, **extra}


def on(resource, text):
    return {"r.yaml": resource, "kustomization.yaml": "resources: [r.yaml]\n" + text}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def keys():
    """Keys that read as something else, wherever kustomize adds or moves one."""
    names = "80 true on ~ 1.5 2001-01-01 0x1 1_0 a - 1e3 y no 0o7 010 -1 _ 1. 1.2.3 08 1_ 2001 0b1 True inf".split()
    for key in names:
        yield {"kustomization.yaml": "configMapGenerator: [{name: x, literals: [%s=b]}]\nsecretGenerator: [{name: x, literals: [%s=b]}]\n" % (key, key)}
        yield {"f": b"\xff", "kustomization.yaml": "configMapGenerator: [{name: x, files: ['%s=f']}]\n" % key}
        yield {"b/kustomization.yaml": "resources: [r.yaml]", "b/r.yaml": PLAIN + "data: {\"%s\": x}\n" % key,
               "kustomization.yaml": "resources: [b]\nconfigMapGenerator: [{name: web, behavior: merge, literals: [a=b]}]\n"}
        yield {"kustomization.yaml": "configMapGenerator: [{name: \"%s\", namespace: \"%s\", literals: [a=b]}]\n" % (key, key)}
        yield on(PLAIN, "namePrefix: \"%s\"\nnamespace: \"%s\"\n" % (key, key))
        yield on(PLAIN + "data: {a: z}\n", "replacements:\n- source: {kind: ConfigMap, fieldPath: data.a}\n  targets:\n  - select: {kind: ConfigMap}\n"
                 "    fieldPaths: ['metadata.labels.[%s]', 'spec.x.[%s=%s].y']\n    options: {create: true}\n" % (key, key, key))
        for spelled in (key, quoted(key)):
            if spelled == "~":
                continue
            for field in ("data: ", "metadata: {name: web, labels: ", "metadata: {name: web, annotations: "):
                entry = field + "{%s: x}" % spelled + ("}" if "meta" in field else "")
                yield on("apiVersion: v1\nkind: ConfigMap\n" + ("metadata: {name: web}\n" if "data:" == field[:5] else "") + entry + "\n", "")
                yield on(PLAIN, "patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, %s}'}]\n" % entry.replace("'", "''"))
                yield on(PLAIN, TO_ALL % ("{kind: X, metadata: {name: web}, %s}" % entry).replace("'", "''"))
            yield on(PLAIN, TO_ALL % "[{op: add, path: /data, value: {%s: x}}, {op: add, path: /metadata/annotations, value: {%s: y}}]" % (spelled, spelled))
            yield on(PLAIN, "labels: [{pairs: {%s: x}, includeSelectors: true}]\ncommonAnnotations: {%s: x}\n" % (spelled, spelled))
    for value in ("[[yes], TCP]", '["", TCP]', "[a, b]", "[80, b]", "[null, b]", '["80", b]', "[{a: b}, x]", "[a, [b]]", "[a, null]", '[a, b, "", c]', "[a, b, a, c]",
                  '"x"', "5", "{}", "null", "{a: {b: c}}", "{a: [b]}", '["a\\nb", c]', '["a: b", y]', '{"a ": c}', '{"#": c}'):
        for prefix in ("", "namePrefix: a-\n"):
            yield on(PLAIN, prefix + TO_ALL % "[{op: add, path: /metadata/annotations, value: %s}]" % value)
            yield on(PLAIN + "  annotations: %s\n" % value, prefix + "buildMetadata: [originAnnotations]\ncommonAnnotations: {q: w}\n")
            yield on(PLAIN + "  annotations: %s\n" % value, prefix)
            for field in ("annotations", "labels"):
                yield on(PLAIN, prefix + TO_ALL % "{kind: X, metadata: {name: x, %s: %s}}" % (field, value))


def texts():
    """Strings that YAML can hold in one style only, in the place of others."""
    for text in ("\ta", "\ta\nb\n", "a\n\tb\n", "\n\ta\n", " \ta\n", "\t\n", "a\t\n", "\n\n\tx", " a\n", "\n a", "  a\n\tb", "#\ta", "\t- a\n", "a: \tb\n", "", "\n", " \n",
                 "a \nb\n", "a\n \nb\n", "x\n\n\n", "\x07\n", "---\na\n", "a\n...\nb\n", "\ta\n---\n", "5", "null", "a: b"):
        yield {"f": text, "kustomization.yaml": "configMapGenerator: [{name: x, files: [f]}]\nsecretGenerator: [{name: x, files: [f]}]\n"}
        for old in ('"a"', "|-\n    a\n    b", ">\n    a\n    b", "'5'", "plain"):
            resource = PLAIN + "  annotations:\n    c: %s\n  labels:\n    c: %s\ndata:\n    c: %s\n" % (old, old, old)
            yield on(resource, "commonAnnotations: {c: %s}\nlabels: [{pairs: {c: %s}}]\n" % (quoted(text), quoted(text)))
            yield on(resource, "patches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: web, annotations: {c: %s}}\n    data: {c: %s}\n" % (quoted(text), quoted(text)))
            yield on(resource, "patches:\n- target: {kind: ConfigMap}\n  patch: |\n    - {op: add, path: /data/c, value: %s}\n" % quoted(text))
            yield on(resource, "replacements: [{sourceValue: %s, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.c, metadata.labels.c]}]}]\n" % quoted(text))
            yield on(resource, "configMapGenerator: [{name: web, behavior: merge, literals: [%s]}]\n" % quoted("c=" + text))


def variables():
    for path in ("", "metadata.name", "metadata.namespace", "spec", "spec.ports", "spec.ports[0].port", "spec.ports[0]", "spec.ports.0.port", "spec.ports.[port=80].port", "spec.flag",
                 "spec.ratio", "spec.big", "spec.none", "spec.missing", "metadata.annotations.n", "spec.ports[1].port", "kind", "apiVersion", "metadata.labels", "."):
        for space in ("", ", namespace: prod", ", namespace: default"):
            field = ", fieldref: {fieldpath: '%s'}" % path if path else ""
            yield over("vars:\n- {name: SVC, objref: {kind: Service, name: svc, apiVersion: v1%s}%s}\n"
                       "- {name: REP, objref: {kind: Deployment, name: web, apiVersion: apps/v1}, fieldref: {fieldpath: spec.replicas}}\n" % (space, field))
    for target in ("{kind: Service, name: svc}", "{name: svc}", "{kind: Service}", "{kind: Service, name: svc, apiVersion: v2}", "{kind: Deployment, group: apps, name: web}", "{}"):
        for prefix in ("", "namePrefix: p-\n", "namespace: x\n"):
            yield over(prefix + "vars: [{name: SVC, objref: %s}]\n" % target)


def replacements():
    sources = ("metadata.name", "data.k", "data.z", "data.u", "data", "data.e")
    targets = ("metadata.name", "spec.replicas", "spec.template.spec.containers.[name=main].image", "spec.template.spec.containers.*.image", "spec.template.spec.containers.0.image",
               "spec.template.spec.containers.1.image", "spec.template.spec.containers.[name=new].image", "spec.template.spec.containers.-.image",
               "spec.template.spec.containers.[name=main].env.[name=A].value", "spec.template.spec.containers.[name=main].command.0",
               "spec.template.spec.containers.[name=m.*].ports.[protocol=UDP].containerPort", "spec.new.0", "spec.new.[a=b].c", "metadata.annotations.[a.b/c]",
               "metadata.annotations.a\\.b/c", "spec", "spec.template.spec.volumes", "[kind]", "spec..x", "", "*", "spec.*")
    for source, target in itertools.product(sources, targets):
        for options in ("", ", options: {create: true}", ", options: {delimiter: ':', index: 1}"):
            yield over("replacements: [{source: {kind: ConfigMap, name: cm, fieldPath: '%s'}, targets: [{select: {kind: Deployment}, fieldPaths: ['%s']%s}]}]\n" % (source, target, options))
    for source in sources + ("data.missing", "data.[k]", "", "data.j.a.b", "metadata"):
        for options in ("{}", "{delimiter: '/', index: 2}", "{delimiter: ':', index: 0}", "{delimiter: ':', index: -1}", "{delimiter: ':', index: 9}", "{encoding: base64}", "null", "[]"):
            yield over("replacements: [{source: {kind: ConfigMap, fieldPath: '%s', options: %s}, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.labels.app]}]}]\n" % (source, options))
    for select in ("{}", "{kind: .*}", "{kind: Dep}", "{name: w.*}", "{namespace: prod}", "{namespace: default}", "{group: apps}", "{labelSelector: app=web}", "{annotationSelector: a=b}",
                   "{labelSelector: '!app'}", "{labelSelector: 'a=='}", "{kind: '['}", "{kind: Deployment, bogus: x}", "null", "[]", "x"):
        for reject in ("", ", reject: [{kind: Service}]", ", reject: [{labelSelector: app=web}]", ", reject: [{}]"):
            yield over("replacements: [{sourceValue: x, targets: [{select: %s%s, fieldPaths: [metadata.labels.made], options: {create: true}}]}]\n" % (select, reject))
    for path in ("data.j.a.b.0", "data.j.a.b.*", "data.j.a.c", "data.y.a.b", "data.y.a.l.0", "data.y.a.l.[=x]", "data.y.new", "data.k.x", "data.e.x", "data.j", "data.y.a", "data.[j].a.b.1"):
        for value in ("new", "5", "''", "'a: b'", '"l1\\nl2"', "'{x: y}'"):
            yield over("replacements: [{sourceValue: %s, targets: [{select: {kind: ConfigMap}, fieldPaths: ['%s']}]}]\n" % (value, path))


def files():
    """The same YAML spelled in other ways, and YAML that is none."""
    text = "resources: [d.yaml, s.yaml, c.yaml]\nnamePrefix: p-\n"
    for spelled in (text.replace("\n", "\r\n"), "\ufeff" + text, text + "---\nnamePrefix: q-\n", "---\n" + text, text + "...\n", "# a\n" + text + "# b\n", "%YAML 1.1\n---\n" + text,
                    text + "\t\n", text + "namePrefix: q-\n", "commonLabels: &l {a: b}\ncommonAnnotations: {<<: *l, c: d}\nresources: [d.yaml]\n", "Resources: [d.yaml]\nNAMEPREFIX: p-\n",
                    '{"resources": ["d.yaml"], "namePrefix": "p-"}', "", "# x\n", "null\n", "[]", "x", b"resources: [d.yaml]\nnamePrefix: \xff\n", text.encode("utf-16"),
                    "resources: !!seq [!!str d.yaml]\n", "namePrefix: |-\n  p-\nresources:\n- >-\n  d.yaml\n"):
        yield {**RESOURCES, "kustomization.yaml": spelled}
    for spelled in (DEPLOYMENT.replace("\n", "\r\n"), "\ufeff" + DEPLOYMENT, DEPLOYMENT.replace("\n", "\r"), DEPLOYMENT + "...\n---\n" + SERVICE, "---\n---\n" + SERVICE + "---\n---\n",
                    "--- # x\n" + SERVICE, "--- {kind: A, metadata: {name: a}}\n", SERVICE + "---   \n" + DEPLOYMENT, "# a\n---\n# b\n---\n" + SERVICE,
                    "a: &a 1\nkind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\nb: *a\n",
                    "kind: A\nmetadata: {name: a}\nx: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\nz: {<<: [*x, {c: 1}]}\n", "- kind: A\n  metadata: {name: a}\n",
                    "kind: List\nitems: [{kind: A, metadata: {name: a}}, null]\n", "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
                    "kind: List\nitems:\n- kind: List\n  items:\n  - {kind: A, metadata: {name: a}}\n", "kind: List\nitems: []\n", "kind: A\nmetadata: {name: a}\nx: !!binary aGk=\n",
                    "kind: A\nmetadata: {name: a}\nx: !!set {a, b}\n", "kind: A\nmetadata: {name: a}\nx: !foo bar\n", "kind: A\nmetadata: {name: a}\nx: !!float 1\ny: !!int '3'\nz: !!str 5\n",
                    "kind: A\nmetadata: {name: a}\nx: >\n  a\n  b\n\n   c\n  d\ny: >+\n  a\n\nz: >-\n  a\n  b\n", "kind: A\nmetadata: {name: a}\nx: |+\n  a\n\n\ny: |2\n   a\n  b\n",
                    "kind: A\nmetadata: {name: 5}\n", "kind: A\nmetadata: {name: }\n", "kind: A\nmetadata: {name: [a]}\n", "kind: A\nmetadata: {generateName: x-}\n", "kind: 5\nmetadata: {name: a}\n",
                    "metadata: {name: a}\n", "kind: A\nmetadata:\n", "kind: A\nmetadata: {name: a, labels: , annotations: }\n", "kind: A\nmetadata:\n\tname: a\n", "kind: A\nkind: B\nmetadata: {name: a}\n",
                    "kind: A\nmetadata: {name: *x}\n", "kind: A\nmetadata: {name: a}\n\U0001f600: \U0001f600\n", "kind: A\nmetadata: {name: a}\nx: {{ y }}\n",
                    "kind: A\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: 'true'}}\n", "kind: A\nmetadata: {name: a, creationTimestamp: null}\nstatus: {}\n"):
        for rest in ("", "namePrefix: p-\nnamespace: n\ncommonLabels: {l: m}\n", TO_ALL % "[{op: add, path: /metadata/labels, value: {a: b}}]", TO_ALL % "{kind: X, metadata: {name: x}, z: 1}"):
            yield on(spelled, rest)


def generators():
    for line in ("A=1\n", "A\n", "A=\n", "=x\n", "A=1=2\n", " A=1\n", "A =1\n", "A= 1 \n", "export A=1\n", "#A=1\n", "A=#1\n", "A='x y'\n", 'A="x"\n', "A=1\r\nB=2\r\n", "\ufeffA=1\n",
                 "A=1\nA=2\n", "A-b.c_d=1\n", "A b=1\n", "\u00fc=1\n", "A=\u00fc\n", "", "A=1", "1=2\n", "..=x\n", "A/B=1\n"):
        yield {"kustomization.yaml": "configMapGenerator: [{name: c, envs: [e.env]}]\nsecretGenerator: [{name: s, envs: [e.env]}]\n", "e.env": line}
    for literal in ("a=b", "a", "=b", "a=", "a=b=c", "a='b'", "a=\"b\"", " a=b", "a =b", "a= b", "'a'=b", "a=b\nc", "a=$HOME", "\u00fc=b", "a/b=c", "a='b", "..=x", "a=\t"):
        yield {"kustomization.yaml": "configMapGenerator: [{name: c, literals: [%s]}]\n" % quoted(literal)}
    for source in ("f.txt", "a=f.txt", "=f.txt", "a=", "a=b=f.txt", "./f.txt", "x/f.txt", "x/", "x", "missing", "../f.txt", "a b=f.txt", "sp ace.txt", "-", ""):
        yield {"kustomization.yaml": "configMapGenerator: [{name: c, files: [%s]}]\n" % quoted(source), "f.txt": "x\n", "x/f.txt": "y", "sp ace.txt": "z"}
    for options in ("{disableNameSuffixHash: true}", "{immutable: true}", "{labels: {a: b}}", "{annotations: {a: b}}", "{}", "null", "{labels: {a: 5}}", "{bogus: 1}", "[]"):
        for own in ("", ", options: {disableNameSuffixHash: false, labels: {a: c, d: e}, annotations: {x: y}, immutable: false}", ", options: {disableNameSuffixHash: true}"):
            yield {"kustomization.yaml": "generatorOptions: %s\nconfigMapGenerator: [{name: c, literals: [a=b]%s}]\nsecretGenerator: [{name: s, literals: [a=b]%s}]\n" % (options, own, own)}
    for behavior in ("create", "merge", "replace", '""', "bogus", "Merge", "null", "5"):
        for kind, base in itertools.product(("configMapGenerator", "secretGenerator"), ("", "namePrefix: p-\n", "namespace: n\n")):
            yield {"b/kustomization.yaml": "%s: [{name: c, literals: [a=b, x=y], options: {labels: {l: 1s}, annotations: {o: p}}}]\n%s" % (kind, base),
                   "kustomization.yaml": "resources: [b]\n%s: [{name: c, behavior: %s, literals: [a=c, z=w], options: {labels: {m: n}}}]\n" % (kind, behavior)}


PLUGINS = {
    "AnnotationsTransformer": ("annotations: {a: b}", "annotations: {a: 5}", "annotations: {a: b}\nfieldSpecs: [{path: spec/x/y, create: true}]", "annotations: [a]", "bogus: 1"),
    "LabelTransformer": ("labels: {a: b}\nfieldSpecs: [{path: metadata/labels, create: true}]", "labels: {a: b}\nfieldSpecs: [{path: 'spec/template/spec/containers[]/env', create: true}]"),
    "NamespaceTransformer": ("", "fieldSpecs: [{path: metadata/name}]", "unsetOnly: true\nfieldSpecs: [{path: metadata/namespace, create: true}]", "setRoleBindingSubjects: bogus"),
    "PrefixTransformer": ("prefix: p-\nfieldSpecs: [{path: metadata/name}]", "prefix: p-", "prefix: 5\nfieldSpecs: [{path: metadata/name}]", "prefix: p-\nfieldSpecs: [{path: spec/new, create: true}]"),
    "SuffixTransformer": ("suffix: -s\nfieldSpecs: [{path: metadata/name, kind: Service}]",),
    "PrefixSuffixTransformer": ("prefix: p-\nsuffix: -s\nfieldSpecs: [{path: metadata/name}]",),
    "ImageTagTransformer": ("imageTag: {name: nginx, newTag: '9'}\nfieldSpecs: [{path: spec/template/spec/containers/image}]", "imageTag: {newTag: x}", "imageTag: {name: nginx, newTag: 9}", ""),
    "ReplicaCountTransformer": ("replica: {name: web, count: 4}\nfieldSpecs: [{path: spec/replicas, create: true, kind: Deployment}]", "replica: {name: web, count: 4}",
                                "replica: {name: nope, count: 4}\nfieldSpecs: [{path: spec/replicas, kind: Deployment}]", "replica: {name: web, count: '4'}"),
    "PatchTransformer": ("patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {a: b}}'", "patch: '[{op: add, path: /x, value: 1}]'\ntarget: {kind: Service}",
                         "patch: '{}'", "patch: 'x'", "path: p.yaml", "path: missing.yaml"),
    "PatchJson6902Transformer": ("target: {kind: Service, name: svc}\njsonOp: '- {op: add, path: /x, value: 1}'", "jsonOp: '[]'", "target: {kind: Service, name: svc}\njsonOp: '[]'",
                                 "target: {kind: Service}\njsonOp: x", "target: {kind: Service, name: svc}\njsonOp: '[{\"op\": \"bogus\", \"path\": \"/x\"}]'"),
    "PatchStrategicMergeTransformer": ("paths: [p.yaml]", "patches: '{apiVersion: v1, kind: Service, metadata: {name: svc, namespace: prod}, spec: {x: y}}'", "", "paths: [missing.yaml]", "patches: 'x'"),
    "ReplacementTransformer": ("replacements: [{sourceValue: x, targets: [{select: {kind: Service}, fieldPaths: [spec.flag]}]}]", "replacements: []", "", "replacements: [{sourceValue: x}]",
                               "replacements: [{sourceValue: x, targets: []}]", "replacements: {}"),
    "ValueAddTransformer": ("value: v\ntargets: [{fieldPath: metadata/annotations/x}]", "value: v", "targets: [{fieldPath: x}]", "value: v\ntargets: [{fieldPath: metadata/name, filePathPosition: 1}]",
                            "value: v\ntargets: [{fieldPath: metadata/namespace}]", "value: v\ntargets: [{fieldPath: spec}]", "value: v\ntargets: [{fieldPath: ''}]"),
    "HashTransformer": ("",), "HelmChartInflationGenerator": ("name: x\nrepo: y",), "Bogus": ("",),
    "ConfigMapGenerator": ("literals: [a=b]", "files: [f.txt]", "literals: [a=b]\nbehavior: merge", "literals: [a]", "envs: [missing]", ""),
    "SecretGenerator": ("literals: [a=b]\ntype: x",),
    "IAMPolicyGenerator": ("cloud: gke\nkubernetesService: {namespace: n, name: x}\nserviceAccount: {name: s, projectId: p}", "cloud: aws"),
}


def plugins():
    beside = {"p.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: prod}\nspec: {y: z}\n", "f.txt": "hi\n"}
    for kind, bodies in PLUGINS.items():
        for body, meta in itertools.product(bodies, ("{name: x}", "{name: x, namespace: ns}")):
            config = "apiVersion: builtin\nkind: %s\nmetadata: %s\n%s\n" % (kind, meta, body)
            for field in ("transformers", "generators", "validators"):
                yield over("%s: [t.yaml]\n" % field, **beside, **{"t.yaml": config})
            inline = config.strip().replace("\n", "\n  ")
            yield over("transformers:\n- |-\n  %s\nbuildMetadata: [originAnnotations, transformerAnnotations]\n" % inline, **beside)
            yield over("transformers: [t]\n", **{"t/" + path: text for path, text in beside.items()},
                       **{"t/kustomization.yaml": "resources: [t.yaml]\nnamePrefix: z-\n", "t/t.yaml": config})
    for function in ("container: {image: a/b}", "exec: {path: ./x}", "starlark: {path: ./x}", "5"):
        for field in ("transformers", "generators", "validators"):
            yield over("%s: [t.yaml]\n" % field, **{"t.yaml": "apiVersion: v1\nkind: Foo\nmetadata: {name: x, annotations: {config.kubernetes.io/function: '%s'}}\n" % function})


def fields():
    """Every field with values of wrong and odd kinds; options of those that have some."""
    names = ("bases components patches patchesStrategicMerge patchesJson6902 images imageTags replicas labels commonLabels commonAnnotations namePrefix nameSuffix namespace "
             "configMapGenerator secretGenerator generatorOptions configurations crds openapi vars replacements sortOptions buildMetadata helmCharts helmGlobals metadata kind "
             "apiVersion transformers validators generators bogus").split()
    for name, value in itertools.product(names, ("null", "''", "x", "5", "true", "[]", "{}", "[x]", "{a: b}", "[{a: b}]", "[null]", "[[]]", "['']", "[5]")):
        yield over("%s: %s\n" % (name, value))
    for order in ("{order: fifo}", "{order: legacy}", "{order: x}", "{order: legacy, legacySortOptions: {orderFirst: [Service], orderLast: [ConfigMap]}}",
                  "{order: fifo, legacySortOptions: {orderFirst: [Service]}}", "{order: legacy, legacySortOptions: {}}"):
        yield over("sortOptions: %s\n" % order)
    images = "kind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n" + "".join("  - {name: c%d, image: '%s'}\n" % pair for pair in enumerate(
        ("nginx", "nginx:1", "nginx@sha256:ab", "nginx:1@sha256:ab", "reg:5000/nginx:1", "docker.io/library/nginx", "a/nginx", "nginx-x:1", "", "nginx:", "nginx:1:2", "nginx@", "$(IMG):x", " nginx")))
    for image in ("{name: nginx, newTag: '2'}", "{name: nginx, newName: x}", "{name: nginx, digest: 'sha256:cd'}", "{name: nginx, newTag: '2', digest: 'sha256:cd'}", "{name: 'nginx.*', newTag: q}",
                  "{name: '*', newTag: q}", "{newTag: q}", "{name: nginx}", "{name: nginx, tagSuffix: -x}", "{name: nginx, newTag: a, tagSuffix: -x}", "{name: nginx, newTag: 1.5}", "{name: '(nginx', newTag: q}"):
        yield on(images, "images: [%s, {name: nginx, newName: last}]\n" % image)
    for replica in ("{name: web, count: 5}", "{name: web}", "{name: web, count: -1}", "{name: web, count: '5'}", "{name: nope, count: 1}", "{name: svc, count: 1}", "{name: web, count: 1.0}"):
        yield over("namePrefix: p-\nreplicas: [%s]\n" % replica)
    for label in ("{pairs: {a: b}, includeSelectors: true}", "{pairs: {a: b}, includeTemplates: true}", "{pairs: {a: b}, fields: [{path: spec/x, create: true}]}", "{}", "{pairs: {a: null}}",
                  "{pairs: {app: new}, includeSelectors: true}", "{pairs: {a: b}, fields: [{path: metadata/labels}]}", "{pairs: {a: b}, fields: [{path: spec/replicas, create: true}]}"):
        for more in ("", "commonLabels: {c: d}\n", "commonAnnotations: {c: d}\nnamespace: n\n"):
            yield over("labels: [%s]\n%s" % (label, more))
    widget = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: foo}\nspec: {cm: {name: cm}, id: me, lab: {a: b}, ann: {}}\n"
    for config in ("namePrefix: [{path: spec/id}]", "nameReference: [{kind: ConfigMap, fieldSpecs: [{path: spec/cm/name, kind: Foo}]}]", "commonLabels: [{path: spec/lab, create: true, kind: Foo}]",
                   "images: [{path: spec/id, kind: Foo}]", "replicas: [{path: spec/n, create: true, kind: Foo}]", "namespace: [{path: spec/ns, create: true}]", "bogus: []", "namePrefix: {}", "", "[]",
                   "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/cm, kind: Foo}]}]", "namePrefix: [{path: metadata/name, create: true}]"):
        yield over("configurations: [cf.yaml]\nnamePrefix: p-\nnameSuffix: -s\nnamespace: n\nlabels: [{pairs: {l: m}, includeSelectors: true}]\nreplicas: [{name: foo, count: 2}]\n",
                   **{"cf.yaml": config, "s.yaml": widget})


def components():
    head = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    for body in ("namePrefix: c-\n", "namespace: n\n", "resources: [n.yaml]\nnameSuffix: -c\n", "configMapGenerator: [{name: g, literals: [a=b]}]\nnamePrefix: c-\n", "components: [../c2]\n",
                 "replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: Service}, fieldPaths: [spec.flag]}]}]\n", "buildMetadata: [originAnnotations]\n",
                 "vars: [{name: SVC, objref: {kind: Service, name: svc, apiVersion: v1}}]\n", "generatorOptions: {disableNameSuffixHash: true}\n", "resources: [..]\n", "components: [.]\n",
                 "transformers: ['{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: t}, prefix: tt-, fieldSpecs: [{path: metadata/name}]}']\n", "sortOptions: {order: fifo}\n"):
        for kind in (head, "kind: Component\n", "", head.replace("v1alpha1", "v1beta1"), "kind: Kustomization\n"):
            yield over("namePrefix: r-\ncomponents: [c, c3]\n", **{"c/kustomization.yaml": kind + body, "c/n.yaml": CONFIG_MAP.replace("name: cm", "name: nn"),
                                                                   "c2/kustomization.yaml": head + "nameSuffix: -2\n", "c3/kustomization.yaml": head + "commonLabels: {three: '3'}\n"})
    everything = ("namePrefix: p-\nnamespace: x\nlabels: [{pairs: {l: m}}]\ncommonAnnotations: {c: d}\nimages: [{name: nginx, newTag: '2'}]\nreplicas: [{name: web, count: 3}]\n"
                  "configMapGenerator: [{name: gen, literals: [a=b]}]\npatches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}'}]\n"
                  "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: g2}, literals: [x=y]}']\n")
    kinds = ("originAnnotations", "transformerAnnotations", "managedByLabel")
    for some in itertools.chain.from_iterable(itertools.combinations(kinds, count) for count in range(4)):
        yield over(everything + "buildMetadata: %s\n" % json.dumps(some))
        yield {
            "kustomization.yaml": "resources: [b]\nnameSuffix: -s\ncomponents: [c]\nbuildMetadata: %s\n" % json.dumps(some),
            **{"b/" + path: text for path, text in over(everything).items()}, "c/kustomization.yaml": head + "labels: [{pairs: {comp: x}}]\n"}


CASES = list(itertools.chain.from_iterable(theme() for theme in (keys, texts, variables, replacements, files, generators, plugins, fields, components)))


def make(seed):
    """The files of a case, the directory to build and the flags."""
    files_of_case = CASES[seed % len(CASES)]
    return {path: text if isinstance(text, bytes) else text.encode("utf8") for path, text in files_of_case.items()}, ".", []
