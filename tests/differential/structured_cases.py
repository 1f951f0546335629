"""Random replacements into and out of YAML and JSON texts that stand in a ConfigMap."""
import json
import random

from tree_cases import quote

SCALARS = ("a", "text with words", "8080", "1.5", "true", "null", "~", "", "'8080'", '"x y"', "'it''s'", "0x1F", "1e3", "2020-01-02", "yes", "a:b", "/p/q", "http://x.y:80/z",
           '"tab\\t"', "\u00e9", "-1", "{}", "[]", "{a: 1, b: [x, y]}", "[1, two, 'three']", "12:30", "a#b", '"multi\\nline"', "*", "$(VAR)", "!!str 5", "- x")
BLOCKS = ("|\n%sline one\n%sline two", "|-\n%sline", ">\n%sfolded text\n%sgoes on", ">-\n%sx", "|+\n%sk\n", "|\n%sif x; then\n%s  y\n%sfi")
NAMES = ("a", "b", "name", "port", "host", "list", "server", "deep", "k8s-app", "x.y", "on", "1")
VALUES = ("new", "9090", '"quoted"', "two words", "true", "", "a: b", "x # y", "l1\nl2\n", "1.50", "\u00fc", "null", "- a", "it's", "#c", "[x]", "{y: 1}", " lead", "0x10", "a" * 120,
          "word " * 30, "2001-01-01", "~", "*x", "tab\there")


class Text:
    def __init__(self, rng):
        self.r = rng
        self.paths = []
        self.comments = rng.random() < .35

    def chance(self, p):
        return self.r.random() < p

    def comment(self, pad):
        return pad + "# %s\n" % self.r.choice(("note", "a: b", "why this")) if self.comments and self.chance(.15) else ""

    def tail(self):
        return self.r.choice(("  # c", " # c", "     # far away")) if self.comments and self.chance(.15) else ""

    def scalar(self, pad):
        if self.chance(.12):
            text = self.r.choice(BLOCKS)
            return text.replace("%s", pad + self.r.choice(("  ", "  ", "    ")))
        return self.r.choice(SCALARS[:-1]) + self.tail()

    def mapping(self, depth, pad, path):
        out = ""
        for name in self.r.sample(NAMES, self.r.randint(1, 4)):
            out += self.comment(pad)
            here = path + [name]
            self.paths.append(here)
            out += pad + name + ":" + self.node(depth, pad, here)
            if self.chance(.05):
                out += "\n"
        return out

    def node(self, depth, pad, path):
        roll = self.r.random()
        if depth and roll < .35:
            return self.tail() + "\n" + self.mapping(depth - 1, pad + self.r.choice(("  ", "  ", "    ", " ")), path)
        if depth and roll < .55:
            return self.tail() + "\n" + self.sequence(depth - 1, pad + self.r.choice(("", "  ", "    ")), path)
        text = self.scalar(pad)
        return (" " + text if text else "") + "\n"

    def sequence(self, depth, pad, path):
        out = ""
        for i in range(self.r.randint(1, 3)):
            here = path + [str(i)]
            self.paths.append(here)
            out += self.comment(pad)
            if depth and self.chance(.4):
                self.paths.append(path + ["[name=n%d]" % i, "v"])
                out += pad + "- name: n%d\n" % i + pad + "  v: " + self.r.choice(SCALARS[:12]) + self.tail() + "\n"
            else:
                out += pad + "- " + (self.scalar(pad) or "e") + "\n"
        return out

    def yaml(self):
        return self.r.choice(("", "", "---\n", "# head\n", "# head\n\n")) + self.mapping(self.r.randint(0, 3), "", []) + self.r.choice(("", "", "# tail\n", "\n"))

    def json_value(self, depth, path):
        roll = self.r.random()
        if depth and roll < .5:
            out = {}
            for name in self.r.sample(NAMES, self.r.randint(0, 3)):
                self.paths.append(path + [name])
                out[name] = self.json_value(depth - 1, path + [name])
            return out
        if depth and roll < .65:
            out = []
            for i in range(self.r.randint(0, 3)):
                self.paths.append(path + [str(i)])
                out.append(self.json_value(depth - 1, path + [str(i)]))
            return out
        return self.r.choice(("x", "8080", 5, 1.5, True, None, "<b>&", "\u00e9", "a\nb", 1e21, 12345678901234567890, "", 0.1, -0.0, 100000000))

    def json(self):
        value = {}
        while not self.paths:
            value = self.json_value(3, [])
        return json.dumps(value, indent=self.r.choice((None, None, 2, 4)), ensure_ascii=self.chance(.5)) + self.r.choice(("", "", "\n"))


def config_map(name, entries):
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata:\n" % name + "".join("  %s: %s\n" % (quote(k), quote(v)) for k, v in entries.items())


def make(seed):
    """The files of a case, the directory to build and the flags."""
    rng = random.Random(seed)
    text = Text(rng)
    is_json = rng.random() < .35
    content = text.json() if is_json else text.yaml()
    key = "conf.json" if is_json else "conf.yaml"
    files = {"in.yaml": (config_map("target", {key: content}) + "---\n" + config_map("source", {"v": rng.choice(VALUES), key: content})).encode("utf8")}
    out = "resources: [in.yaml]\nreplacements:\n"
    for _ in range(rng.randint(1, 2)):
        roll = rng.random()
        if roll < .4:
            out += "- sourceValue: %s\n" % quote(rng.choice(VALUES))
        elif roll < .8:
            out += "- source: {kind: ConfigMap, name: source, fieldPath: data.v%s}\n" % (", options: {delimiter: ' ', index: 0}" if rng.random() < .2 else "")
        else:
            out += "- source: {kind: ConfigMap, name: source, fieldPath: %s}\n" % quote("data.[%s].%s" % (key, ".".join(rng.choice(text.paths)).replace("x.y", "[x.y]")))
        out += "  targets:\n  - select: {name: target}\n    fieldPaths:\n"
        for _ in range(rng.randint(1, 2)):
            path = list(rng.choice(text.paths))
            if rng.random() < .15:
                path = path[:-1] + [rng.choice(NAMES + ("*", "-", "0"))]
            out += "    - %s\n" % quote("data.%s.%s" % (rng.choice(("[%s]" % key, key.replace(".", "\\."))), ".".join(path).replace("x.y", "[x.y]")))
        options = []
        if rng.random() < .4:
            options.append("create: true")
        if rng.random() < .15:
            options.append("delimiter: '%s'" % rng.choice("/: -"))
            options.append("index: %d" % rng.randint(-1, 2))
        if options:
            out += "    options: {%s}\n" % ", ".join(options)
    files["kustomization.yaml"] = out.encode("utf8")
    return files, ".", []
