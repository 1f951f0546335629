#!/usr/bin/env python3
"""The command line of `sluice build` beside kustomize's: exit status, stdout, stderr and the files of --output.

Each command runs with both programs in the same directory; without kustomize 5.8 on the PATH the test is skipped.
Where ours says more (place, hint) the first line of stderr is compared.
"""

import os
import shutil
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
KUSTOMIZE = shutil.which("kustomize")

FILES = {
    "ok/kustomization.yaml": "resources: [a.yaml]\n",
    "ok/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "empty/readme": "",
    "two/kustomization.yaml": "resources: []\n",
    "two/Kustomization": "resources: []\n",
    "old/kustomization.yaml": "bases: [../ok]\ncommonLabels: {a: b}\nvars: []\npatchesStrategicMerge: []\n"
                              "patchesJson6902: []\nimageTags: []\n",
    "many/kustomization.yaml": "resources: [all.yaml]\n",
    "many/all.yaml": """\
apiVersion: v1
kind: Namespace
metadata: {name: Foo}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:Foo"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: ns1}
data: {z: "1", b: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: example.com/v1
kind: Weird
metadata: {name: w, namespace: Up}
""",
}

COMMANDS = [
    ["ok"], ["ok/"], ["./ok/."], ["nope/../ok"], ["@/ok"], ["--", "ok"],
    ["ok", "empty"], ["nope"], ["nope/deeper"], ["@/nope"], [""], ["ok/a.yaml"], ["empty"], ["two"], [],
    ["--nope", "ok"], ["-x", "ok"], ["--output"], ["-o"],
    ["--load-restrictor", "foo", "ok"], ["--load-restrictor=LoadRestrictionsNone", "ok"], ["--load-restrictor=", "ok"],
    ["--reorder", "foo", "ok"], ["--reorder", "legacy", "many"], ["--reorder=none", "many"],
    ["--enable-managedby-label", "ok"], ["--enable-managedby-label=F", "ok"],
    ["--enable-alpha-plugins", "--enable-exec=0", "--enable-helm", "--helm-command", "h", "ok"],
    ["--helm-api-versions", "a", "--helm-kube-version", "1", "--helm-debug", "--stack-trace", "ok"],
    ["-e", "A=b", "--mount", "m", "--network", "--network-name", "n", "--as-current-user", "ok"],
    ["-o", "out.yaml", "ok"], ["-oout.yaml", "many"], ["--output=nodir/out.yaml", "ok"],
    ["-o", "out", "many"], ["-o", "out/", "ok"],
    ["old"],
]


def run(program, arguments, environment=None):
    """(exit status, stdout, stderr, files written) in a fresh copy of FILES."""
    with tempfile.TemporaryDirectory() as root:
        root = os.path.realpath(root)
        for path, text in FILES.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w") as file:
                file.write(text)
        os.mkdir(os.path.join(root, "out"))
        arguments = [argument.replace("@", root) for argument in arguments]
        done = subprocess.run([program, "build"] + arguments, cwd=root, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, env={**os.environ, **(environment or {})})
        written = {}
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.relpath(os.path.join(directory, name), root)
                if path not in FILES:
                    with open(os.path.join(root, path)) as file:
                        written[path] = file.read()
        return done.returncode, done.stdout, done.stderr.replace(root, "@"), written


def main():
    if not KUSTOMIZE:
        print("SKIP: no kustomize on the PATH")
        return 77
    failed = 0
    cases = [(arguments, None) for arguments in COMMANDS]
    cases.append((["ok"], {"KUSTOMIZE_ENABLE_MANAGEDBY_LABEL": "on"}))
    for arguments, environment in cases:
        want, got = run(KUSTOMIZE, arguments, environment), run(SLUICE, arguments, environment)
        if want[0] == 0:
            equal = want == got
        else:
            lines = want[2].rstrip("\n").split("\n")
            equal = (want[:2], want[3]) == (got[:2], got[3]) and got[2].split("\n")[:len(lines)] == lines
        if not equal:
            failed += 1
            print("FAILED: build %s\n  kustomize: %s\n  sluice:    %s" % (" ".join(arguments), want, got))
    print("%d command lines, %d differ" % (len(cases), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
