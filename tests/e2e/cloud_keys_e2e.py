#!/usr/bin/env python3
"""The controller with a remote key service: one call a file, none for what is unchanged, an audit line for each.

Files encrypted by `sluice encrypt` under a Vault transit key (tests/support/cloud_server.py) are reconciled with the token
of the Kustomization's Secret. A Kustomization whose Secret does not trust the server gets a refusal that names it, and the
server hears nothing. A SOPS file inside Secret.data is opened, a forgotten one refused. An OpenPGP key as the only entry of a
decryption Secret (*.asc) opens what is encrypted for it.
"""
import base64
import json
import os
import subprocess
import sys
import urllib.request

import harness
from harness import ROOT, Scene, check

NS = "clouds"
FILES = 20
CANARY = "cloud-canary-77a1"
PGP = "8AC98AB13A2A2E44C1117F270C60D4D9BE0BF047"


def encrypt(scene, text, extension="yaml", flags=(), **env):
    plain = os.path.join(scene.work, "plain." + extension)
    with open(plain, "w") as file:
        file.write(text)
    done = subprocess.run([harness.demo.SLUICE, "encrypt", *flags, plain], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=scene.work,
                          env=dict(os.environ, VAULT_TOKEN="hvs.good", VAULT_ADDR=scene.cloud, **env))
    os.unlink(plain)
    check(done.returncode == 0, "sluice encrypt: " + done.stderr)
    return done.stdout


def calls(scene):
    return json.load(urllib.request.urlopen(scene.cloud + "/control", timeout=10))["calls"]


def secret(name, data):
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NS}, "stringData": data})


def main():
    with Scene("sandbox") as scene:
        scene.start_cluster()
        scene.serve_git()
        scene.namespace(NS)
        server = scene.start("cloud", [sys.executable, os.path.join(ROOT, "tests/support/cloud_server.py")])
        scene.cloud = "http://127.0.0.1:%d" % int(server.stdout.readline())
        with open(os.path.join(scene.work, ".sops.yaml"), "w") as file:
            file.write("creation_rules:\n- encrypted_regex: ^(data|stringData|v)$\n  hc_vault_transit_uri: %s/v1/transit/keys/one\n" % scene.cloud)
        manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: s%d\nstringData:\n    v: " + CANARY + "-%d\n"
        files = {"app/s%d.yaml" % i: encrypt(scene, manifest % (i, i)) for i in range(FILES)}
        inside = base64.b64encode(encrypt(scene, "v: %s-inside\n" % CANARY).encode()).decode()
        files["app/inside.yaml"] = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: inside\ndata:\n  file.yaml: %s\n" % inside
        files["app/kustomization.yaml"] = json.dumps(
            {"namespace": NS, "resources": ["s%d.yaml" % i for i in range(FILES)] + ["inside.yaml"]})
        files["left/kustomization.yaml"] = json.dumps({"namespace": NS, "resources": ["s.yaml"]})
        files["left/s.yaml"] = encrypt(scene, manifest % (99, 99))
        openpgp = os.path.join(ROOT, "fixtures/sops/pgp/plain.key.asc")
        files["pgp/kustomization.yaml"] = json.dumps({"namespace": NS, "resources": ["s.yaml"]})
        files["pgp/s.yaml"] = encrypt(scene, manifest % (500, 500), flags=["--pgp", PGP, "--encrypted-regex", "^stringData$"],
                                      SLUICE_PGP_KEY_FILE=openpgp)
        scene.write(files)
        scene.commit("encrypted under a Vault key")
        wrapped = calls(scene)
        scene.api.apply("/api/v1/namespaces/%s/secrets/trusted" % NS, secret("trusted", {
            "sops.vault-token": "hvs.good", "sops.vault-addresses": scene.cloud}))
        scene.api.apply("/api/v1/namespaces/%s/secrets/untrusted" % NS, secret("untrusted", {"sops.vault-token": "hvs.good"}))
        scene.repository(NS)
        scene.kustomize(NS, "app", path="./app", decryption={"provider": "sops", "secretRef": {"name": "trusted"}})
        scene.run_sluice("--log-level", "error")
        scene.wait("app to be Ready", lambda: scene.applied(NS, "app"))
        with open(openpgp) as key:
            scene.api.apply("/api/v1/namespaces/%s/secrets/pgp" % NS, secret("pgp", {"flux.asc": key.read()}))
        scene.kustomize(NS, "pgp", path="./pgp", decryption={"provider": "sops", "secretRef": {"name": "pgp"}})
        scene.wait("pgp to be Ready", lambda: scene.applied(NS, "pgp"))
        found = scene.api.get("/api/v1/namespaces/%s/secrets/s500" % NS)["data"]["v"]
        check(base64.b64decode(found).decode() == CANARY + "-500", "opened with *.asc: " + found)
        check(calls(scene) == wrapped + FILES + 1, "%d calls for %d files" % (calls(scene) - wrapped, FILES + 1))
        for name, key, value in (("s7", "v", CANARY + "-7"), ("inside", "file.yaml", "v: %s-inside\n" % CANARY)):
            found = scene.api.get("/api/v1/namespaces/%s/secrets/%s" % (NS, name))["data"][key]
            check(base64.b64decode(found).decode() == value, "%s holds %s" % (name, found))

        scene.write({"app/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n", "app/kustomization.yaml": json.dumps(
            {"namespace": NS, "resources": ["s%d.yaml" % i for i in range(FILES)] + ["inside.yaml", "c.yaml"]})})
        scene.commit("a ConfigMap beside them")
        scene.poke(NS)
        scene.wait("app to be Ready again", lambda: scene.applied(NS, "app"))
        check(calls(scene) == wrapped + FILES + 1, "calls for files that did not change")

        scene.kustomize(NS, "untrusted", path="./left", decryption={"provider": "sops", "secretRef": {"name": "untrusted"}})
        scene.kustomize(NS, "plain", path="./left")
        fails = lambda name: scene.wait(name + " to fail", lambda: next(
            (c for c in [scene.ready(NS, name)] if c["status"] == "False" and c["reason"] != "ArtifactFailed"), None))["message"]
        messages = {name: fails(name) for name in ("untrusted", "plain")}
        wanted = {"untrusted": ["left/s.yaml", "hc_vault", scene.cloud, "untrusted", "may get credentials"],
                  "plain": ["Secret/clouds/s99 is SOPS encrypted", "left/s.yaml:", scene.cloud + "/v1/transit/keys/one"]}
        for name, words in wanted.items():
            print("%-9s %s" % (name, messages[name]))
            for word in words:
                check(word in messages[name], "%s: %r is not in: %s" % (name, word, messages[name]))
        check(calls(scene) == wrapped + FILES + 1, "a server that is not trusted was called")
        check(scene.api.get("/api/v1/namespaces/%s/secrets/s99" % NS) is None, "ciphertext was applied")

        name = next(p for p in os.listdir(scene.work) if p.startswith("sluice-"))
        log = open(os.path.join(scene.work, name)).read()
        lines = [json.loads(line) for line in log.splitlines() if '"level":"audit"' in line]
        opened = [line for line in lines if line["result"] == "opened"]
        check({line["file"] for line in opened} >= {"app/s%d.yaml" % i for i in range(FILES)}, "files without an audit line")
        check(all(line["namespace"] == NS and line["name"] in ("app", "pgp") and line["revision"].startswith("main@sha1:") and
                  ("pgp" if line["name"] == "pgp" else "hc_vault") in line["keys"] for line in opened), "an audit line: %r" % opened[:1])
        check(any(line["name"] == "untrusted" and line["result"].startswith("refused: ") for line in lines), "no line of the refusal")
        for what, text in (("the log", log), ("status", json.dumps(messages))):
            check(CANARY not in text and "hvs.good" not in text, "a secret in " + what)
    print("%d files: %d calls, none for what was unchanged; refusals name server, file and key" % (FILES + 1, FILES + 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
