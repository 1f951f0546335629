"""KSOPS's own test directories (want.yaml: kustomize with KSOPS 4.5.1): `sluice build --show-secrets` prints those bytes, and
the real kustomize prints them when it calls us under the name ksops."""

import os
import shutil
import subprocess
import tempfile


def run(options):
    base = os.path.join(options.cases, "sops", "ksops")
    if not os.path.isdir(base):
        return None, "no KSOPS directories"
    kustomize = shutil.which("kustomize")
    results = {}
    with tempfile.TemporaryDirectory(prefix="sluice-ksops-") as home:
        plugin = os.path.join(home, "config", "kustomize", "plugin", "viaduct.ai", "v1", "ksops")
        os.makedirs(plugin)
        os.symlink(options.sluice, os.path.join(plugin, "ksops"))
        environment = {"PATH": plugin + ":" + os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": os.path.join(home, "config"),
                       "SLUICE_PGP_KEY_FILE": os.path.join(base, "keys", "key.asc")}

        def same(command, folder):
            done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            if done.returncode != 0:
                return "fail", "exit %d: %s" % (done.returncode, (done.stderr.decode().strip().splitlines() or [""])[-1])
            with open(os.path.join(folder, "want.yaml"), "rb") as file:
                return ("pass", "") if done.stdout == file.read() else ("fail", "output differs")

        for style in ("krm", "legacy"):
            for case in sorted(os.listdir(os.path.join(base, style))):
                folder = os.path.join(base, style, case)
                results["%s/%s/build" % (style, case)] = same([options.sluice, "build", "--show-secrets"], folder)
                called = [kustomize, "build", "--enable-alpha-plugins", "--enable-exec"]
                results["%s/%s/called" % (style, case)] = same(called, folder) if kustomize else ("skip", "kustomize is not on PATH")
    return results, None
