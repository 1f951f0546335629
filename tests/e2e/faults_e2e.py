#!/usr/bin/env python3
"""What goes wrong in real life gets a clear message in status, no plaintext in it, and nothing is lost.

Wrong key, tampered file, unreachable Git, malformed YAML, a missing file, an object the server refuses.
"""
import json
import os
import shutil
import sys

from harness import ROOT, Scene, check

NS = "faults"
TOUR = os.path.join(ROOT, "fixtures", "tour")
CANARIES = ("tour-canary-first-9b2d41", "dG91ci1jYW5hcnktZmlyc3QtOWIyZDQx")


def main():
    with Scene("real") as scene:
        scene.start_cluster()
        scene.serve_git()
        scene.namespace(NS)
        env = open(os.path.join(TOUR, "apps/prod/db/db.env")).read()
        generator = json.dumps({"namespace": NS, "secretGenerator": [{"name": "db", "envs": ["db.env"]}]})
        tampered = env.replace("POSTGRES_USER=ENC", "POSTGRES_NAME=ENC")
        swapped = env.replace("sops_lastmodified=2026", "sops_lastmodified=2025")
        scene.write({
            "good/kustomization.yaml": generator, "good/db.env": env,
            "renamed/kustomization.yaml": generator, "renamed/db.env": tampered,
            "mac/kustomization.yaml": generator, "mac/db.env": swapped,
            "missing/kustomization.yaml": '{"resources": ["nowhere.yaml"]}',
            "malformed/kustomization.yaml": "resources: [a.yaml]\n", "malformed/a.yaml": "apiVersion: v1\nkind: ConfigMap\n bad: [\n",
            "field/kustomization.yaml": "resource: [a.yaml]\n",
            "loop/kustomization.yaml": "resources: [../loop]\n",
            "refused/kustomization.yaml": '{"resources": ["a.yaml"], "namespace": "%s"}' % NS,
            "refused/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  ports:\n  - port: 99999\n",
        })
        scene.commit("faults")
        key = open(os.path.join(TOUR, "age.key")).read()
        other = "AGE-SECRET-KEY-1SZ5L4KY3C65AFC705JHXAUSUXD6ZUWAEM2W52EKP9CQTTCU4E70QW5AAWJ"
        for name, text in (("right", key), ("wrong", other)):
            scene.api.apply("/api/v1/namespaces/%s/secrets/%s" % (NS, name), json.dumps({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NS}, "stringData": {"k.agekey": text}}))
        scene.repository(NS)
        scene.repository(NS, "away", url="http://127.0.0.1:9/none.git", timeout="2s")
        secret = lambda name: {"provider": "sops", "secretRef": {"name": name}}
        scene.kustomize(NS, "good", path="./good", decryption=secret("right"))
        scene.kustomize(NS, "wrong-key", path="./good", decryption=secret("wrong"))
        scene.kustomize(NS, "no-key", path="./good", decryption={"provider": "sops"})
        scene.kustomize(NS, "renamed", path="./renamed", decryption=secret("right"))
        scene.kustomize(NS, "mac", path="./mac", decryption=secret("right"))
        for name in ("missing", "malformed", "field", "loop", "refused"):
            scene.kustomize(NS, name, path="./" + name)
        scene.run_sluice("--log-level", "info")

        want = {  # name: (reason, words the message must hold)
            "wrong-key": ("BuildFailed", ["db.env", "age1plmz7vvln8xckqhk7gxtn5e44nt853k8gszezdysum0w6676d5jsas5n7s", "faults/wrong"]),
            "no-key": ("BuildFailed", ["db.env", "secretRef"]),
            "renamed": ("BuildFailed", ["db.env"]),
            "mac": ("BuildFailed", ["db.env"]),
            "missing": ("BuildFailed", ["nowhere.yaml", "missing/kustomization.yaml:1"]),
            "malformed": ("BuildFailed", ["malformed/a.yaml", "line"]),
            "field": ("BuildFailed", ["resource", "field/kustomization.yaml:1"]),
            "loop": ("BuildFailed", ["cycle detected"]),
            "refused": ("ReconciliationFailed", ["Service/faults/s dry-run failed", "99999"]),
        }
        messages = []
        for name, (reason, words) in want.items():
            ready = scene.wait("%s to fail" % name, lambda n=name: next(
                (c for c in [scene.ready(NS, n)] if c["status"] == "False" and c["reason"] != "ArtifactFailed"), None))
            messages.append(ready["message"])
            print("%-10s %s: %s" % (name, ready["reason"], ready["message"]))
            check(ready["reason"] == reason, "%s: reason %s, wanted %s" % (name, ready["reason"], reason))
            for word in words:
                check(word in ready["message"], "%s: %r is not in: %s" % (name, word, ready["message"]))
        scene.wait("good to be Ready", lambda: scene.applied(NS, "good"))
        away = scene.wait("away to fail", lambda: [c for c in ((scene.api.get(
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/%s/gitrepositories/away" % NS) or {}).get("status") or {}).get("conditions", [])
            if c["type"] == "Ready" and c["status"] == "False"])
        check("127.0.0.1" in away[0]["message"], "the message does not name the host: " + away[0]["message"])
        print("%-10s %s: %s" % ("away", away[0]["reason"], away[0]["message"]))

        # Nothing of a refused revision is applied.
        check(scene.api.get("/api/v1/namespaces/%s/configmaps/a" % NS) is None, "a ConfigMap of the refused revision was applied")
        # Nothing is lost: an overlay that breaks keeps what was applied, and mending it goes on from there.
        applied = scene.generated(NS)
        shutil.move(os.path.join(scene.tree, "good/db.env"), os.path.join(scene.tree, "good/gone.env"))
        scene.commit("broken")
        scene.poke(NS)
        scene.wait("good to fail", lambda: scene.ready(NS, "good")["status"] == "False")
        check(scene.generated(NS) == applied, "a failed build removed what was applied")
        shutil.move(os.path.join(scene.tree, "good/gone.env"), os.path.join(scene.tree, "good/db.env"))
        scene.commit("mended")
        scene.poke(NS)
        scene.wait("good to be Ready again", lambda: scene.applied(NS, "good"))
        check(scene.generated(NS) == applied, "the mended build has another name")

        log = open([p for p in os.listdir(scene.work) if p.startswith("sluice-")] and os.path.join(
            scene.work, [p for p in os.listdir(scene.work) if p.startswith("sluice-")][0])).read()
        events = json.dumps(scene.api.get("/api/v1/namespaces/%s/events" % NS))
        for canary in CANARIES:
            for where, text in (("status", "\n".join(messages)), ("log", log), ("events", events)):
                check(canary not in text, "plaintext in " + where)
        check("AGE-SECRET-KEY" not in log + events + "\n".join(messages), "a key in a message")
    print("every fault has its message, nothing was lost, no plaintext")
    return 0


if __name__ == "__main__":
    sys.exit(main())
