#!/usr/bin/env python3
"""The exit status of `sluice decrypt` beside sops's for files that are missing, unreadable or not encrypted."""

import os
import shutil
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
SOPS = shutil.which("sops")


def main():
    if not SOPS:
        print("SKIP: no sops on the PATH")
        return 77
    with tempfile.TemporaryDirectory() as root:
        plain = os.path.join(root, "plain.yaml")
        with open(plain, "w") as file:
            file.write("a: b\n")
        failed = 0
        for path in [os.path.join(root, "missing.yaml"), root, plain + "/below", plain]:
            want, got = (subprocess.run([program, "decrypt", path], stdin=subprocess.DEVNULL, capture_output=True,
                                        timeout=60).returncode for program in (SOPS, SLUICE))
            if want != got:
                failed += 1
                print("FAILED: decrypt %s: sops exits %d, sluice %d" % (os.path.relpath(path, root), want, got))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
