#!/usr/bin/env python3
"""The exit status of `sluice decrypt` beside sops's for files that are missing, unreadable or not encrypted, and for
files of keys that are missing, with and without another key."""

import os
import shutil
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
SOPS = shutil.which("sops")


def main():
    if not SOPS or not shutil.which("age-keygen"):
        print("SKIP: no sops or no age-keygen on the PATH")
        return 77
    with tempfile.TemporaryDirectory() as root:
        plain = os.path.join(root, "plain.yaml")
        with open(plain, "w") as file:
            file.write("a: b\n")
        key = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout.split()
        home = {"PATH": os.environ["PATH"], "HOME": root}
        secret = os.path.join(root, "secret.yaml")
        with open(secret, "wb") as file:
            recipient = next(word for word in key if word.startswith("age1"))
            file.write(subprocess.run([SOPS, "encrypt", "--age", recipient, plain], env=home, stdin=subprocess.DEVNULL,
                                      capture_output=True, check=True, timeout=60).stdout)
        known = {"SOPS_AGE_KEY": next(word for word in key if word.startswith("AGE-SECRET-KEY-"))}
        cases = [(path, {}) for path in (os.path.join(root, "missing.yaml"), root, plain + "/below", plain)]
        for name in ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"):
            cases += [(secret, {name: root + "/none"}), (secret, {name: root + "/none", **known})]
        failed = 0
        for path, environment in cases:
            want, got = (subprocess.run([program, "decrypt", path], env={**home, **environment}, stdin=subprocess.DEVNULL,
                                        capture_output=True, timeout=60).returncode for program in (SOPS, SLUICE))
            if want != got:
                failed += 1
                print("FAILED: decrypt %s with %s: sops exits %d, sluice %d" %
                      (os.path.relpath(path, root), list(environment), want, got))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
