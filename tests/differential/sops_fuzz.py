#!/usr/bin/env python3
"""Random SOPS files: encrypted by sops, decrypted by both; encrypted by sluice, decrypted by both; and changed by sluice.

    tests/differential/sops_fuzz.py --sluice PROGRAM [--count 300] [--seed N] [--only yaml,json,…] [--seconds N] [--keep FOLDER]

A case is one document. sops is asked through sops_server/ where that is on PATH, since its start takes most of the
time; a YAML file of a run holds several documents and a JSON file several objects. A file that differs is split until the case is found. Decryption must give the same bytes,
or fail on both sides. A share of the files (--more) is also printed in another format or indentation, read in part
(--extract), given metadata as old versions wrote it, damaged, and changed by rotate, edit, set, unset and updatekeys:
what sops then reads must be what it was, or what sops's own set and unset make of it. What docs/compat.md
lists as different is recognized by what it is and counted. Files that sops writes and cannot read itself are counted,
not compared. Prints the seed; ends with 1 when something differs.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from fuzz import Server
from sops_documents import MARK, Case, documents, joined

# What we refuse and sops accepts (docs/compat.md), by our words.
REFUSALS = ("YAML documents, and the output format holds one", "in a later document", "already defined", "characters behind the object", "bytes behind",
            "the tag has", "UTF-16", "cannot be encrypted so that it can be decrypted again", "error parsing regexp", "missing )",
            "invalid perl operator", "there is no list to look in", "which INI cannot hold", "decrypts to a comment", "a key in a list, or an index in a mapping")
# What sops refuses and we read (docs/compat.md), by its words: a version that is none; a value of type "bytes".
SOPS_REFUSALS = ("unhashable type []uint8", "Version string empty", "No Major.Minor.Patch elements found", "Invalid character(s) found in", "must not contain leading zeroes")
COMMENT = re.compile(rb"ENC\[AES256_GCM,[^]]*type:comment\]")


def without_comments(text):
    """A comment that printing moved into another mapping stays encrypted, as its path is authenticated."""
    return text if text is None else COMMENT.sub(b"ENC", text)


def without_signs(text):
    """sops writes a -0.0 that no rule encrypts as the integer -0, which is 0 when it is read."""
    return re.sub(rb"(?<=[ \t:\[,])-0(?=[,}\]\s])", b"0", text)


class Program:
    """sops or sluice, on a file in a folder of its own."""

    def __init__(self, command, folder):
        self.command, self.folder, self.error = command, folder, ""
        self.path = os.path.join(folder, "in")

    def write(self, text):
        with open(self.path, "wb") as file:
            file.write(text)

    def call(self, arguments, env):
        """Standard output; None when it fails."""
        done = subprocess.run([self.command, *arguments], capture_output=True, cwd=self.folder, env=env, stdin=subprocess.DEVNULL)
        self.error = done.stderr.decode(errors="replace")
        if done.returncode < 0 or "Sanitizer" in self.error:
            raise SystemExit("CRASH %d of %s %s: %s" % (done.returncode, self.command, arguments, self.error[-2000:]))
        return done.stdout if done.returncode == 0 else None

    def run(self, *arguments, text, env=None):
        """Standard output of a command on a file of this text; None when it fails."""
        self.write(text)
        return self.call([*arguments, self.path], env)

    def change(self, command, kind, text, *flags, after=(), env=None):
        """The file after a command that changes it; None when that fails."""
        self.write(text)
        types = ["--input-type", kind] + (["--output-type", kind] if command != "updatekeys" else [])
        if self.call([command, *types, *flags, self.path, *after], env) is None:
            return None
        with open(self.path, "rb") as file:
            return file.read()

    def encrypt(self, text, kind, case):
        case.config(self.folder)
        return self.run("encrypt", "--input-type", kind, "--output-type", kind, text=text)

    def decrypt(self, text, kind, output=None, *flags, env=None):
        return self.run("decrypt", "--input-type", kind, "--output-type", output or kind, *flags, text=text, env=env)


class SopsServer(Program):
    """sops without a process for each call (sops_server/). A share of what it decrypts is held against the program."""

    def __init__(self, server, folder):
        super().__init__("sops", folder)
        self.server, self.rng = Server(server, folder), random.Random(0)

    def call(self, arguments, env):
        variables = ["%s=%s" % (name, env.get(name, "")) for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE")] if env else []
        out, _, self.error = self.server.ask(variables + arguments)
        out = None if self.error else out
        if "decrypt" in arguments and self.rng.random() < .01:
            said = self.error
            if super().call(arguments, env) != out:
                raise SystemExit("sops_server is not sops: %s %r: %s, %s" % (arguments, out, said, self.error))
            self.error = said
        return out


def paths_in(value, rng):
    """A path into a JSON value, or beside it."""
    path = ""
    while True:
        if isinstance(value, dict) and value and rng.random() < .9:
            key = rng.choice(list(value))
            path, value = path + "[%s]" % json.dumps(key, ensure_ascii=False), value[key]
        elif isinstance(value, list) and rng.random() < .9:
            index = rng.randrange(len(value) + 2)
            path, value = path + "[%d]" % index, value[index] if index < len(value) else None
        else:
            break
        if rng.random() < .3:
            break
    if rng.random() < .1 or not path:
        path += rng.choice(['["new"]', "[0]", '["new"]["b"]', "[7]"])
    return path


def aged(kind, text, rng):
    """The metadata as older versions of sops wrote it: another order, empty lists, an old version."""
    version = rng.choice(["3.0.0", "3.5.0", "3.7.3", "3.8.1", "3.9.4", "3.10.2", "4.0.0"]).encode()
    date = rng.choice([rb"\1", rb"\1", rb"\1.25Z"])
    text = re.sub(rb"(version\W+)3\.13\.3", lambda m: m.group(1) + version, text)
    if kind == "yaml":
        head, mark, block = text.rpartition(b"\nsops:\n")
        members = re.findall(rb"(?m)^ +\S.*\n(?:(?: {5,}.*|)\n)*", block) if mark and b"\n---" not in block else []
        if b"".join(members) == block and len(set(re.match(rb" *", m).group() for m in members)) == 1:
            indent = re.match(rb" *", members[0]).group()
            for name in rng.sample([b"kms", b"gcp_kms", b"azure_kv", b"hc_vault", b"pgp", b"hckms"], 3):
                members.append(indent + name + rng.choice([b": []\n", b": null\n", b":\n"]))
            rng.shuffle(members)
            text = head + mark + b"".join(members)
    elif kind in ("json", "binary"):
        text = re.sub(rb'("sops": \{)', rb'\1"kms": null, "pgp": [], "gcp_kms": [],', text, count=1)
    elif kind == "dotenv":
        lines = text.splitlines(keepends=True)
        ours = [line for line in lines if line.startswith(b"sops_")]
        rng.shuffle(ours)
        text = b"".join([line for line in lines if not line.startswith(b"sops_")] + ours)
    return re.sub(rb"(lastmodified\W+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z", date + (b"Z" if date == rb"\1" else b""), text)


def damaged(text, rng):
    """Something of the file is changed, moved or gone."""
    lines = text.splitlines(keepends=True)
    values = [m for m in re.finditer(rb"ENC\[AES256_GCM,data:([^,]*),iv:([^,]*),tag:([^,]*),type:(\w+)\]", text)]
    kind = rng.randrange(8)
    if kind == 0 and values:
        part = rng.choice(values)
        at = part.start(rng.randint(1, 4))
        return text[:at] + bytes([rng.choice(b"AZaz09+/=")]) + text[at + 1:]
    if kind == 1 and len(values) > 1:
        a, b = sorted(rng.sample(values, 2), key=lambda m: m.start())
        return text[:a.start()] + b.group() + text[a.end():b.start()] + a.group() + text[b.end():]
    if kind == 2 and values:
        part = rng.choice(values)
        return text[:part.start(4)] + rng.choice([b"str", b"int", b"float", b"bool", b"time", b"bytes", b"comment", b"x"]) + text[part.end(4):]
    if kind == 3 and values:
        part = rng.choice(values)
        return text[:part.start()] + rng.choice([b"plain", b"ENC[AES256_GCM]", b"", b"7", b"null"]) + text[part.end():]
    if kind == 4 and len(lines) > 1:
        lines.pop(rng.randrange(len(lines)))
        return b"".join(lines)
    if kind == 5 and len(lines) > 1:
        a, b = rng.sample(range(len(lines)), 2)
        lines[a], lines[b] = lines[b], lines[a]
        return b"".join(lines)
    if kind == 6:
        return text[:rng.randrange(len(text) + 1)]
    at = rng.randrange(len(text))
    return text[:at] + bytes([rng.choice(b" \n\t:#'\"[]{}-,a1")]) + text[at + rng.randint(0, 1):]


class Run:
    def __init__(self, options, folder, keys):
        self.options, self.folder, self.keys = options, folder, keys
        self.recipients = [public for public, _ in keys]
        self.sops = SopsServer(options.sops_server, folder) if options.sops_server else Program("sops", folder)
        self.sluice = Program(options.sluice, folder)
        self.rng = random.Random(options.seed)
        self.count, self.failures = {"cases": 0}, 0
        self.editor = os.path.join(folder, "editor")
        with open(self.editor, "w") as file:  # a change that changes nothing
            file.write("#!/bin/sh\ncat \"$1\" > \"$0.text\"\n{ echo; cat \"$0.text\"; } > \"$1\"\n")
        os.chmod(self.editor, 0o755)

    def note(self, word, number=1):
        self.count[word] = self.count.get(word, 0) + number

    def is_refusal(self):
        """Whether our last refusal is one that docs/compat.md knows."""
        known = any(words in self.sluice.error for words in REFUSALS)
        if known:
            self.note("refused by sluice as documented")
        return known

    def differ(self, theirs, ours):
        """Whether answers differ, but for refusals of ours that are meant."""
        if theirs == ours:
            return False
        if theirs is None and any(words in self.sops.error for words in SOPS_REFUSALS):
            self.note("read by sluice as documented")
            return False
        return not (ours is None and theirs is not None and self.is_refusal())

    # --- one file

    def check(self, kind, parts, case):
        """Compares one file: a word to count it under, and what differs."""
        text = joined(kind, parts, self.rng)
        by_sops, by_sluice = self.sops.encrypt(text, kind, case), self.sluice.encrypt(text, kind, case)
        why_not = self.sluice.error
        if by_sops is None and by_sluice is None:
            return "refused by both", None
        plain, word = None, ""
        for name, file in (("sops", by_sops), ("sluice", by_sluice)):
            if file is None:
                continue
            theirs, ours = self.sops.decrypt(file, kind), self.sluice.decrypt(file, kind)
            if theirs is None and ours is None and name == "sops":
                word = "sops cannot read its own"
                continue
            if name == "sops" and ours is None and theirs is not None and self.is_refusal():
                continue
            if theirs != ours or (name == "sluice" and theirs is None):
                return None, ("encrypted by " + name, {"plain": text, "encrypted": file, "sops": theirs, "sluice": ours})
            theirs = without_comments(theirs)
            if plain is not None and plain != theirs:
                # Comments that sops loses on the way stay in a file that keeps its layout.
                said = [self.sops.decrypt(f, kind, "json") for f in (by_sops, by_sluice)]
                if kind == "json" and b"-0.0" in text and without_signs(plain) == without_signs(theirs):
                    self.note("sops loses the sign of -0.0")
                    plain = theirs
                    continue
                if kind == "ini" and re.search(rb"(?m)^[ \t]*-[ \t]*[=:]", text):
                    self.note("sops loses a key without a name")
                    continue
                if kind not in ("yaml", "ini") or len(parts) > 1 or said[0] != said[1]:
                    return None, ("the two encrypted files say different things",
                                  {"plain": text, "by-sops": by_sops, "by-sluice": by_sluice, "sops": plain, "sluice": theirs})
                self.note("comments differ")
            plain = theirs
            if name == "sluice" and not case.rule and kind != "binary" and MARK.encode() in file and b"_unencrypted" not in file:
                return None, ("a comment stays readable", {"plain": text, "encrypted": file})
            if self.rng.random() < self.options.more:
                check = self.rng.choice([self.printed, self.extracted, self.old, self.broken, self.rewritten, self.set, self.set, self.new_keys])
                wrong = check(kind, file, theirs, case)
                if wrong:
                    return None, ("%s's file: %s: %s" % (name, wrong[0], self.sluice.error.strip()[:200]), {"plain": text, "encrypted": file, **wrong[1]})
        if by_sops is None:
            return "only sluice encrypts", None
        if by_sluice is None and not word:
            known = any(words in why_not for words in REFUSALS)
            if not known and os.environ.get("SOPS_FUZZ_SHOW"):
                print("ONLY SOPS", why_not.strip()[:200], repr(text[:300]))
            return "refused by sluice as documented" if known else "only sops encrypts", None
        return word, None

    def printed(self, kind, file, _, case):
        output = self.rng.choice(["yaml", "json", "dotenv", "ini", "binary"])
        flags = ["--indent", str(self.rng.randint(-1, 12))] if self.rng.random() < .5 else []
        theirs = self.sops.run(*flags, "decrypt", "--input-type", kind, "--output-type", output, text=file)
        ours = self.sluice.decrypt(file, kind, output, *flags)
        self.note("printed otherwise")
        if self.differ(theirs, ours):
            return "as %s %s" % (output, flags), {"sops": theirs, "sluice": ours}

    def extracted(self, kind, file, _, case):
        said = self.sops.decrypt(file, kind, "json")
        path = paths_in(json.loads(said) if said else {}, self.rng)
        output = self.rng.choice([kind, kind, "json", "yaml"])
        theirs, ours = (program.decrypt(file, kind, output, "--extract", path) for program in (self.sops, self.sluice))
        self.note("extracted")
        if self.differ(theirs, ours):
            return "--extract %s as %s" % (path, output), {"sops": theirs, "sluice": ours}

    def old(self, kind, file, _, case):
        file = aged(kind, file, self.rng)
        theirs, ours = self.sops.decrypt(file, kind), self.sluice.decrypt(file, kind)
        self.note("of old versions" if theirs is not None else "of old versions, refused")
        if self.differ(theirs, ours):
            return "with old metadata", {"old": file, "sops": theirs, "sluice": ours}

    def broken(self, kind, file, _, case):
        file = damaged(file, self.rng)
        theirs, ours = self.sops.decrypt(file, kind), self.sluice.decrypt(file, kind)
        self.note("damaged" if theirs is None else "damaged, and opens")
        if theirs and ours and ours != theirs and re.sub(rb'(?m)^[ -]*""\n', b"", theirs) == re.sub(rb"(?m)(^ *#\n| #$)", b"", ours):
            self.note("an empty comment in a list stays one, as documented")
        elif ours is None and kind == "yaml" and "\n\ufeff".encode() in file:
            self.note("a byte order mark inside of a document, refused as documented")
        elif self.differ(theirs, ours):
            return "damaged", {"damaged": file, "sops": theirs, "sluice": ours}

    def rewritten(self, kind, file, plain, case):
        """rotate and edit must leave what sops reads as it was."""
        if kind == "binary":
            return None
        for command in ("rotate", "edit"):
            if command == "edit" and file.startswith((b"%", b"\xef\xbb\xbf")):
                continue  # no empty line can be in front of these
            text = self.sluice.change(command, kind, file, *(["-i"] if command == "rotate" else []), env=dict(os.environ, EDITOR=self.editor))
            if text is None:
                if command == "edit" and "the layout of this file cannot be kept" in self.sluice.error:
                    again = self.sops.encrypt(self.sops.decrypt(file, kind), kind, case)
                    if again is None or without_comments(self.sops.decrypt(again, kind)) != plain:
                        self.note("sops prints something else, which edit refuses")
                        return None
                return "cannot be changed by " + command, {}
            again = without_comments(self.sops.decrypt(text, kind))
            if again != plain:
                # The empty line can move a comment at the start.
                if kind != "yaml" or again is None or self.sops.decrypt(text, kind, "json") != self.sops.decrypt(file, kind, "json"):
                    return "says something else after " + command, {"changed": text}
                self.note("comments differ")
            self.note("changed by " + command)
            if command == "edit":  # one empty line more, and another MAC in each document
                old, new = file.splitlines(), text.splitlines()
                kept = len(set(old) - set(new)) <= 2 and len(new) == len(old) + 1
            else:
                kept = len(file.splitlines()) == len(text.splitlines())
            if not kept:
                self.note("printed anew by " + command)
                if os.environ.get("SOPS_FUZZ_SHOW"):
                    self.show("anew", kind, {"before": file, "after": text})

    def set(self, kind, file, _, case):
        """set and unset do what those of sops do."""
        said = self.sops.decrypt(file, kind, "json")
        if kind == "binary" or not said:
            return None
        path = paths_in(json.loads(said), self.rng)
        value = json.dumps(self.rng.choice(["new", "", "two\nlines", "#x", True, None, {"b": ["c"], "d_enc": "é"}, {}] +
                                           ([7] if kind in ("yaml", "json") else [])))  # no list: sops refuses it
        command, after = ("set", [path, value]) if self.rng.random() < .6 else ("unset", [path])
        theirs, ours = (program.change(command, kind, file, after=after) for program in (self.sops, self.sluice))
        why_not = self.sluice.error
        self.note(command if theirs is not None else command + ", refused")
        if (theirs is None) != (ours is None):
            if ours is None and any(words in why_not for words in REFUSALS):
                return None
            return "%s %s is done by one only" % (command, after), {"sops": theirs, "sluice": ours}
        if ours is None:
            return None
        says = [without_comments(self.sops.decrypt(text, kind)) for text in (theirs, ours)]
        if says[0] is None and says[1] is not None:
            self.note("sops cannot read its own")
        elif says[0] != says[1]:
            values = [self.sops.decrypt(text, kind, "json") for text in (theirs, ours)]
            if kind in ("yaml", "ini") and values[0] == values[1]:
                self.note("comments differ")
                return None
            return "says something else after %s %s" % (command, after), {"sops": theirs, "sluice": ours, "sops-says": says[0], "sluice-says": says[1]}

    def new_keys(self, kind, file, plain, case):
        """After updatekeys the new keys open the file, and no others."""
        groups = [[recipient] for recipient in self.rng.sample(self.recipients, self.rng.choice([1, 1, 2, 3]))]
        if len(groups) == 2 and self.rng.random() < .5:
            groups = [groups[0] + groups[1]]
        case.config(self.folder, groups)
        changed = self.sluice.change("updatekeys", kind, file, "-y")
        self.note("changed by updatekeys")
        if changed is None:
            return "cannot be changed by updatekeys", {}
        for recipient, secret in self.keys:
            env = dict(os.environ, SOPS_AGE_KEY=secret)
            env.pop("SOPS_AGE_KEY_FILE")
            theirs, ours = (without_comments(program.decrypt(changed, kind, env=env)) for program in (self.sops, self.sluice))
            if theirs != ours or theirs != (plain if len(groups) == 1 and recipient in groups[0] else None):
                return "after updatekeys, with one key", {"changed": changed, "sops": theirs, "sluice": ours}
        if without_comments(self.sops.decrypt(changed, kind)) != plain:
            return "after updatekeys, with all keys", {"changed": changed}

    # --- all of them

    def show(self, word, kind, files):
        os.makedirs(self.options.keep, exist_ok=True)
        for name, text in files.items():
            with open(os.path.join(self.options.keep, "%s-%d-%s.%s" % (word, self.count["cases"], name, kind)), "wb") as file:
                file.write(text)

    def fail(self, what, kind, files):
        self.failures += 1
        os.makedirs(self.options.keep, exist_ok=True)
        for name, text in files.items():
            with open(os.path.join(self.options.keep, "%d-%s.%s" % (self.failures, name, kind)), "wb") as file:
                file.write(text if text is not None else b"(refused)")
        print("DIFFERENT %d (%s): %s" % (self.failures, kind, what), flush=True)

    def run(self):
        kinds = self.options.only.split(",")
        end = time.monotonic() + self.options.seconds
        while self.count["cases"] < self.options.count and self.failures < self.options.failures and time.monotonic() < end:
            kind = self.rng.choice(kinds)
            case = Case(self.rng, self.recipients)
            parts = documents(kind, self.rng, self.rng.randint(1, self.options.per_file))
            word, failure = self.check(kind, parts, case)
            if (failure or word) and len(parts) > 1:  # each alone then
                alone = False
                for part in parts:
                    word, what = self.check(kind, [part], case)
                    if word:
                        self.note(word)
                    if what:
                        alone = True
                        self.fail(what[0] + " " + str(case.__dict__), kind, what[1])
                if failure and not alone and "say different" not in failure[0]:
                    self.fail(failure[0] + " " + str(case.__dict__), kind, failure[1])
            else:
                if word:
                    self.note(word, len(parts))
                if failure:
                    self.fail(failure[0] + " " + str(case.__dict__), kind, failure[1])
            self.note("cases", len(parts))
        print(", ".join("%d %s" % (n, word) for word, n in self.count.items()))
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", default=os.environ.get("SLUICE", "build/release/sluice"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--only", default="yaml,yaml,yaml,json,dotenv,ini,binary")
    parser.add_argument("--more", type=float, default=.3, help="share of files that are looked at in another way, too")
    parser.add_argument("--per-file", type=int, default=5)
    parser.add_argument("--sops-server", default=shutil.which("sops_server"), help="\"\": a process of sops for each call")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="ends after that time, whatever --count is")
    parser.add_argument("--failures", type=int, default=20, help="ends after so many")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "sops-fuzz-failures"))
    options = parser.parse_args()
    options.sluice = os.path.abspath(options.sluice)
    if not os.access(options.sluice, os.X_OK):
        print("SKIP: %s is not built" % options.sluice)
        return 77
    for program in ("sops", "age-keygen"):
        if not shutil.which(program):
            print("SKIP: %s is not on PATH (scripts/tools builds it)" % program)
            return 77
    print("seed %d, %d cases, %s" % (options.seed, options.count, "sops_server" if options.sops_server else "sops"), flush=True)
    folder = tempfile.mkdtemp(prefix="sops-fuzz-")
    path, keys = os.path.join(folder, "keys.txt"), []
    for _ in range(3):
        lines = subprocess.run(["age-keygen"], capture_output=True, text=True).stdout.splitlines()
        keys.append(([line.split()[-1] for line in lines if "public key" in line][0], lines[-1]))
    with open(path, "w") as file:
        file.write("\n".join(secret for _, secret in keys) + "\n")
    os.environ["SOPS_AGE_KEY_FILE"] = path
    for name in ("SOPS_CONFIG", "SOPS_AGE_KEY", "SOPS_AGE_RECIPIENTS"):
        os.environ.pop(name, None)
    try:
        return Run(options, folder, keys).run()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
