#!/usr/bin/env python3
"""The KSOPS door: `sluice build` of a KSOPS generator, `sluice ksops` in its three forms, and the real kustomize calling it.

fixtures/ksops holds what kustomize 5.8.2 and KSOPS 4.5.1 printed. Without kustomize on PATH (scripts/tools) the last
part is left out and said so.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLUICE = os.environ.get("SLUICE", os.path.join(ROOT, "build", "release", "sluice"))
FIXTURES = os.path.join(ROOT, "fixtures", "ksops")
KEY = os.path.join(ROOT, "fixtures", "sops", "key.txt")
PLUGINS = ["build", "--enable-alpha-plugins", "--enable-exec", "."]
problems = []
checks = 0


def check(claim, good, shown=""):
    global checks
    checks += 1
    if not good:
        problems.append("%s%s" % (claim, "\n%s" % shown if shown else ""))


def run(command, cwd, stdin=b"", key=KEY, **variables):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    if key:
        environment["SOPS_AGE_KEY_FILE"] = key
    environment.update(variables)
    done = subprocess.run(command, cwd=cwd, env=environment, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def want(name):
    with open(os.path.join(FIXTURES, name)) as file:
        return file.read()


def same(claim, got, expected, code=0):
    check(claim, got[0] == code and got[1] == expected, "exit status %d, standard error %r\n--- got\n%s--- want\n%s"
          % (got[0], got[2], got[1], expected))


def refused(claim, got, words):
    check(claim, got[0] == 1 and words in got[2], "exit status %d, standard error %r" % (got[0], got[2]))
    check(claim + ": nothing of the plaintext is shown", "canary" not in got[1] + got[2], got[1] + got[2])


def build(tree):
    same("build --show-secrets prints what kustomize with KSOPS prints",
         run([SLUICE, "build", "--show-secrets"], tree), want("want-build.yaml"))
    redacted = run([SLUICE, "build"], tree)
    check("build prints no plaintext unless asked", redacted[0] == 0 and "canary" not in redacted[1] and
          "**SOPS**" in redacted[1], redacted[1] + redacted[2])
    names = lambda text: re.findall(r"name: (\S+)", text)
    check("names have the suffix of the plaintext", names(redacted[1]) == names(want("want-build.yaml")), redacted[1])
    same("the flags that KSOPS needs change nothing", run([SLUICE] + PLUGINS, tree), redacted[1])
    refused("without a key there is no suffix", run([SLUICE, "build"], tree, key=None), "cannot get the data key")
    same("--key names the identities", run([SLUICE, "build", "--key", KEY, "--show-secrets"], tree, key=None),
         want("want-build.yaml"))


def door(tree):
    same("ksops FILE prints what KSOPS prints", run([SLUICE, "ksops", "generator.yaml"], tree), want("want-legacy.yaml"))
    got = run([SLUICE, "ksops"], tree, stdin=want("krm-input.yaml").encode())
    same("ksops answers a ResourceList as KSOPS does, comments included", got, want("want-krm.yaml"))
    check("nothing on standard error", got[2] == "", got[2])
    audited(tree)
    many_variables(tree)


def audited(tree):
    log = os.path.join(tree, "audit.jsonl")
    for command, stdin in ((["generator.yaml"], b""), ([], want("krm-input.yaml").encode())):
        run([SLUICE, "ksops", *command], tree, stdin=stdin, SLUICE_AUDIT_LOG=log)
    with open(log) as file:
        lines = [json.loads(line) for line in file]
    os.unlink(log)
    files = {"./secret.enc.yaml", "blob.enc.bin", "vars.enc.env", "./token.enc.yaml", "conf.enc.json"}
    seen = [line["file"] for line in lines if line["purpose"] == "ksops" and line["result"] == "opened"]
    check("each file that ksops opens has an audit line", len(lines) == len(seen) and files <= set(seen), repr(lines))
    check("no value in the audit log", "canary" not in json.dumps(lines))
    refused = run([SLUICE, "ksops", "generator.yaml"], tree, SLUICE_AUDIT_LOG="/nowhere/log")
    check("nothing is decrypted when the audit log cannot be written", refused[0] == 1 and refused[1] == "", repr(refused))


def many_variables(tree):
    """An env file is decrypted once, not once for each of its variables."""
    with open(os.path.join(tree, "many.env"), "w") as file:
        file.writelines("V%d=canary-%d\n" % (i, i) for i in range(3000))
    recipient = "age1ph65ch6rw7fuk9qz6c0js67hgqlej2ax57yn8jarlslulzslypeqtc3qz6"
    made = run([SLUICE, "encrypt", "-i", "--age", recipient, "many.env"], tree)
    check("many variables are encrypted", made[0] == 0, made[2])
    write(tree, "many.yaml", "kind: ksops\nsecretFrom:\n- metadata: {name: many}\n  envs: [many.env]\n")
    start = time.monotonic()
    got = run([SLUICE, "ksops", "many.yaml"], tree)
    check("3000 variables are decrypted at once", got[0] == 0 and got[1].count("canary-") == 3000 and time.monotonic() - start < 20,
          "%.1f s: %s" % (time.monotonic() - start, got[2]))


def write(directory, name, text):
    with open(os.path.join(directory, name), "w") as file:
        file.write(text)
    return name


def errors(tree):
    def legacy(text):
        return run([SLUICE, "ksops", write(tree, "bad.yaml", text)], tree)

    head = "unable to generate manifests: "
    refused("no such manifest", run([SLUICE, "ksops", "none"], tree), "unable to read in manifest: none\n")
    refused("neither files nor secretFrom", legacy("kind: ksops\n"),
            head + "missing the required 'files' or 'secretFrom' key in the ksops manifests: kind: ksops\n")
    refused("files that is no list", legacy("files: abc\n"), head + 'error unmarshalling manifest content: "error unmarshaling '
            'JSON: while decoding JSON: json: cannot unmarshal string into Go struct field ksops.files of type []string" \n')
    refused("a file that is not there", legacy("files: [none.yaml]\n"), head + 'error decrypting file "none.yaml" from '
            'manifest.Files: error reading "none.yaml": open none.yaml: no such file or directory')
    refused("a file that is not encrypted", legacy("files: [kustomization.yaml]\n"),
            'error decrypting file "kustomization.yaml" from manifest.Files: trouble decrypting file: ')
    for name in ("files", "binaryFiles", "envs"):
        refused("a file that is not there in " + name, legacy("secretFrom: [{%s: [none.env]}]\n" % name),
                'error decrypting file "none.env" from secretFrom.%s: error reading "none.env": ' % (name[0].upper() + name[1:]))
    refused("two equal signs", legacy("secretFrom: [{files: [a=b=c]}]\n"), "invalid format in file generator a=b=c")
    same("an empty entry is a Secret without anything", legacy("secretFrom: [{}]\n"),
         "apiVersion: v1\nkind: Secret\nmetadata: {}\n")
    for limit in ("x", "0", "-1"):
        refused("KSOPS_CONCURRENCY_LIMIT=" + limit, run([SLUICE, "ksops", "generator.yaml"], tree, KSOPS_CONCURRENCY_LIMIT=limit),
                head + 'error parsing KSOPS_CONCURRENCY_LIMIT value "%s": ' % limit)
    refused("three arguments", run([SLUICE, "ksops", "a", "b"], tree), "KSOPS is a flexible kustomize plugin")
    refused("input of another kind", run([SLUICE, "ksops"], tree, stdin=b"a: b\n"),
            'input was of unexpected kind ""; expected ResourceList')
    refused("no input", run([SLUICE, "ksops"], tree), "failed to parse input bytes: expected exactly one object, got 0")
    listed = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: ksops\n  files:\n  - none.yaml\n"
    got = run([SLUICE, "ksops"], tree, stdin=listed.encode())
    same("a failure is a result beside the items that came in", got, listed + "results:\n- message: 'error decrypting file "
         "\"none.yaml\" from manifest.Files: error reading \"none.yaml\": open none.yaml: no such file or directory'\n"
         "  severity: error\n", code=1)
    refused("a failure is said", got, "unable to generate manifests: error decrypting file \"none.yaml\"")
    refused("no key", run([SLUICE, "ksops", "generator.yaml"], tree, key=None), head)
    refused("no key for a function", run([SLUICE, "ksops"], tree, stdin=want("krm-input.yaml").encode(), key=None), head)
    with open(os.path.join(tree, "secret.enc.yaml")) as file:
        text = file.read()
    write(tree, "secret.enc.yaml", text.replace("other: kept", "other: changed"))
    refused("a changed file: MAC", run([SLUICE, "ksops", "generator.yaml"], tree), head)
    refused("a changed file: MAC, as a function", run([SLUICE, "ksops"], tree, stdin=want("krm-input.yaml").encode()), head)
    refused("a changed file: MAC, in a build", run([SLUICE, "build", "--show-secrets"], tree), "secret.enc.yaml")
    write(tree, "secret.enc.yaml", text)


def called(tree, parent):
    bin_directory = os.path.join(parent, "bin")
    os.makedirs(bin_directory)
    got = run([SLUICE, "ksops", "install", bin_directory + "/"], tree)
    check("install says what it did", got == (0, "", "installed %s/ksops\n" % bin_directory), repr(got))
    refused("install needs a directory", run([SLUICE, "ksops", "install", "--with-kustomize"], tree),
            "install requires a destination directory\nusage: ksops install [--with-kustomize] <dest-dir>\n")
    refused("install into nothing", run([SLUICE, "ksops", "install", "/no/such"], tree),
            "error installing ksops to /no/such/ksops: open /no/such/ksops: no such file or directory")
    same("the installed program is KSOPS by its name", run([os.path.join(bin_directory, "ksops"), "generator.yaml"], tree),
         want("want-legacy.yaml"))
    if not shutil.which("kustomize"):
        print("SKIP: kustomize is not on PATH: it does not call us (scripts/tools build kustomize)")
        return
    path = bin_directory + ":" + os.environ["PATH"]
    same("kustomize calls it as a function", run(["kustomize"] + PLUGINS, tree, PATH=path), want("want-build.yaml"))
    # As a legacy plugin: without the annotation, from the plugin directory.
    plugin = os.path.join(parent, "config", "kustomize", "plugin", "viaduct.ai", "v1", "ksops")
    os.makedirs(plugin)
    run([SLUICE, "ksops", "install", plugin], tree)
    generator = re.sub(r"  annotations:\n.*\n.*\n(?=files)", "", want("generator.yaml"))
    write(tree, "generator.yaml", generator)
    config = os.path.join(parent, "config")
    theirs = run(["kustomize"] + PLUGINS, tree, XDG_CONFIG_HOME=config)
    documents = lambda text: sorted(text.split("---\n"))
    check("kustomize calls it as a legacy plugin", theirs[0] == 0 and documents(theirs[1]) == documents(want("want-build.yaml")),
          theirs[1] + theirs[2])
    same("a legacy generator gives the same in process", run([SLUICE, "build", "--show-secrets"], tree), theirs[1])


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-ksops-") as parent:
        tree = os.path.join(parent, "tree")
        shutil.copytree(FIXTURES, tree)
        build(tree)
        door(tree)
        errors(tree)
        called(tree, parent)
    for problem in problems:
        print("FAILED: " + problem)
    print("%d passed, %d failed" % (checks - len(problems), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
