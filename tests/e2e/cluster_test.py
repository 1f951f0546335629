#!/usr/bin/env python3
"""The contract of tests/e2e/cluster/cluster.py: what it starts is usable at once, and nothing is left running."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CLUSTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cluster", "cluster.py")


def call(*arguments, **more):
    return subprocess.run([sys.executable, CLUSTER, *arguments], capture_output=True, text=True, timeout=200, **more)


def pids(folder):
    with open(os.path.join(folder, "pids")) as file:
        return {name: int(pid) for name, pid, _began in (line.split() for line in file)}


def is_running(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-cluster-test-")
        self.addCleanup(self.folder.cleanup)

    def wait_for_end(self, processes):
        deadline = time.monotonic() + 15
        while any(map(is_running, processes)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual([pid for pid in processes if is_running(pid)], [])

    def test_run_gives_a_working_kubeconfig_with_rbac_and_the_status_of_the_command(self):
        done = call("run", "--dir", self.folder.name, "--", "sh", "-c",
                    "kubectl version && kubectl create configmap one --from-literal=a=b &&"
                    " kubectl get configmap one -o name && kubectl auth can-i get secrets --as nobody; exit 3")
        self.assertIn("Server Version: v1.34.4", done.stdout)
        self.assertIn("configmap/one", done.stdout)
        self.assertTrue(done.stdout.endswith("no\n"), done.stdout)
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_stop_ends_exactly_what_start_began(self):
        started = call("start", "--dir", self.folder.name)
        self.assertEqual(started.returncode, 0, started.stderr)
        processes = pids(self.folder.name).values()
        self.assertTrue(all(map(is_running, processes)))
        again = call("start", "--dir", self.folder.name)
        self.assertEqual(again.returncode, 1)
        self.assertIn("running already", again.stderr)
        self.assertEqual(call("stop", "--dir", self.folder.name).returncode, 0)
        self.wait_for_end(processes)
        self.assertEqual(call("stop", "--dir", self.folder.name).returncode, 0)  # nothing to do is no error

    def test_the_servers_end_with_their_owner_and_with_their_supervisor(self):
        owner = subprocess.Popen(["sleep", "600"])
        started = call("start", "--dir", self.folder.name, "--owner", str(owner.pid))
        self.assertEqual(started.returncode, 0, started.stderr)
        processes = pids(self.folder.name)
        owner.kill()
        owner.wait()
        self.wait_for_end(processes.values())
        self.assertEqual(call("start", "--dir", self.folder.name).returncode, 0)
        processes = pids(self.folder.name)
        os.kill(processes["supervisor"], signal.SIGKILL)
        self.wait_for_end(processes.values())

    def test_a_server_that_cannot_start_is_reported_with_the_end_of_its_log(self):
        done = call("start", "--dir", self.folder.name, "--apiserver-arg=--no-such-flag")
        self.assertEqual(done.returncode, 1)
        self.assertIn("kube-apiserver ended at its start", done.stderr)
        self.assertIn("no-such-flag", done.stderr)


if __name__ == "__main__":
    probe = call("run", "--", "true")
    if probe.returncode == 77:
        print(probe.stdout, end="")
        sys.exit(77)
    unittest.main(verbosity=2)
