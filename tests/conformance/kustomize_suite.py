"""Cases of kustomize's own tests, run by run_cases.py of the shared folder (its README tells what they are).

Those that need GitHub run when KUSTOMIZE_CLONE names a bare clone of kubernetes-sigs/kustomize with its tags: see
loopback_github.py.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile


HERE = os.path.dirname(os.path.abspath(__file__))


def run(options):
    clone = os.environ.get("KUSTOMIZE_CLONE")
    loopback = [sys.executable, os.path.join(HERE, "loopback_github.py"), clone] if clone else []
    if loopback and subprocess.run(loopback + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        loopback = []
    with tempfile.NamedTemporaryFile(prefix="sluice-conformance-", suffix=".json") as report:
        command = loopback + [sys.executable, os.path.join(options.cases, "run_cases.py"), os.path.join(options.cases, "kustomize"),
                   "--cmd", "'%s' build {opts} {dir}" % options.sluice, "--json", report.name, "-j", "2",
                   "--needs", ",".join(["exec", "legacyexec"] + (["helm"] if shutil.which("helm") else []) + (["remote"] if loopback else []))]
        if options.only:
            command += ["--only", options.only]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            with open(report.name) as file:
                results = json.load(file)["results"]
        except ValueError:
            return {"run_cases.py": ("fail", "ended with %d and no report: %s" % (done.returncode, done.stdout[-400:]))}, None
    return {result["name"]: (result["status"], (result.get("why") or "").partition("\n")[0]) for result in results}, None
