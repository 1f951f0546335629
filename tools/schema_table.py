#!/usr/bin/env python3
"""Writes kustomize/schema_table.inc: the merging lists of Kubernetes types and the ways to them.

usage: schema_table.py BUNDLE.json > kustomize/schema_table.inc

BUNDLE.json is kustomize's built-in OpenAPI bundle (kyaml/openapi/kubernetesapi/data, gunzipped), or
any OpenAPI v2 document with `definitions`. Only facts are taken: which types have lists that merge,
by which keys, and which fields lead from a kind to such a type.
"""
import json
import sys

PREFIX = "#/definitions/"
STRATEGY = "x-kubernetes-patch-strategy"
KEY = "x-kubernetes-patch-merge-key"
KEYS = "x-kubernetes-list-map-keys"
GVK = "x-kubernetes-group-version-kind"


def ref(schema):
    target = schema.get("$ref", "")
    return target[len(PREFIX):] if target.startswith(PREFIX) else ""


def fields(definition):
    """(name, shape, target type, merges, keys) of each field that may matter."""
    for name, schema in sorted(definition.get("properties", {}).items()):
        if ref(schema):
            yield name, "kType", ref(schema), False, ()
        elif schema.get("type") == "array":
            merges = "merge" in schema.get(STRATEGY, "").split(",")
            keys = ()
            if merges:
                keys = tuple(schema.get(KEYS) or ([schema[KEY]] if KEY in schema else []))
            yield name, "kArray", ref(schema.get("items", {})), merges, keys
        elif isinstance(schema.get("additionalProperties"), dict):
            yield name, "kMap", ref(schema["additionalProperties"]), False, ()


def main():
    with open(sys.argv[1], encoding="utf-8") as bundle:
        definitions = json.load(bundle)["definitions"]
    rows = {name: list(fields(definition)) for name, definition in definitions.items()}
    # Types from which a merging list can be reached.
    wanted = {name for name, row in rows.items() if any(field[3] for field in row)}
    while True:
        more = {name for name, row in rows.items() if any(field[2] in wanted for field in row)}
        if more <= wanted:
            break
        wanted |= more
    kinds = []
    for name in sorted(wanted):
        for gvk in definitions[name].get(GVK, []):
            kinds.append((gvk["kind"], gvk.get("group", ""), gvk["version"], name))
    # ... and that a kind can reach.
    reached, todo = set(), [kind[3] for kind in kinds]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        todo += [field[2] for field in rows[name] if field[2] in wanted]
    types = sorted(reached)
    index = {name: i for i, name in enumerate(types)}

    print("// Written by tools/schema_table.py from the OpenAPI of Kubernetes v1.21.2 (facts only).")
    print("// clang-format off")
    print("constexpr FieldRow kFieldRows[] = {")
    first = []
    count = 0
    for name in types:
        first.append(count)
        print(f"    // {index[name]} {name.split('.')[-2]}.{name.split('.')[-1]}")
        for field, shape, target, merges, keys in rows[name]:
            if not merges and target not in index:
                continue
            to = index.get(target, "kNoType")
            print(f'    {{"{field}", Shape::{shape}, {to}, {"true" if merges else "false"},'
                  f' "{",".join(keys)}"}},')
            count += 1
    first.append(count)
    print("};\nconstexpr std::uint16_t kTypeFields[] = {", end="")
    for i, at in enumerate(first):
        print("\n    " if i % 16 == 0 else " ", f"{at},", sep="", end="")
    print("\n};\nconstexpr std::string_view kTypeNames[] = {  // sorted; the index is the type")
    for name in types:
        print(f'    "{name}",')
    print("};\nconstexpr KindRow kKindRows[] = {")
    for kind, group, version, name in sorted(kinds):
        print(f'    {{"{kind}", "{group}", "{version}", {index[name]}}},')
    print("};\n// clang-format on")


main()
