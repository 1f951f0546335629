#!/usr/bin/env python3
"""Every kustomization under some checkouts through the real kustomize and through `sluice build`, compared.

usage: compare_trees.py --sluice FILE --kustomize FILE [--cache DIR] [--keep DIR] [--table FILE] [--flags FLAGS] [--into]
                        [--slash] [-j N] [-v] TREE...

A TREE is a directory; OWNER+NAME is taken as the repository OWNER/NAME, and a file TREE.commit or TREE/.git tells the
commit. Every directory in it with a kustomization file is built by both without a network (a network namespace of
its own, or proxies that nobody serves), once with the default flags and, where kustomize refuses a file outside of the
directory, again with --load-restrictor LoadRestrictionsNone. Standard output, exit status, for what is built the
warnings and, for what is refused, the class of the error (what follows `Error: ` up to where the two programs add paths
of their own) must be equal. Flags of --flags (one argument) are given to both; with --into both write into a directory
(`-o DIR`) and its files are compared; with --slash both are given the directory's path from above and with a slash at
its end. Where they are not equal, kustomize is asked again, since the order of its maps, and with it which of several
errors it tells, changes from run to run. What kustomize said is kept in the cache under the digest of the tree, so that
a second run costs only ours.

FILE of --sluice may be build_server, too (fuzz.py), which is quicker. Prints each difference (with --keep also both outputs) and a table for docs/compat.md. Exit status 1 when
something differs.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading

import fuzz

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
NOBODY = "http://127.0.0.1:9"
VERSION = "1"  # of what the cache holds
AGAIN = 30


def offline():
    """A command prefix that takes the network away, and the environment that does where there is none."""
    env = dict(os.environ, GIT_TERMINAL_PROMPT="0", GIT_ALLOW_PROTOCOL="https:http:git", KUSTOMIZE_PLUGIN_HOME="/nonexistent")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        env[name] = NOBODY
    env.pop("no_proxy", None), env.pop("NO_PROXY", None)
    prefix = ["unshare", "-n"]
    if subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        prefix = []
    return prefix, env


def directories(tree):
    found = []
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(f for f in folders if f != ".git")
        if any(n in files for n in NAMES):
            found.append(os.path.relpath(folder, tree))
    return sorted(found)


def commit_of(tree):
    if os.path.exists(tree.rstrip("/") + ".commit"):
        return open(tree.rstrip("/") + ".commit").read().strip()
    done = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def digest_of(tree):
    """Of names, sizes and times: enough to notice a changed checkout, and quick."""
    h = hashlib.sha256(VERSION.encode())
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(f for f in folders if f != ".git")
        for name in sorted(files):
            info = os.lstat(os.path.join(folder, name))
            h.update(("%s/%s %d %d\n" % (os.path.relpath(folder, tree), name, info.st_size, info.st_mtime_ns)).encode("utf8", "surrogateescape"))
    return h.hexdigest()[:20]


def run(command, folder, options):
    prefix, env = options.offline
    try:
        done = subprocess.run(prefix + command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return "timeout", b"", b""
    return done.returncode, done.stdout, done.stderr


SERVERS = threading.local()


def build(program, tree, folder, flags, options):
    """What the program says of a directory; with --into, its standard output is the names and bytes of the files."""
    place, argument = (tree, folder.rstrip("/") + "/") if options.slash else (os.path.join(tree, folder), ".")
    command = [program, "build", *flags, argument]
    if not options.into:
        return run(command, place, options)
    with tempfile.TemporaryDirectory() as into:
        status, out, err = run(command + ["-o", into], place, options)
        for name in sorted(os.listdir(into)):
            with open(os.path.join(into, name), "rb") as f:
                out += b"==> %s\n%s" % (name.encode(), f.read())
        return status, out, err.replace(into.encode(), b"DIR")


def ours(tree, folder, flags, options):
    if os.path.basename(options.sluice) != "build_server":
        return build(options.sluice, tree, folder, flags, options)
    if not hasattr(SERVERS, "one"):
        SERVERS.one = fuzz.Server(options.sluice)
    out, warnings, error = SERVERS.one.ask(flags + [os.path.realpath(os.path.join(tree, folder))])
    return (1 if error else 0), out, (warnings + error).encode()


def real(tree, digest, folder, flags, options):
    """kustomize's answer, from the cache when it is there."""
    asked = " ".join(flags + ["--into"] * options.into + ["--slash"] * options.slash)
    key = hashlib.sha256(("%s\n%s\n%s" % (digest, folder, asked)).encode()).hexdigest()
    path = os.path.join(options.cache, key[:2], key) if options.cache else None
    if path and os.path.exists(path):
        with open(path, "rb") as f:
            head = json.loads(f.readline())
            out = f.read(head["out"])
            return head["status"], out, f.read()
    status, out, err = build(options.kustomize, tree, folder, flags, options)
    if path and status != "timeout":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as f:
            f.write(json.dumps({"status": status, "out": len(out)}).encode() + b"\n" + out + err)
        os.replace(path + ".new", path)
    return status, out, err


def error_line(err):
    text = err.decode("utf8", "replace")
    at = text.find("Error: ")
    return text[at + 7:].strip() if at >= 0 else text.strip()


URL = re.compile(r"https?://|ssh://|git::|git@|\w\.(com|org|io|dev)/|[?&]ref=")
UNREACHED = re.compile(r"git fetch|proxyconnect|dial tcp|no such host|unreachable|connect|resolve|remote|from the web")


def error_class(text):
    """What kind of refusal it is: the words up to where each program adds places, addresses or Go's structures."""
    text = re.sub(r"(?m)^  (at|in|hint:) .*\n?", "", text)
    if URL.search(text) and UNREACHED.search(text):
        return "not reached without a network"
    text = re.sub(r"(?s)^merging config &.*: failed to merge", "merging config: failed to merge", text)
    first = fuzz.words_of("Error: " + text.split("\n")[0], "/nowhere")
    first = re.sub(r"/tmp/kustomize-\d+", "@", first)
    return re.sub(r"'?/[^ ':]*'?", "PATH", first)


def same_error(want, got):
    a, b = error_class(want), error_class(got)
    return a == b or (a.split(":")[0] == b.split(":")[0] and a.split(":")[-1].strip() == b.split(":")[-1].strip())


def warnings(err):
    """The lines of standard error; those of Go's log without their time, and with vars, which it lists at random, in order."""
    text = re.sub(r"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", err.decode("utf8", "replace"))
    never = "well-defined vars that were never replaced: "
    return [never + ",".join(sorted(line[len(never):].split(","))) if line.startswith(never) else line for line in text.splitlines()]


def difference(want, got, options):
    """How what we said differs from what kustomize said, or None."""
    if want[0] == "timeout":
        return "kustomize took longer than %d s" % options.timeout
    if got[0] == "timeout":
        return "sluice took longer than %d s" % options.timeout
    if want[0] != 0 and got[0] == 0:
        return "built, kustomize refuses: " + error_line(want[2]).split("\n")[0]
    if want[0] == 0 and got[0] != 0:
        return "refused: " + error_line(got[2]).split("\n")[0]
    if b"panic: " in want[2]:
        return None  # what makes kustomize crash is refused
    if want[0] != got[0]:
        return "exit status %s, wanted %s: %s" % (got[0], want[0], error_line(got[2]).split("\n")[0])
    if want[1] != got[1]:
        return "other bytes"
    if want[0] == 0 and warnings(want[2]) != warnings(got[2]):
        return "other warnings"
    if want[0] != 0 and not same_error(error_line(want[2]), error_line(got[2])):
        return "other error"
    return None


def compare(tree, digest, folder, flags, options):
    want = real(tree, digest, folder, flags, options)
    got = ours(tree, folder, flags, options)
    why = difference(want, got, options)
    for _ in range(AGAIN if why else 0):
        again = build(options.kustomize, tree, folder, flags, options)
        if again[0] == "timeout":
            break
        if not difference(again, got, options):
            want, why = again, None
            break
    if why and options.keep:
        name = (os.path.basename(tree.rstrip("/")) + "/" + folder).replace("/", "__")
        for suffix, result in ((".want", want), (".got", got)):
            with open(os.path.join(options.keep, name + suffix), "wb") as f:
                f.write(result[1] if result[1] else result[2])
    if why and options.verbose:
        print("--- %s/%s %s\n    %s\n    kustomize: %s\n    sluice:    %s" % (
            tree, folder, " ".join(flags), why, error_line(want[2])[:600], error_line(got[2])[:600]), flush=True)
    elif why:
        print("%s/%s %s: %s" % (tree, folder, " ".join(flags), why[:300]), flush=True)
    return want, why


def one(tree, digest, folder, options):
    want, why = compare(tree, digest, folder, options.flags, options)
    results = [(want[0], why)]
    if want[0] != 0 and b"is not in or below" in want[2]:
        want, why = compare(tree, digest, folder, [*options.flags, "--load-restrictor=LoadRestrictionsNone"], options)
        results.append((want[0], why))
    return results


def group(why):
    why = re.sub(r"'?/[^ ':]*'?", "PATH", why.split(": ")[0] if why.startswith("other") else why)
    return re.sub(r"\d+", "N", why)[:90]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--kustomize", required=True)
    parser.add_argument("--cache", help="directory of kustomize's answers")
    parser.add_argument("--keep", help="directory for both outputs of what differs")
    parser.add_argument("--table", help="file for the table (default: standard output)")
    parser.add_argument("--flags", type=shlex.split, default=[], help="flags of both, as in --flags='--enable-helm --enable-exec'")
    parser.add_argument("--into", action="store_true", help="compare the files of -o DIR")
    parser.add_argument("--slash", action="store_true", help="name the directory from above, with a slash at its end")
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("tree", nargs="+")
    options = parser.parse_args()
    options.sluice, options.kustomize = os.path.abspath(options.sluice), os.path.abspath(options.kustomize)
    options.offline = offline()
    if (options.into or options.slash) and os.path.basename(options.sluice) == "build_server":
        parser.error("--into and --slash need the program sluice")
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    rows = ["| repository | commit | directories | builds | equal | different | why |", "| --- | --- | --- | --- | --- | --- | --- |"]
    total = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for tree in options.tree:
            folders = directories(tree)
            if not folders:
                continue
            digest = digest_of(tree)
            results = [r for many in pool.map(lambda f: one(tree, digest, f, options), folders) for r in many]
            reasons = collections.Counter(group(why) for _, why in results if why)
            count = {"directories": len(folders), "equal": sum(not why for _, why in results), "different": sum(bool(why) for _, why in results),
                     "built": sum(status == 0 for status, _ in results), "cases": len(results)}
            total.update(count)
            rows.append("| %s | %s | %d | %d of %d | %d | %d | %s |" % (
                os.path.basename(tree.rstrip("/")).replace("+", "/"), commit_of(tree)[:10], count["directories"], count["built"], count["cases"],
                count["equal"], count["different"], "; ".join("%d: %s" % (n, w.replace("|", "\\|")) for w, n in reasons.most_common())))
    rows.append("| all | | %d | %d of %d | %d | %d | |" % tuple(total[k] for k in ("directories", "built", "cases", "equal", "different")))
    text = "\n".join(rows) + "\n"
    if options.table:
        with open(options.table, "w") as f:
            f.write(text)
    else:
        sys.stdout.write(text)
    print("%(directories)d directories, %(cases)d builds: %(equal)d equal, %(different)d different" % collections.defaultdict(int, total))
    return 1 if total["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
