#!/usr/bin/env python3
"""Writes builtin_types.inc: which fields the built-in Kubernetes kinds have, and how their lists merge.

    (cd sandbox/extract_go && go run .) > go.json
    tests/e2e/cluster/cluster.py run -- python3 sandbox/extract_types.py go.json > sandbox/builtin_types.inc

Asks a real kube-apiserver (KUBECONFIG) for its discovery and OpenAPI v3 documents and keeps only facts
of the interface: names, types, list keys, merge strategies; extract_go adds protobuf field numbers and
which empty fields Go prints. The notation is explained in builtin_types.hpp. Run it again when the
Kubernetes version that the sandbox imitates changes.
"""

import json
import subprocess
import sys

GROUP_VERSIONS = [
    "v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1", "policy/v1",
    "storage.k8s.io/v1", "autoscaling/v2", "scheduling.k8s.io/v1", "coordination.k8s.io/v1", "events.k8s.io/v1",
    "admissionregistration.k8s.io/v1", "apiextensions.k8s.io/v1", "discovery.k8s.io/v1", "node.k8s.io/v1",
]
LEFT_OUT = {"componentstatuses"}
SUBRESOURCES = {"status", "scale"}
SCALARS = {("string", None): "s", ("integer", "int32"): "i", ("integer", "int64"): "l", ("boolean", None): "b",
           ("number", "double"): "n", ("string", "date-time"): "t", ("string", "byte"): "y",
           (None, "int-or-string"): "x", ("integer", None): "l", ("object", None): "any"}


def get(path):
    return json.loads(subprocess.check_output(["kubectl", "get", "--raw", path]))


def short(name):
    for prefix in ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.",
                   "io.k8s.apiextensions-apiserver.pkg.apis."):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def reference(schema):
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    if len(schema.get("allOf", [])) == 1:
        return schema["allOf"][0]["$ref"].rsplit("/", 1)[1]
    return None


class Extractor:
    def __init__(self, go):
        self.go = go
        self.schemas = {}
        self.definitions = {}  # short name -> line
        self.wanted = []

    def type_of(self, schema, key_defaults=True):
        name = reference(schema)
        if name:
            target = self.schemas[name]
            if "properties" not in target:
                return self.leaf_definition(name, target)
            self.wanted.append(name)
            atomic = schema.get("x-kubernetes-map-type") == "atomic"
            return ("atomic " if atomic else "") + short(name)
        kind = schema.get("type")
        if kind == "array":
            item = self.type_of(schema["items"])
            how = schema.get("x-kubernetes-list-type", "atomic")
            if how == "map":
                keys = []
                properties = self.schemas[reference(schema["items"])]["properties"]
                for key in schema["x-kubernetes-list-map-keys"]:
                    default = properties[key].get("default")
                    keys.append(key + ("=" + str(default) if default not in (None, "", 0, False) else ""))
                how += " " + ",".join(keys)
            return "[%s%s]" % ("" if how == "atomic" else how + " ", item)
        if kind == "object" and "additionalProperties" in schema:
            atomic = schema.get("x-kubernetes-map-type") == "atomic"
            return "{%s%s}" % ("atomic " if atomic else "", self.type_of(schema["additionalProperties"]))
        if not kind and "oneOf" not in schema:
            return "any"
        if kind == "string" and schema.get("enum"):
            return "s(%s)" % "|".join(value for value in schema["enum"] if value)
        return SCALARS[(kind, schema.get("format"))]

    def leaf_definition(self, name, schema):
        last = name.rsplit(".", 1)[1]
        if last == "Quantity":
            return "q"
        if last in ("IntOrString", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray",
                    "JSON", "RawExtension"):
            return "x" if last == "IntOrString" else "any"
        if last in ("Time", "MicroTime"):
            return "t"
        return self.type_of(schema)

    def define(self, name):
        schema = self.schemas[name]
        fields = []
        go = self.go.get(short(name), {})
        for field, of in sorted(schema["properties"].items()):
            fact = go.get(field, {"number": "", "pointer": True, "omitEmpty": True, "omitZero": False, "struct": False})
            marks = "@" + fact["number"]
            if field in schema.get("required", []):
                marks += "!"
            if (not fact["omitEmpty"] or (fact["struct"] and not fact["pointer"])) and not fact["omitZero"]:
                marks += "*" if fact["pointer"] else "+"
            elif not fact["pointer"] and not fact["struct"]:
                marks += "-"
            if "x-kubernetes-patch-merge-key" in of:
                marks += "~" + of["x-kubernetes-patch-merge-key"]
            elif "merge" in of.get("x-kubernetes-patch-strategy", ""):
                marks += "~"
            if "retainKeys" in of.get("x-kubernetes-patch-strategy", ""):
                marks += "^"
            fields.append("%s%s:%s" % (field, marks, self.type_of(of).replace(" ", "_")))
        head = short(name) + ("*" if schema.get("x-kubernetes-map-type") == "atomic" else "")
        self.definitions[short(name)] = "def %s %s" % (head, " ".join(fields))

    def run(self):
        types = []
        version = get("/version")["gitVersion"]
        for group_version in GROUP_VERSIONS:
            base = ("api/" if group_version == "v1" else "apis/") + group_version
            self.schemas.update(get("/openapi/v3/" + base)["components"]["schemas"])
        for group_version in GROUP_VERSIONS:
            base = ("/api/" if group_version == "v1" else "/apis/") + group_version
            group, _, api_version = group_version.rpartition("/")
            by_kind = {}
            for name, schema in self.schemas.items():
                for gvk in schema.get("x-kubernetes-group-version-kind", []):
                    if (gvk["group"], gvk["version"]) == (group, api_version):
                        by_kind.setdefault(gvk["kind"], name)
            resources = get(base)["resources"]
            for one in resources:
                if "/" in one["name"] or "watch" not in one["verbs"] or one["name"] in LEFT_OUT:
                    continue
                subresources = [r["name"].split("/")[1] for r in resources if r["name"].startswith(one["name"] + "/")]
                root = by_kind[one["kind"]]
                self.wanted.append(root)
                types.append("type %s %s %s %s %s %s %s %s %s" % (
                    group_version, one["kind"], one["name"], one["singularName"],
                    "namespaced" if one["namespaced"] else "cluster", ",".join(one.get("shortNames", [])) or "-",
                    ",".join(one.get("categories", [])) or "-",
                    ",".join(s for s in subresources if s in SUBRESOURCES) or "-", short(root)))
        self.wanted += ["io.k8s.api.autoscaling.v1.Scale", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]
        self.schemas.update(get("/openapi/v3/apis/autoscaling/v1")["components"]["schemas"])
        while self.wanted:
            name = self.wanted.pop()
            if short(name) not in self.definitions:
                self.define(name)
        print("// Made by extract_types.py from Kubernetes %s; do not edit. Notation: builtin_types.hpp." % version)
        print('R"types(')
        print("\n".join(types))
        lines = sorted(self.definitions.values())
        size = 0
        for line in lines:
            size += len(line) + 1
            if size > 50000:  # compilers need not accept string literals over 64 KiB
                print(')types"\nR"types(')
                size = len(line)
            print(line)
        print(')types"')


if __name__ == "__main__":
    with open(sys.argv[1]) as facts:
        sys.exit(Extractor(json.load(facts)).run())
