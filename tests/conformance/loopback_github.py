#!/usr/bin/env python3
"""Runs a command in a network of its own in which github.com is a clone on this machine.

usage: loopback_github.py CLONE COMMAND...

CLONE is a bare repository of kubernetes-sigs/kustomize with its tags. In a network and mount namespace of its own the
names github.com and raw.githubusercontent.com mean loopback, where an https server (with a certificate that is made
here and trusted there only) serves the clone over Git's smart protocol and single files of it; `ssh` answers
git-upload-pack from it, too. Everything else is not found. Exit status of COMMAND; 77 when there are no namespaces.
"""

import fcntl
import http.server
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading

REPOSITORY = "/kubernetes-sigs/kustomize"
NAMES = ("github.com", "raw.githubusercontent.com")
TAGS = ("v1.0.6", "kustomize/v4.5.7")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def bind(content, over, folder):
    path = os.path.join(folder, os.path.basename(over))
    with open(path, "w") as file:
        file.write(content)
    subprocess.run(["mount", "--bind", path, over], check=True)


class GitHub(http.server.BaseHTTPRequestHandler):
    clone = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        single = re.fullmatch(REPOSITORY + r"(?:/raw)?/([^/]+)/(.+)", path)
        if re.fullmatch(REPOSITORY + r"(\.git)?/info/refs", path):
            return self.git("/info/refs", query, b"")
        if single:
            revision = "HEAD" if single[1] == "master" else single[1]
            done = subprocess.run(["git", "--git-dir", self.clone, "show", revision + ":" + single[2]], capture_output=True)
            if done.returncode == 0:
                return self.answer(200, "text/plain", done.stdout)
        return self.answer(404, "text/plain", b"404: Not Found")

    def do_POST(self):
        if not re.fullmatch(REPOSITORY + r"(\.git)?/git-upload-pack", self.path):
            return self.answer(404, "text/plain", b"404: Not Found")
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.git("/git-upload-pack", "", body)

    def git(self, path, query, body):
        env = dict(os.environ, GIT_PROJECT_ROOT=self.clone, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
                   GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.answer(int(fields.get("Status", "200").split()[0]), fields.get("Content-Type", ""), rest)

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def git(where, *arguments, **options):
    return subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", where] + list(arguments), check=True, capture_output=True,
                          text=True, **options).stdout.strip()


def whole(clone, folder):
    """A repository with the branches and tags of `clone`. Where that lacks an object (a stored copy without its largest
    files), the tag has a commit of `examples` alone, which is what the cases build."""
    made = os.path.join(folder, "clone")
    subprocess.run(["git", "init", "-q", "--bare", made], check=True)
    with open(os.path.join(made, "objects", "info", "alternates"), "w") as file:
        file.write(os.path.join(clone, "objects") + "\n")
    refs = git(clone, "for-each-ref", "--format=%(objectname) %(refname)").split("\n")
    with open(os.path.join(made, "packed-refs"), "w") as file:
        file.write("".join(sorted((line + "\n" for line in refs), key=lambda line: line.split()[1])))
    git(made, "update-ref", "refs/heads/master", git(clone, "rev-parse", "HEAD"))
    git(made, "symbolic-ref", "HEAD", "refs/heads/master")
    identity = dict(os.environ, **{"GIT_%s_%s" % (who, what): "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")})
    for tag in TAGS:
        objects = git(made, "rev-list", "--objects", "--missing=print", "--no-walk", tag)
        if "\n?" in objects:
            tree = git(made, "mktree", input="040000 tree %s\texamples\n" % git(made, "rev-parse", tag + ":examples"))
            git(made, "update-ref", "refs/tags/" + tag, git(made, "commit-tree", "-m", "examples", tree, env=identity))
    return made


def inside(clone, command):
    loopback_up()
    with tempfile.TemporaryDirectory(prefix="loopback-github-") as folder:
        clone = whole(clone, folder)
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=" + NAMES[0], "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in NAMES),
                        "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        bind("127.0.0.1 localhost %s\n" % " ".join(NAMES), "/etc/hosts", folder)
        bind(open(certificate).read(), BUNDLE, folder)
        ssh = os.path.join(folder, "ssh")
        with open(ssh, "w") as file:
            file.write("#!/bin/sh\nexec git-upload-pack '%s'\n" % clone)
        os.chmod(ssh, 0o755)
        GitHub.clone = clone
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), GitHub)
        context = ssl_context(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = dict(os.environ, GIT_SSH=ssh, GIT_SSH_VARIANT="simple", GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory",
                   GIT_CONFIG_VALUE_0="*", GIT_TERMINAL_PROMPT="0")
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "GIT_SSL_CAINFO",
                     "CURL_CA_BUNDLE"):
            env.pop(name, None)
        status = subprocess.run(command, env=env).returncode
        subprocess.run(["umount", "/etc/hosts", BUNDLE])
        return status


def ssl_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def namespaces():
    """The command that gives a process its own, or None."""
    for prefix in (["unshare", "-n", "-m"], ["unshare", "-r", "-n", "-m"]):
        if subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode == 0:
            return prefix
    return None


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    if os.environ.get("LOOPBACK_GITHUB") == "inside":
        del os.environ["LOOPBACK_GITHUB"]
        return inside(os.path.abspath(sys.argv[1]), sys.argv[2:])
    prefix = namespaces()
    if prefix is None:
        print("SKIP: no network namespaces here", file=sys.stderr)
        return 77
    os.environ["LOOPBACK_GITHUB"] = "inside"
    os.execvp(prefix[0], prefix + [sys.executable, os.path.abspath(__file__)] + sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
