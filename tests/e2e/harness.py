"""What the end-to-end tests share: a cluster (real or sandbox), a Git server, `sluice run`, and waiting.

Built on the demo's own pieces, so that the demo is tested with every test of this folder.
"""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from programs import ROOT, skip


def load_demo():
    loader = importlib.machinery.SourceFileLoader("demo", os.path.join(ROOT, "scripts", "demo"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("demo", loader))
    loader.exec_module(module)
    return module


demo = load_demo()
Failed = demo.Failed
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/%s/kustomizations/%s"
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/%s/gitrepositories/%s"


def check(truth, message):
    if not truth:
        raise Failed(message)


class Scene(demo.Story):
    """One test's world: a context manager that leaves nothing running and, when all went well, no file."""

    def __init__(self, cluster="real", audit=False):
        super().__init__(tempfile.mkdtemp(prefix="sluice-e2e-"), cluster)
        self.audit = audit
        self.sluice = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        if kind is None:
            shutil.rmtree(self.work, ignore_errors=True)
            return False
        if kind is SystemExit:
            return False
        print("FAILED: %s" % error, file=sys.stderr)
        for name, _ in self.started:
            with open(os.path.join(self.work, name + ".log"), "rb") as log:
                print("--- %s.log\n%s" % (name, log.read()[-4000:].decode(errors="replace")), file=sys.stderr)
        print("kept %s" % self.work, file=sys.stderr)
        return False

    def run_sluice(self, *arguments):
        name = "sluice-%d" % len(self.started)
        self.sluice = self.start(name, [demo.SLUICE, "run", "--kubeconfig", self.kubeconfig, "--storage-path",
                                        os.path.join(self.work, "sources"), *arguments])
        return self.sluice

    def end_sluice(self, how=signal.SIGTERM):
        self.sluice.send_signal(how)
        self.sluice.wait(20)
        self.started = [(n, p) for n, p in self.started if p is not self.sluice]

    def serve_git(self):
        self.tree = os.path.join(self.work, "tree")
        served = os.path.join(self.work, "served")
        os.makedirs(served)
        os.makedirs(self.tree)
        self.git("init", "-q", "-b", "main")
        self.git("init", "-q", "--bare", "-b", "main", os.path.join(served, "repo.git"))
        self.git("remote", "add", "origin", os.path.join(served, "repo.git"))
        server = self.start("git", [sys.executable, os.path.join(ROOT, "tests/support/git_server.py"), "--root", served, "--port", "0",
                                    "--log", os.path.join(self.work, "git-requests")])
        self.port = int("".join(c for c in server.stdout.readline().decode().split(":")[-1] if c.isdigit()))
        self.url = "http://127.0.0.1:%d/repo.git" % self.port

    def write(self, files):
        for path, text in files.items():
            full = os.path.join(self.tree, path)
            if text is None:
                os.remove(full)
                continue
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text)

    def namespace(self, name):
        self.api.apply("/api/v1/namespaces/" + name, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n" % name)

    def repository(self, ns, name="src", **spec):
        self.api.apply(REPOSITORIES % (ns, name), json.dumps({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": name, "namespace": ns},
            "spec": dict({"interval": "60m", "url": self.url, "ref": {"branch": "main"}}, **spec)}))

    def kustomize(self, ns, name, **spec):
        self.api.apply(KUSTOMIZATIONS % (ns, name), json.dumps({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name, "namespace": ns},
            "spec": dict({"interval": "60m", "prune": True, "path": "./", "sourceRef": {"kind": "GitRepository", "name": "src"}}, **spec)}))

    def status(self, ns, name):
        return (self.api.get(KUSTOMIZATIONS % (ns, name)) or {}).get("status", {})

    def ready(self, ns, name):
        for condition in self.status(ns, name).get("conditions", []):
            if condition["type"] == "Ready":
                return condition
        return {"status": "", "reason": "", "message": ""}

    def applied(self, ns, name):
        """Ready at the last commit."""
        ready = self.ready(ns, name)
        return ready["status"] == "True" and self.revision in ready["message"]

    def poke(self, ns, name="src"):
        self.api.call("PATCH", REPOSITORIES % (ns, name), json.dumps(
            {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": str(time.time())}}}).encode(), "application/merge-patch+json")

    def generated(self, ns):
        return sorted(o["metadata"]["name"] for o in self.api.get("/api/v1/namespaces/%s/secrets" % ns)["items"]
                      if "kustomize.toolkit.fluxcd.io/name" in o["metadata"].get("labels", {}))

    def requests(self):
        """What sluice asked of the real API server, from its audit log, watches left out."""
        out = []
        with open(os.path.join(self.work, "cluster", "audit.log")) as log:
            for line in log:
                entry = json.loads(line)
                if entry.get("userAgent", "").startswith("sluice") and entry["verb"] != "watch":
                    out.append("%s %s" % (entry["verb"], entry["requestURI"]))
        return out

    def git_requests(self):
        with open(os.path.join(self.work, "git-requests"), "rb") as log:
            return sum(1 for _ in log)

    def kubectl(self, *arguments):
        program = shutil.which("kubectl")
        if not program:
            skip("kubectl is not on PATH (scripts/deps --tests builds it)")
        done = subprocess.run([program, "--kubeconfig", self.kubeconfig, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=dict(os.environ, KUBECACHEDIR=os.path.join(self.work, "kubectl-cache")))
        if done.returncode:
            raise Failed("kubectl %s: %s" % (" ".join(arguments), done.stderr.strip()))
        return done.stdout
