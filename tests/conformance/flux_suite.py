"""Scenarios recorded from Flux on a real API server, replayed with `sluice run` as the controller."""

import concurrent.futures
import ctypes
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = os.path.join(ROOT, "tests", "e2e", "cluster", "cluster.py")
# A scenario mostly waits; those that fail wait for their whole time limit.
AT_ONCE = 4
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def replay(options, scenario, kubeconfig, environment):
    command = [sys.executable, os.path.join(options.cases, "flux", "run_scenarios.py"), scenario,
               "--kubeconfig", kubeconfig, "--port", str(free_port())]
    if options.verbose:
        command.append("-v")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment, preexec_fn=die_with_parent)
    if options.verbose:
        print(done.stdout)
    for line in done.stdout.splitlines():
        if line.startswith("pass "):
            return "pass", ""
        if line.startswith("skip "):
            return "skip", line.partition("(")[2].rstrip(")")
        if line.startswith("FAIL "):
            return "fail", "differs at" + line.rpartition(" at")[2]
    return "fail", "the replay ended with %d: %s" % (done.returncode, (done.stdout.strip().splitlines() or [""])[-1])


def run(options):
    scenarios = sorted(glob.glob(os.path.join(options.cases, "flux", "scenarios", "*.yaml")))
    scenarios = [path for path in scenarios if re.search(options.only, os.path.basename(path)[:-5])]
    folder = tempfile.mkdtemp(prefix="sluice-conformance-")
    controller = None
    try:
        started = subprocess.run([sys.executable, CLUSTER, "start", "--dir", folder, "--owner", str(os.getpid())],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if started.returncode == 77:
            return {}, started.stdout.strip().removeprefix("SKIP: ")
        if started.returncode != 0:
            return {"cluster": ("fail", started.stderr.strip())}, None
        tools = subprocess.run([os.path.join(ROOT, "scripts", "tools"), "path"], check=True, capture_output=True, text=True)
        environment = dict(os.environ, KUBECACHEDIR=os.path.join(folder, "kubectl-cache"),
                           PATH=tools.stdout.strip() + ":" + os.environ["PATH"])
        if not shutil.which("kubectl", path=environment["PATH"]):
            return {}, "kubectl is not on PATH (scripts/deps --tests builds it)"
        kubeconfig = os.path.join(folder, "kubeconfig")
        crds = os.path.join(ROOT, "deploy", "crds")
        for arguments in (["apply", "--server-side", "-f", crds],
                          ["wait", "--for=condition=Established", "--timeout=30s", "-f", crds]):
            subprocess.run(["kubectl", "--kubeconfig", kubeconfig, *arguments], check=True, env=environment,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "sluice.log"), "w") as log:
            controller = subprocess.Popen([options.sluice, "run", "--kubeconfig", kubeconfig], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, env=environment, cwd=folder, preexec_fn=die_with_parent)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(lambda path: replay(options, path, kubeconfig, environment), scenarios))
        if controller.poll() is not None:
            with open(os.path.join(folder, "sluice.log"), errors="replace") as log:
                print("flux: sluice run ended early (exit %d); its log ends so:\n%s" % (controller.returncode, log.read()[-2000:]))
        return {os.path.basename(path)[:-5]: outcome for path, outcome in zip(scenarios, outcomes)}, None
    finally:
        if controller and controller.poll() is None:
            controller.terminate()
            try:
                controller.wait(15)
            except subprocess.TimeoutExpired:
                controller.kill()
                controller.wait()
        subprocess.run([sys.executable, CLUSTER, "stop", "--dir", folder], stdin=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
