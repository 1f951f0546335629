"""Random trees: overlays of built-in kinds, generators, patches and field transformers.

Where kustomize itself is not deterministic (keys like a9, a10, a1b in one mapping; docs/compat.md) no case is made.
"""
import os
import random
import re

WORDS = ("web", "api", "db", "cache", "front", "auth", "job", "a", "b", "x1", "team-a")
STRINGS = ("", " ", "yes", "no", "on", "y", "n", "~", "null", "true", "False", "1", "01", "0x1F", "0o17", "1e3", "1.0",
           ".5", "+1", "-0", "1_000", "12:30:45", "2020-01-02", "2020-01-02T03:04:05Z", "a: b", "a #b", "#a", "- a",
           "? a", ": a", "a:", "[a", "{a", "*a", "&a", "!a", "|a", ">a", "%a", "@a", "`a", "'a", '"a', "a'b", 'a"b',
           "a\\b", "a\tb", "\ta", "a\nb", "a\nb\n", "\na", "a \nb", "a\n\n", "  a\n b", "tr\u00fcb", "\u2028", "\u00a0",
           "\U0001f600", "a" * 90, "word " * 30, "two  spaces " * 12, "a\r\nb", "<b>&amp;</b>", "$(VAR)", "$$(VAR)",
           "=", "<<", "...", "---", "a,b", "k=v", "\x07", "\ufeffx")
NUMBERS = ("0", "1", "-7", "0x10", "017", "0o17", "0b11", "1_000", "1.5", "1.0", "1e3", "1e21", "-1e-7", "12345678.9",
           "9007199254740993", "18446744073709551615", "100000000000000000000", "6.02e23", "0.1")
KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("v1", "Service"),
         ("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "ServiceAccount"), ("batch/v1", "Job"), ("batch/v1", "CronJob"),
         ("networking.k8s.io/v1", "Ingress"), ("rbac.authorization.k8s.io/v1", "Role"),
         ("rbac.authorization.k8s.io/v1", "ClusterRole"), ("rbac.authorization.k8s.io/v1", "RoleBinding"),
         ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"), ("v1", "Namespace"), ("example.com/v1", "Widget"),
         ("autoscaling/v2", "HorizontalPodAutoscaler"), ("v1", "PersistentVolumeClaim"), ("policy/v1", "PodDisruptionBudget"))


class Plain(str):
    """A scalar written without quotes."""


def quote(text):
    out = '"'
    for c in text:
        if c in '"\\':
            out += "\\" + c
        elif c == "\n":
            out += "\\n"
        elif c == "\t":
            out += "\\t"
        elif c == "\r":
            out += "\\r"
        elif ord(c) < 32 or ord(c) in (0x85, 0xa0, 0x2028, 0x2029, 0xfeff):
            out += "\\u%04x" % ord(c)
        else:
            out += c
    return out + '"'


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(quote(str(k)) + ": " + flow(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return str(value)
    return quote(value)


def block(value, indent=0):
    """YAML text of a mapping, block style down to a level, flow below."""
    pad = "  " * indent
    out = ""
    for key, item in value.items():
        name = key if re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", key) and key not in ("y", "n", "on", "no", "yes") else quote(key)
        if isinstance(item, dict) and item and indent < 5:
            out += "%s%s:\n%s" % (pad, name, block(item, indent + 1))
        elif isinstance(item, list) and item and indent < 5 and all(isinstance(i, dict) and i for i in item):
            out += "%s%s:\n" % (pad, name)
            for i in item:
                lines = block(i, indent + 1).split("\n")
                out += pad + "- " + lines[0].lstrip() + "\n" + "".join(l + "\n" for l in lines[1:] if l)
        else:
            out += "%s%s: %s\n" % (pad, name, flow(item))
    return out


class Case:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.files = {}
        self.names = []  # (api_version, kind, name) of what is reachable

    def pick(self, *items):
        return self.r.choice(items)

    def some(self, chance):
        return self.r.random() < chance

    def word(self):
        return self.r.choice(WORDS)

    def scalar(self):
        roll = self.r.random()
        if roll < 0.5:
            return self.r.choice(STRINGS)
        if roll < 0.7:
            return Plain(self.r.choice(NUMBERS))
        if roll < 0.8:
            return Plain(self.pick("true", "false", "null", "~", "yes", "2001-12-14", "0.5", "abc", "a b c", "1:2"))
        return self.word()

    def tree(self, depth=0):
        if depth > 2 or self.some(0.5):
            return self.scalar()
        if self.some(0.5):
            return {self.word() + self.pick("", "-k", ".k"): self.tree(depth + 1) for _ in range(self.r.randint(0, 3))}
        return [self.tree(depth + 1) for _ in range(self.r.randint(0, 3))]

    def labels(self):
        return {self.pick("app", "tier", "example.com/x"): self.pick("web", "1", "true", "", "a-b") for _ in range(self.r.randint(1, 2))}

    def container(self):
        c = {"name": self.pick("main", "side", "c1"), "image": self.pick("nginx", "nginx:1.2", "reg:5000/a/b:v1", "busybox@sha256:" + "0" * 64)}
        if self.some(0.4):
            c["env"] = [{"name": n, **self.pick({"value": self.r.choice(STRINGS)},
                        {"valueFrom": {"configMapKeyRef": {"name": self.word(), "key": "k"}}},
                        {"valueFrom": {"secretKeyRef": {"name": self.word(), "key": "k"}}})} for n in self.r.sample(("A", "B", "C"), 2)]
        if self.some(0.3):
            c["ports"] = [{"containerPort": p} for p in self.r.sample((80, 443, 8080), 2)]
            if self.some(0.4):
                c["ports"][0]["protocol"] = self.pick("TCP", "UDP")
        if self.some(0.3):
            c["envFrom"] = [{self.pick("configMapRef", "secretRef"): {"name": self.word()}}]
        if self.some(0.3):
            c["args"] = [self.scalar() for _ in range(2)]
        if self.some(0.2):
            c["volumeMounts"] = [{"name": "v", "mountPath": self.pick("/a", "/b")}]
        return c

    def pod(self):
        names, containers = set(), []
        for _ in range(self.r.randint(1, 2)):
            c = self.container()
            if c["name"] not in names:
                names.add(c["name"])
                containers.append(c)
        spec = {"containers": containers}
        if self.some(0.3):
            spec["volumes"] = [{"name": "v", **self.pick({"configMap": {"name": self.word()}}, {"secret": {"secretName": self.word()}}, {"emptyDir": {}})}]
        if self.some(0.3):
            spec["serviceAccountName"] = self.word()
        return spec

    def resource(self):
        api_version, kind = self.r.choice(KINDS)
        name = self.word()
        metadata = {"name": name}
        if self.some(0.2):
            metadata["namespace"] = self.pick("ns1", "ns2", "default")
        if self.some(0.3):
            metadata["labels"] = self.labels()
        if self.some(0.2):
            metadata["annotations"] = {"note": self.r.choice(STRINGS)}
        if self.some(0.02):
            metadata.setdefault("annotations", {})["config.kubernetes.io/local-config"] = "true"
        out = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        if kind in ("Deployment", "StatefulSet", "DaemonSet"):
            out["spec"] = {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": self.pod()}}
            if self.some(0.3):
                out["spec"]["replicas"] = self.r.randint(0, 3)
            if kind == "StatefulSet" and self.some(0.5):
                out["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
                out["spec"]["serviceName"] = self.word()
        elif kind == "Job":
            out["spec"] = {"template": {"spec": self.pod()}}
        elif kind == "CronJob":
            out["spec"] = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": self.pod()}}}}
        elif kind == "Service":
            out["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80, "name": "http"}]}
        elif kind == "ConfigMap":
            out["data"] = {k: self.r.choice(STRINGS) for k in self.r.sample(("k", "b", "c.txt"), self.r.randint(0, 2))}
        elif kind == "Secret":
            out["data"] = {"k": "YQ=="}
        elif kind.endswith("Binding"):
            role = "ClusterRole" if kind.startswith("Cluster") or self.some(0.3) else "Role"
            out["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": self.word()}
            out["subjects"] = [{"kind": "ServiceAccount", "name": self.pick("default", self.word()), "namespace": self.pick("ns1", "default")}]
        elif kind == "Ingress":
            out["spec"] = {"defaultBackend": {"service": {"name": self.word(), "port": {"number": 80}}}}
        elif kind == "HorizontalPodAutoscaler":
            out["spec"] = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.word()}}
        elif kind == "Widget":
            out["spec"] = {self.word(): self.tree() for _ in range(3)}
        return out

    def file_of(self, resources):
        style = self.r.random()
        if style < 0.1:
            return "apiVersion: v1\nkind: List\nitems: " + flow(resources) + "\n"
        if style < 0.2:
            return "---\n".join(flow(r) + "\n" for r in resources)
        text = self.pick("", "---\n", "# head\n") + "---\n".join(block(r) for r in resources)
        if self.some(0.05):
            text = text.replace("\n", "\r\n")
        return text

    def merge_patch(self, target):
        api_version, kind, name = target
        patch = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
        roll = self.r.random()
        if roll < 0.1:
            patch["$patch"] = "delete"
        elif roll < 0.3:
            patch["metadata"][self.pick("labels", "annotations")] = self.pick({"p": "1"}, {"app": None}, {"note": None, "p": "x"})
        elif kind in ("Deployment", "StatefulSet", "DaemonSet"):
            c = self.container()
            if self.some(0.15):
                c = {"name": c["name"], "$patch": "delete"}
            spec = {"containers": [c]}
            if self.some(0.2):
                spec["containers"].append({"name": "new", "image": "x"})
            if self.some(0.1):
                spec = {"$patch": "replace", "containers": [{"name": "only"}]}
            patch["spec"] = {"template": {"spec": spec}}
            if self.some(0.2):
                patch["spec"]["replicas"] = self.pick(5, None)
        elif kind == "ConfigMap":
            patch["data"] = {"k": self.pick("patched", None, self.r.choice(STRINGS)), "z": "1"}
        else:
            patch["spec"] = {self.word(): self.tree(1), "x": None}
        return patch

    def json_patch(self, kind):
        ops = []
        for _ in range(self.r.randint(1, 2)):
            path = self.pick("/metadata/labels", "/metadata/annotations", "/metadata/labels", "/metadata/annotations", "/extra")
            op = "add"
            if self.some(0.15):
                path = self.pick("/spec/x", "/spec/replicas", "/metadata/labels/app", "/data/k", "/spec/template/spec/containers/0/image")
                op = self.pick("add", "replace", "remove", "add")
            one = {"op": op, "path": path}
            if op != "remove":
                one["value"] = self.pick("v", 3, {"a": "b"}, Plain("1.5"), [1, 2], True) if not path.endswith("s") or path.endswith("replicas") else {"j": "1"}
            ops.append(one)
        return ops

    def generator(self, directory, kind, known):
        name = self.word()
        args = {"name": name}
        sources = self.r.randint(0, 2) + 1
        keys = list(self.r.sample(("k1", "k2", "k3", "k4"), sources))
        for key in keys:
            roll = self.r.random()
            if roll < 0.4:
                value = self.r.choice(STRINGS).replace("\n", " ")
                args.setdefault("literals", []).append("%s=%s" % (key, value))
            elif roll < 0.7:
                file = "f-%s-%s.txt" % (name, key)
                content = self.pick(*[s.encode() for s in STRINGS[:60]], b"\xff\xfe\x00binary", b"line\r\n" * 3, b"x" * 200)
                self.files[os.path.join(directory, file)] = content
                args.setdefault("files", []).append("%s=%s" % (key, file))
            else:
                file = "e-%s-%s.env" % (name, key)
                self.files[os.path.join(directory, file)] = ("# c\n\n  %s=%s\nE%s\n" % (key, self.pick("v", "a=b", "'q'", " s "), key)).encode()
                args.setdefault("envs", []).append(file)
        if kind == "secretGenerator" and self.some(0.3):
            args["type"] = self.pick("Opaque", "kubernetes.io/tls")
        if self.some(0.2):
            args["namespace"] = "ns1"
        if known and self.some(0.5):
            args["name"] = self.pick(*known)
            args["behavior"] = self.pick("merge", "replace", "merge", "replace", "create")
        elif name in known:
            args["name"] = "gen-" + name
        if self.some(0.2):
            args["options"] = {"disableNameSuffixHash": True, "labels": {"g": "1"}}
        return args

    def kustomization(self, directory, bases, depth, component=False):
        r = self.r
        k = {}
        if component:
            k["apiVersion"], k["kind"] = "kustomize.config.k8s.io/v1alpha1", "Component"
        elif self.some(0.5):
            k["apiVersion"], k["kind"] = "kustomize.config.k8s.io/v1beta1", "Kustomization"
        resources = list(bases)
        if not bases or self.some(0.4):
            for i in range(r.randint(1, 2)):
                made = [self.resource() for _ in range(r.randint(1, 3))]
                self.names += [(m["apiVersion"], m["kind"], str(m["metadata"]["name"])) for m in made if "kind" in m and "apiVersion" in m]
                file = "r%d.yaml" % i
                self.files[os.path.join(directory, file)] = self.file_of(made).encode()
                resources.append(file)
        if resources:
            k["resources"] = resources
        if self.some(0.3):
            k["namePrefix"] = self.pick("p-", "pre", "0")
        if self.some(0.2):
            k["nameSuffix"] = self.pick("-s", "-v1")
        if self.some(0.3):
            k["namespace"] = self.pick("ns1", "prod", "default")
        if self.some(0.2):
            k["commonLabels"] = self.labels()
        if self.some(0.25):
            k["labels"] = [{"pairs": {"l": "1"}, **{f: True for f in ("includeSelectors", "includeTemplates") if self.some(0.4)}}]
        if self.some(0.2):
            k["commonAnnotations"] = {"c": self.r.choice(STRINGS)}
        if self.some(0.25):
            k["images"] = [{"name": self.pick("nginx", "busybox", "reg:5000/a/b"), **self.pick({"newTag": "9"}, {"newName": "other"}, {"digest": "sha256:" + "1" * 64}, {"newName": "o", "newTag": "1.5"})}]
        deployments = [n for a, kd, n in self.names if kd in ("Deployment", "StatefulSet")]
        if deployments and self.some(0.2):
            k["replicas"] = [{"name": r.choice(deployments), "count": r.randint(0, 9)}]
        for field in ("configMapGenerator", "secretGenerator"):
            if self.some(0.3):
                known = [n for a, kd, n in self.names if kd == ("ConfigMap" if field[0] == "c" else "Secret")]
                args = self.generator(directory, field, known)
                k[field] = [args]
                self.names.append(("v1", "ConfigMap" if field[0] == "c" else "Secret", args["name"]))
        if self.some(0.15):
            k["generatorOptions"] = self.pick({"disableNameSuffixHash": True}, {"labels": {"o": "1"}}, {"immutable": True, "annotations": {"a": "b"}})
        if self.names and self.some(0.5):
            patches = []
            for i in range(r.randint(1, 2)):
                target = r.choice(self.names)
                if self.some(0.6):
                    patch = self.merge_patch(target)
                    entry = {"patch": block(patch)}
                    if self.some(0.3):
                        entry["target"] = {"kind": target[1]}
                else:
                    entry = {"patch": flow(self.json_patch(target[1])), "target": {"kind": target[1], **({"name": target[2]} if self.some(0.5) else {})}}
                    if self.some(0.2):
                        entry["target"]["labelSelector"] = self.pick("app=web", "app in (web, x)", "!tier")
                if self.some(0.4):
                    file = "p%d.yaml" % i
                    self.files[os.path.join(directory, file)] = entry.pop("patch").encode()
                    entry["path"] = file
                patches.append(entry)
            k["patches"] = patches
        if self.names and self.some(0.15):
            a, b = r.choice(self.names), r.choice(self.names)
            k["replacements"] = [{"source": {"kind": a[1], "name": a[2], "fieldPath": self.pick("metadata.name", "kind", "metadata.name", "metadata.name", "metadata.labels.app", "spec.replicas")},
                                  "targets": [{"select": {"kind": b[1]}, "fieldPaths": [self.pick("metadata.annotations.r", "spec.x", "metadata.labels.app")],
                                               **({"options": {"create": True}} if self.some(0.9) else {})}]}]
        if depth == 0 and self.some(0.2):
            k["sortOptions"] = self.pick({"order": "fifo"}, {"order": "legacy"}, {"order": "legacy", "legacySortOptions": {"orderFirst": ["Service"], "orderLast": ["Secret"]}})
        if depth == 0 and self.some(0.1):
            k["buildMetadata"] = r.sample(["originAnnotations", "transformerAnnotations"], r.randint(1, 2))
        return k

    def make(self):
        shape = self.r.random()
        bases = []
        if shape > 0.3:
            for i in range(1 if shape < 0.8 else 2):
                d = "base%d" % i
                self.files[d + "/kustomization.yaml"] = block(self.kustomization(d, [], 1)).encode()
                bases.append("../" + d)
        k = self.kustomization("root", bases, 0)
        if self.some(0.2):
            self.files["comp/kustomization.yaml"] = block(self.kustomization("comp", [], 1, True)).encode()
            k["components"] = ["../comp"]
        self.files["root/kustomization.yaml"] = block(k).encode()
        return self.files


def make(seed):
    """The files of a case, the directory to build and the flags."""
    return Case(seed).make(), "root", []
