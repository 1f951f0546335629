"""Block scalars between comments in all places.

kustomize prints every resource with its comments and reads that again, which adds lines to some texts and takes them
from others.
"""
import random

HEADERS = ("|", "|-", "|+", ">", ">-", ">+", "|+", ">+")
LINES = ("a", "b c", "", "", "  deep", "# no comment", "")


class Case:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines = []

    def some(self, chance):
        return self.r.random() < chance

    def comments(self, indent):
        """Comment lines and empty ones, mostly at the indentation of what they stand in."""
        for _ in range(self.r.choice((0, 0, 0, 1, 1, 2, 3))):
            column = max(0, indent + self.r.choice((0, 0, 0, 0, -2, -1, 1, 2)))
            self.lines.append("" if self.some(.4) else " " * column + "#" + self.r.choice((" note", "x", " a: b", "")))

    def value(self, prefix, indent, depth):
        """A value behind `prefix`; `indent` is that of what stands in it."""
        roll = self.r.random()
        behind = self.r.choice((" # behind", "  #")) if self.some(.12) else ""
        if roll < .5:
            header = self.r.choice(HEADERS)
            lines = [self.r.choice(LINES) for _ in range(self.r.randint(0, 4))]
            first = next((line for line in lines if line), "")
            if first.startswith(" ") or self.some(.1):
                header = header[0] + "2" + header[1:]
            self.lines.append(prefix + " " + header + behind)
            self.lines += [" " * (indent - 2) + "  " + line if line else "" for line in lines]
        elif roll < .7 and depth < 3:
            self.lines.append(prefix + behind)
            self.collection(indent, depth + 1)
        else:
            self.lines.append(prefix + " " + self.r.choice(("x", '"q"', "'s'", "[a, b]", "{a: b}", "plain\n" + " " * indent + "more", "")) + behind)

    def collection(self, indent, depth):
        pad = " " * indent
        if self.some(.6):
            for key in self.r.sample("abcdef", self.r.randint(1, 3)):
                self.comments(indent)
                self.value(pad + key + ":", indent + 2, depth)
        else:
            for _ in range(self.r.randint(1, 3)):
                self.comments(indent)
                self.value(pad + "-", indent + 2, depth)
        self.comments(indent)

    def document(self, number):
        self.comments(0)
        self.lines += ["apiVersion: example.com/v1", "kind: Random", "metadata:", "  name: r%d" % number, "spec:"]
        self.collection(2, 0)
        if self.some(.2):
            self.value("tail:", 2, 0)
        self.comments(0)

    def make(self):
        for number in range(self.r.randint(1, 3)):
            if number or self.some(.2):
                self.lines.append("---" + self.r.choice(("", "", " # behind")))
            self.document(number)
        text = "\n".join(self.lines) + self.r.choice(("\n", "\n", "", "\n\n"))
        return text.replace("\n", "\r\n") if self.some(.05) else text


def make(seed):
    """The files of a case, the directory to build and the flags."""
    case = Case(seed)
    text = case.make()
    fields = case.r.choice(("", "", "namespace: ns\n", "commonAnnotations: {a: b}\n", "labels: [{pairs: {a: b}, fields: [{path: spec/a, create: true}]}]\n",
                            "patches: [{target: {kind: Random}, patch: '[{op: add, path: /spec/a, value: 1}]'}]\n",
                            "patches: [{target: {kind: Random}, patch: '{apiVersion: v1, kind: Random, metadata: {name: x}, spec: {a: changed, c: null}}'}]\n"))
    return {"in.yaml": text.encode(), "kustomization.yaml": ("resources: [in.yaml]\n" + fields).encode()}, ".", []
