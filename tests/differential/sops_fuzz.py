#!/usr/bin/env python3
"""Random SOPS files: encrypted by sops, decrypted by both; encrypted by sluice, decrypted by both.

    tests/differential/sops_fuzz.py --sluice PROGRAM [--count 300] [--seed N] [--only yaml,json,…] [--keep FOLDER]

A case is one document. Programs take a while to start, so that a YAML file of a run holds several documents and
a JSON file several objects; a file that differs is split until the case is found. --batch PROGRAM is a program that
answers many requests with SOPS's own functions in one process (class Sops has the protocol); without it sops is
called for each file. Decryption must give the same bytes, or fail on both sides. Files that sops writes and cannot
read itself are counted, not compared. Prints the seed; ends with 1 when something differs.
"""
import argparse
import base64
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import scalars

WORDS = ["a", "b", "key", "data", "password", "x_unencrypted", "secret_enc", "user name", "k8s.io/x", "A", "é", "sub"]
VALUES = ["", "x", "hello", "two words", "true", "yes", "null", "~", "12", "1.5", "0x1f", "a: b", "a #b", "#x", " lead", "trail ",
          "multi\nline", "multi\nline\n", "\n", "tab\there", "quote\"s'", "日本", "😀", "ENC[x]", "-", "- a", "[a]", "{a: b}",
          "2024-01-02", "12:30", "1e3", "=x", "a=b", "; c", "%x", "\\n", "\\", "*a", "&a", "!t", "|", ">", "@", "`", "a\nb\n\n",
          "  a\nb", "x\n y", "long " * 30, "-----BEGIN X-----\nabc\n-----END X-----\n"]
# An empty comment in a list is left out: sops turns it into an item (docs/compat.md).
COMMENTS = [" c", " two words", "x", " enc:this", " plain:this", " # more", " é", " - a", " a: b", "\ttab", " ENC[x]"]
RULES = [None, None, None, ("unencrypted_suffix", "_unencrypted"), ("encrypted_suffix", "_enc"), ("encrypted_regex", "^(data|password)$"),
         ("unencrypted_regex", "^(a|sub)$"), ("encrypted_regex", "."), ("unencrypted_comment_regex", "plain:"),
         ("encrypted_comment_regex", "enc:")]


def utf8_value(rng):
    kind = rng.random()
    if kind < .6:
        return rng.choice(VALUES)
    text = "".join(rng.choice("abc \n\t:#'\"\\-[]{},&*!|>%@`=;é日😀01") for _ in range(rng.randint(0, 12)))
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
            value = utf8_value(rng).replace("\n", " ").replace("\t", " ")
            return "'" + value.replace("'", "''") + "'"
        if kind < .6:
            return rng.choice(["1", "-7", "0x1f", "1.5", "1e3", ".5", "true", "false", "null", "~", "2024-01-02", "2001-12-14t21:59:43.10-05:00",
                               "12:30", "yes", "0o17", "1_000", "9223372036854775807", ".inf", "-.inf", "1e400"])
        return rng.choice(["plain", "two words", "k8s.io/x", "a-b", "x.y", "$(x)", "日本", "é"])

    def comment(self):
        return "#" + self.rng.choice(COMMENTS)

    def lines(self, depth, indent):
        out, used, rng = [], set(), self.rng
        for _ in range(rng.randint(1, 4)):
            key = rng.choice(WORDS)
            if key in used:
                continue
            used.add(key)
            if rng.random() < .2:
                out.append(" " * indent + self.comment())
            if rng.random() < .05:
                out.append("")
            out += self.entry(" " * indent + (scalars.quoted(key) if rng.random() < .1 else key) + ":", depth, indent)
        if rng.random() < .1:
            out.append(" " * indent + self.comment())
        return out

    def entry(self, head, depth, indent):
        rng, kind = self.rng, self.rng.random()
        step = rng.choice([1, 2, 2, 2, 4])
        tail = " " + self.comment() if rng.random() < .12 else ""
        if depth > 0 and kind < .2:
            return [head + tail] + self.lines(depth - 1, indent + step)
        if depth > 0 and kind < .35:
            return [head + tail] + self.items(depth - 1, indent + rng.choice([0, step]) if not head.lstrip().startswith("-") else indent + step)
        if kind < .45:
            block = rng.choice(["|", "|-", "|+", ">", ">-"])
            text = rng.choice(["l1", "l1\nl2", "l1\n\nl3", "# no comment", "l1\n  deep\nl3"]).split("\n")
            return [head + " " + block + tail] + [" " * (indent + step) + line if line else "" for line in text]
        if kind < .53:
            return [head + " " + self.flow(depth) + tail]
        if kind < .56:
            return [head + tail]
        if kind < .58 and self.anchors:
            return [head + " *" + rng.choice(self.anchors)]
        anchor = ""
        if rng.random() < .03:
            self.anchors.append("n%d" % len(self.anchors))
            anchor = "&" + self.anchors[-1] + " "
        tag = "!!str " if rng.random() < .02 else ""
        return [head + " " + anchor + tag + self.scalar(False) + tail]

    def items(self, depth, indent):
        out, rng = [], self.rng
        for _ in range(rng.randint(1, 4)):
            if rng.random() < .2:
                out.append(" " * indent + self.comment())
            if depth > 0 and rng.random() < .25:
                inner = [line for line in self.lines(depth - 1, indent + 2)]
                while inner and (not inner[0].strip() or inner[0].lstrip().startswith("#")):
                    inner.pop(0)
                if inner:
                    out.append(" " * indent + "- " + inner[0].lstrip())
                    out += inner[1:]
                    continue
            out += self.entry(" " * indent + "-", depth, indent)
        return out

    def flow(self, depth):
        rng = self.rng
        if rng.random() < .5:
            return "[" + ", ".join(self.flow_item(depth) for _ in range(rng.randint(0, 3))) + "]"
        return "{" + ", ".join(k + ": " + self.flow_item(depth) for k in rng.sample(WORDS[:5], rng.randint(0, 3))) + "}"

    def flow_item(self, depth):
        return self.flow(depth - 1) if depth > 0 and self.rng.random() < .2 else self.scalar(True)

    def document(self):
        self.anchors = []
        lines = self.lines(3, 0)
        if self.rng.random() < .1:
            lines.insert(0, self.comment())
            if self.rng.random() < .5:
                lines.insert(1, "")
        return "\n".join(lines) + "\n"


def json_value(rng, depth):
    kind = rng.random()
    if depth > 0 and kind < .2:
        return {rng.choice(WORDS): json_value(rng, depth - 1) for _ in range(rng.randint(0, 4))}
    if depth > 0 and kind < .35:
        return [json_value(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    return rng.choice([utf8_value(rng), utf8_value(rng), utf8_value(rng), rng.randint(-10**18, 10**18), rng.random(), True, False, None, 1e30, 0, -1.5])


def json_document(rng):
    value = {rng.choice(WORDS): json_value(rng, 3) for _ in range(rng.randint(1, 5))}
    return json.dumps(value, indent=rng.choice([None, 0, 1, 2, 4, "\t"]), ensure_ascii=rng.random() < .5)


def dotenv_document(rng):
    out = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        if kind < .15:
            out.append("#" + rng.choice(COMMENTS))
        elif kind < .25:
            out.append("")
        else:
            out.append(rng.choice(["A", "B_unencrypted", "C_enc", "data", "password", "x.y", "export D", " e"]) + "=" +
                       utf8_value(rng).replace("\n", rng.choice(["\\n", " "])))
    return "\n".join(out) + rng.choice(["\n", "\n", ""])


def ini_document(rng):
    out = []
    for section in rng.sample(["", "s", "t u", "data", "sub_unencrypted"], rng.randint(1, 3)):
        if rng.random() < .2:
            out.append(rng.choice(";#") + rng.choice(COMMENTS).replace("#", "+"))
        if section:
            out.append("[%s]" % section)
        for key in rng.sample(["a", "b_enc", "password", "c d", "x.y"], rng.randint(0, 4)):
            if rng.random() < .2:
                out.append(rng.choice(";#") + rng.choice(COMMENTS).replace("#", "+"))
            # A backslash at the end goes on in the next line; sops prints values that end in one all the same.
            value = utf8_value(rng).replace("\n", " ").replace("\\", "/")
            out.append(key + rng.choice(["=", " = ", ": ", "= "]) + rng.choice([value, value, '"%s"' % value, "`x`", '"""a\nb"""']))
        if rng.random() < .5:
            out.append("")
    return "\n".join(out) + "\n"


class Sops:
    def __init__(self, options, folder):
        self.options, self.folder, self.batch = options, folder, None
        if options.batch:
            self.batch = subprocess.Popen([options.batch], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        request["Text"] = base64.b64encode(request["Text"]).decode()
        self.batch.stdin.write(json.dumps(request).encode() + b"\n")
        self.batch.stdin.flush()
        answer = json.loads(self.batch.stdout.readline())
        return None if answer["Error"] else base64.b64decode(answer["Text"] or "")

    def encrypt(self, text, kind, case):
        if self.batch:
            rule, pattern = case.rule or ("unencrypted_suffix", "_unencrypted")
            if kind == "binary":
                rule, pattern = "", ""
            return self.ask(Op="encrypt", Input=kind, Output=kind, Text=text, Rule=rule, Pattern=pattern, MacOnly=case.mac_only,
                            Recipients=case.groups, Threshold=case.threshold)
        return self.run(["sops", "encrypt", "--input-type", kind, "--output-type", kind], text, case.config(self.folder))

    def decrypt(self, text, kind, output=None):
        if self.batch:
            return self.ask(Op="decrypt", Input=kind, Output=output or kind, Text=text)
        return self.run(["sops", "decrypt", "--input-type", kind, "--output-type", output or kind], text, None)

    def run(self, command, text, config):
        path = os.path.join(self.folder, "in")
        with open(path, "wb") as file:
            file.write(text)
        command = command[:1] + (["--config", config] if config else []) + command[1:] + [path]
        done = subprocess.run(command, capture_output=True)
        return done.stdout if done.returncode == 0 else None


class Case:
    def __init__(self, rng, recipients):
        self.rule = rng.choice(RULES)
        self.mac_only = rng.random() < .2
        self.groups, self.threshold = [[recipients[0]]], 0
        if rng.random() < .15:
            self.groups, self.threshold = [[r] for r in recipients], rng.choice([0, 2, 3])

    def config(self, folder):
        rule = {"key_groups": [{"age": group} for group in self.groups], "mac_only_encrypted": self.mac_only,
                "shamir_threshold": self.threshold}
        if self.rule:
            rule[self.rule[0]] = self.rule[1]
        path = os.path.join(folder, ".sops.yaml")
        with open(path, "w") as file:
            json.dump({"creation_rules": [rule]}, file)
        return path


class Sluice:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def run(self, command, text, *flags):
        done = subprocess.run([self.options.sluice, command, *flags], input=text, capture_output=True, cwd=self.folder)
        self.error = done.stderr.decode(errors="replace")
        if done.returncode < 0 or "Sanitizer" in self.error:
            print("CRASH %d: %s" % (done.returncode, self.error[-2000:]))
        return done.stdout if done.returncode == 0 else None

    def encrypt(self, text, kind, case):
        flags = ["--config", case.config(self.folder), "--filename-override", "x", "--input-type", kind, "--output-type", kind]
        return self.run("encrypt", text, *flags)

    def decrypt(self, text, kind, output=None):
        return self.run("decrypt", text, "--input-type", kind, "--output-type", output or kind)


def documents(kind, rng, count):
    if kind == "yaml":
        return [Yaml(rng).document() for _ in range(count)]
    if kind == "json":
        return [json_document(rng) for _ in range(count)]
    make = {"dotenv": dotenv_document, "ini": ini_document}.get(kind)
    if make:
        return [make(rng)]
    return [bytes(rng.randrange(256) for _ in range(rng.randint(0, 300))).decode("latin-1")]


def joined(kind, parts, rng):
    if kind == "yaml":
        return "---\n".join(parts).encode()
    if kind == "json":
        return ("{" + ",".join("\n%s\"k%d\": %s" % (" " * rng.randint(0, 2), i, part) for i, part in enumerate(parts)) + "\n}").encode() \
            if len(parts) > 1 else parts[0].encode()
    return parts[0].encode("latin-1" if kind == "binary" else "utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", default=os.environ.get("SLUICE", "build/release/sluice"))
    parser.add_argument("--batch")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--only", default="yaml,yaml,yaml,json,dotenv,ini,binary")
    parser.add_argument("--rewrite", type=float, default=.1, help="share of files that are rotated and edited too")
    parser.add_argument("--per-file", type=int, default=5)
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "sops-fuzz-failures"))
    options = parser.parse_args()
    options.sluice = os.path.abspath(options.sluice)
    if not os.access(options.sluice, os.X_OK):
        print("SKIP: %s is not built" % options.sluice)
        return 77
    if not options.batch and not shutil.which("sops"):
        print("SKIP: sops is not on PATH (scripts/tools builds it)")
        return 77
    if not shutil.which("age-keygen"):
        print("SKIP: age-keygen is not on PATH (scripts/tools builds it)")
        return 77
    print("seed %d, %d cases" % (options.seed, options.count), flush=True)
    folder = tempfile.mkdtemp(prefix="sops-fuzz-")
    keys, recipients = os.path.join(folder, "keys.txt"), []
    for _ in range(3):
        key = subprocess.run(["age-keygen"], capture_output=True, text=True).stdout
        recipients.append([line.split()[-1] for line in key.splitlines() if "public key" in line][0])
        with open(keys, "a") as file:
            file.write(key)
    os.environ["SOPS_AGE_KEY_FILE"] = keys
    for name in ("SOPS_CONFIG", "SOPS_AGE_KEY", "SOPS_AGE_RECIPIENTS"):
        os.environ.pop(name, None)
    editor = os.path.join(folder, "editor")
    with open(editor, "w") as file:  # a change that changes nothing
        file.write("#!/bin/sh\ntext=$(cat \"$1\"; echo x)\nprintf '\\n%s' \"${text%x}\" > \"$1\"\n")
    os.chmod(editor, 0o755)
    sops, sluice = Sops(options, folder), Sluice(options, folder)
    rng = random.Random(options.seed)
    count = {"cases": 0, "refused by both": 0, "only sops encrypts": 0, "only sluice encrypts": 0, "sops cannot read its own": 0}
    failures = 0

    def fail(what, kind, files):
        nonlocal failures
        failures += 1
        os.makedirs(options.keep, exist_ok=True)
        for name, text in files.items():
            with open(os.path.join(options.keep, "%d-%s.%s" % (failures, name, kind)), "wb") as file:
                file.write(text if text is not None else b"(refused)")
        print("DIFFERENT %d (%s): %s %s" % (failures, kind, what, sluice.error.strip()[:300]), flush=True)

    def check(kind, parts, case):
        """Compares one file; says whether all is well, and on failure reports only when it is a single case."""
        text = joined(kind, parts, rng)
        by_sops, by_sluice = sops.encrypt(text, kind, case), sluice.encrypt(text, kind, case)
        outcome = []
        if by_sops is None and by_sluice is None:
            return "refused by both", None
        plain = None
        for name, file in (("sops", by_sops), ("sluice", by_sluice)):
            if file is None:
                continue
            theirs, ours = sops.decrypt(file, kind), sluice.decrypt(file, kind)
            if theirs is None and ours is None and name == "sops":
                outcome.append("sops cannot read its own")
                continue
            if theirs != ours or (name == "sluice" and theirs is None):
                return None, ("encrypted by %s" % name, {"plain": text, "encrypted": file, "sops": theirs, "sluice": ours})
            # A comment that printing moved into another mapping stays encrypted, as its path is authenticated.
            theirs = re.sub(rb"ENC\[AES256_GCM,[^]]*type:comment\]", b"ENC", theirs)
            if plain is not None and plain != theirs:
                # Comments that sops loses on the way stay in a file that keeps its layout.
                said = [sops.decrypt(f, kind, "json") for f in (by_sops, by_sluice)]
                if kind in ("yaml", "ini") and len(parts) == 1 and said[0] == said[1]:
                    count["comments differ"] = count.get("comments differ", 0) + 1
                    continue
                return None, ("the two encrypted files say different things", {"plain": text, "by-sops": by_sops, "by-sluice": by_sluice, "sops": plain, "sluice": theirs})
            plain = theirs
            if rng.random() < options.rewrite and kind != "binary":
                wrong = rewritten(kind, file, theirs)
                if wrong:
                    return None, (name + "'s file " + wrong[0], {"plain": text, "encrypted": file, "rewritten": wrong[1]})
        if by_sops is None:
            return "only sluice encrypts", None
        if by_sluice is None and "sops cannot read its own" not in outcome:
            return "only sops encrypts", None
        return (outcome or [""])[0], None

    def rewritten(kind, file, plain):
        """rotate and edit must leave what sops reads as it was."""
        path = os.path.join(folder, "rewritten")
        for command in ("rotate", "edit"):
            with open(path, "wb") as out:
                out.write(file)
            flags = ["-i"] if command == "rotate" else []
            done = subprocess.run([options.sluice, command, *flags, "--input-type", kind, "--output-type", kind, path], cwd=folder,
                                  capture_output=True, env=dict(os.environ, EDITOR=editor))
            sluice.error = done.stderr.decode(errors="replace")
            with open(path, "rb") as changed:
                text = changed.read()
            if done.returncode != 0:
                return "cannot be changed by " + command, text
            again = sops.decrypt(text, kind)
            if again is None or re.sub(rb"ENC\[AES256_GCM,[^]]*type:comment\]", b"ENC", again) != plain:
                return "says something else after " + command, text
            count["changed by " + command] = count.get("changed by " + command, 0) + 1
            if command == "edit":  # one empty line more, and another MAC in each document
                old, new = file.splitlines(), text.splitlines()
                kept = len(set(old) - set(new)) <= 2 and len(new) == len(old) + 1
            else:
                kept = len(file.splitlines()) == len(text.splitlines())
            if not kept:
                count["printed anew by " + command] = count.get("printed anew by " + command, 0) + 1
        return None

    kinds = options.only.split(",")
    while count["cases"] < options.count and failures < 20:
        kind = rng.choice(kinds)
        case = Case(rng, recipients)
        parts = documents(kind, rng, rng.randint(1, options.per_file))
        word, failure = check(kind, parts, case)
        if (failure or word) and len(parts) > 1:  # each alone then
            for part in parts:
                word, failure = check(kind, [part], case)
                if word:
                    count[word] += 1
                if word == "only sops encrypts" and os.environ.get("SOPS_FUZZ_SHOW"):
                    print("ONLY SOPS", sluice.error.strip()[:200], repr(part[:300]))
                if failure:
                    fail(failure[0] + " " + str(case.__dict__), kind, failure[1])
        else:
            if word:
                count[word] += len(parts)
                if word == "only sops encrypts" and os.environ.get("SOPS_FUZZ_SHOW"):
                    print("ONLY SOPS", sluice.error.strip()[:200], repr(parts[0][:300]))
            if failure:
                fail(failure[0] + " " + str(case.__dict__), kind, failure[1])
        count["cases"] += len(parts)
    shutil.rmtree(folder)
    print(", ".join("%d %s" % (n, word) for word, n in count.items() if n))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
