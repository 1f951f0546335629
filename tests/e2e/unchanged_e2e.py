#!/usr/bin/env python3
"""An unchanged reconcile costs one request to Git and none to the API server: counted by the servers themselves."""
import json
import os
import sys
import time

from harness import Scene, check

NS = "calm"
SECONDS = 8


def main():
    with Scene("real", audit=True) as scene:
        scene.start_cluster()
        scene.serve_git()
        scene.namespace(NS)
        scene.write({"kustomization.yaml": json.dumps({
            "namespace": NS, "configMapGenerator": [{"name": "c%d" % i, "literals": ["a=b"]} for i in range(3)],
            "secretGenerator": [{"name": "s%d" % i, "literals": ["a=b"]} for i in range(2)]})})
        scene.commit("five objects")
        scene.repository(NS, interval="1s")
        scene.kustomize(NS, "app", interval="1s")
        scene.run_sluice("--log-level", "error")
        scene.wait("Ready", lambda: scene.applied(NS, "app"))
        time.sleep(3)  # watches of the applied kinds are open by then
        before = scene.requests(), scene.git_requests()
        time.sleep(SECONDS)
        after = scene.requests(), scene.git_requests()
        api = after[0][len(before[0]):]
        git = after[1] - before[1]
        print("%d s at an interval of 1 s: %d requests to Git, %d to the API server" % (SECONDS, git, len(api)))
        for line in api:
            print("  " + line)
        check(SECONDS - 3 <= git <= SECONDS + 3, "expected one request to Git an interval")
        check(not api, "expected no request to the API server")
    return 0


if __name__ == "__main__":
    sys.exit(main())
