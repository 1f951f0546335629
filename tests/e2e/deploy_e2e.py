#!/usr/bin/env python3
"""What is in deploy/ is accepted by a real API server, and its CRDs refuse and default what Flux's do."""

import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCE = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: %s\nmetadata: {name: %s, namespace: default}\nspec: %s\n"


def kubectl(*arguments, data=None):
    return subprocess.run(["kubectl", *arguments], input=data, capture_output=True, text=True, timeout=60)


class DeployTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = kubectl("apply", "--server-side", "-k", os.path.join(ROOT, "deploy"))
        assert done.returncode == 0, done.stderr
        done = kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", os.path.join(ROOT, "deploy", "crds"))
        assert done.returncode == 0, done.stderr

    def test_every_schema_is_structural(self):
        crds = json.loads(kubectl("get", "crd", "-o", "json").stdout)["items"]
        self.assertEqual(len(crds), 5)
        for crd in crds:
            types = [condition["type"] for condition in crd["status"]["conditions"]]
            self.assertNotIn("NonStructuralSchema", types, crd["metadata"]["name"])

    def test_defaults_are_those_of_flux(self):
        text = SOURCE % ("GitRepository", "defaults", "{url: 'https://example.com/a.git', interval: 1m}")
        self.assertEqual(kubectl("apply", "-f", "-", data=text).returncode, 0)
        made = json.loads(kubectl("get", "gitrepo", "defaults", "-o", "json").stdout)
        self.assertEqual(made["spec"]["timeout"], "60s")
        made = json.loads(kubectl("create", "-o", "json", "-f", "-", data="""
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: defaults, namespace: default}
spec: {sourceRef: {kind: GitRepository, name: defaults}, interval: 1m, prune: true}
""").stdout)
        self.assertEqual(made["spec"]["force"], False)
        self.assertEqual(json.loads(kubectl("get", "ks", "defaults", "-o", "json").stdout)["status"], {"observedGeneration": -1})

    def test_what_flux_refuses_is_refused(self):
        for kind, spec, word in (
                ("GitRepository", "{url: 'ftp://example.com/a', interval: 1m}", "spec.url"),
                ("GitRepository", "{url: 'https://example.com/a', interval: 1d}", "spec.interval"),
                ("GitRepository", "{url: 'https://example.com/a', interval: 1m, timeout: 1h}", "spec.timeout"),
                ("GitRepository", "{url: 'https://example.com/a', interval: 1m, serviceAccountName: a}", "provider"),
                ("OCIRepository", "{url: 'https://example.com/a', interval: 1m}", "spec.url"),
                ("Bucket", "{bucketName: a, endpoint: b, interval: 1m, provider: other}", "spec.provider"),
                ("Bucket", "{bucketName: a, endpoint: b, interval: 1m, serviceAccountName: a}", "provider 'generic'")):
            done = kubectl("apply", "-f", "-", data=SOURCE % (kind, "refused", spec))
            self.assertEqual(done.returncode, 1, spec)
            self.assertIn(word, done.stderr)

    def test_the_controller_may_do_what_it_does(self):
        for verb, what in (("watch", "kustomizations.kustomize.toolkit.fluxcd.io"), ("patch", "gitrepositories.source.toolkit.fluxcd.io/status"),
                           ("get", "secrets"), ("create", "events"), ("create", "deployments.apps")):
            done = kubectl("auth", "can-i", verb, what, "-A", "--as", "system:serviceaccount:flux-system:sluice")
            self.assertEqual(done.stdout.strip(), "yes", "%s %s" % (verb, what))


if __name__ == "__main__":
    if "SLUICE_TEST_CLUSTER_DIR" in os.environ:
        unittest.main(verbosity=2)
    sys.exit(subprocess.run([sys.executable, os.path.join(HERE, "cluster", "cluster.py"), "run", "--", sys.executable,
                             os.path.abspath(__file__)]).returncode)
