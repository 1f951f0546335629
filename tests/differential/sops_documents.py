"""Random documents, rules and keys for sops_fuzz.py."""
import json
import os
import random
import re

import scalars

SPELLINGS = [s for s in scalars.spellings() if len(s) < 400]
PLAIN = [s for s in SPELLINGS if scalars.is_plain(s)]
WORDS = ["a", "b", "key", "data", "password", "x_unencrypted", "secret_enc", "user name", "k8s.io/x", "A", "é", "sub", "stringData",
         "b_enc_2", "sopsx", "a.b", "a:b", "_unencrypted", "日本", "KEY", "x" * 130]
VALUES = ["", "x", "hello", "two words", "true", "yes", "null", "~", "12", "1.5", "0x1f", "a: b", "a #b", "#x", " lead", "trail ",
          "multi\nline", "multi\nline\n", "\n", "tab\there", "quote\"s'", "日本", "😀", "ENC[x]", "-", "- a", "[a]", "{a: b}",
          "2024-01-02", "12:30", "1e3", "=x", "a=b", "; c", "%x", "\\n", "\\", "*a", "&a", "!t", "|", ">", "@", "`", "a\nb\n\n",
          "  a\nb", "x\n y", "long " * 30, "-----BEGIN X-----\nabc\n-----END X-----\n", "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]",
          "word " * 400, "x" * 5000, "line of text\n" * 60]
NUMBERS = ["1", "-7", "0x1f", "1.5", "1e3", ".5", "true", "false", "null", "~", "2024-01-02", "2001-12-14t21:59:43.10-05:00", "True",
           "FALSE", "NULL", "-0", "1e21", "1e20", "123456789.5", "1.0", "0.1", "5e-324", "2020-01-02 03:04:05", "010", "0b11",
           "12:30", "yes", "0o17", "1_000", "9223372036854775807", ".inf", "-.inf", "1e400", "-9223372036854775808"]
# An empty comment in a list is left out: sops turns it into an item (docs/compat.md). MARK is looked for in files where
# all is encrypted.
MARK = "mark7"
COMMENTS = [" c", " two words", "x", " enc:this", " plain:this", " # more", " é", " - a", " a: b", "\ttab", " ENC[x]", " " + MARK,
            MARK, " " + MARK + " #", " " + "long " * 40, " trailing ", "!", " 日本 😀"]
RULES = [None, None, None, None, ("unencrypted_suffix", "_unencrypted"), ("encrypted_suffix", "_enc"), ("unencrypted_suffix", "a"),
         ("encrypted_suffix", "a"), ("encrypted_regex", "^(data|password)$"), ("unencrypted_regex", "^(a|sub)$"),
         ("encrypted_regex", "."), ("encrypted_regex", "^$"), ("encrypted_regex", "(?i)key|[[:upper:]]"), ("unencrypted_regex", "\\pL_"),
         ("encrypted_regex", "\\bb|x{2,}|(?P<n>é)"), ("unencrypted_regex", "[^a-z]"), ("unencrypted_regex", "^(?:data|sub).*\\z"),
         ("unencrypted_comment_regex", "plain:"), ("encrypted_comment_regex", "enc:"), ("encrypted_comment_regex", "^ (enc|c)"),
         ("unencrypted_comment_regex", "^ (plain|two)|é"), ("encrypted_comment_regex", "."),
         # Broken ones, which sops takes for ones that never match.
         ("encrypted_regex", "a(?=b)"), ("unencrypted_regex", "(")]


class Case:
    """What a creation rule says."""

    def __init__(self, rng, recipients):
        self.rule = rng.choice(RULES)
        self.mac_only = rng.random() < .2
        self.groups, self.threshold = [[recipients[0]]], 0
        if rng.random() < .1:
            self.groups = [rng.sample(recipients, 2)]
        elif rng.random() < .15:
            self.groups = [rng.sample(recipients, rng.randint(1, 2)) for _ in range(rng.randint(2, 4))]
            self.threshold = rng.randint(0, len(self.groups))

    def config(self, folder, groups=None):
        rule = {"key_groups": [{"age": group} for group in groups or self.groups], "mac_only_encrypted": self.mac_only,
                "shamir_threshold": self.threshold if not groups else 0}
        if self.rule:
            rule[self.rule[0]] = self.rule[1]
        path = os.path.join(folder, ".sops.yaml")
        with open(path, "w") as file:
            json.dump({"creation_rules": [rule]}, file)
        return path


def utf8_value(rng):
    kind = rng.random()
    if kind < .4:
        return rng.choice(VALUES)
    if kind < .75:
        text = rng.choice(SPELLINGS)
    else:
        text = "".join(rng.choice("abc \n\t:#'\"\\-[]{},&*!|>%@`=;é日😀01\r") for _ in range(rng.randint(0, 12)))
    # sops prints null for a text of several lines that begins with a tab (docs/compat.md).
    return text.lstrip("\t") if "\n" in text else text


class Yaml:
    """Text in many styles; `plain` is what nobody may reformat: comments, flow collections, quotes, anchors."""

    def __init__(self, rng):
        self.rng = rng
        self.anchors = []

    def scalar(self, flow):
        rng, kind = self.rng, self.rng.random()
        if kind < .25:
            return scalars.quoted(utf8_value(rng))
        if kind < .35:
            value = re.sub("[^ -~é日😀]", " ", utf8_value(rng))
            return "'" + value.replace("'", "''") + "'"
        if kind < .55:
            return rng.choice(NUMBERS)
        if kind < .65 and not flow:
            return rng.choice(PLAIN)
        if kind < .67:  # a tag directly before a comma is another one for go-yaml
            return rng.choice(["!!str 12", "!!int \"7\"", "!!float 3", "!!binary aGVsbG8=", "!custom x", "! 12", "!!null ''",
                               "!!bool \"true\"", "!!timestamp 2020-01-02", "!!str x" if flow else "!!str", "12345678901234567890123"]
                              + (["18446744073709551615"] if rng.random() < .1 else []))  # refused
        return rng.choice(["plain", "two words", "k8s.io/x", "a-b", "x.y", "$(x)", "日本", "é"])

    def comment(self):
        return "#" + self.rng.choice(COMMENTS)

    def key(self):
        rng, kind = self.rng, self.rng.random()
        if kind < .002:
            return rng.choice(["1", "true", "null", "1.5", "2024-01-02", "yes", "y", "~", "0x1f"])  # some are no strings: refused
        if kind < .1:
            return scalars.quoted(rng.choice(WORDS) if rng.random() < .5 else utf8_value(rng)[:100])
        return rng.choice(WORDS)

    def lines(self, depth, indent):
        out, used, rng = [], set(), self.rng
        for _ in range(rng.randint(1, 4)):
            key = self.key()
            if key.strip("\"") in used:
                continue
            used.add(key.strip("\""))
            while rng.random() < .18:
                out.append(" " * rng.choice([indent, indent, indent, indent + 2, 0]) + self.comment())
            if rng.random() < .06:
                out.append("")
            if rng.random() < .01:
                out += [" " * indent + "? " + key] + self.entry(" " * indent + ":", depth, indent)
                continue
            out += self.entry(" " * indent + key + rng.choice([":", ":", ":", ":", " :"]), depth, indent)
        while rng.random() < .1:
            if rng.random() < .3:
                out.append("")
            out.append(" " * rng.choice([indent, indent, indent + 2, 0]) + self.comment())
        return out

    def entry(self, head, depth, indent):
        rng, kind = self.rng, self.rng.random()
        step = rng.choice([1, 2, 2, 2, 4])
        tail = " " + self.comment() if rng.random() < .12 else ""
        if depth > 0 and kind < .2:
            return [head + tail] + self.between(indent + step) + self.lines(depth - 1, indent + step)
        if depth > 0 and kind < .35:
            deeper = indent + rng.choice([0, step]) if not head.lstrip().startswith("-") else indent + step
            return [head + tail] + self.between(deeper) + self.items(depth - 1, deeper)
        if kind < .45:
            block = rng.choice(["|", "|-", "|+", ">", ">-", ">+"])
            text = rng.choice(["l1", "l1\nl2", "l1\n\nl3", "# no comment", "l1\n  deep\nl3", "l1 \nl2", "\nl2", "l1\n\n", "l1\n# x",
                               "word " * 40]).split("\n")
            return [head + " " + block + tail] + [" " * (indent + step) + line if line else "" for line in text]
        if kind < .53:
            return [head + " " + self.flow(depth) + tail]
        if kind < .55:
            return [head + " " + rng.choice(["[\n", "[ # x\n", "{\n", "[1, # x\n", "[\n  # y\n1,\n"]) + " " * (indent + 2)
                    + rng.choice(["", self.comment() + "\n" + " " * (indent + 2)]) + "\0" + tail]
        if kind < .57:
            return [head + tail]
        if kind < .59 and self.anchors:
            return [head + " *" + rng.choice(self.anchors)]
        if kind < .6:  # a plain or quoted text of two lines
            quote = rng.choice(["", "'", "\""])
            return [head + " " + quote + "first", " " * (indent + step) + "second" + quote + tail]
        anchor = ""
        if rng.random() < .03:
            self.anchors.append("n%d" % len(self.anchors))
            anchor = "&" + self.anchors[-1] + " "
        return [head + " " + anchor + self.scalar(False) + tail]

    def between(self, indent):
        out = []
        while self.rng.random() < .1:
            out.append(" " * indent + self.comment())
        return out

    def items(self, depth, indent):
        out, rng = [], self.rng
        for _ in range(rng.randint(1, 4)):
            while rng.random() < .18:
                out.append(" " * indent + self.comment())
            if depth > 0 and rng.random() < .25:
                inner = [line for line in self.lines(depth - 1, indent + 2)]
                while inner and (not inner[0].strip() or inner[0].lstrip().startswith(("#", "?"))):
                    inner.pop(0)
                if inner:
                    out.append(" " * indent + "- " + inner[0].lstrip())
                    out += inner[1:]
                    continue
            out += self.entry(" " * indent + "-", depth, indent)
        while rng.random() < .08:
            out.append(" " * indent + self.comment())
        return out

    def flow(self, depth):
        rng = self.rng
        if rng.random() < .5:
            return "[" + ", ".join(self.flow_item(depth) for _ in range(rng.randint(0, 3))) + "]"
        return "{" + ", ".join(k + ": " + self.flow_item(depth) for k in rng.sample(WORDS[:5], rng.randint(0, 3))) + "}"

    def flow_item(self, depth):
        return self.flow(depth - 1) if depth > 0 and self.rng.random() < .2 else self.scalar(True)

    def document(self):
        rng = self.rng
        self.anchors = []
        if rng.random() < .02:
            return rng.choice(["{}\n", "\n", "# only\n", "a: {}\n", "a: []\n", "{a: 1, b: [x]}\n", "# c\n{}\n# d\n", "a:\n", "~\n", "[]\n", "x\n",
                               "a: !!set {x, y}\n", "<<: {a: 1}\nb: 2\n", "d: &d {x: 1}\ne:\n  <<: *d\n  y: 2\n"])
        lines = self.lines(3, 0)
        if rng.random() < .1:
            lines.insert(0, self.comment())
            if rng.random() < .5:
                lines.insert(1, "")
        text = "\n".join(lines) + rng.choice(["\n", "\n", "\n", "\n", "\n\n", "\n...\n"])
        # What closes the collections of several lines.
        text = re.sub("(\\[[^\\[{\0]*|\\{[^\\[{\0]*)\0", lambda m: m.group(1) + ("]" if m.group(1)[0] == "[" else "}"), text)
        text = text.replace("\0", "")
        return text.replace("\n", "\r\n") if rng.random() < .02 else text


def yaml_joined(parts, rng):
    out = rng.choice(["", "", "", "", "---\n", "# top\n---\n", "--- # c\n", "%YAML 1.2\n---\n", "\ufeff"])
    for i, part in enumerate(parts):
        if i > 0:
            out += rng.choice(["---\n", "---\n", "---\n", "--- # " + MARK + "\n", "---\n\n", "# " + MARK + "\n---\n"])
        out += part
    return out


def json_value(rng, depth):
    kind = rng.random()
    if depth > 0 and kind < .2:
        return {rng.choice(WORDS): json_value(rng, depth - 1) for _ in range(rng.randint(0, 4))}
    if depth > 0 and kind < .35:
        return [json_value(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    if kind > .985:
        return rng.choice([2**63, 2**64 + 1, -2**63, 2**53 + 1, 1e300, 5e-324, 1e-7, 123456789.25, 1e21, 0.1 + 0.2])
    return rng.choice([utf8_value(rng), utf8_value(rng), utf8_value(rng), rng.randint(-10**18, 10**18), rng.random(), True, False, None, 1e30, 0,
                       -1.5, "<a>&\u2028\u2029\u0000\x7f"])


def json_document(rng):
    value = {rng.choice(WORDS + ["", "\n", "\"", "a\\b"]): json_value(rng, 3) for _ in range(rng.randint(0 if rng.random() < .1 else 1, 5))}
    text = json.dumps(value, indent=rng.choice([None, 0, 1, 2, 4, "\t"]), ensure_ascii=rng.random() < .5)
    if rng.random() < .03:
        text = rng.choice(["[1]", "1", "null", "{", "{\"a\": 1.0}", "{\"a\": 1E5, \"b\": -0, \"c\": -0.0}", "{\"a\": 01}", "{\"a\":1,\"a\":2}", "{\"a\": 1e400}",
                           "{\"a\": {\"b\": [-0.0]}}", "{\"a\": \"\\ud83d\\ude00 \\ud83d\"}", "{\"a\": nul}", "{\"a\": 1,}", "{\"\":{\"\":[[],{},[{}]]}}", " {} ", "{\"a\": \"\\/\\b\\f\"}"])
    return text


def dotenv_document(rng):
    out = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        if kind < .15:
            out.append("#" + rng.choice(COMMENTS + [""]))
        elif kind < .25:
            out.append("")
        elif kind < .26:
            out.append(rng.choice([" ", "no equals", " # c", "=", "==x", "\t"]))
        else:
            name = rng.choice(["A", "B_unencrypted", "C_enc", "data", "password", "x.y", "export D", " e", "F ", "é", "sopsx", "a:b"])
            value = utf8_value(rng)
            value = rng.choice([value, value, "\"" + value + "\"", "'" + value + "'", value + "\r", value + " # c"])
            out.append(name + "=" + value.replace("\n", rng.choice(["\\n", " "])))
    return "\n".join(out) + rng.choice(["\n", "\n", ""])


def ini_document(rng):
    out = []
    for section in rng.sample(["", "s", "t u", "data", "sub_unencrypted", "s.child", "DEFAULT", "é", "a]b"], rng.randint(1, 3)):
        if rng.random() < .2:
            out.append(rng.choice(";#") + rng.choice(COMMENTS).replace("#", "+"))
        if section:
            out.append(rng.choice(["[%s]", "[%s]", "[%s]", " [%s] ", "[ %s ]"]) % section)
        for key in rng.sample(["a", "b_enc", "password", "c d", "x.y", "é", "-", "\"q\"", "KEY"], rng.randint(0, 4)):
            while rng.random() < .2:
                out.append(rng.choice(";#") + rng.choice(COMMENTS).replace("#", "+"))
            # A backslash at the end goes on in the next line; sops prints values that end in one all the same.
            value = utf8_value(rng).replace("\n", " ").replace("\\", "/")
            value = rng.choice([value, value, '"%s"' % value, "`x`", '"""a\nb"""', "'%s'" % value, "%(a)s", "x ; y", "x # y", "`a\nb`", ""])
            out.append(rng.choice(["", "", "", "  "]) + key + rng.choice(["=", " = ", ": ", "= "]) + value)
        if rng.random() < .5:
            out.append("")
    return "\n".join(out) + "\n"


def binary_document(rng):
    size = rng.choice([0, 1, 300, 300, 300, 20000])
    if rng.random() < .4:
        return "".join(utf8_value(rng) for _ in range(size // 100)).encode().decode("latin-1")
    return bytes(rng.randrange(256) for _ in range(rng.randint(0, size))).decode("latin-1")


def documents(kind, rng, count):
    if kind == "yaml":
        return [Yaml(rng).document() for _ in range(count)]
    if kind == "json":
        return [json_document(rng) for _ in range(count)]
    return [{"dotenv": dotenv_document, "ini": ini_document, "binary": binary_document}[kind](rng)]


def joined(kind, parts, rng):
    if kind == "yaml":
        return yaml_joined(parts, rng).encode()
    if kind == "json":
        return ("{" + ",".join("\n%s\"k%d\": %s" % (" " * rng.randint(0, 2), i, part) for i, part in enumerate(parts)) + "\n}").encode() \
            if len(parts) > 1 else parts[0].encode()
    return parts[0].encode("latin-1" if kind == "binary" else "utf-8")
