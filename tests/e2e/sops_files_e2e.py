#!/usr/bin/env python3
"""encrypt, edit, rotate, updatekeys, set and unset as a user calls them: exit statuses of sops, what sops reads
afterwards, an audit line for each decryption, and no plaintext in any file, in any message, or in what the editor's
file system leaves behind."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from programs import SLUICE, check, need

CANARY = "canary-7d1f"


def main():
    need("age-keygen", "sops")
    folder = tempfile.mkdtemp(prefix="sluice-sops-")
    try:
        return story(folder)
    finally:
        shutil.rmtree(folder)


def story(folder):
    keys = []
    for name in ("one", "two"):
        with open(os.path.join(folder, name + ".key"), "w") as out:
            out.write(subprocess.run(["age-keygen"], capture_output=True, text=True).stdout)
        with open(os.path.join(folder, name + ".key")) as key:
            keys.append([line.split()[-1] for line in key if "public key" in line][0])
    work, tmp = os.path.join(folder, "work"), os.path.join(folder, "tmp")
    os.mkdir(work)
    os.mkdir(tmp)
    base = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": tmp, "SOPS_AGE_KEY_FILE": os.path.join(folder, "one.key"),
            "SLUICE_AUDIT_LOG": os.path.join(folder, "audit.jsonl")}
    messages = []
    audited = []  # (arguments, exit status, audit lines that were written)

    def audit_lines():
        if not os.path.exists(base["SLUICE_AUDIT_LOG"]):
            return []
        with open(base["SLUICE_AUDIT_LOG"]) as log:
            return [json.loads(line) for line in log]

    def run(*arguments, status=0, text=b"", **extra):
        before = len(audit_lines())
        done = subprocess.run([SLUICE, *arguments], input=text, capture_output=True, cwd=work, env={**base, **extra}, timeout=60)
        messages.append(done.stderr)
        audited.append((arguments, done.returncode, audit_lines()[before:]))
        if done.returncode != status:
            raise SystemExit("FAIL: %s ended with %d, not %d: %s" % (arguments, done.returncode, status, done.stderr.decode()))
        return done.stdout

    def by_sops(name, key="one"):
        done = subprocess.run(["sops", "-d", name], capture_output=True, cwd=work, env={**base, "SOPS_AGE_KEY_FILE": os.path.join(folder, key + ".key")})
        check(done.returncode == 0, "sops does not read %s: %s" % (name, done.stderr.decode()))
        return done.stdout

    def write(name, text):
        with open(os.path.join(work, name), "w") as out:
            out.write(text)

    def read(name):
        with open(os.path.join(work, name)) as file:
            return file.read()

    write(".sops.yaml", "creation_rules:\n  - path_regex: \\.yaml$\n    age: %s\n    encrypted_regex: ^(data|stringData)$\n" % keys[0])
    plain = "kind: Secret  # a comment\ndata:\n  password: '%s'\n  list: [1, \"%s\"]\n" % (CANARY, CANARY)
    write("secret.yaml", plain)
    os.chmod(os.path.join(work, "secret.yaml"), 0o640)
    run("encrypt", "-i", "secret.yaml")
    check(os.stat(os.path.join(work, "secret.yaml")).st_mode & 0o777 == 0o640, "the mode changed")
    check(read("secret.yaml").startswith("kind: Secret  # a comment\ndata:\n  password: 'ENC["), "the layout changed")
    run("encrypt", "secret.yaml", status=203)
    run("encrypt", "nothing.yaml", status=100)
    run("encrypt", "--filename-override", "x.json", text=b"{}", status=1)  # no rule for it
    run("encrypt", text=b"a: b\n", status=8)
    check(CANARY.encode() in run("decrypt", "secret.yaml"), "decrypt does not give the value")
    check(run("decrypt", "--extract", '["data"]["password"]', "secret.yaml") == CANARY.encode(), "--extract")
    check(run("-d", "secret.yaml") == run("decrypt", text=read("secret.yaml").encode(), *("--filename-override", "secret.yaml")),
          "standard input and -d differ")
    check(by_sops("secret.yaml") == run("decrypt", "secret.yaml"), "sops reads something else")

    # The editor sees plaintext under /proc only; what it leaves in its folder and in TMPDIR is searched below.
    editor = os.path.join(folder, "editor")
    write("../editor", "#!/bin/sh\ncase $1 in /proc/self/fd/*) ;; *) exit 9 ;; esac\n"
          "text=$(sed \"s/password: '%s'/password: '%s-new'/\" \"$1\")\nprintf '%%s\\n' \"$text\" > \"$1\"\n" % (CANARY, CANARY))
    os.chmod(editor, 0o755)
    before = read("secret.yaml").splitlines()
    run("edit", "secret.yaml", EDITOR=editor)
    after = read("secret.yaml").splitlines()
    changed = {b.strip().split(":")[0] for a, b in zip(before, after) if a != b}
    check(len(before) == len(after) and {"password", "mac"} <= changed <= {"password", "mac", "lastmodified"}, "an edit touched other lines")
    check(run("decrypt", "--extract", '["data"]["password"]', "secret.yaml") == (CANARY + "-new").encode(), "the edit is lost")
    run("edit", "secret.yaml", EDITOR="true", status=200)
    run("edit", "secret.yaml", EDITOR="false", status=201)
    run("edit", "secret.yaml", EDITOR="/nothing/there", status=201)
    write("../breaks", "#!/bin/sh\nprintf 'a: [%s' > \"$1\"\n" % CANARY)
    os.chmod(os.path.join(folder, "breaks"), 0o755)
    run("edit", "secret.yaml", EDITOR=os.path.join(folder, "breaks"), status=2)
    check(read("secret.yaml").splitlines() == after, "a broken edit changed the file")
    run("edit", "--show-master-keys", "secret.yaml", EDITOR=editor, status=1)
    check(b"updatekeys" in messages[-1] and read("secret.yaml").splitlines() == after, "--show-master-keys is not refused")
    # A file that is printed anew for the editor, and what sops prints for it is not what it says.
    write("odd.json", '{"list": ["   %s\\n"], "b": "c"}' % CANARY)
    os.rename(os.path.join(work, "odd.json"), os.path.join(work, "odd.yaml"))
    write("../odd.sops.yaml", "creation_rules:\n  - age: %s\n" % keys[0])
    run("encrypt", "-i", "--input-type", "json", "--output-type", "json", "--config", "../odd.sops.yaml", "odd.yaml")
    odd = read("odd.yaml")
    run("edit", "odd.yaml", EDITOR=editor, status=4)
    check(messages[-1].startswith(b"odd.yaml:1:11: "), "no place of what cannot be shown: %r" % messages[-1])
    check(read("odd.yaml") == odd, "a refused edit wrote the file")
    run("set", "odd.yaml", '["list"][0]', '"d"')
    check(run("decrypt", "odd.yaml") == b"list:\n    - d\nb: c\n", "set of what cannot be shown")
    run("edit", "new.yaml", EDITOR=os.path.join(folder, "fills"), status=201)
    write("../fills", "#!/bin/sh\nprintf 'data: {a: %s}\\n' > \"$1\"\n" % CANARY)
    os.chmod(os.path.join(folder, "fills"), 0o755)
    run("edit", "new.yaml", EDITOR=os.path.join(folder, "fills"))
    check(run("decrypt", "new.yaml") == ("data:\n    a: %s\n" % CANARY).encode(), "a new file says something else")

    run("set", "secret.yaml", '["data"]["password"]', '"%s-set"' % CANARY)
    run("set", "--value-stdin", "secret.yaml", '["data"]["more"]', text=b'"%s"' % CANARY.encode())
    run("set", "secret.yaml", '["data"', "1", status=7)
    run("unset", "secret.yaml", '["data"]["more"]')
    run("unset", "secret.yaml", '["data"]["more"]', status=1)
    run("unset", "--idempotent", "secret.yaml", '["data"]["more"]')
    check(run("decrypt", "--extract", '["data"]["password"]', "secret.yaml") == (CANARY + "-set").encode(), "set is lost")

    run("rotate", "-i", "--add-age", keys[1], "secret.yaml")
    by_sops("secret.yaml", "two")
    run("rotate", "-i", "--rm-age", keys[0], "secret.yaml", SOPS_AGE_KEY_FILE=os.path.join(folder, "two.key"))
    run("decrypt", "secret.yaml", status=128)
    run("updatekeys", "-y", "secret.yaml", SOPS_AGE_KEY_FILE=os.path.join(folder, "two.key"))
    by_sops("secret.yaml")
    tampered = read("secret.yaml").replace("kind: Secret", "kind: Changed")
    write("tampered.yaml", tampered)
    for command in (["decrypt"], ["rotate"], ["edit"], ["updatekeys", "-y"]):
        # The creation rule has other keys than this file only if updatekeys has something to do.
        if command[0] != "updatekeys":
            run(*command, "tampered.yaml", status=51)
    check(b"--ignore-mac" not in messages[-1], "--ignore-mac is offered")
    run("decrypt", "--ignore-mac", "tampered.yaml")
    check(b"warning" in messages[-1], "--ignore-mac is not loud")

    for arguments, ended, lines in audited:
        opens_nothing = arguments[0] == "encrypt" or ended == 7 or arguments[:2] in (("edit", "new.yaml"), ("edit", "--show-master-keys"))
        check(len(lines) == (0 if opens_nothing else 1), "%s wrote %d audit lines" % (arguments, len(lines)))
        for line in lines:
            named = line["purpose"] == {"-d": "decrypt"}.get(arguments[0], arguments[0]) and line["file"] in (*arguments, "standard input")
            check(named and (line["result"] == "opened") == (ended not in (51, 128)), "an audit line of %s: %r" % (arguments, line))
            check(set(line) == {"ts", "who", "file", "keys", "purpose", "result"}, "an audit line has %s" % sorted(line))
    with open(base["SLUICE_AUDIT_LOG"]) as log:
        check(not re.search("[0-9A-Fa-f]{32}|[A-Za-z0-9+/]{43}=", log.read()), "a hash in the audit log")

    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                text = file.read()
            if CANARY.encode() in text and name not in ("editor", "breaks", "fills"):
                found.append(os.path.join(where, name))
    check(not found, "plaintext in " + ", ".join(found))
    check(not any(CANARY.encode() in message for message in messages), "plaintext in a message")
    print("files were encrypted, edited and rotated; sops reads them; no plaintext in a file or message")
    return 0


if __name__ == "__main__":
    sys.exit(main())
