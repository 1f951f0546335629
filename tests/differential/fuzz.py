#!/usr/bin/env python3
"""Random kustomizations through `sluice build` and the real kustomize: output, warnings and errors must agree.

usage: fuzz.py --sluice FILE [--kustomize FILE] [--cases KIND...] [--seed N] [--count N] [--seconds N] [--keep DIR] [--known FILE] [-v]

Both FILEs are servers, programs that build over a pipe (build_server.cpp, kustomize_server/), so a case costs two
builds and no process. kustomize_server is looked for on PATH; without it the exit status is 77, skipped. A KIND is a module NAME_cases.py here (default: all in turn). A case is made from KIND and its
number alone: `--cases KIND --seed N --count 1` makes it again. Compared are standard output, the deprecation
warnings, whether it is refused, and the words of the refusal, less paths, Go's dumps of structures and its panics. What
differs is cut down to the lines that matter and left in DIR. Exit status 1 when something differs.
"""
import argparse
import collections
import importlib
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time

KINDS = ("tree", "transform", "field", "structured", "document", "comment", "listed")
PATIENCE = 60
ON_PURPOSE = ("a name suffix for kind",)  # docs/compat.md


class Server:
    def __init__(self, program, folder=None):
        self.program, self.folder = program, folder
        self.process = None

    def ask(self, arguments):
        """(standard output, warnings, error text); a server that dies or hangs is an error of its own."""
        if self.process is None:
            env = dict(os.environ, GOMAXPROCS="1", GOGC="400", KUSTOMIZE_PLUGIN_HOME="/nonexistent", GIT_ALLOW_PROTOCOL="none")
            self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0, cwd=self.folder)
        self.process.stdin.write("\t".join(arguments).encode() + b"\n")
        lengths = self.read(12)
        if lengths is not None:
            sizes = struct.unpack("<III", lengths)
            body = self.read(sum(sizes))
            if body is not None:
                return body[:sizes[0]], body[sizes[0]:sizes[0] + sizes[1]].decode("utf8", "replace"), body[sizes[0] + sizes[1]:].decode("utf8", "replace")
        self.process.kill()
        status = self.process.wait()
        self.process = None
        return b"", "", "crashed or hung: %d" % status

    def read(self, size):
        out = b""
        while len(out) < size:
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                return None
            part = os.read(self.process.stdout.fileno(), size - len(out))
            if not part:
                return None
            out += part
        return out


def words_of(error, root):
    """An error text without what only one of the programs can say: addresses, structures of Go, their order."""
    text = error.replace(root, "@")
    text = re.sub(r"&yaml\.RNode\{[^}]*\} is expected", "a list is expected", text)
    text = re.sub(r"&?\{0x\w+[^}]*\}|0x[0-9a-f]+", "&", text)
    text = re.sub(r"merging from generator (&|\w+):", "merging from generator:", text)
    text = re.sub(r"(?s)merging config &.*?: failed to merge", "merging config: failed to merge", text)
    text = re.sub(r"yaml: line \d+: found a tab", "yaml: found a tab", text)  # of a text that only kustomize prints
    text = re.sub(r"(?s)^Error: (map\[string\]interface.*|\S+/\S*): ((json|yaml): )", r"Error: \2", text)
    text = re.sub(r"(?m)^( *)internal\.config\.kubernetes\.io/refBy:.*\n(\1 +.*\n)*", "", text)
    text = re.sub(r"internal\.config\.kubernetes\.io/refBy:\S* ?", "", text)
    text = re.sub(r"(?m)^internal\.config\.kubernetes\.io/\w+: .*\n", "", text)
    text = re.sub(r"(ID conflict: \[|found multiple objects \[|missing metadata.name in object \{\{).*", r"\1", text)
    text = re.sub(r"(?s)(node contents:|nodes unequal:|different number of entries:).*", r"\1", text)
    if re.search(r"name (is )?too long", text):
        return "name too long"
    return " ".join(text.split())


def write(files, root):
    for path, content in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as out:
            out.write(content)


class Judge:
    def __init__(self, options):
        self.options = options
        self.ours, self.real = Server(options.sluice), Server(options.kustomize)
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.root = tempfile.mkdtemp(prefix="fuzz-", dir=base)

    def build(self, files, target, flags):
        root = os.path.join(self.root, "r")
        write(files, root)
        try:
            arguments = flags + [os.path.normpath(os.path.join(root, target))]
            fresh = any(b"openapi" in content.lower() for path, content in files.items() if "ustomization" in path)
            want = self.real.ask(["reset"] * fresh + arguments)
            if fresh:
                self.real.ask(["reset", "/nonexistent"])
            return want, self.ours.ask(arguments)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def verdict(self, files, target, flags):
        """(kind, want, got); kind is "equal", "refused", "panic" or how it differs."""
        want, got = self.build(files, target, flags)
        root = os.path.join(self.root, "r")
        if want[2].startswith("panic:"):
            return ("panic" if not got[2].startswith("crashed") else "crashed"), want, got
        if got[2].startswith("crashed"):
            return "crashed", want, got
        if any(re.search(r, got[2]) for r in ON_PURPOSE):
            return "refused on purpose", want, got
        if bool(want[2]) != bool(got[2]):
            return ("refused, wanted output" if got[2] else "output, wanted a refusal"), want, got
        if want[0] != got[0]:
            return "other output", want, got
        if want[2] and words_of(want[2], root) != words_of(got[2], root):
            return "other words", want, got
        # Those of flags are not the builder's; those of Go's log have the time in front.
        if re.sub(r"(?m)^(Flag .*\n|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )", "", want[1]) != got[1]:
            return "other warnings", want, got
        return ("refused" if want[2] else "equal"), want, got

    def shrink(self, files, target, flags, verdict):
        """The same difference, also in the last words of both errors, from as few files and lines as quick tries find."""
        deadline = time.time() + self.options.shrink
        files = dict(files)

        def gist(kind, want, got):
            return kind, [re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "", side[2].split(": ")[-1])[:60] for side in (want, got)]

        def still(candidate):
            return time.time() < deadline and gist(*self.verdict(candidate, target, flags)) == gist(*verdict)

        for path in sorted(files):
            without = {p: c for p, c in files.items() if p != path}
            if without and still(without):
                files = without
        for path in sorted(files, key=lambda p: -len(files[p])):
            lines = files[path].splitlines(keepends=True)
            size = max(1, len(lines) // 2)
            while size >= 1 and time.time() < deadline:
                at, cut = 0, False
                while at < len(lines):
                    shorter = lines[:at] + lines[at + size:]
                    if still({**files, path: b"".join(shorter)}):
                        lines, cut = shorter, True
                        files[path] = b"".join(lines)
                    else:
                        at += size
                size = size if cut and size == 1 else size // 2
        return files

    def keep(self, name, files, target, flags):
        into = os.path.join(self.options.keep, name)
        shutil.rmtree(into, ignore_errors=True)
        write(files, into)
        want, got = self.build(files, target, flags)
        for side, result in (("want", want), ("got", got)):
            with open(os.path.join(into, side + ".txt"), "wb") as out:
                out.write(result[0] + result[1].encode() + result[2].encode())
        with open(os.path.join(into, "COMMAND"), "w") as out:
            out.write(" ".join(["build"] + flags + [target]) + "\n")


def read_known(path):
    if not path:
        return {}
    with open(path) as file:
        lines = [line.split("#")[0].split() for line in file]
    return {(words[0], int(words[1])): "varies" in words for words in lines if words}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--kustomize", default=shutil.which("kustomize_server"))
    parser.add_argument("--cases", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--count", type=int, default=100000, help="cases of each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()) // 86400 * 1000, help="the first; default: another each day")
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time even if cases are left")
    parser.add_argument("--keep")
    parser.add_argument("--shrink", type=float, default=20, help="seconds for cutting a difference down")
    parser.add_argument("--stop", type=int, default=0, help="stop after so many differences")
    parser.add_argument("--known", help="a file of differences that are known, each as KIND SEED: they must still be there, but for those marked varies")
    parser.add_argument("-v", "--verbose", action="store_true", help="print both error texts of a difference")
    options = parser.parse_args()
    if not options.kustomize:
        print("SKIP: no kustomize_server on PATH (scripts/tools build kustomize_server)")
        return 77
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    modules = {kind: importlib.import_module(kind + "_cases") for kind in options.cases}
    judge = Judge(options)
    known, healed = read_known(options.known), []
    begin = time.time()
    counts, refusals = collections.Counter(), collections.Counter()
    fine = ("equal", "known", "refused", "panic", "refused on purpose")
    try:
        for seed in range(options.seed, options.seed + options.count):
            for name, module in modules.items():
                files, target, flags = module.make(seed)
                kind, want, got = judge.verdict(files, target, flags)
                if (name, seed) in known:
                    counts["known"] += 1
                    if kind in fine and not known[name, seed]:
                        healed.append("%s %d" % (name, seed))
                    continue
                # kustomize goes through Go's maps: some of its answers change from run to run.
                if kind not in fine and any(judge.verdict(files, target, flags)[0] in fine for _ in range(60)):
                    kind = "kustomize varies"
                    counts[kind] += 1
                    continue
                counts[kind] += 1
                if kind == "refused":
                    refusals[re.sub(r"'[^']*'|`[^`]*`|\S*[/.]\S*|\d+", "", want[2].split("\n")[0].split("': ")[-1])[:70]] += 1
                if kind in fine:
                    continue
                print("DIFFERS %s %d: %s" % (name, seed, kind), flush=True)
                if options.keep:
                    files = judge.shrink(files, target, flags, (kind, want, got))
                    judge.keep("%s-%d" % (name, seed), files, target, flags)
                    want, got = judge.build(files, target, flags)
                if options.verbose:
                    print("  kustomize: %s\n  sluice:    %s" % ((want[2] + want[1])[:500], (got[2] + got[1])[:500]), flush=True)
            if options.seconds and time.time() - begin > options.seconds:
                break
            if options.stop and sum(n for k, n in counts.items() if k not in fine) >= options.stop:
                break
    finally:
        shutil.rmtree(judge.root, ignore_errors=True)
    bad = sum(n for kind, n in counts.items() if kind not in fine and kind != "kustomize varies")
    print("seeds %d..%d of %s: %d cases in %d s: %s" % (options.seed, seed, ", ".join(modules), sum(counts.values()), time.time() - begin,
                                                    ", ".join("%d %s" % (n, kind) for kind, n in counts.most_common())))
    if options.verbose:
        print("refusals:\n  " + "\n  ".join("%d %s" % (n, text) for text, n in refusals.most_common(25)))
    for case in healed:
        print("EQUAL NOW: %s: take it out of %s" % (case, options.known))
    return 1 if bad or healed else 0


if __name__ == "__main__":
    sys.exit(main())
