#!/usr/bin/env python3
"""Records how kustomize prints random nested resources: FOLDER/{in.yaml,want.yaml,ORIGIN}.

    tests/differential/documents.py [--kustomize PROGRAM] [--seed N] [--count N] [--folder FOLDER]

The default is the fixture, fixtures/yaml/documents. To look further than it does:

    tests/differential/documents.py --seed 7 --count 20000 --folder /tmp/random
    SLUICE_YAML_DOCUMENTS=/tmp/random build/dev/yaml_test -sf='*scalars_test*'

Resources mix block and flow collections, every scalar style, anchors, aliases, merges, tags and
comments. Those that kustomize refuses are left out and counted.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

import scalars

KEYS = ["a", "b", "name", "spec", "k8s-app", "app.kubernetes.io/name", "x10", "x9", "\u00e9", "A", "_", "image", "y",
        "no", "1", "0x1", "a b", "a/b", "'", "data", "- x", "true", "", "a: b", "k" * 130, "\u65e5\u672c"]
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
SPELLINGS = [t for t in scalars.spellings() if len(t) < 140]
PLAIN = [t for t in SPELLINGS if scalars.is_plain(t)]
SINGLE = [t for t in SPELLINGS if not UNPRINTABLE.search(t)]
BLOCK = [t for t in SPELLINGS if not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]", t)
         and not t.startswith((" ", "\n")) and t]
TAGGED = ["!!str 12", "!!int '7'", "!!float 3", "!foo bar", "!!binary aGVsbG8=", "!!null ''", "!!bool true", "! 5",
          "!!timestamp 2020-01-02", "!!str x", "!local {a: b}", "!!map {a: b}", "!!seq [a]", "!!set {a, b}"]
COMMON = ["1", "true", "null", "1.5", "text with words", "2020-01-01", "0o17", "-1", "~", "xy", "nginx:1.27", "on"]


class Resource:
    def __init__(self, rng):
        self.rng = rng
        self.anchors = []  # (name, is it a mapping)
        self.count = 0

    def scalar(self, flow):
        kind = self.rng.random()
        if kind < .35:
            text = self.rng.choice(PLAIN)
            return "q" if flow and re.search(r"[,\[\]{}?]", text) else text
        if kind < .6:
            return scalars.quoted(self.rng.choice(SPELLINGS))
        if kind < .7:
            return "'" + self.rng.choice(SINGLE).replace("'", "''") + "'"
        if kind < .75:
            return self.rng.choice(TAGGED)
        if kind < .8 and not flow:
            return ""
        return self.rng.choice(COMMON)

    def node(self, depth, flow):
        """('inline', text), ('literal', header, lines) or ('mapping' | 'sequence', lines)."""
        if self.anchors and self.rng.random() < .06:
            return "inline", "*" + self.rng.choice(self.anchors)[0] + " " * flow
        if depth <= 0 or self.rng.random() < .45:
            if not flow and self.rng.random() < .12:
                return "literal", self.rng.choice(["|", "|-", "|+", ">", ">-", ">+"]), self.rng.choice(BLOCK).split("\n")
            return "inline", self.scalar(flow)
        if flow or self.rng.random() < .25:
            return "inline", self.flow(depth - 1)
        kind = self.rng.choice(["mapping", "mapping", "sequence"])
        return kind, getattr(self, kind)(depth - 1)

    def flow(self, depth):
        if self.rng.random() < .5:
            return "[" + ", ".join(self.node(depth, True)[1] for _ in range(self.rng.randint(0, 4))) + "]"
        keys = self.rng.sample(KEYS, self.rng.randint(0, 4))
        return "{" + ", ".join(scalars.quoted(k) + ": " + self.node(depth, True)[1] for k in keys) + "}"

    def put(self, prefix, node, out, indent):
        anchor = ""
        alias = node[0] == "inline" and node[1].startswith("*")
        if not alias and self.rng.random() < .06:
            self.count += 1
            anchor = "&n%d " % self.count
        if node[0] == "inline":
            comment = self.rng.choice([" # c", "  # d: e"]) if self.rng.random() < .06 else ""
            out.append((prefix + anchor + node[1]).rstrip(" ") + comment)
        elif node[0] == "literal":
            out.append(prefix + anchor + node[1])
            out.extend(" " * indent + line if line else "" for line in node[2])
        else:
            out.append((prefix + anchor).rstrip(" "))
            out.extend(" " * indent + line if line else "" for line in node[1])
        if anchor:
            self.anchors.append((anchor[1:-1], node[0] == "mapping"))

    def mapping(self, depth):
        out = []
        mappings = [name for name, is_mapping in self.anchors if is_mapping]
        if mappings and self.rng.random() < .2:
            out.append(self.rng.choice(["<<: *%s", "<<: [*%s, {a: merged, z: 1}]"]) % self.rng.choice(mappings))
        for key in self.rng.sample(KEYS, self.rng.randint(1, 5)):
            spelled = scalars.quoted(key)
            if scalars.is_plain(key) and key not in ("1", "0x1", "true"):
                spelled = key
            if len(key) > 120:
                spelled = "? " + spelled + "\n"
            if spelled.endswith("\n"):
                out.append(spelled[:-1])
                spelled = ""
            self.put(spelled + ": ", self.node(depth, False), out, self.rng.choice([1, 2, 2, 4]))
            if self.rng.random() < .03:
                out.append("# comment: x")
        return out

    def sequence(self, depth):
        out = []
        for _ in range(self.rng.randint(1, 4)):
            node = self.node(depth, False)
            if node[0] in ("mapping", "sequence") and self.rng.random() < .7:
                out.append("- " + node[1][0])
                out.extend("  " + line if line else "" for line in node[1][1:])
            else:
                self.put("- ", node, out, self.rng.choice([1, 2, 3]))
        return out


def resource(seed, number):
    rng = random.Random(seed * 1000003 + number)
    lines = Resource(rng).mapping(rng.randint(1, 5))
    head = "apiVersion: example.com/v1\nkind: Random\nmetadata:\n  name: r%05d\nspec:\n" % number
    return head + "".join("  " + line + "\n" if line else "\n" for line in lines)


def build(kustomize, resources):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "in.yaml"), "w", newline="") as f:
            f.write("---\n".join(resources))
        with open(os.path.join(folder, "kustomization.yaml"), "w") as f:
            f.write("resources: [in.yaml]\nsortOptions: {order: fifo}\n")
        return subprocess.run([kustomize, "build", folder], capture_output=True)


def accepted(kustomize, resources):
    """Those that kustomize prints, found by halves."""
    if not resources or build(kustomize, resources).returncode == 0:
        return resources
    if len(resources) == 1:
        print("refused:", build(kustomize, resources).stderr.decode(errors="replace").strip()[-120:])
        return []
    half = len(resources) // 2
    return accepted(kustomize, resources[:half]) + accepted(kustomize, resources[half:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kustomize", default="kustomize")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--folder", default=os.path.join(scalars.ROOT, "fixtures", "yaml", "documents"))
    options = parser.parse_args()
    version = subprocess.run([options.kustomize, "version"], capture_output=True, text=True, check=True).stdout.strip()
    kept, want = [], b""
    for start in range(0, options.count, 200):  # kustomize is quadratic in the resources
        numbers = range(start, min(start + 200, options.count))
        batch = accepted(options.kustomize, [resource(options.seed, n) for n in numbers])
        kept += batch
        want += (b"---\n" if want and batch else b"") + build(options.kustomize, batch).stdout
    os.makedirs(options.folder, exist_ok=True)
    with open(os.path.join(options.folder, "in.yaml"), "w", newline="") as f:
        f.write("---\n".join(kept))
    with open(os.path.join(options.folder, "want.yaml"), "wb") as f:
        f.write(want)
    with open(os.path.join(options.folder, "ORIGIN"), "w") as f:
        f.write("in.yaml: tests/differential/documents.py --seed %d --count %d, less what kustomize refuses.\n"
                "want.yaml: `kustomize build` %s of in.yaml in parts, with sortOptions fifo.\n"
                % (options.seed, options.count, version))
    print("%d of %d resources, %d bytes, kustomize %s" % (len(kept), options.count, len(want), version))


if __name__ == "__main__":
    sys.exit(main())
