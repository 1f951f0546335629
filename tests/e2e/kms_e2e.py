#!/usr/bin/env python3
"""AWS KMS for real: files that sops encrypts under keys of moto's KMS and STS, sluice decrypts, and the other way round.

moto keeps real keys and checks encryption contexts, but no signatures; those are held against known answers in
tests/http/signing_test.cpp and recomputed by tests/support/cloud_server.py. Also here: the whole `sluice decrypt`
process leaves no plaintext or credential in its memory, its messages and its files.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
import programs
from process_memory import search
from programs import SLUICE, check, skip

CANARY = "kms-canary-5d1f77c0"
DOCUMENT = "db:\n    password: %s\n    port: 5432\n" % CANARY
SECRET_KEY = "canary/aws/secret/8812f0aa"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World(programs.World):
    forbidden = (SECRET_KEY,)

    def __init__(self):
        programs.need("moto_server", "sops")
        super().__init__("kms")
        port = free_port()
        self.url = "http://127.0.0.1:%d" % port
        self.moto = subprocess.Popen(["moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url + "/moto-api/", timeout=2).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            skip("moto_server did not start")
        self.env.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_ENDPOINT_URL=self.url,
                        AWS_EC2_METADATA_DISABLED="true")

    def close(self):
        self.moto.terminate()
        self.moto.wait(10)
        super().close()

    def call(self, target, body):
        request = urllib.request.Request(self.url + "/", json.dumps(body).encode(), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + target,
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0"})
        return json.load(urllib.request.urlopen(request, timeout=10))

    def key(self):
        return self.call("CreateKey", {})["KeyMetadata"]["Arn"]

    def encrypt(self, name, *flags, text=DOCUMENT):
        self.write("plain.yaml", text)
        done = self.run("sops", "encrypt", *flags, self.path("plain.yaml"))
        self.write(name, done.stdout)
        os.unlink(self.path("plain.yaml"))
        return self.path(name)


def same_as_sops(world, path, **options):
    ours = world.run(SLUICE, "decrypt", path, **options)
    check(ours.stdout == world.run("sops", "decrypt", path, **options).stdout, "not what sops prints: " + path)
    check(CANARY in ours.stdout, "no plaintext of " + path)


def reading(world):
    arn = world.key()
    same_as_sops(world, world.encrypt("plain.enc.yaml", "--kms", arn))
    context = world.encrypt("context.enc.yaml", "--kms", arn, "--encryption-context", "app:shop,env:prod")
    same_as_sops(world, context)
    changed = open(context).read().replace("app: shop", "app: other")
    check("app: other" in changed, "no encryption context in the file")
    world.write("changed.enc.yaml", changed)
    refused = world.run(SLUICE, "decrypt", world.path("changed.enc.yaml"), want=128)
    check(arn in refused.stderr and "AWS KMS" in refused.stderr and CANARY not in refused.stderr, refused.stderr)
    same_as_sops(world, world.encrypt("role.enc.yaml", "--kms", arn + "+arn:aws:iam::123456789012:role/sops"))
    world.write("credentials", "[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = %s\n" % SECRET_KEY)
    same_as_sops(world, world.path("plain.enc.yaml"), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="",
                 AWS_PROFILE="team", AWS_SHARED_CREDENTIALS_FILE=world.path("credentials"))
    none = world.run(SLUICE, "decrypt", world.path("plain.enc.yaml"), AWS_ACCESS_KEY_ID="", want=128)
    for words in ("no AWS credentials were found", "AWS_ACCESS_KEY_ID: not set", "credentials: no such file"):
        check(words in none.stderr, "the message lacks \"%s\": %s" % (words, none.stderr))


def writing(world):
    arn = world.key()
    world.write(".sops.yaml", "creation_rules:\n- kms: %s\n" % arn)
    world.write("new.yaml", DOCUMENT)
    world.write("new.enc.yaml", world.run(SLUICE, "encrypt", world.path("new.yaml")).stdout)
    os.unlink(world.path("new.yaml"))
    os.unlink(world.path(".sops.yaml"))
    check("arn: " + arn in open(world.path("new.enc.yaml")).read(), "no KMS key in what was written")
    same_as_sops(world, world.path("new.enc.yaml"))


def auditing(world):
    log = world.path("audit.jsonl")
    world.run(SLUICE, "decrypt", "--audit-log", log, world.path("plain.enc.yaml"))
    world.run(SLUICE, "decrypt", "--audit-log", log, world.path("changed.enc.yaml"), want=128)
    lines = [json.loads(line) for line in open(log)]
    check("revision" not in lines[0], "a revision outside of a Git work tree: %r" % lines[0])
    repository = world.path("repository")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", repository]
    world.run("git", "init", "-q", "-b", "main", repository)
    shutil.copy(world.path("plain.enc.yaml"), repository)
    world.run(*git, "add", ".")
    world.run(*git, "commit", "-qm", "one")
    head = world.run(*git, "rev-parse", "HEAD").stdout.strip()
    file = os.path.join(repository, "plain.enc.yaml")
    for modified in (False, True):
        world.run(SLUICE, "decrypt", file, SLUICE_AUDIT_LOG=world.path("git.jsonl"))
        last = json.loads(open(world.path("git.jsonl")).readlines()[-1])
        check(last["revision"] == "main@sha1:" + head and last["modified"] == modified, "the revision of a file: %r" % last)
        with open(file, "a") as out:
            out.write("\n")
    shutil.rmtree(repository)
    check(len(lines) == 2 and oct(os.stat(log).st_mode & 0o777) == "0o600", "the audit log: %r" % lines)
    check(lines[0]["result"] == "opened" and lines[0]["purpose"] == "decrypt" and "arn:aws:kms" in lines[0]["keys"][0], repr(lines[0]))
    check(lines[1]["result"].startswith("refused: ") and lines[1]["keys"] == [], repr(lines[1]))
    check(CANARY not in open(log).read(), "plaintext in the audit log")
    check(world.run(SLUICE, "decrypt", "--audit-log", "/nowhere/log", world.path("plain.enc.yaml"), want=None).stdout == "",
          "plaintext although the audit log cannot be written")


def through_a_proxy(world):
    """Go's HTTPS_PROXY: the proxy is asked for the server of the key, and gets no credential."""
    heard = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)

        def listen():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(4096).decode(errors="replace"))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=listen, daemon=True).start()
        proxy = "http://127.0.0.1:%d" % listener.getsockname()[1]
        text = re.sub(r"arn:aws:kms:[a-z0-9-]+:", "arn:aws:kms:eu-west-1:", open(world.path("plain.enc.yaml")).read())
        world.write("proxied.enc.yaml", text)
        world.run(SLUICE, "decrypt", world.path("proxied.enc.yaml"), want=128, HTTPS_PROXY=proxy, AWS_ENDPOINT_URL="")
        listener.shutdown(socket.SHUT_RDWR)
    check(heard and all(request.startswith("CONNECT kms.eu-west-1.amazonaws.com:443 ") for request in heard), "the proxy heard %r" % heard)
    check(not any("AWS4-HMAC" in request or SECRET_KEY in request for request in heard), "a credential in what the proxy heard")
    # A server on this machine is asked without it.
    heard.clear()
    world.run(SLUICE, "decrypt", world.path("plain.enc.yaml"), HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
    check(not heard, "a proxy was asked for a server of this machine")


def locking(world):
    path = world.path("plain.enc.yaml")
    few = ["sh", "-c", 'ulimit -l 0; exec "$@"', "few"]
    if os.geteuid() == 0:  # root may lock as much as it likes unless it loses that
        few = ["setpriv", "--bounding-set=-ipc_lock"] + few
    warned = world.run(*few, SLUICE, "decrypt", path)
    check(CANARY in warned.stdout and "memory could not be locked" in warned.stderr, "--mlock warn: " + warned.stderr)
    refused = world.run(*few, SLUICE, "decrypt", "--mlock", "require", path, want=2)
    check(refused.stdout == "" and "could not be locked" in refused.stderr, "--mlock require: " + refused.stderr)
    world.run(SLUICE, "decrypt", "--mlock", "require", path)
    world.run(SLUICE, "decrypt", "--mlock", "perhaps", path, want=1)


def memory(world):
    """Stops the process when it has written its output, and looks through all of its memory."""
    if os.geteuid() != 0:
        return skip("only root may read the memory of a process that is not dumpable")
    reader, writer = os.pipe()
    # A pipe that is full stops the process in its last write, with everything still in place.
    import fcntl
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    process = subprocess.Popen([SLUICE, "decrypt", world.path("plain.enc.yaml")], env=world.env, stdout=writer, stderr=subprocess.PIPE)
    try:
        time.sleep(1.5)
        check(process.poll() is None, "the process did not wait")
        with open("/proc/%d/environ" % process.pid, "rb") as file:
            check(SECRET_KEY.encode() not in file.read(), "the credential is still in the environment block")
        seen = search(process.pid, {name: name.encode() for name in (CANARY, SECRET_KEY)})
        check(CANARY in seen, "the search found not even what is about to be printed")
        for name, places in seen.items():
            check(all(place == "locked" for place in places), "%s outside of locked memory: %s" % (name, places))
    finally:
        os.read(reader, 65536)
        process.wait(20)
        os.close(reader)
        os.close(writer)
    for folder, _, names in os.walk(world.folder):
        for name in names:
            data = open(os.path.join(folder, name), "rb").read()
            check(CANARY.encode() not in data, "plaintext in the file " + name)


def main():
    world = World()
    try:
        for part in (reading, writing, auditing, through_a_proxy, locking, memory):
            part(world)
            print("ok: " + part.__name__)
    finally:
        world.close()


if __name__ == "__main__":
    main()
