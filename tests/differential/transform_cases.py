"""Random patches, replacements and field transformers over a few resources."""
import random

SCALARS = ["a", "web", "nginx", '"8080"', "8080", "80", '"80"', "true", '"true"', "'yes'", "yes", "1.5", "1e3", "0x1F",
           "12345678", "9007199254740993", '"with space"', "null", "~", "", "TCP", "UDP", "http", "'it''s'", "2020-01-02",
           "- dash", "x:y", "'a: b'", '"tab\\t"', "on", "-1", "1.0", "'1.0'", "<b>&", "é", '""', "{}", "[]"]
BASE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, n: "1", quoted: 'x'}
  finalizers: [a.io/x, b.io/y]
spec:
  replicas: 1
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      annotations: {note: "a", none: null}
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.2
        args: [a, b]
        env:
        - {name: A, value: "1"}
        - {name: B, value: two}
        ports:
        - {containerPort: 80, protocol: TCP}
        - {containerPort: 80, protocol: UDP}
        - {containerPort: 443}
        volumeMounts:
        - {mountPath: /a, name: v}
      - name: side
        image: "reg:5000/side@sha256:abc"
      initContainers:
      - {name: init, image: busybox}
      volumes:
      - {name: v, emptyDir: {}}
      - {name: c, configMap: {name: cm}}
      tolerations:
      - {key: k, operator: Exists}
      imagePullSecrets: [{name: s1}]
      hostAliases: [{ip: 1.1.1.1, hostnames: [x]}]
      topologySpreadConstraints:
      - {topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, protocol: TCP, targetPort: 8080}
  - {name: dns, port: 53, protocol: UDP}
  - {name: plain, port: 8080}
---
apiVersion: example.com/v1
kind: Widget
metadata:
  name: w
  annotations: {a: b}
spec:
  items:
  - {name: one, size: 1}
  - {name: two, size: 2}
  list: [a, b, c]
  nested: {x: {y: [1, 2, {z: 3}]}}
  text: "a-b-c"
  image: nginx:1.2
  empty: {}
  nothing: null
  blank:
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data:
  key: value
  num: "5"
  conf.json: '{"a": {"b": 1}, "c": [1, 2], "s": "x"}'
  pretty.json: |-
    {
      "a": {
        "b": "c"
      },
      "n": 1
    }
  conf.yaml: |
    a:
      b: c
    list:
    - x
    - name: q
      v: "1"
  word: plain
"""
KINDS = {"Deployment": ("apps/v1", "web"), "Service": ("v1", "web"), "Widget": ("example.com/v1", "w"),
         "ConfigMap": ("v1", "cm")}


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def scalar(self):
        return self.r.choice(SCALARS)

    def pick(self, *choices):
        return self.r.choice(choices)

    def chance(self, p):
        return self.r.random() < p

    # Values are nested lists/dicts with scalars as YAML text; None is an absent value.
    def flow(self, v):
        if isinstance(v, dict):
            return "{" + ", ".join("%s: %s" % (k, self.flow(x)) for k, x in v.items()) + "}"
        if isinstance(v, list):
            return "[" + ", ".join(self.flow(x) for x in v) + "]"
        return v if v not in ("", "- dash") else '""'

    def block(self, v, indent=0):
        pad = "  " * indent
        if isinstance(v, dict):
            if not v:
                return pad + "{}\n"
            out = ""
            for k, x in v.items():
                if isinstance(x, (dict, list)) and x:
                    out += "%s%s:\n%s" % (pad, k, self.block(x, indent + 1))
                else:
                    out += "%s%s: %s\n" % (pad, k, self.flow(x))
            return out
        return "".join("%s- %s\n" % (pad, self.flow(x)) for x in v)

    def any(self, depth=0):
        n = self.r.random()
        if depth > 2 or n < 0.6:
            return self.scalar()
        if n < 0.8:
            return {self.pick("a", "b", "name", "x"): self.any(depth + 1) for _ in range(self.r.randint(0, 3))}
        return [self.any(depth + 1) for _ in range(self.r.randint(0, 3))]

    def directive(self, m):
        if isinstance(m, dict) and self.chance(0.08):
            m["$patch"] = self.pick("delete", "replace", "merge", "bogus" if self.chance(0.1) else "merge")
        return m

    def listing(self, make, n=3):
        items = [self.directive(make()) for _ in range(self.r.randint(0, n))]
        if self.chance(0.1):
            items.insert(self.r.randint(0, len(items)), {"$patch": self.pick("replace", "delete", "merge")})
        if self.chance(0.04):
            items.append(self.pick("null", "plain", "{}"))
        return items

    def some(self, **fields):
        m = {}
        for k, make in fields.items():
            if self.chance(0.4):
                m[k.replace("__", ".")] = self.pick("null", "{}", "~") if self.chance(0.05) else make()
        return self.directive(m)

    def container(self):
        m = self.some(image=lambda: self.pick("nginx:2", "x", '"y:1"'),
                      args=lambda: [self.scalar() for _ in range(self.r.randint(0, 2))],
                      env=lambda: self.listing(lambda: self.maybe_key("name", self.pick("A", "B", "C", '"A"'), {"value": self.scalar()})),
                      ports=lambda: self.listing(self.port),
                      volumeMounts=lambda: self.listing(lambda: self.maybe_key("mountPath", self.pick("/a", "/b"), {"name": "v"})),
                      resources=lambda: {"limits": {"cpu": self.scalar()}})
        return self.maybe_key("name", self.pick("web", "side", "new", "init"), m)

    def maybe_key(self, key, value, m):
        if self.chance(0.95):
            return {key: value, **m}
        return m

    def port(self):
        m = {}
        if self.chance(0.93):
            m["containerPort"] = self.pick("80", "443", "8080", '"80"')
        if self.chance(0.5):
            m["protocol"] = self.pick("TCP", "UDP")
        if self.chance(0.4):
            m["name"] = self.scalar()
        return m

    def service_port(self):
        m = {}
        if self.chance(0.93):
            m["port"] = self.pick("80", "53", "8080", "9")
        if self.chance(0.5):
            m["protocol"] = self.pick("TCP", "UDP")
        if self.chance(0.4):
            m["targetPort"] = self.scalar()
        return m

    def metadata(self):
        return self.some(labels=lambda: {self.pick("app", "n", "quoted", "new"): self.scalar() for _ in range(2)},
                         annotations=lambda: {self.pick("a", "note"): self.scalar()},
                         finalizers=lambda: [self.pick("a.io/x", "c.io/z", "b.io/y") for _ in range(self.r.randint(0, 3))],
                         namespace=lambda: self.pick("default", "other"))

    def named(self, key, names, **more):
        return lambda: self.maybe_key(key, self.pick(*names), {k: v() for k, v in more.items() if self.chance(0.6)})

    def patch_body(self, kind):
        if kind == "Deployment":
            pod = lambda: self.some(
                containers=lambda: self.listing(self.container), initContainers=lambda: self.listing(self.container),
                volumes=lambda: self.listing(self.named("name", ("v", "c", "d"), emptyDir=lambda: {}, hostPath=lambda: {"path": "/x"})),
                tolerations=lambda: self.listing(lambda: {"key": self.scalar()}),
                imagePullSecrets=lambda: self.listing(self.named("name", ("s1", "s2"))),
                hostAliases=lambda: self.listing(self.named("ip", ("1.1.1.1", "2.2.2.2"), hostnames=lambda: [self.scalar()])),
                topologySpreadConstraints=lambda: self.listing(
                    lambda: {k: v for k, v in {"topologyKey": self.pick("zone", "host"), "whenUnsatisfiable": self.pick("DoNotSchedule", "ScheduleAnyway"), "maxSkew": "2"}.items() if self.chance(0.85)}))
            return {"spec": self.some(replicas=self.scalar, strategy=lambda: {"type": "Recreate", "rollingUpdate": "null"},
                                      selector=lambda: {"matchLabels": {"app": self.scalar()}},
                                      template=lambda: self.some(metadata=lambda: self.some(annotations=lambda: {self.pick("note", "none", "b"): self.scalar()},
                                                                                            labels=lambda: {"app": self.scalar()}), spec=pod))}
        if kind == "Service":
            return {"spec": self.some(ports=lambda: self.listing(self.service_port), selector=lambda: {self.pick("app", "b"): self.scalar()}, type=self.scalar)}
        if kind == "ConfigMap":
            return {"data": self.some(key=self.scalar, num=self.scalar, more=self.scalar, word=self.scalar)}
        return {"spec": self.some(items=lambda: self.listing(lambda: self.maybe_key("name", self.pick("one", "two", "six"), {"size": self.scalar()})),
                                  list=lambda: [self.scalar() for _ in range(self.r.randint(0, 3))], nested=lambda: {"x": self.any()}, text=self.scalar,
                                  empty=self.any, nothing=self.any, blank=self.any, extra=self.any)}

    def merge(self):
        patches = []
        for _ in range(self.r.randint(1, 2)):
            kind = self.pick(*KINDS)
            api, name = KINDS[kind]
            docs = []
            for _ in range(2 if self.chance(0.1) else 1):
                body = {"apiVersion": api, "kind": kind, "metadata": {"name": name, **self.metadata()}, **self.patch_body(kind)}
                if self.chance(0.02):
                    body["$patch"] = self.pick("delete", "replace")
                docs.append(self.block(body))
            text = "---\n".join(docs)
            entry = "- patch: |\n" + "".join("    " + line + "\n" for line in text.splitlines())
            if self.chance(0.5):
                entry += "  target: {%s}\n" % ", ".join(self.selector())
            if self.chance(0.1):
                entry += "  options: {%s: true}\n" % self.pick("allowNameChange", "allowKindChange")
            patches.append(entry)
        return "patches:\n" + "".join(patches)

    def selector(self):
        parts = []
        if self.chance(0.6):
            parts.append("kind: %s" % self.pick("Deployment", "Widget", "Dep.*", "'.*'", "ConfigMap"))
        if self.chance(0.4):
            parts.append("name: %s" % self.pick("web", "w", "w.*", "'[a-z]+'", "'we|w'"))
        if self.chance(0.1):
            parts.append("labelSelector: %s" % self.pick("app=web", "'app in (web)'", "'!app'", "'n!=1'", "'app=,'", "'bad key/x/y'"))
        if self.chance(0.1):
            parts.append("namespace: %s" % self.pick("default", "other"))
        if self.chance(0.1):
            parts.append("group: %s" % self.pick("apps", "example.com"))
        return parts

    POINTERS = ["/spec/replicas", "/spec/template/spec/containers/0/image", "/spec/template/spec/containers/-", "/spec/template/spec/containers/1",
                "/spec/template/spec/containers/-1", "/spec/template/spec/containers/9", "/metadata/annotations/x", "/metadata/labels/app",
                "/metadata/annotations/a.b~1c", "/spec/list/0", "/spec/list/-", "/spec/list/3", "/spec/list/x", "/spec/none/x", "/spec/none", "/data/key",
                "/data", "/spec/nested/x/y/2/z", "/spec/nothing", "/spec/empty/new", "/metadata/name", "", "spec/text", "/spec/text/deep",
                "/metadata/labels", "/spec/items/1/size", "/spec/blank", "/metadata/annotations"]

    def json(self):
        ops = []
        for _ in range(self.r.randint(1, 4)):
            op = {"op": self.pick("add", "add", "replace", "replace", "remove", "test", "move", "copy", "bogus" if self.chance(0.1) else "add")}
            if self.chance(0.99):
                op["path"] = '"%s"' % self.pick(*self.POINTERS)
            if op["op"] in ("move", "copy"):
                op["from"] = '"%s"' % self.pick(*self.POINTERS)
            if op["op"] in ("add", "replace", "test") and self.chance(0.98):
                op["value"] = self.any()
            ops.append(op)
        text = "".join("- " + "\n  ".join("%s: %s" % (k, self.flow(v)) for k, v in op.items()) + "\n" for op in ops)
        return "patches:\n- target: {%s}\n  patch: |\n%s" % (
            ", ".join(self.selector()), "".join("    " + line + "\n" for line in text.splitlines()))

    PATHS = ["metadata.name", "metadata.labels.app", "metadata.annotations.new", "spec.template.spec.containers.0.image",
             "spec.template.spec.containers.[name=web].image", "spec.template.spec.containers.*.image", "spec.template.spec.containers.[name=new].image",
             "spec.replicas", "spec.list.0", "spec.list.3", "spec.list.9", "spec.list.[=b]", "spec.items.*.size", "spec.items.[name=o.*].size",
             "spec.nested.x.y.2.z", "spec.text", "spec.nothing", "spec.blank", "spec.empty", "spec.empty.a.b", "data.key", "data.num", 'data.conf\\.json.a.b',
             'data.conf\\.json.c.0', 'data.conf\\.json.new', 'data.pretty\\.json.a.b', 'data.pretty\\.json.n', 'data.conf\\.yaml.a.b', 'data.conf\\.yaml.list.1.v',
             "data.word.x", "data.[conf.json].s", "spec.template.spec.volumes.[name=c].configMap.name", "spec.ports.[name=http].port", "spec.ports.*.port",
             "spec.template.spec.containers.[name=web]", "metadata.labels", "spec.nothing.deep", "spec.list", "data.new"]

    def options(self, create=True):
        parts = []
        if self.chance(0.35):
            parts.append("delimiter: %s" % self.pick("'-'", "':'", "'/'", "x"))
            if self.chance(0.7):
                parts.append("index: %d" % self.r.randint(-1, 3))
        if create and self.chance(0.4):
            parts.append("create: true")
        return "{%s}" % ", ".join(parts)

    def replacement(self):
        out = "replacements:\n"
        for _ in range(self.r.randint(1, 2)):
            if self.chance(0.25):
                out += "- sourceValue: %s\n" % self.pick('"8080"', "abc", "'true'", '"a b"', "''", '"1.5"')
            else:
                kind = self.pick(*KINDS)
                out += "- source: {kind: %s%s, fieldPath: '%s', options: %s}\n" % (
                    kind, ", name: " + KINDS[kind][1] if self.chance(0.7) else "", self.pick(*self.PATHS), self.options(False) if self.chance(0.4) else "{}")
            out += "  targets:\n"
            for _ in range(self.r.randint(1, 2)):
                out += "  - select: {%s}\n" % (", ".join(self.selector()) or "kind: Widget")
                if self.chance(0.15):
                    out += "    reject: [{%s}]\n" % (", ".join(self.selector()) or "name: web")
                if self.chance(0.9):
                    out += "    fieldPaths: ['%s']\n" % "', '".join(self.pick(*self.PATHS) for _ in range(self.r.randint(1, 2)))
                if self.chance(0.6):
                    out += "    options: %s\n" % self.options()
        return out

    def fields(self):
        out = ""
        if self.chance(0.5):
            out += "namespace: %s\n" % self.pick("ns", '"123"', "default")
        if self.chance(0.5):
            out += "namePrefix: %s\n" % self.pick("p-", '"1"', "x.")
        if self.chance(0.4):
            out += "nameSuffix: %s\n" % self.pick("-s", '"2"')
        if self.chance(0.4):
            out += "commonLabels: {app: %s, k: v}\n" % self.pick("x", '"true"', '"1"')
        if self.chance(0.4):
            out += "labels:\n- pairs: {team: %s}\n  includeSelectors: %s\n  includeTemplates: %s\n" % (
                self.pick("a", '"on"'), self.pick("true", "false"), self.pick("true", "false"))
            if self.chance(0.4):
                out += "  fields: [{path: %s, kind: Widget, create: %s}]\n" % (self.pick("spec/empty", "spec/items/labels", "spec/nothing", "spec/text", "spec/list"), self.pick("true", "false"))
        if self.chance(0.4):
            out += "commonAnnotations: {note: %s}\n" % self.pick("x", '"1"', '"2020-01-02"')
        if self.chance(0.6):
            out += "images:\n"
            for _ in range(self.r.randint(1, 3)):
                out += "- {name: %s, %s}\n" % (self.pick("nginx", "busybox", "'reg:5000/side'", "'.*'", "'['", "n", "'ngin.'"), self.pick(
                    "newTag: '1'", "newName: other", "digest: 'sha256:d'", "tagSuffix: -x", "newName: o, newTag: '2', digest: 'sha256:e'", "newName: 'h:1/o'"))
        if self.chance(0.3):
            out += "replicas: [{name: %s, count: %d}]\n" % (self.pick("web", "none") if self.chance(0.2) else "web", self.r.randint(0, 9))
        return out

    def case(self, only):
        kind = only or self.pick("merge", "merge", "json", "replacement", "fields")
        return kind, "resources: [in.yaml]\n" + getattr(self, kind)()


def make(seed):
    """The files of a case, the directory to build and the flags."""
    _, text = Gen(seed).case(None)
    return {"in.yaml": BASE.encode(), "kustomization.yaml": text.encode()}, ".", []
