#!/usr/bin/env python3
"""Trees that mean harm and are too large for tests/kustomize/hostile_test.cpp: `sluice build` ends each within a limit of
processor time and of address space, with a clear error or a result. Prints what each took."""

import os
import resource
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SECONDS, MEMORY = 30, 2 << 30


def diamond(write):
    for i in range(40):
        for side in "ab":
            write("%s%d/kustomization.yaml" % (side, i), "namePrefix: x\nresources: [../a%d, ../b%d]\n" % (i + 1, i + 1))
    for side in "ab":
        write(side + "40/kustomization.yaml", "resources: []\n")
    write("kustomization.yaml", "resources: [a0]\n")


def resource_with(text):
    def make(write):
        write("kustomization.yaml", "resources: [r.yaml]\n")
        write("r.yaml", text)
    return make


def kustomization(text, **files):
    def make(write):
        write("kustomization.yaml", text)
        for name, content in files.items():
            write(name, content)
    return make


def nested_directories(write):
    path = ""
    for _ in range(300):
        write(path + "kustomization.yaml", "resources: [d]\n")
        path += "d/"
    write(path + "kustomization.yaml", "resources: []\n")


# name, tree, words of the error ("" for success)
CASES = [
    ("a value of 100 MB", resource_with(MAP + "data: {x: " + "y" * 100_000_000 + "}\n"), ""),
    ("a line of 100 MB that is nothing", resource_with("x" * 100_000_000), "missing Resource metadata"),
    ("a quote of 100 MB that does not end", resource_with('"' + "x" * 100_000_000), "found unexpected end of stream"),
    ("a comment of 100 MB", resource_with("#" * 100_000_000 + "\n" + MAP), ""),
    ("a generated file of 100 MB", kustomization("configMapGenerator: [{name: a, files: [f]}]\n", f="x" * 100_000_000), ""),
    ("a file larger than any may be", kustomization("configMapGenerator: [{name: a, files: [f]}]\n", f=None), "larger than"),
    ("a million entries that are not there",
     kustomization("resources:\n" + "".join("- f%d.yaml\n" % i for i in range(1_000_000))), "f0.yaml: no such file or directory"),
    ("a million and one resources", resource_with("".join(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n" % i for i in range(1_000_001))), "more than 1000000 resources"),
    ("bases that double 40 times", diamond, "more than 200000 bases and components"),
    ("bases nested 300 deep", nested_directories, "bases are nested deeper than 200 levels"),
    ("an endless device", lambda write: (write("kustomization.yaml", "resources: [p]\n"), os.symlink("/dev/zero", write("p"))),
     "is not a regular file"),
    ("a pipe", lambda write: (write("kustomization.yaml", "resources: [p]\n"), os.mkfifo(write("p"))), "p"),
]


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main():
    failed = 0
    for name, make, words in CASES:
        with tempfile.TemporaryDirectory(prefix="sluice-hostile-e2e-") as root:
            def write(path, text=""):
                full = os.path.join(root, path)
                if text == "":
                    return full
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w") as file:
                    if text is None:  # a hole: no disk is used
                        file.truncate((256 << 20) + 1)
                    else:
                        file.write(text)
                return full

            make(write)
            process = subprocess.Popen([SLUICE, "build", root, "-o", "/dev/null"], stdin=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, preexec_fn=limit)
            message = process.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            good = process.returncode == (1 if words else 0) and words in message and len(message) < 1_000_000
            failed += not good
            print("%s: %s: %.2f s, %d MiB%s" % ("ok" if good else "FAILED", name, usage.ru_utime + usage.ru_stime,
                                                usage.ru_maxrss >> 10,
                                                "" if good else ": status %d: %s" % (process.returncode, message[:600])))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
