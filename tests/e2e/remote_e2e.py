#!/usr/bin/env python3
"""Remote bases and files of `sluice build`, beside kustomize where it is there: a Git server and a web server on loopback.

stdout and exit status must be equal; of an error, the words given with the case must be in both. Also: nothing is left
in the temporary directory, also after SIGINT, and one repository is fetched once.
"""

import base64
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SLUICE = os.environ["SLUICE"]
KUSTOMIZE = shutil.which("kustomize")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"
COMMIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
          "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
          "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}

# (kustomization, words of the error or "" for success); GIT, WEB, ROOT, COMMIT are replaced.
CASES = [
    ("resources: ['git::GIT/repo.git//dev']", ""),
    ("resources: ['GIT/repo.git//dev?ref=main']", ""),
    ("resources: ['GIT/repo.git/dev?ref=v1']", ""),
    ("resources: ['GIT/repo.git/dev?ref=annotated']", ""),
    ("resources: ['GIT/repo.git/dev/?version=feat%2Fx&timeout=20']", ""),
    ("resources: ['GIT/repo.git/dev?ref=refs/heads/main']", ""),
    ("resources: ['GIT/repo.git//base?ref=COMMIT']", ""),
    ("resources: ['GIT/repo.git']", ""),
    ("resources: ['GIT/repo.git//dev', 'GIT/repo.git//base']\n", ""),
    ("resources: ['GIT/repo.git//dev?ref=v1']\nbuildMetadata: [originAnnotations, transformerAnnotations]", ""),
    ("resources: ['GIT/repo.git']\nbuildMetadata: [originAnnotations]", ""),
    ("resources: ['GIT/repo.git//generated?ref=main']\nbuildMetadata: [originAnnotations]", ""),
    ("components: ['GIT/repo.git//component']\nresources: ['GIT/repo.git//base']", ""),
    ("resources: ['GIT/modules.git//sub/base']", ""),
    ("resources: ['GIT/modules.git//sub/base?submodules=false']", "no such file or directory"),
    ("resources: ['file://ROOT/src//dev?ref=v1']", ""),
    ("resources: ['file://ROOT/served/repo.git/dev?ref=v1']", ""),
    ("resources: ['file://ROOT/served/repo//dev']", ""),
    ("resources: ['file:///not/a/repo']", "fatal: '/not/a/repo' does not appear to be a git repository"),
    ("resources: ['file:///not/a/repo']\n", ": exit status 128"),
    ("resources: ['GIT/repo.git//dev?ref=nope']", "fatal: couldn't find remote ref nope"),
    ("resources: ['GIT/none.git//dev']", "URL is a git repository"),
    ("resources: ['GIT/repo.git//nope']", "no such file or directory"),
    ("resources: ['GIT/repo.git//dev/kustomization.yaml']", "expecting directory"),
    ("resources: ['GIT/repo.git//up']", "security; bases in kustomizations found in cloned git repos must be within the repo"),
    ("resources: ['GIT/repo.git//file']", "security; file '"),
    ("resources: ['GIT/repo.git//self']", "cycle detected: "),
    ("resources: ['git@127.0.0.1.invalid:org/repo']", "git fetch --depth=1 git@127.0.0.1.invalid:org/repo HEAD': "),
    ("resources: ['package@v1.28.0.example/configs/base']", "fatal: 'package@v1.28.0.example/configs/base' does not appear"),
    ("resources: ['WEB/pod.yaml']", ""),
    ("resources: ['WEB/a/b/pod.yaml', 'WEB/map.yaml']\nbuildMetadata: [originAnnotations]", ""),
    ("resources: ['WEB/moved.yaml']", ""),
    ("resources: ['WEB/loop.yaml']", "stopped after 10 redirects"),
    ("resources: ['WEB/private.yaml']", "HTTP Error: status code 401 (Unauthorized)"),
    ("resources: ['WEB/404']", "accumulating resources: accumulating resources from 'WEB/404': HTTP Error: status code 404 (Not Found)"),
    ("resources: ['WEB/500']", "HTTP Error: status code 500 (Internal Server Error)"),
    ("resources: ['WEB/long/enough/for/a/repo']", "URL is a git repository"),
    ("resources: ['WEB/long/enough/for/a/repo']\n", "git fetch --depth=1 WEB/long/enough HEAD"),
    ("resources: ['WEB/bad.yaml']", "accumulating resources from 'WEB/bad.yaml'"),
    ("resources: ['http://127.0.0.1:1/x.yaml']", "accumulating resources from 'http://127.0.0.1:1/x.yaml': Get \"http://127.0.0.1:1/x.yaml\": "),
    ("resources: ['WEB/pod.yaml']\npatches: [{path: WEB/patch.yaml}]", ""),
    ("configMapGenerator: [{name: g, files: ['a=WEB/map.yaml'], envs: ['WEB/env']}]", ""),
    ("resources: ['WEB/pod.yaml']\nconfigurations: ['WEB/config.yaml']\nnamePrefix: p-", ""),
    ("generators: ['WEB/generator.yaml']", ""),
    ("components: ['WEB/404']", "loader.New"),
]

# Programs that run in a repository that was fetched: they see its files, links and modes, and where they are.
PLUGINS = ["--enable-alpha-plugins", "--enable-exec"]
PROGRAM_CASES = [
    ("resources: ['GIT/programs.git//function']", "", PLUGINS),
    ("resources: ['GIT/programs.git//function', 'GIT/programs.git//legacy?ref=main']\nbuildMetadata: [originAnnotations]", "", PLUGINS),
    ("resources: ['GIT/programs.git//legacy']\nnamePrefix: p-", "", PLUGINS),
    ("resources: ['GIT/programs.git//chart']\nnamespace: above", "", ["--enable-helm", "--helm-command", "ROOT/helm"]),
    ("resources: ['GIT/programs.git//chart']", "must specify --enable-helm", []),
    ("resources: ['GIT/programs.git//missing']", "no repo specified for pull, no chart found at '", ["--enable-helm", "--helm-command", "ROOT/helm"]),
]
FUNCTION = """apiVersion: example.com/v1
kind: Function
metadata: {name: f, annotations: {config.kubernetes.io/function: "exec: {path: ./run.sh}"}}
"""
PRINT = """#!/bin/sh
cat >/dev/null
printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}\\ndata: {text: "%s", mode: "%s"}\\n' \\
  "$(basename "$PWD")" "$(cat linked/data.txt)" "$(stat -c %a linked/data.txt)$([ -e round/round/legacy ] && echo ' round')"
"""
HELM = """#!/bin/sh
case $1 in
  version) echo v3.19.4 ;;
  template) printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}\\ndata: {values: "%s"}\\n' "$(basename "$3")" "$(cat "$5")" ;;
esac
"""

SERVED = {"/pod.yaml": POD, "/a/b/pod.yaml": POD, "/map.yaml": MAP, "/bad.yaml": "a: [\n", "/env": "K=v\n",
          "/patch.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: pod, labels: {patched: 'yes'}}\n",
          "/config.yaml": "namePrefix: [{path: metadata/other, create: true}]\n",
          "/generator.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nliterals: [a=b]\nname: made\n"}


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hold = threading.Event()

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        status, headers, body = 200, {}, SERVED.get(path, "").encode()
        if path == "/moved.yaml":
            status, headers = 302, {"Location": "/pod.yaml"}
        elif path == "/loop.yaml":
            status, headers = 302, {"Location": "/loop.yaml"}
        elif path == "/private.yaml":
            status = 200 if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"u:p w").decode() else 401
            body = POD.encode()
        elif path == "/slow.yaml":
            Web.hold.wait(30)
        elif path == "/500":
            status = 500
        elif not body:
            status = 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_repositories(root):
    environment = {**os.environ, **COMMIT, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}

    def git(where, *arguments):
        return subprocess.run(["git", "-c", "protocol.file.allow=always", *arguments], cwd=os.path.join(root, where), check=True,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout.strip()

    def write(where, files):
        for path, text in files.items():
            full = os.path.join(root, where, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(text)

    os.makedirs(os.path.join(root, "served"))
    write("src", {
        "kustomization.yaml": "resources: [base]\n",
        "base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": POD,
        "dev/kustomization.yaml": "resources: [../base]\nnamePrefix: dev-\n",
        "generated/kustomization.yaml": "configMapGenerator: [{name: g, literals: [a=b]}]\n",
        "component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n",
        "up/kustomization.yaml": "resources: [../../..]\n",
        "file/kustomization.yaml": "resources: [../base/pod.yaml]\n",
        "self/kustomization.yaml": "resources: [.]\n"})
    git("src", "init", "-q", "-b", "main")
    git("src", "add", ".")
    git("src", "commit", "-qm", "one")
    git("src", "tag", "v1")
    git("src", "tag", "-a", "-m", "words", "annotated")
    git("src", "branch", "feat/x")
    commit = git("src", "rev-parse", "HEAD")
    git(".", "clone", "-q", "--bare", "src", "served/repo.git")
    write("programs", {
        "shared/data.txt": "of the repository",
        "function/kustomization.yaml": "generators: [f.yaml]\n", "function/f.yaml": FUNCTION, "function/run.sh": PRINT,
        "legacy/kustomization.yaml": "generators: [l.yaml]\n",
        "legacy/l.yaml": "apiVersion: example.com/v1\nkind: Legacy\nmetadata: {name: l}\n",
        "chart/kustomization.yaml": "helmCharts: [{name: web, releaseName: r, valuesInline: {b: 2}}]\n",
        "chart/charts/web/values.yaml": "a: 1\n",
        "missing/kustomization.yaml": "helmCharts: [{name: web}]\n"})
    os.chmod(os.path.join(root, "programs/function/run.sh"), 0o755)
    for directory in ("function", "legacy"):
        os.symlink("../shared", os.path.join(root, "programs", directory, "linked"))
        os.symlink("..", os.path.join(root, "programs", directory, "round"))
    os.symlink("/etc/hostname", os.path.join(root, "programs/shared/outside"))
    os.symlink("nothing", os.path.join(root, "programs/shared/dangling"))
    git("programs", "init", "-q", "-b", "main")
    git("programs", "add", ".")
    git("programs", "commit", "-qm", "programs")
    git(".", "clone", "-q", "--bare", "programs", "served/programs.git")
    write(".", {"helm": HELM, "plugins/example.com/v1/legacy/Legacy": PRINT})
    for program in ("helm", "plugins/example.com/v1/legacy/Legacy"):
        os.chmod(os.path.join(root, program), 0o755)
    write("mod", {"readme": "modules\n"})
    git("mod", "init", "-q", "-b", "main")
    git("mod", "submodule", "add", os.path.join(root, "served/repo.git"), "sub")
    git("mod", "config", "-f", ".gitmodules", "submodule.sub.url", "../repo.git")
    git("mod", "add", ".")
    git("mod", "commit", "-qm", "modules")
    git(".", "clone", "-q", "--bare", "mod", "served/modules.git")
    return commit


def build(program, directory, scratch, *arguments):
    environment = {**os.environ, "TMPDIR": scratch, "KUSTOMIZE_PLUGIN_HOME": os.path.join(os.path.dirname(scratch), "plugins"),
                   "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
                   "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=5"}
    done = subprocess.run([program, "build", *arguments, directory], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, env=environment)
    return done.returncode, done.stdout, done.stderr


def main():
    if not shutil.which("git"):
        print("SKIP: no git on the PATH")
        return 77
    failures = []

    def check(truth, what):
        if not truth:
            failures.append(what)
            print("FAILED: " + what)

    with tempfile.TemporaryDirectory(prefix="sluice-remote-e2e-") as root:
        root = os.path.realpath(root)
        commit = make_repositories(root)
        log = os.path.join(root, "log")
        git_server = subprocess.Popen([sys.executable, os.path.join(HERE, "../support/git_server.py"), "--root",
                                       os.path.join(root, "served"), "--log", log], stdout=subprocess.PIPE, text=True)
        web_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        web_server.daemon_threads = True
        threading.Thread(target=web_server.serve_forever, daemon=True).start()
        git = "http://127.0.0.1:" + git_server.stdout.readline().strip()
        web = "http://127.0.0.1:%d" % web_server.server_address[1]

        def fill(text):
            return text.replace("GIT/", git + "/").replace("WEB/", web + "/").replace("ROOT", root).replace("COMMIT", commit)

        scratch = os.path.join(root, "tmp")
        os.mkdir(scratch)
        try:
            for number, (text, words, flags) in enumerate([(*case, []) for case in CASES] + PROGRAM_CASES):
                directory = os.path.join(root, "case-%d" % number, "o")
                os.makedirs(directory)
                with open(os.path.join(directory, "kustomization.yaml"), "w") as file:
                    file.write(fill(text) + "\n")
                flags = [fill(flag) for flag in flags]
                got = build(SLUICE, directory, scratch, *flags)
                check(os.listdir(scratch) == [], "%r leaves %s" % (text, os.listdir(scratch)))
                programs = [("sluice", got)]
                if KUSTOMIZE:
                    other = os.path.join(root, "kustomize-%d" % number)
                    os.mkdir(other)
                    want = build(KUSTOMIZE, directory, other, *flags)
                    programs.append(("kustomize", want))
                    check(want[:2] == got[:2], "%r:\n  kustomize: %s\n  sluice:    %s" % (text, want, got))
                for name, result in programs:
                    check((result[0] == 0) == (words == "") and fill(words) in result[2], "%s, %r: %s" % (name, text, result))

            # The command line takes a repository; one is fetched once; flags refuse.
            target = git + "/repo.git//dev?ref=v1"
            got = build(SLUICE, target, scratch)
            check(got[0] == 0 and "name: dev-pod" in got[1], "a repository as argument: %s" % (got,))
            if KUSTOMIZE:
                check(build(KUSTOMIZE, target, scratch)[:2] == got[:2], "a repository as argument, beside kustomize")
            once = os.path.join(root, "once")
            os.mkdir(once)
            with open(os.path.join(once, "kustomization.yaml"), "w") as file:
                file.write("resources: [%s/repo.git//dev, %s/repo.git//base, 'git::%s/repo.git//generated']\n" % (git, git, git))
            open(log, "w").close()
            check(build(SLUICE, once, scratch)[0] == 0, "three directories of one repository")
            with open(log) as file:
                lines = file.read().splitlines()
            check(sum("POST" in line for line in lines) == 2, "one ls-refs and one fetch, found %s" % lines)
            got = build(SLUICE, once, scratch, "--no-remote-bases")
            check(got[0] == 1 and "remote bases and files are not allowed" in got[2], "--no-remote-bases: %s" % (got,))

            # Credentials in a URL are used and never shown.
            private = web.replace("//", "//u:p%20w@") + "/private.yaml"
            with open(os.path.join(once, "kustomization.yaml"), "w") as file:
                file.write("resources: ['%s']\n" % private)
            check(build(SLUICE, once, scratch)[0] == 0, "credentials in a web address")
            secret = git.replace("//", "//git:secret@") + "/auth/repo.git"
            with open(os.path.join(once, "kustomization.yaml"), "w") as file:
                file.write("resources: ['git::%s//dev']\n" % secret)
            got = build(SLUICE, once, scratch)
            check(got[0] == 0, "credentials in a repository's URL: %s" % (got,))
            with open(os.path.join(once, "kustomization.yaml"), "w") as file:
                file.write("resources: ['git::%s//dev?ref=nope']\n" % secret)
            got = build(SLUICE, once, scratch)
            check(got[0] == 1 and "secret" not in got[2], "a password in an error: %s" % (got,))

            # A server that does not answer: the timeout, and SIGINT.
            hanging = subprocess.Popen([sys.executable, os.path.join(HERE, "../support/git_server.py"), "--root",
                                        os.path.join(root, "served"), "--misbehave", "hang"], stdout=subprocess.PIPE, text=True)
            try:
                port = hanging.stdout.readline().strip()
                started = time.monotonic()
                got = build(SLUICE, "http://127.0.0.1:%s/repo.git//dev?timeout=1" % port, scratch)
                check(got[0] == 1 and "hit 1s timeout running 'git fetch --depth=1 " in got[2] and time.monotonic() - started < 10,
                      "a timeout: %s" % (got,))
                running = subprocess.Popen([SLUICE, "build", "http://127.0.0.1:%s/repo.git//dev" % port], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": scratch})
                until = time.monotonic() + 20
                while not os.listdir(scratch) and time.monotonic() < until:
                    time.sleep(0.02)
                time.sleep(0.3)
                running.send_signal(signal.SIGINT)
                running.communicate(timeout=20)
                check(running.returncode != 0 and os.listdir(scratch) == [], "after SIGINT: %s, %s" %
                      (running.returncode, os.listdir(scratch)))
            finally:
                hanging.kill()
                hanging.wait()
        finally:
            Web.hold.set()
            git_server.kill()
            git_server.wait()
            web_server.shutdown()
    print("%d cases, %d failures%s" % (len(CASES) + len(PROGRAM_CASES), len(failures), "" if KUSTOMIZE else " (kustomize is not there: sluice alone)"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
