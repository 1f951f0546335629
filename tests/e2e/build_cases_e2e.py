#!/usr/bin/env python3
"""Small kustomizations, right and wrong ones, built by kustomize and by `sluice build`: stdout, exit status and stderr.

fixtures/build_cases.json holds the files of each case; those of "shared" are in every one. Stderr must begin with
kustomize's, and an error must go on with its place. Without kustomize 5.8 on the PATH the test is skipped. With
arguments only the cases whose names contain one of them run, and both outputs are shown.
"""

import base64
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
KUSTOMIZE = shutil.which("kustomize")
CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "build_cases.json")

# What differs on purpose; docs/compat.md says why.
DIFFERENT = {
    "odd keys: template in a ConfigMapList": "no dump of the object",
    "odd keys: repeated key in a List": "the line of the file, not of the printed object",
    "odd keys: repeated key in a ConfigMapList": "no dump of the object",
    "odd keys: repeated key in a List of two documents": "no dump of the object",
    "fields: cm nonutf env": "the line itself is not repeated",
    "fields: res intkey": "no dump of the object",
    "fields: res nan": "no dump of the object",
    "tables: vars map": "Go's MakePrimitiveReplacer logs",
    "tables: ksops": "KSOPS is built in and needs no plugin flag",
    "tables: repl empty fp": "no dump of the object",
    "tables: val AnnotationsTransformer": "no dump of the object",
    "tables: val LabelTransformer": "no dump of the object",
    "tables: val ImageTagTransformer": "no dump of the object",
    "tables: val ReplicaCountTransformer": "no dump of the object",
    "tables: val ValueAddTransformer": "no dump of the object",
    "tables: gen IAMPolicyGenerator": "text that is no YAML without a project",
    "types: j6 yaml op": "the patch is quoted as it was written, not as JSON",
    "types: js rm name": "internal annotations are not shown",
    "types: js rm kind": "internal annotations are not shown",
    "types: symlink broken": "the link is named, not its target",
    "types: symlink loop": "Go's words",
}
# Errors about what has no line: an empty file, a missing file, an argument.
PLACELESS = {"kustomization: empty", "kustomization: comment only", "kustomization: dashes", "types: both", "types: kdir",
             "types: arg dir file"}


def run(program, case, shared):
    with tempfile.TemporaryDirectory() as root:
        root = os.path.realpath(root)
        for name, content in {**shared, **case["files"]}.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if isinstance(content, str):
                content = {"text": content}
            if "link" in content:
                os.symlink(content["link"], path)
                continue
            with open(path, "wb") as file:
                file.write(content["text"].encode() if "text" in content else base64.b64decode(content["base64"]))
        done = subprocess.run([program, "build"] + case.get("arguments", ["."]), cwd=root, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120)
        errors = done.stderr.decode("utf-8", "replace").replace(root, "@")
        errors = re.sub(r"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", errors)  # Go's log
        errors = re.sub(r"generator &\{0x[0-9a-f]+ <nil>\}", "generator ?", errors)
        errors = re.sub(r"generator (ConfigMap|Secret)Generator:", "generator ?:", errors)
        return done.returncode, done.stdout, errors


def judge(name, want, got):
    """What is wrong, or None."""
    if want[0] == 2:  # kustomize panicked
        return None if got[0] in (0, 1) else "exit status %d" % got[0]
    if name in DIFFERENT:
        return None if want[0] == got[0] else "exit status %d, not %d" % (got[0], want[0])
    if want[0] == 0:
        return None if want == got else "differs"
    if want[:2] != got[:2] or not got[2].startswith(want[2].rstrip("\n")):
        return "differs"
    if "\n  at " not in got[2] and name not in PLACELESS:
        return "the error has no place"
    return None


def main():
    if not KUSTOMIZE:
        print("SKIP: no kustomize on the PATH")
        return 77
    with open(CASES) as file:
        data = json.load(file)
    wanted = sys.argv[1:]
    cases = {name: case for name, case in data["cases"].items()
             if not wanted or any(word in name for word in wanted)}
    failed = 0

    def both(name):
        return name, run(KUSTOMIZE, cases[name], data["shared"]), run(SLUICE, cases[name], data["shared"])

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, want, got in pool.map(both, cases):
            problem = judge(name, want, got)
            failed += problem is not None
            if problem or wanted:
                print("%s: %s\n  kustomize: %s\n  sluice:    %s" % (name, problem or "ok", want, got))
    print("%d cases, %d failed, %d of them different on purpose" % (len(cases), failed, len(DIFFERENT.keys() & cases)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
