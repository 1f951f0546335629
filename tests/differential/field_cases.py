"""Random trees over every field of Kustomization and Component, with odd spellings.

Overlays on overlays and components; generators with all options; patches of every form, legacy ones included;
replacements, vars, images, replicas, labels with field specs, configurations, crds, openapi, builtin plugin
configurations; and documents spelled in many styles: comments, anchors and merges, flow and block, block scalars,
CRLF, long lines. Most trees build; some have one thing wrong.
"""
import re

import odd_kinds
import tree_cases
from tree_cases import NUMBERS, STRINGS, Plain, flow

NAMES = ("web", "api", "db", "a", "b", "x1", "team-a")
LONG = "The quick brown fox jumps over the lazy dog and then \u00fcber the moon, again and again; "
TEXTS = STRINGS + ("a: >\n b", "if x; then\n  y\nfi\n", "if x; then\n  y\nfi\n\n\n", " lead\ntrail ", "a\n  b\n\n   c\n",
                   "line\n\n\n  deep\nback\n", LONG, LONG * 3, "x" * 200 + " " + "y" * 90, LONG.replace(" ", "  "),
                   "key: value\nlist:\n- a\n- b: c\n", '{"a": {"b": "c"}, "l": [1, "x"]}', "0.0", "1__0", "0b101", "0x_1",
                   "1e", ".inf", "-.INF", ".nan", "1:30", "190:20:30", "2001-12-14t21:59:43.10-05:00", "2001-1-1",
                   "\u200b", "\U0001f468\u200d\U0001f469", "\ud7ff", "e\u0301", "\x85", "a\x85b", "tab\there\nand\tthere\n",
                   "'", '"', "''", '""', "\\", "\\n", "%", "%d", "!", "!!str", "&", "*", "? ", "-", "--", "- ", "[]", "{}",
                   ",", "]", "}", ":", "::", "a:b", "a::", "#", " #", "a# b", "@", "`", "|", ">", "|-", "~~", "Null", "NULL",
                   "Yes", "NO", "On", "OFF", "Y", "N", "TRUE", "tRUE", "0", "00", "08", "-01", "+0x1", "1.", "-.5", "1.5e+3",
                   "1,000", "0o8", "1e400", "-1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
                   "18446744073709551616", "0.1e1", "1E5", "12e03", "$(A)", "$(A", "$(A1)$(Aoo)", "$$(A)", "$(VARoo)", "$(Aoo)", "$(A1)x")
CLUSTER_SCOPED = ("Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService", "PersistentVolume")
PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def block_text(value):
    return value and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\t]", value) and value[0] not in " \n"


class Writer:
    """A mapping as YAML text, in a style of its own at every node."""

    def __init__(self, rng, plain=False):
        self.r = rng
        self.odd = 0 if plain else rng.choice((0, .1, .1, .4))
        self.anchors = {}
        self.comments = not plain and rng.random() < .2

    def chance(self, p):
        return self.r.random() < p

    def key(self, text):
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9./-]*", text) and text not in ("y", "n", "on", "no", "yes", "true"):
            return text if not self.chance(self.odd * .3) else self.r.choice(('"%s"', "'%s'")) % text
        return tree_cases.quote(text)

    def scalar(self, value, indent):
        if not isinstance(value, str) or isinstance(value, Plain):
            return " " + flow(value)
        if self.chance(self.odd) and block_text(value):
            body = value.rstrip("\n")
            ends = len(value) - len(body)
            style = (self.r.choice("|>") if "\n" not in body else self.r.choice("|||>")) + ("-", "", "+")[min(ends, 2)]
            pad = "  " * (indent + 1)
            return " " + style + "\n" + "".join(pad + l + "\n" if l else "\n" for l in body.split("\n")) + "\n" * max(ends - 1, 0)
        if self.chance(self.odd) and "\n" not in value and not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", value):
            return " '" + value.replace("'", "''") + "'"
        if self.chance(.3) and re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*( [A-Za-z0-9]+)*", value) and value.lower() not in (
                "y", "n", "yes", "no", "on", "off", "true", "false", "null"):
            return " " + value
        return " " + tree_cases.quote(value)

    def comment(self):
        return self.r.choice((" # note", "  # a: b", " #x")) if self.comments and self.chance(.1) else ""

    def block(self, value, indent=0):
        pad = "  " * indent
        out = ""
        for key, item in value.items():
            if self.comments and self.chance(.08):
                out += pad + "# about %s: it\n" % key.split("\n")[0][:9].encode("ascii", "ignore").decode()
            out += pad + self.key(key) + ":" + self.node(item, indent)
        return out

    def node(self, item, indent):
        """What follows "key:", newline included."""
        pad = "  " * indent
        anchor = ""
        if isinstance(item, (dict, list)) and item and self.odd and self.chance(.08):
            text = flow(item)
            if text in self.anchors:
                return " *" + self.anchors[text] + "\n"
            if indent:
                name = "n%d" % len(self.anchors)
                self.anchors[text] = name
                anchor = " &" + name
        if isinstance(item, dict) and item and not self.chance(self.odd * .3):
            return anchor + self.comment() + "\n" + self.block(item, indent + 1)
        if isinstance(item, list) and item and not self.chance(self.odd * .3):
            out = anchor + self.comment() + "\n"
            deeper = 1 if self.chance(.3) else 0
            for one in item:
                head = pad + "  " * deeper + "-"
                if isinstance(one, dict) and one:
                    lines = self.block(one, indent + deeper + 1)
                    first = re.match(r"(\s*#[^\n]*\n)*", lines).group(0)
                    out += first + head + " " + lines[len(first):].lstrip(" ")
                elif isinstance(one, list) and one:
                    out += head + " " + flow(one) + "\n"
                else:
                    text = self.scalar(one, indent + deeper)
                    out += head + text + ("" if text.endswith("\n") else "\n")
            return out
        if isinstance(item, (dict, list)):
            return anchor + " " + flow(item) + "\n"
        text = self.scalar(item, indent)
        return text if text.endswith("\n") else text + ("" if "\n" in text else self.comment()) + "\n"


class Case(tree_cases.Case):
    def __init__(self, seed):
        super().__init__(seed)
        self.flags = []
        self.broken = self.some(.06)  # one thing may be wrong
        self.seen = set()
        self.spaces = {}  # namespaces, by kind and name
        self.reachable = {}  # by directory, as bases name it

    def word(self):
        return self.r.choice(NAMES)

    def text(self):
        return self.r.choice(TEXTS)

    def scalar(self):
        roll = self.r.random()
        if roll < .5:
            return self.text()
        if roll < .75:
            return Plain(self.r.choice(NUMBERS))
        return Plain(self.pick("true", "false", "null", "~", "yes", "off", "2001-12-14", "0.5", "abc", "a b c", "1:2", "1e3", ".5", "!!str 5", "!!int '5'"))

    def write(self, directory, name, value, plain=False):
        """Puts a mapping, or several documents, into a file."""
        documents = value if isinstance(value, list) else [value]
        writer = Writer(self.r, plain)
        text = self.pick("", "", "---\n", "# head\n\n") + "---\n".join(self.reset(writer).block(d) for d in documents)
        if self.some(.04):
            text = text.replace("\n", "\r\n")
        if self.some(.03):
            text += self.pick("---\n", "...\n", "\n\n", "# tail", "---\n# nothing\n")
        self.files["%s/%s" % (directory, name)] = text.encode("utf8", "surrogatepass")
        return name

    @staticmethod
    def reset(writer):
        writer.anchors = {}
        return writer

    def container(self):
        made = super().container()
        if "args" in made and self.some(.9):  # vars go into texts alone
            made["args"] = [self.text() for _ in made["args"]]
        return made

    def json_patch(self, kind):
        operations = super().json_patch(kind)
        fits = ("/metadata/labels", "/metadata/annotations", "/extra")
        return operations if self.some(.1) else [o for o in operations if o["path"] in fits] or [
            self.pick({"op": "add", "path": "/extra", "value": {"a": [1, "x", None]}}, {"op": "replace", "path": "/kind", "value": kind},
                      {"op": "test", "path": "/kind", "value": kind}, {"op": "copy", "from": "/metadata/name", "path": "/copied"},
                      {"op": "add", "path": "/metadata/annotations", "value": {"j": "1"}})]

    def resource(self):
        for _ in range(20):
            out = super().resource()
            if self.some(.35):
                api_version, kind = self.r.choice(odd_kinds.KINDS)
                out = {"apiVersion": api_version, "kind": kind, "metadata": out["metadata"], **odd_kinds.body(self, kind)}
                if kind.endswith("List"):
                    items = [super(Case, self).resource() for _ in range(self.r.randint(0, 2))]
                    out["items"] = [i for i in items if (i["kind"], i["metadata"]["name"]) not in self.seen]
                    self.seen.update((i["kind"], i["metadata"]["name"]) for i in out["items"])
            identity = out["kind"], out["metadata"]["name"]
            if identity not in self.seen or self.some(.03):
                break
        self.seen.add(identity)
        metadata = out["metadata"]
        self.spaces[out["kind"], metadata["name"]] = metadata.get("namespace")
        if self.some(.1):
            metadata["annotations"] = {self.pick("note", "a/b", "x"): self.pick(self.text(), self.text(), Plain("5"), Plain("true"), Plain("null")) for _ in range(2)}
        if self.some(.05):
            metadata["labels"] = {"app": self.pick("web", Plain("1"), Plain("null"), "x y")}
        if self.some(.04):
            metadata[self.pick("creationTimestamp", "ownerReferences", "finalizers", "generateName")] = self.pick(None, [], ["x"], "y")
        if out["kind"] == "ConfigMap" and self.some(.5):
            out["data"] = {k: self.text() for k in ("k", "conf.json", "conf.yaml", "z")[:self.r.randint(1, 4)]}
        if out["kind"] == "ConfigMap" and self.some(.1):
            out["data"] = None
        if out["kind"] == "Widget" and self.some(.5):
            out["spec"].update(ref={"name": self.word(), "kind": self.pick("ConfigMap", "Deployment")}, image=self.pick("nginx", "nginx:1", "x"),
                               items=[{"name": self.word(), "v": self.scalar()}, {"name": "two", "v": 2}], list=["a", "b"])
        if self.broken and self.some(.015):
            out.pop(self.pick("kind", "apiVersion", "metadata"))
            out.setdefault("metadata", {"name": "x"})
        if self.some(.01):
            metadata["name"] = Plain(self.pick("1", "true", "null", "1.5", "2001-01-01", '""'))
        return out

    def target(self):
        known = self.names or [("v1", "ConfigMap", "x")]
        api, kind, name = self.r.choice(known)
        t = {}
        if self.some(.7):
            t["kind"] = self.pick(kind, kind, kind, kind[:4] + ".*", "Deployment|Service")
        if self.some(.5) or not t:
            t["name"] = self.pick(name, name, name, ".*", name[:1] + ".*", "[a-z]+")
        if self.some(.1):
            t["group"] = api.rsplit("/", 1)[0] if "/" in api else self.pick("apps", "")
        if self.some(.1):
            t["version"] = api.rsplit("/", 1)[-1]
        if self.some(.08):
            t["namespace"] = self.pick("ns1", "default", "prod", "ns.*")
        if self.some(.12):
            t[self.pick("labelSelector", "labelSelector", "annotationSelector")] = self.pick("app=web", "app in (web, x)", "!tier", "app!=1", "note", "tier notin (a)")
        return t

    def fitting_spec(self):
        """A field spec that every resource it selects can take."""
        return self.pick({"path": "spec/template/metadata/labels", "kind": "Deployment", "create": True}, {"path": "spec/selector", "kind": "Service"},
                         {"path": "metadata/annotations", "create": True}, {"path": "spec/new/deep", "kind": "Widget", "create": True},
                         {"path": "spec/template/metadata/labels", "create": True, "group": "apps"}, {"path": "spec/template/metadata/labels"},
                         {"path": "spec/jobTemplate/spec/template/metadata/labels", "kind": "CronJob", "create": True})

    def scalar_spec(self):
        """A field spec of a text."""
        return self.pick({"path": "metadata/name", "kind": "Service"}, {"path": "metadata/annotations/note"}, {"path": "roleRef/name"}, {"path": "spec/serviceName"},
                         {"path": "spec/template/spec/serviceAccountName"}, {"path": "metadata/labels/app"})

    def spec(self):
        """A field spec, fitting or not."""
        if self.some(.85):
            return self.fitting_spec()
        s = {"path": self.pick("metadata/labels", "spec/ref/name", "spec/selector", "spec/items/v", "spec/items[]/v", "spec/new/deep", "metadata/annotations",
                               "spec/template/metadata/labels", "spec/list", "spec/web", "data/k", "spec/containers[]/image", "spec/template/spec/containers/image",
                               "metadata/name", "spec/image", "spec/a\\/b", "spec/replicas")}
        if self.some(.5):
            s["kind"] = self.pick("Widget", "Deployment", "ConfigMap", "Service")
        if self.some(.1):
            s["group"] = self.pick("apps", "example.com")
        if self.some(.1):
            s["version"] = "v1"
        if self.some(.4):
            s["create"] = self.pick(True, False, True)
        return s

    def path(self):
        return self.pick("metadata.name", "metadata.name", "metadata.labels.app", "metadata.annotations.note", "spec.replicas",
                         "spec.template.spec.containers.[name=main].image", "spec.template.spec.containers.*.name", "spec.template.spec.containers.0.image",
                         "data.k", "data.conf\\.json", "data.[conf.json].a.b", "data.[conf.yaml].list.0", "data.z", "spec.ref.name", "spec.items.*.v",
                         "spec.items.[name=two].v", "spec.list.1", "spec.list.-", "spec.new.deep", "kind", "apiVersion", "metadata.namespace", "spec", "spec.web", "data")

    def options(self, source):
        o = {}
        if self.some(.2):
            o["delimiter"] = self.pick("-", ":", "/", ".", "a")
        if self.some(.2):
            o["index"] = self.pick(0, 0, 1, 2, -1, 9)
        if not source and self.some(.7):
            o["create"] = True
        if self.some(.03):
            o["encoding"] = "base64"
        return o

    def replacement(self):
        known = self.names or [("v1", "ConfigMap", "x")]
        out = {}
        if self.some(.2):
            out["sourceValue"] = self.text()
        else:
            _, kind, name = self.r.choice(known)
            out["source"] = {"kind": kind, "name": name}
            if self.some(.8):
                out["source"]["fieldPath"] = self.path() if self.some(.05) else self.pick(*["metadata.name", "kind", "apiVersion"] * 12, "metadata.labels", "metadata")
            if self.some(.2):
                out["source"]["options"] = self.options(True)
        out["targets"] = []
        for _ in range(self.r.randint(1, 2)):
            t = {"select": self.target()}
            if self.some(.1):
                t["reject"] = [self.target()]
            t["fieldPaths"] = [self.path() if self.some(.03) else self.pick("metadata.annotations.note", "metadata.annotations.[a.b/c]", "metadata.labels.app", "metadata.annotations.made",
                               "metadata.labels.made", "metadata.annotations.[x.y/z]", "metadata.name", "spec.made", "spec.made.deep", "data.made", "metadata.annotations.made") for _ in range(self.r.randint(1, 2))]
            o = self.options(False)
            if self.some(.97):
                o["create"] = True
            if o:
                t["options"] = o
            out["targets"].append(t)
        return out

    def patch_text(self, target, renames=False):
        # Without comments: kustomize writes those of a block mapping into a flow mapping and cannot read that again.
        patch = self.merge_patch(target)
        space = self.spaces.get(target[1:])
        if space and self.some(.97):
            patch["metadata"]["namespace"] = space
        if patch.get("$patch") == "delete" and target in self.names and len(self.names) > 1:
            self.names.remove(target)
        if self.some(.15):
            patch.setdefault("metadata", {}).setdefault("annotations", {})["note"] = self.text()
        if self.some(.06 if renames else .004):
            patch.setdefault("metadata", {})["name"] = "renamed"
        if self.some(.05) and isinstance(patch.get("spec"), dict):
            patch["spec"]["$" + self.pick("patch", "retainKeys")] = self.pick("replace", "delete", "merge", ["a"])
        writer = Writer(self.r)
        writer.comments = False
        return writer.block(patch)

    def patches(self, k, directory):
        known = self.names or [("v1", "ConfigMap", "x")]
        form = self.r.random()
        if form < .6:
            out = []
            for i in range(self.r.randint(1, 3)):
                target = self.r.choice(known)
                entry = {}
                if self.some(.6):
                    selects = self.some(.35)
                    entry["patch"] = self.patch_text(target, renames=selects)
                    if self.some(.06):
                        entry["patch"] += "---\n" + self.patch_text(self.r.choice(known))
                    if selects and ("---" not in entry["patch"] or self.some(.05)):
                        entry["target"] = self.target()
                else:
                    ops = self.json_patch(target[1])
                    entry["patch"] = flow(ops) if self.some(.5) else "".join("- " + Writer(self.r).block(o, 1).lstrip() for o in ops)
                    entry["target"] = self.target()
                if self.some(.3):
                    name = "patch%d.yaml" % i
                    self.files["%s/%s" % (directory, name)] = entry.pop("patch").encode("utf8", "surrogatepass")
                    entry["path"] = name
                if self.some(.15):
                    entry["options"] = {self.pick("allowNameChange", "allowKindChange"): True}
                out.append(entry)
            k["patches"] = out
        elif form < .8:
            out = []
            for i in range(self.r.randint(1, 2)):
                text = self.patch_text(self.r.choice(known))
                if self.some(.5):
                    name = "sm%d.yaml" % i
                    self.files["%s/%s" % (directory, name)] = text.encode("utf8", "surrogatepass")
                    out.append(name)
                else:
                    out.append(text)
            k["patchesStrategicMerge"] = out
        else:
            _, kind, name = self.r.choice(known)
            api = [a for a, kd, n in known if kd == kind][0]
            target = {"version": api.rsplit("/", 1)[-1], "kind": kind, "name": name}
            if "/" in api:
                target["group"] = api.rsplit("/", 1)[0]
            text = flow(self.json_patch(kind))
            entry = {"target": target}
            if self.some(.5):
                self.files[directory + "/j.json"] = text.encode("utf8", "surrogatepass")
                entry["path"] = "j.json"
            else:
                entry["patch"] = text
            k["patchesJson6902"] = [entry]

    def image(self):
        return {"name": self.pick("nginx", "busybox", "reg:5000/a/b", "x", "nginx.*"),
                **self.pick({"newTag": "9"}, {"newName": "other"}, {"digest": "sha256:" + "1" * 64}, {"newName": "o", "newTag": "1.5"}, {"newTag": Plain("1.5") if self.broken and self.some(.3) else "1.50"},
                            {"newName": "h:5/p", "digest": "sha256:2"}, {"tagSuffix": "-s"}, {"newTag": "a", "digest": "sha256:3"}, {})}

    def label_entry(self):
        e = {"pairs": {self.pick("l", "app", "example.com/x"): self.pick("1", "web", "", "true", self.pick(*STRINGS[:20]))}}
        for field in ("includeSelectors", "includeTemplates", "includeVolumeClaimTemplates"):
            if self.some(.3):
                e[field] = self.pick(True, False, True)
        if self.some(.25):
            e["fields"] = [self.spec()]
        return e

    def configuration(self):
        c = {}
        for field in self.r.sample(("namePrefix", "nameSuffix", "namespace", "commonLabels", "commonAnnotations", "nameReference", "varReference", "images", "replicas", "labels", "templateLabels", "volumeClaimTemplateLabels"), 2):
            if field == "nameReference":
                c[field] = [{"kind": self.pick("ConfigMap", "Deployment", "Widget"), "version": "v1", "fieldSpecs": [{"path": self.pick("spec/ref/name", "spec/web", "spec/items/name"), "kind": "Widget"}]}]
            else:
                c[field] = [self.spec() if "abels" in field or field == "commonAnnotations" else self.scalar_spec()]
        return c

    def plugin(self, directory, number):
        """A builtin transformer's configuration."""
        meta = {"name": "p%d" % number}
        kind = self.pick("AnnotationsTransformer", "LabelTransformer", "NamespaceTransformer", "PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer",
                         "ImageTagTransformer", "ReplicaCountTransformer", "PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer",
                         "ReplacementTransformer", "ValueAddTransformer", "HashTransformer")
        out = {"apiVersion": "builtin", "kind": kind, "metadata": meta}
        known = self.names or [("v1", "ConfigMap", "x")]
        specs = [self.spec() for _ in range(self.r.randint(1, 2))]
        if kind == "AnnotationsTransformer":
            out.update(annotations={"plug": self.text()}, fieldSpecs=[{"path": "metadata/annotations", "create": True}])
        elif kind == "LabelTransformer":
            out.update(labels={"plug": "1"}, fieldSpecs=specs)
        elif kind == "NamespaceTransformer":
            meta["namespace"] = self.pick("plug", "ns1")
            out["fieldSpecs"] = [{"path": "metadata/namespace", "create": True}] + ([{"path": "subjects", "kind": "RoleBinding"}] if self.some(.3) else [])
            if self.some(.3):
                out["unsetOnly"] = True
            if self.some(.4):
                out["setRoleBindingSubjects"] = self.pick("none", "allServiceAccounts", "defaultOnly")
        elif kind in ("PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer"):
            for field in (("prefix", "suffix") if kind.startswith("PrefixSuffix") else (kind[:6].lower(),)):
                out[field] = self.pick("pp-", "-ss", "1")
            out["fieldSpecs"] = [{"path": "metadata/name"}] if self.some(.7) else [self.scalar_spec()]
        elif kind == "ImageTagTransformer":
            out.update(imageTag=self.image(), fieldSpecs=[{"path": self.pick("spec/template/spec/containers[]/image", "spec/containers/image", "spec/image")}])
        elif kind == "ReplicaCountTransformer":
            out.update(replica={"name": self.r.choice(known)[2], "count": 7}, fieldSpecs=[{"path": "spec/replicas", "create": True, "kind": "Deployment"}])
        elif kind == "PatchTransformer":
            out.update(patch=self.patch_text(self.r.choice(known)))
            if self.some(.3):
                out["target"] = self.target()
        elif kind == "PatchJson6902Transformer":
            _, kd, name = self.r.choice(known)
            out.update(target={"kind": kd, "name": name}, jsonOp=flow(self.json_patch(kd)))
        elif kind == "PatchStrategicMergeTransformer":
            out.update(patches=self.patch_text(self.r.choice(known)))
        elif kind == "ReplacementTransformer":
            out.update(replacements=[self.replacement()])
        elif kind == "ValueAddTransformer":
            out.update(value=self.pick("v", "x/y"), targets=[{"selector": self.target(), "fieldPath": self.pick("metadata/name", "metadata/annotations/va", "spec/web"),
                                                              **({"filePathPosition": self.pick(0, 1)} if self.some(.2) else {})}])
        return out

    def generator_config(self, number):
        kind = self.pick("ConfigMapGenerator", "SecretGenerator", "ConfigMapGenerator", "IAMPolicyGenerator")
        out = {"apiVersion": "builtin", "kind": kind, "metadata": {"name": "plug%d" % number}}
        if kind == "IAMPolicyGenerator":
            out.update(cloud="gke", kubernetesService={"namespace": "k", "name": "svc"}, serviceAccount={"name": "sa", "projectId": "p-id"})
        else:
            out["literals"] = ["a=" + self.text().replace("\n", " "), "b=c"]
            if self.some(.3):
                out["options"] = self.pick({"disableNameSuffixHash": True}, {"immutable": True}, {"labels": {"a": "b"}, "annotations": {"c": "d"}})
            if kind == "SecretGenerator" and self.some(.3):
                out["type"] = "kubernetes.io/basic-auth"
            if self.some(.2):
                out["metadata"]["namespace"] = "ns1"
            known = [n for _, kd, n in self.names if kd == kind[:-9]]
            if known and self.some(.3):
                out["metadata"]["name"] = self.r.choice(known)
                out["behavior"] = self.pick("merge", "replace")
        return out

    def schema(self):
        return {"definitions": {"com.example.v1.Widget": {
            "type": "object", "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
            "properties": {"spec": {"type": "object", "properties": {
                "items": {"type": "array", "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
                          "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
                "list": {"type": "array", "x-kubernetes-patch-strategy": "merge", "items": {"type": "string"}}}}}}}}

    def crd(self):
        return {"com.example.v1.Widget": {"Schema": {"description": "A widget", "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "spec": {"properties": {"ref": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "x-kubernetes-object-ref-name-key": "name",
                                            "properties": {"name": {"type": "string"}}}}}}}}}

    def generator(self, directory, kind, known):
        args = super().generator(directory, kind, known)
        if "behavior" in args and self.some(.9):  # one that fits what is there
            args["behavior"] = self.pick("merge", "replace")
            args["namespace"] = self.spaces.get(("ConfigMap" if kind[0] == "c" else "Secret", args["name"])) or "default"
        if self.some(.3):
            args.setdefault("literals", []).append("lit%d=%s" % (self.r.randint(0, 3), self.pick(*TEXTS)))
        if self.some(.08) and "envs" in args:
            args["env"] = args.pop("envs")[0]
        if self.some(.2):
            args["options"] = self.r.choice(({"immutable": True}, {"annotations": {"note": self.text()}, "labels": {"x": "1"}}, {"disableNameSuffixHash": False},
                                             {"disableNameSuffixHash": True, "immutable": False}))
        if self.some(.04):
            name = "raw-%d.bin" % self.r.randint(0, 99)
            self.files["%s/%s" % (directory, name)] = self.pick(b"\x00\x01", b"\xef\xbb\xbfbom", b"a\r\nb", b"", b"\xc3\x28", "\u00fc\n".encode())
            args.setdefault("files", []).append(name)
        return args

    def kustomization(self, directory, bases, depth, component=False):
        k = super().kustomization(directory, bases, depth, component)
        self.names += [("v1", "ConfigMap", g["name"]) for g in k.get("configMapGenerator", [])]
        for field in ("configMapGenerator", "secretGenerator"):
            for args in k.get(field, []):
                self.spaces.setdefault(("ConfigMap" if field[0] == "c" else "Secret", args["name"]), args.get("namespace"))
        for field in ("patches", "replacements"):
            k.pop(field, None)
        if self.some(.5):
            self.patches(k, directory)
        if self.some(.25):
            k["replacements"] = [self.replacement() for _ in range(self.r.randint(1, 2))]
            if self.some(.3):
                self.write(directory, "repl.yaml", k["replacements"][0], plain=True)
                k["replacements"] = [{"path": "repl.yaml"}] + k["replacements"][1:]
        if self.some(.3):
            k["images"] = [self.image() for _ in range(self.r.randint(1, 2))]
        if self.some(.04):
            k["imageTags"] = [{"name": "nginx", "newTag": "3"}]
        if self.some(.3):
            k["labels"] = [self.label_entry() for _ in range(self.r.randint(1, 2))]
        if self.some(.12):
            k["commonAnnotations"] = {"c": self.text(), "note": self.text()}
        kind = self.pick("ConfigMap", "Service", "Deployment")
        known = [n for _, kd, n in self.names if kd == kind]
        if known and self.some(.2):
            k["vars"] = [{"name": self.pick("A", "VAR") + directory[1:3].strip("-"), "objref": {"kind": kind, "name": self.r.choice(known), "apiVersion": "apps/v1" if kind == "Deployment" else "v1"},
                          **({"fieldref": {"fieldpath": self.pick(*["metadata.name", "kind", "apiVersion"] * 4, "metadata.labels.app", "data.k")}} if self.some(.3) else {})}]
        if self.some(.1):
            k["configurations"] = [self.write(directory, "config.yaml", self.configuration(), plain=True)]
        if self.some(.05):
            self.files[directory + "/crd.json"] = flow(self.crd()).encode()
            k["crds"] = ["crd.json"]
        if self.some(.05):
            self.files[directory + "/schema.json"] = flow(self.schema()).encode()
            k["openapi"] = {"path": "schema.json"}
        elif self.some(.004):
            k["openapi"] = {"version": self.pick("v1.21.2", "v9")}
        if self.some(.12):
            plugins = [self.plugin(directory, i) for i in range(self.r.randint(1, 2))]
            if self.some(.15):
                self.write(directory + "-plugins", "trans.yaml", plugins)
                self.write(directory + "-plugins", "kustomization.yaml", {"resources": ["trans.yaml"], **self.pick({}, {}, {"namePrefix": "x-"}, {"commonAnnotations": {"on": "config"}})})
                k["transformers"] = ["../%s-plugins" % directory]
            else:
                k["transformers"] = [Writer(self.r).block(p) for p in plugins] if self.some(.5) else [self.write(directory, "trans.yaml", plugins)]
        if self.some(.06):
            plugins = [self.generator_config(i) for i in range(self.r.randint(1, 2))]
            k["generators"] = [Writer(self.r).block(p) for p in plugins] if self.some(.5) else [self.write(directory, "gens.yaml", plugins)]
        if self.some(.01):
            k["validators"] = [Writer(self.r).block(self.pick(
                {"apiVersion": "builtin", "kind": "LabelTransformer", "metadata": {"name": "v"}, "labels": {}, "fieldSpecs": []},
                {"apiVersion": "builtin", "kind": "NamespaceTransformer", "metadata": {"name": "v"}},
                {"apiVersion": "builtin", "kind": "PrefixTransformer", "metadata": {"name": "v"}, "prefix": self.pick("", "x-"), "fieldSpecs": [{"path": "metadata/name"}]},
                {"apiVersion": "builtin", "kind": "ValueAddTransformer", "metadata": {"name": "v"}, "value": "", "targets": [{"fieldPath": "metadata/name"}]},
                {"apiVersion": "builtin", "kind": "ImageTagTransformer", "metadata": {"name": "v"}, "imageTag": {"name": "nosuch", "newTag": "1"}}))]
        if self.some(.02):
            k["metadata"] = {"name": "meta", "labels": {"a": "b"}, "annotations": {"config.kubernetes.io/local-config": "true"}}
        if self.some(.15):
            k["buildMetadata"] = self.r.sample(["originAnnotations", "transformerAnnotations", "managedByLabel"], self.r.randint(1, 3))
        if self.some(.06) and "resources" in k:
            k["bases"] = [r for r in k["resources"] if r.startswith("..")]
            k["resources"] = [r for r in k["resources"] if not r.startswith("..")]
        if self.broken and self.some(.3):
            self.break_one(k)
        return k

    def break_one(self, k):
        field = self.r.choice(sorted(k))
        roll = self.r.random()
        if roll < .25:
            k[field] = self.pick("text", 5, True, None, [], {}, ["x"], {"a": "b"}, [None], [[]], [{"bogus": 1}])
        elif roll < .4:
            k[self.pick("bogus", field.upper(), field + "s", "nameprefix", "Namespace")] = k.pop(field)
        elif roll < .6:
            k.setdefault("resources", [])
            k["resources"].append(self.pick("missing.yaml", "../nowhere", ".", "", "..", "a//b", (k["resources"] or ["r0.yaml"])[0]))
        elif roll < .75:
            k["apiVersion"], k["kind"] = self.pick(("v1", "Kustomization"), ("kustomize.config.k8s.io/v1beta1", "Component"), ("kustomize.config.k8s.io/v1alpha1", "Component"), ("", ""), ("x", "y"))
        elif isinstance(k[field], list) and k[field] and isinstance(k[field][0], dict):
            inner = self.r.choice(sorted(k[field][0]))
            k[field][0][inner] = self.pick("text", 5, True, None, [], {}, ["x"], {"a": "b"})
        else:
            k[field] = self.pick([k[field]], {"x": k[field]})

    def folder(self, directory, bases, depth, component=False, components=()):
        if not component:
            self.names = [n for base in bases for n in self.reachable[base]]
        k = self.kustomization(directory, bases, depth, component)
        if components:
            k["components"] = list(components)
        items = list(k.items())
        if self.some(.3):
            self.r.shuffle(items)
        self.write(directory, self.pick(*["kustomization.yaml"] * 8, "kustomization.yml", "Kustomization"), dict(items))
        self.reachable["../" + directory] = [(api, kind, self.outer_name(k, kind, name)) for api, kind, name in self.names]
        return k

    def outer_name(self, k, kind, name):
        """The name that an outer layer finds; its patches need the namespace, too."""
        renamed = name if kind in ("Namespace", "CustomResourceDefinition", "APIService") else "%s%s%s" % (k.get("namePrefix") or "", name, k.get("nameSuffix") or "")
        space = k.get("namespace") if isinstance(k.get("namespace"), str) else None
        self.spaces[kind, renamed] = None if kind in CLUSTER_SCOPED else space or self.spaces.get((kind, name))
        return renamed

    def make(self):
        layers = self.r.choice((1, 1, 2, 2, 2, 3))
        below = []
        for depth in range(layers - 1, 0, -1):
            here = []
            for i in range(self.r.randint(1, 2)):
                d = "l%d-%d" % (depth, i)
                self.folder(d, below[i:i + 1] if len(below) > i else (below if depth == layers - 1 or self.some(.3) else below[:1]), depth)
                here.append("../" + d)
            below = here
        self.names = [n for base in below for n in self.reachable[base]]
        k = self.kustomization("root", below, 0)
        if self.some(.25):
            k["components"] = ["../comp"]
            if self.some(.25):
                self.folder("comp", [], 1, True)
                k["components"].append("../comp2")
                self.folder("comp2", [], 1, True)
            else:
                inner = self.folder("comp", [], 1, True, components=["../comp2"] if self.some(.2) else [])
                if "components" in inner:
                    self.folder("comp2", [], 1, True)
        if below and self.some(.05):  # one base twice
            self.write("again", "kustomization.yaml", {"resources": [self.r.choice(below)], "namePrefix": "again-", **self.pick({}, {"namespace": "again"}, {"nameSuffix": "-2"})})
            name = "resources" if "resources" in k else "bases"
            if isinstance(k.get(name, []), list):  # not one of the odd values
                k[name] = k.get(name, []) + ["../again"]
        items = list(k.items())
        if self.some(.3):
            self.r.shuffle(items)
        self.write("root", "kustomization.yaml", dict(items))
        if self.some(.03):
            self.flags.append("--load-restrictor=LoadRestrictionsNone")
        if self.some(.03):
            self.flags.append("--reorder=" + self.pick("none", "legacy"))
        if self.some(.02):
            self.flags.append("--enable-managedby-label")
        return self.files


def make(seed):
    """The files of a case, the directory to build and the flags."""
    case = Case(seed)
    return case.make(), "root", case.flags
