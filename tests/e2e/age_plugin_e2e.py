#!/usr/bin/env python3
"""age plugins, recipients of every kind, groups and filestatus on the command line, beside the real sops and age.

What sluice encrypts for X25519, hybrid, SSH and plugin recipients the real sops decrypts, and the other way round; a
plugin runs only with --age-plugins.
"""
import os
import sys

sys.dont_write_bytecode = True
import programs
from programs import SLUICE, check

SUPPORT = os.path.join(programs.ROOT, "tests", "support")
CANARY = "plugin-canary-83c1"
TEXT = "# kept\na: %s\nn: 5\n" % CANARY


class World(programs.World):
    def __init__(self):
        programs.need("sops", "age-keygen", "ssh-keygen")
        super().__init__("plugin")
        self.env.update(PATH=SUPPORT + ":" + os.environ["PATH"], SLUICETEST_LOG=self.path("plugin.log"))


def kinds(world):
    """(name, recipient, environment that opens it, flags that sluice needs)"""
    for name, flags in (("x25519", []), ("hybrid", ["-pq"])):
        world.run("age-keygen", *flags, "-o", world.path(name))
        recipient = world.run("age-keygen", "-y", world.path(name)).stdout.strip()
        yield name, recipient, {"SOPS_AGE_KEY_FILE": world.path(name)}, []
    for kind in ("ed25519", "rsa"):
        world.run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", world.path("ssh_" + kind))
        with open(world.path("ssh_%s.pub" % kind)) as file:
            recipient = " ".join(file.read().split()[:2])
        yield "ssh_" + kind, recipient, {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": world.path("ssh_" + kind)}, []
    identity, recipient = world.run(os.path.join(SUPPORT, "age-plugin-sluicetest"), "--generate").stdout.split()
    world.write("plugin", identity + "\n")
    yield "plugin", recipient, {"SOPS_AGE_KEY_FILE": world.path("plugin")}, ["--age-plugins"]


def recipients(world):
    known = list(kinds(world))
    for name, recipient, env, flags in known:
        plain = world.write("plain.yaml", TEXT)
        ours = world.write("ours.yaml", world.run(SLUICE, "encrypt", *flags, "--age", recipient, plain).stdout)
        check("# kept" not in open(ours).read() and CANARY not in open(ours).read(), "plaintext in " + ours)
        check(world.run("sops", "-d", ours, **env).stdout == world.run(SLUICE, "decrypt", *flags, ours, **env).stdout,
              name + ": sops and sluice print what sluice encrypted differently")
        theirs = world.write("theirs.yaml", world.run("sops", "-e", "--age", recipient, plain).stdout)
        check(CANARY in world.run(SLUICE, "decrypt", *flags, theirs, **env).stdout, name + ": not what sops encrypted")
        # A new data key, then another recipient beside it, then only that one.
        world.run(SLUICE, "rotate", *flags, "-i", ours, **env)
        check(CANARY in world.run("sops", "-d", ours, **env).stdout, name + ": rotate")
        world.write(".sops.yaml", "creation_rules:\n- age: %s,%s\n" % (known[0][1], recipient))
        world.run(SLUICE, "updatekeys", *flags, "-y", ours, **env)
        for opener in (env, known[0][2]):
            check(CANARY in world.run("sops", "-d", ours, **opener).stdout, name + ": updatekeys")
        os.unlink(world.path(".sops.yaml"))
        print("ok: encrypt, rotate, updatekeys for " + name)


def only_when_asked(world):
    identity, recipient = world.run(os.path.join(SUPPORT, "age-plugin-sluicetest"), "--generate").stdout.split()
    key = world.write("key", identity + "\n")
    plain = world.write("plain.yaml", TEXT)
    secret = world.write("secret.yaml", world.run("sops", "-e", "--age", recipient, plain).stdout)
    open(world.path("plugin.log"), "w").close()
    for command in (["decrypt", secret], ["encrypt", "--age", recipient, plain], ["rotate", secret], ["set", secret, '["a"]', "1"]):
        refused = world.run(SLUICE, *command, want=None, SOPS_AGE_KEY_FILE=key)
        check(refused.returncode != 0 and "--age-plugins" in refused.stderr and CANARY not in refused.stdout,
              "without the flag: " + refused.stderr)
    check(open(world.path("plugin.log")).read() == "", "a plugin ran without being asked for")
    check(CANARY in world.run(SLUICE, "decrypt", "--age-plugins", secret, SOPS_AGE_KEY_FILE=key).stdout, "with the flag")
    check(open(world.path("plugin.log")).read() == "--age-plugin=identity-v1\n", "the plugin ran otherwise than once")
    failed = world.run(SLUICE, "decrypt", "--age-plugins", secret, want=128, SOPS_AGE_KEY_FILE=key, SLUICETEST_FAIL="1")
    check("the token is not plugged in" in failed.stderr, failed.stderr)
    read, write = os.pipe()
    os.write(write, b"4711\n")
    os.close(write)
    opened = world.run(SLUICE, "decrypt", "--age-plugins", secret, SOPS_AGE_KEY_FILE=key, SLUICETEST_PIN="4711",
                       SLUICE_PASSPHRASE_FD=str(read), pass_fds=[read])
    os.close(read)
    check(CANARY in opened.stdout, "with a PIN")
    print("ok: a plugin runs only with --age-plugins")


def groups(world):
    keys = []
    for name in ("g0", "g1"):
        world.run("age-keygen", "-o", world.path(name))
        keys.append(world.run("age-keygen", "-y", world.path(name)).stdout.strip())
    both = world.write("both", open(world.path("g0")).read() + open(world.path("g1")).read())
    one = {"SOPS_AGE_KEY_FILE": world.path("g0")}
    two = {"SOPS_AGE_KEY_FILE": both}
    plain = world.write("plain.yaml", TEXT)
    check(world.run(SLUICE, "filestatus", plain).stdout == world.run("sops", "filestatus", plain).stdout == '{"encrypted":false}\n',
          "filestatus of a plain file")
    secret = world.write("groups.yaml", world.run(SLUICE, "encrypt", "--age", keys[0], plain).stdout)
    check(world.run(SLUICE, "filestatus", secret).stdout == world.run("sops", "filestatus", secret).stdout == '{"encrypted":true}\n',
          "filestatus of an encrypted file")
    world.run(SLUICE, "groups", "add", "-f", secret, "--age", keys[1], "-i", **one)
    check(CANARY in world.run("sops", "-d", secret, **two).stdout, "groups add")
    world.run("sops", "-d", secret, want=128, **one)
    world.run(SLUICE, "decrypt", secret, want=128, **one)
    world.run(SLUICE, "groups", "delete", "-f", secret, "5", want=1, **two)
    refused = world.run(SLUICE, "groups", "delete", "-f", secret, "1", want=1, **two)
    check("Shamir threshold" in refused.stderr, refused.stderr)
    world.run(SLUICE, "groups", "delete", "-f", secret, "-i", "--shamir-secret-sharing-threshold", "1", "1", **two)
    check(CANARY in world.run("sops", "-d", secret, **one).stdout, "groups delete")
    rotated = world.run(SLUICE, "rotate", "--output-type", "json", secret, **one).stdout
    check(CANARY in world.run("sops", "-d", world.write("rotated.json", rotated), **one).stdout, "rotate into JSON")
    for left_out in ("exec-env", "exec-file", "publish", "keyservice"):
        refused = world.run(SLUICE, left_out, secret, want=1)
        check("on purpose" in refused.stderr, refused.stderr)
    print("ok: groups, filestatus, rotate into another type")


def main():
    world = World()
    try:
        for part in (recipients, only_when_asked, groups):
            part(world)
    finally:
        world.close()


if __name__ == "__main__":
    main()
