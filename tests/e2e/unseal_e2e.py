#!/usr/bin/env python3
"""`sluice unseal` and the rendering of Sealed Secrets beside kubeseal 0.27.1.

What kubeseal seals in each scope, both open to the same bytes; a changed file opens with neither. Without kubeseal on
the PATH only the recorded files are compared, and the rest is skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = os.path.join(ROOT, "fixtures", "sealed")
SLUICE = os.environ["SLUICE"]
KUBESEAL = shutil.which("kubeseal")
CANARY = "canary-7d1f"
failed = []


def run(*command, text=""):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(truth, what):
    if not truth:
        failed.append(what)
        print("FAILED: " + what)


def read(name):
    with open(os.path.join(FIXTURES, name)) as file:
        return file.read()


def unseal(key, text, form):
    return run(SLUICE, "unseal", "--recovery-private-key", key, "-o", form, text=text)


def recorded(key):
    for form in ("json", "yaml"):
        check(unseal(key, read("sealed.yaml"), form) == (0, read("secret." + form), ""), "sealed.yaml as " + form)
    status, out, error = unseal(key, read("sealed.yaml").replace("name: db", "name: other"), "json")
    check(status == 1 and out == "" and "no key could decrypt secret" in error and CANARY not in error, "a renamed one")
    check(run(SLUICE, "unseal", text=read("sealed.yaml"))[0] == 1, "no key given")


def rendered(key):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(FIXTURES, "sealed.yaml"), folder)
        with open(os.path.join(folder, "kustomization.yaml"), "w") as file:
            file.write("resources: [sealed.yaml]\n")
        status, out, error = run(SLUICE, "build", folder, "--recovery-private-key", key)
        check(status == 0 and "kind: Secret\n" in out and "**SOPS**" in out and "Y2FuYXJ5" not in out + error,
              "build shows a Secret without its values")
        status, out, _ = run(SLUICE, "build", folder, "--recovery-private-key", key, "--show-secrets")
        check(status == 0 and "Y2FuYXJ5" in out, "build with --show-secrets shows them")
        log = os.path.join(folder, "audit.jsonl")
        run(SLUICE, "build", folder, "--recovery-private-key", key, "--audit-log", log)
        run(SLUICE, "unseal", os.path.join(folder, "sealed.yaml"), "--recovery-private-key", key, "--audit-log", log)
        with open(log) as file:
            lines = [json.loads(line) for line in file]
        told = [(os.path.basename(line["file"]), line["keys"], line["purpose"], line["result"]) for line in lines]
        check(told == [("sealed.yaml", ["sealed-secrets \"%s\"" % key], purpose, "opened") for purpose in ("names", "unseal")],
              "one audit line for each SealedSecret: %s" % told)
        with open(os.path.join(folder, "kustomization.yaml"), "a") as file:
            file.write("namePrefix: x-\n")
        status, out, error = run(SLUICE, "build", folder)
        check(status == 0 and "kind: SealedSecret" in out and "becomes prod/x-db" in error, "a renamed one is warned of")
        status, out, error = run(SLUICE, "build", folder, "--check-sealed-secrets")
        check(status == 1 and out == "" and "sealed.yaml:1:1" in error, "--check-sealed-secrets refuses it")


def beside_kubeseal(key, folder):
    certificate = os.path.join(folder, "cert.pem")
    status, _, error = run("openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=sealed", "-out", certificate)
    if status != 0:
        raise RuntimeError("openssl: " + error)
    values = ["", CANARY, "a\nb\n", "\u00e9 <&>", "x" * 5000]
    for scope in ("strict", "namespace-wide", "cluster-wide"):
        for skip_owner in (False, True):
            secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: prod\n"
            if skip_owner:
                secret += "  annotations: {sealedsecrets.bitnami.com/skip-set-owner-references: \"true\", z: y}\n"
                secret += "  labels: {b: c, a: \"1\"}\nimmutable: true\ntype: example.com/own\n"
            secret += "stringData:\n" + "".join("  k%d: %s\n" % (i, json.dumps(v)) for i, v in enumerate(values))
            status, sealed, error = run(KUBESEAL, "--cert", certificate, "-o", "yaml", "--scope", scope,
                                        "--allow-empty-data", text=secret)
            check(status == 0, "kubeseal seals: " + error)
            for form in ("json", "yaml"):
                want = run(KUBESEAL, "--recovery-unseal", "--recovery-private-key", key, "-o", form, text=sealed)
                got = unseal(key, sealed, form)
                check(want[0] == 0 and want == got, "%s as %s, skip_owner=%s" % (scope, form, skip_owner))
            moved = sealed.replace("namespace: prod", "namespace: dev").replace("name: s", "name: t")
            want = run(KUBESEAL, "--recovery-unseal", "--recovery-private-key", key, text=moved)
            got = unseal(key, moved, "json")
            check(want[:2] == got[:2] and (want[0] == 0) == (scope == "cluster-wide"), scope + ", moved")


def main():
    key = os.path.join(FIXTURES, "key.pem")
    recorded(key)
    rendered(key)
    if KUBESEAL:
        with tempfile.TemporaryDirectory() as folder:
            beside_kubeseal(key, folder)
    print("%d differences%s" % (len(failed), "" if KUBESEAL else "; no kubeseal to compare with"))
    if failed:
        return 1
    if not KUBESEAL:
        print("SKIP: no kubeseal on the PATH (scripts/deps --tests builds it): only the recorded files were compared")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
