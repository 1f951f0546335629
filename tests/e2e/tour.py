"""The demo's story, step by step, each looked at with kubectl as well; then the search for canaries."""
import base64
import json
import os

from harness import Scene, check, demo


def secret_value(scene, name, key):
    data = json.loads(scene.kubectl("-n", "shop", "get", "secret", name, "-o", "json"))["data"]
    return base64.b64decode(data[key]).decode()


def tell(cluster):
    with Scene(cluster) as scene:
        scene.tell()
        look(scene)
        scene.kubectl("-n", "flux-system", "get", "events,kustomizations,gitrepositories", "-o", "yaml")
        # What the API shows to anybody who may not read Secrets must not hold plaintext either.
        public = scene.kubectl("get", "events,kustomizations,gitrepositories,configmaps,statefulsets,deployments", "-A", "-o", "yaml")
        scene.stop()
        found = demo.find_canaries(scene.work, "\n".join(scene.output) + public)
        check(not found, "plaintext found in: " + ", ".join(found))
        logs = open(os.path.join(scene.work, "sluice.log")).read()
        check('"controllerKind":"Kustomization"' in logs, "the log says nothing about Kustomizations")
    print("the story went as told; no plaintext in any file, log, event or status")
    return 0


def look(scene):
    """After the story: the cluster as kubectl sees it."""
    (generated,) = scene.generated_secret()
    check(secret_value(scene, generated, "POSTGRES_PASSWORD") == "tour-canary-second-c07a36", "the generated Secret has another password")
    check(secret_value(scene, "session", "key") == "tour-canary-session-5f1e7c", "Secret session was not decrypted")
    named = scene.kubectl("-n", "shop", "get", "statefulset", "db", "-o", "jsonpath={.spec.template.spec.containers[0].envFrom[0].secretRef.name}")
    check(named == generated, "StatefulSet db names %s, not %s" % (named, generated))
    inventory = scene.kubectl("-n", "flux-system", "get", "kustomization", "db", "-o", "jsonpath={.status.inventory.entries[*].id}").split()
    check("shop_%s__Secret" % generated in inventory, "the inventory does not name the generated Secret: %s" % inventory)
    managers = json.loads(scene.kubectl("-n", "shop", "get", "deployment", "web", "-o", "json", "--show-managed-fields"))["metadata"]["managedFields"]
    check([m["manager"] for m in managers] == ["kustomize-controller"], "managers: %s" % managers)
    cycle = json.loads(scene.kubectl("-n", "flux-system", "get", "kustomization", "infra", "-o", "json"))["status"]
    message = [c["message"] for c in cycle["conditions"] if c["type"] == "Ready"][0]
    for name in ("flux-system/infra", "flux-system/web", "flux-system/db"):
        check(name in message, "the cycle's message does not name %s: %s" % (name, message))
    check("clusters/demo/infra.yaml:" in message, "the cycle's message does not say where it is written: " + message)
