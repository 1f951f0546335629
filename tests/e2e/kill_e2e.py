#!/usr/bin/env python3
"""`kill -9` in the middle of an apply: the inventory names everything that exists, and the next start ends the work."""
import json
import signal
import sys
import time

from harness import Scene, check

OBJECTS = 400
NS = "killed"


def config_maps(scene):
    items = scene.api.get("/api/v1/namespaces/%s/configmaps?labelSelector=kustomize.toolkit.fluxcd.io%%2Fname%%3Dapp" % NS)["items"]
    return {item["metadata"]["name"] for item in items}


def listed(scene):
    entries = scene.status(NS, "app").get("inventory", {}).get("entries", [])
    return {entry["id"].split("_")[1] for entry in entries}


def write(scene, numbers, value):
    names = ["c%03d.yaml" % n for n in numbers]
    scene.write({name: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  k: %s\n" % (name[:-5], value) for name in names})
    scene.write({"kustomization.yaml": json.dumps({"resources": names, "namespace": NS})})


def main():
    with Scene("real") as scene:
        scene.start_cluster()
        scene.serve_git()
        scene.namespace(NS)
        write(scene, range(OBJECTS), "one")
        scene.commit("many")
        scene.repository(NS)
        scene.kustomize(NS, "app")
        killed = 0
        for want in (1, OBJECTS // 2):  # early, and half way
            scene.run_sluice("--log-level", "error")
            limit = time.time() + 60
            while len(config_maps(scene)) < want and time.time() < limit:
                pass
            scene.end_sluice(signal.SIGKILL)
            there = config_maps(scene)
            check(there, "nothing was applied before the kill")
            killed += len(there) < OBJECTS
            check(there <= listed(scene), "not in the inventory after the kill: %s" % sorted(there - listed(scene))[:5])
        check(killed, "every kill came too late to interrupt anything: raise OBJECTS")

        scene.run_sluice("--log-level", "error")
        scene.wait("Ready after the restart", lambda: scene.applied(NS, "app"), 60)
        check(len(config_maps(scene)) == OBJECTS, "after the restart %d of %d exist" % (len(config_maps(scene)), OBJECTS))
        check(listed(scene) == config_maps(scene), "the inventory is not what exists")

        scene.write({"c%03d.yaml" % n: None for n in range(10, OBJECTS)})
        write(scene, range(10), "two")
        scene.commit("few")
        scene.poke(NS)
        scene.wait("Ready at the second commit", lambda: scene.applied(NS, "app"), 60)
        check(len(config_maps(scene)) == 10, "orphans: %s" % sorted(config_maps(scene))[:15])
        check(listed(scene) == config_maps(scene), "the inventory is not what exists")
    print("killed twice, %d objects complete after the restart, none orphaned" % OBJECTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
