#!/usr/bin/env python3
"""Where secrets are while `sluice decrypt` and `sluice ksops` run: for each kind of key the whole process is stopped in its
last write and all of its writable memory is searched for the plaintext, the data key, and every credential on the way to it.

They may be in locked memory only: not on the heap, on stacks, in libcurl's or librnp's buffers. Nor may they be in the
environment block, in messages, in a file, or in a core dump. Servers are tests/support/cloud_server.py.
"""
import base64
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import programs
from process_memory import search
from programs import ROOT, SLUICE, check, skip

CANARY = "whole-canary-6b02d9e1"
TEXT = "db:\n    password: %s\n" % CANARY
PROTECTED = os.path.join(ROOT, "fixtures", "sops", "pgp", "protected.key.asc")


class World(programs.World):
    def __init__(self):
        programs.need()
        if os.geteuid() != 0:
            skip("only root may read the memory of a process that is not dumpable")
        super().__init__("canary")
        self.server = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests", "support", "cloud_server.py")],
                                       stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:" + self.server.stdout.readline().strip()
        self.env["AWS_EC2_METADATA_DISABLED"] = "true"

    def close(self):
        self.server.terminate()
        self.server.wait(10)
        super().close()

    def encrypt(self, name, *flags, **env):
        plain = self.write("plain.yaml", TEXT)
        try:
            return self.write(name, self.run(SLUICE, "encrypt", *flags, plain, **env).stdout)
        finally:
            os.unlink(plain)


def stopped_decrypt(world, name, path, env, secrets, passphrase=None):
    stopped(world, name, ["decrypt", path], env, secrets, passphrase)


def stopped(world, name, command, env, secrets, passphrase=None, stdin=None):
    secrets = {"the plaintext": CANARY.encode(), **{k: v if isinstance(v, bytes) else v.encode() for k, v in secrets.items()}}
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)  # full: the last write waits, with everything in place
    os.write(writer, b"x" * 4096)
    descriptors, environment = [], dict(world.env, **env)
    if passphrase:
        given, give = os.pipe()
        os.write(give, passphrase.encode() + b"\n")
        os.close(give)
        descriptors, environment["SLUICE_PASSPHRASE_FD"] = [given], str(given)
    source = open(world.write("stdin", stdin)) if stdin else None
    process = subprocess.Popen([SLUICE, *command], env=environment, stdin=source or subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE,
                               pass_fds=descriptors, cwd=world.folder)
    try:
        seen, end = {}, time.monotonic() + 60
        while "the plaintext" not in seen and process.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
            seen = search(process.pid, secrets)
        # It went on while the first search that found it was under way: now it waits in its last write.
        time.sleep(0.5)
        if process.poll() is None:
            seen = search(process.pid, secrets)
        if process.poll() is not None:
            raise SystemExit("FAILED: %s: ended early: %s" % (name, process.stderr.read().decode()))
        check("the plaintext" in seen, name + ": the search found not even what is about to be printed")
        for secret, places in seen.items():
            check(set(places) == {"locked"}, "%s: %s is outside of locked memory: %s" % (name, secret, places))
        with open("/proc/%d/environ" % process.pid, "rb") as block:
            block = block.read()
        for secret, value in secrets.items():
            check(value not in block, "%s: %s is in the environment block" % (name, secret))
        with open("/proc/%d/limits" % process.pid) as limits:
            core = [line for line in limits if line.startswith("Max core file size")][0].split()
        check(core[4] == "0", name + ": core dumps are not off: " + " ".join(core))
    finally:
        os.read(reader, 65536)
        end = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < end:
            if select.select([reader], [], [], 0.1)[0]:
                os.read(reader, 65536)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        messages = process.stderr.read()
        process.stderr.close()
        for descriptor in [reader, writer] + descriptors:
            os.close(descriptor)
    check(process.returncode == 0, "%s: status %d: %s" % (name, process.returncode, messages.decode()))
    for secret, value in secrets.items():
        check(value not in messages, "%s: %s is in a message" % (name, secret))
    for folder, _, names in os.walk(world.folder):
        for one in names:
            if not os.path.isfile(os.path.join(folder, one)):
                continue  # a socket of gpg's
            with open(os.path.join(folder, one), "rb") as file:
                check(CANARY.encode() not in file.read(), "%s: plaintext in the file %s" % (name, one))
    print("ok: %s: %d secrets, all in locked memory or gone" % (name, len(secrets)))


def seal(service, context, data):
    return base64.b64encode(("%s|%s|" % (service, context)).encode() + data).decode()


def clouds(world):
    vault = dict(VAULT_ADDR=world.url, VAULT_TOKEN="hvs.good")
    path = world.encrypt("vault.yaml", "--hc-vault-transit", world.url + "/v1/transit/keys/one", **vault)
    text = open(path).read()
    enc = re.search(r"vault:v1:(\S+)", text).group(1).strip('"')
    key = base64.b64decode(enc)[len("one||"):]
    check(len(key) == 32, "the data key of the server's envelope")
    data_key = {"the data key": key, "the data key in base64": base64.b64encode(key), "in base64url": base64.urlsafe_b64encode(key)[:-1]}
    stopped_decrypt(world, "Vault", path, vault, dict(data_key, token="hvs.good"))

    block = re.search(r"(?m)^    hc_vault:\n(?:        .*\n|          .*\n)+", text).group(0)

    def under(name, lines):
        return world.write(name, text.replace(block, "".join("    %s\n" % line for line in lines)))

    resource = "projects/p/locations/l/keyRings/r/cryptoKeys/one"
    gcp = under("gcp.yaml", ["gcp_kms:", "    - resource_id: " + resource, "      created_at: \"2026-01-01T00:00:00Z\"",
                             "      enc: " + seal(resource, "", key)])
    stopped_decrypt(world, "GCP KMS", gcp, dict(GCE_METADATA_HOST=world.url[7:], SOPS_GCP_KMS_ENDPOINT=world.url),
                    dict(data_key, token="gcp-token"))

    url_safe = seal("onev1", "", key).replace("+", "-").replace("/", "_").rstrip("=")
    azure = under("azure.yaml", ["azure_kv:", "    - vault_url: " + world.url, "      name: one", "      version: v1",
                                 "      created_at: \"2026-01-01T00:00:00Z\"", "      enc: " + url_safe])
    stopped_decrypt(world, "Azure Key Vault", azure,
                    dict(AZURE_TENANT_ID="tenant", AZURE_CLIENT_ID="client", AZURE_CLIENT_SECRET="az-secret",
                         AZURE_AUTHORITY_HOST=world.url, SLUICE_KEY_HOSTS=world.url),
                    dict(data_key, secret="az-secret", token="az-token"))

    arn = "arn:aws:kms:eu-west-1:1:key/one"
    aws = under("aws.yaml", ["kms:", "    - arn: " + arn, "      role: arn:aws:iam::1:role/sops",
                             "      created_at: \"2026-01-01T00:00:00Z\"", "      enc: " + seal(arn, "{}", key)])
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    stopped_decrypt(world, "AWS KMS through a role", aws,
                    dict(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY=secret, AWS_ENDPOINT_URL=world.url),
                    dict(data_key, secret=secret, role="role/secret", session="role+token"))


def identities(world):
    if not shutil.which("age-keygen"):
        return print("SKIP: age-keygen is not on PATH (scripts/tools builds it): identities")
    world.run("age-keygen", "-o", world.path("key"))
    with open(world.path("key")) as file:
        identity = [line for line in file.read().split() if line.startswith("AGE-SECRET")][0]
    recipient = world.run("age-keygen", "-y", world.path("key")).stdout.strip()
    path = world.encrypt("age.yaml", "--age", recipient)
    stopped_decrypt(world, "SOPS_AGE_KEY", path, dict(SOPS_AGE_KEY=identity), {"the identity": identity})
    # The variable has no more than the command's words; the output is the identity.
    stopped_decrypt(world, "SOPS_AGE_KEY_CMD", path, dict(SOPS_AGE_KEY_CMD="cat " + world.path("key")), {"the identity": identity})
    passphrase = "correct-horse-%s" % os.urandom(4).hex()
    protect(world, passphrase)
    stopped_decrypt(world, "identities behind a passphrase", path, dict(SOPS_AGE_KEY_FILE=world.path("key.age")),
                    {"the identity": identity, "the passphrase": passphrase}, passphrase)
    world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", world.path("ssh"))
    with open(world.path("ssh.pub")) as file:
        ssh = world.encrypt("ssh.yaml", "--age", " ".join(file.read().split()[:2]))
    stopped_decrypt(world, "an SSH key behind a passphrase", ssh, dict(SOPS_AGE_SSH_PRIVATE_KEY_FILE=world.path("ssh")),
                    {"the passphrase": passphrase}, passphrase)


def ksops(world):
    """Files with comments are read and printed as KSOPS does: of their values only the shape is read."""
    if not shutil.which("age-keygen"):
        return print("SKIP: age-keygen is not on PATH (scripts/tools builds it): ksops")
    world.run("age-keygen", "-o", world.path("ksops-key"))
    recipient = world.run("age-keygen", "-y", world.path("ksops-key")).stdout.strip()
    comment = "comment-canary-58a1"
    plain = world.write("plain.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db # behind\nstringData:\n  # %s\n"
                        "  password: %s # behind\n  lines: |\n    first\n    two-%s\n  quoted: 'a: %s'\n" % ((comment,) + (CANARY,) * 3))
    world.write("secret.yaml", world.run(SLUICE, "encrypt", "--age", recipient, plain).stdout)
    os.unlink(plain)
    manifest = "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata:\n  name: x\nfiles:\n- ./secret.yaml\n"
    world.write("generator.yaml", manifest)
    given = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- " + manifest.replace("\n", "\n  ").rstrip() + "\n"
    env = dict(SOPS_AGE_KEY_FILE=world.path("ksops-key"))
    stopped(world, "ksops as a function", ["ksops"], env, {"the comment": comment}, stdin=given)
    stopped(world, "ksops as a legacy plugin", ["ksops", "generator.yaml"], env, {"the comment": comment})


def protect(world, passphrase):
    """age -p asks on a terminal: give it one."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(world.folder)
        os.execvp("age", ["age", "-p", "-o", "key.age", "key"])
    for _ in range(2):
        heard = b""
        while b":" not in heard:
            heard += os.read(terminal, 1024)
        os.write(terminal, passphrase.encode() + b"\n")
    try:
        while os.read(terminal, 1024):
            pass
    except OSError:
        pass
    os.close(terminal)
    check(os.waitpid(pid, 0)[1] == 0 and os.path.exists(world.path("key.age")), "age -p")


def openpgp(world):
    passphrase = "open sesame"
    env = dict(SLUICE_PGP_KEY_FILE=PROTECTED)
    fingerprint = protected_fingerprint(world)
    if fingerprint is None:
        return print("SKIP: gpg is not on PATH (scripts/deps --tests installs it): OpenPGP")
    path = world.encrypt("pgp.yaml", "--pgp", fingerprint, **env)
    stopped_decrypt(world, "an OpenPGP key behind a passphrase", path, env, {"the passphrase": passphrase}, passphrase)


def protected_fingerprint(world):
    if not shutil.which("gpg"):
        return None
    os.mkdir(world.path("gnupg"), 0o700)
    shown = world.run("gpg", "--homedir", world.path("gnupg"), "--batch", "--with-colons", "--show-keys", PROTECTED)
    return [line.split(":")[9] for line in shown.stdout.splitlines() if line.startswith("fpr:")][0]


def main():
    world = World()
    try:
        for part in (clouds, identities, openpgp, ksops):
            part(world)
    finally:
        world.close()


if __name__ == "__main__":
    main()
