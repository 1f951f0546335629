#!/usr/bin/env python3
"""The scripts under scripts/: what they count, what they build and what they say when something is wrong."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "scripts")


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(SCRIPTS, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class CountTest(unittest.TestCase):
    """scripts/test: no test is counted twice, none is lost, a skip is never a pass."""
    count = staticmethod(load("test").count)
    doctest = "[doctest] test cases: %2d | %2d passed | %d failed | 0 skipped\n"

    def test_a_doctest_program_counts_its_cases(self):
        self.assertEqual(self.count("run", self.doctest % (7, 7, 0)), (7, 0, []))
        self.assertEqual(self.count("fail", self.doctest % (7, 5, 2)), (5, 2, []))

    def test_a_skipped_case_is_no_passed_one(self):
        self.assertEqual(self.count("run", "SKIP: no git\n" + self.doctest % (7, 7, 0)), (6, 0, ["no git"]))
        self.assertEqual(self.count("notrun", "SKIP: no git\n" + self.doctest % (1, 1, 0) + "SKIP_RETURN_CODE=77"),
                         (0, 0, ["no git"]))

    def test_a_script_counts_as_one_or_as_what_it_says(self):
        self.assertEqual(self.count("run", "fine\n"), (1, 0, []))
        self.assertEqual(self.count("fail", "not fine\n"), (0, 1, []))
        self.assertEqual(self.count("run", "345 passed, 0 failed, 1 skipped\n"), (345, 0, ["(see its output)"]))

    def test_a_crash_after_the_last_case_and_a_missing_program_are_failures(self):
        self.assertEqual(self.count("fail", self.doctest % (7, 7, 0) + "ERROR: AddressSanitizer"), (6, 1, []))
        self.assertEqual(self.count("fail", ""), (0, 1, []))
        self.assertEqual(self.count("notrun", "Unable to find executable: yaml_test"), (0, 1, []))


class ToolsTest(unittest.TestCase):
    """scripts/tools, in a copy of the tree with a list of its own and a stand-in for Go."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="sluice-tools-")
        self.addCleanup(shutil.rmtree, self.root)
        os.mkdir(os.path.join(self.root, "scripts"))
        os.mkdir(os.path.join(self.root, "bin"))
        shutil.copy(os.path.join(SCRIPTS, "tools"), os.path.join(self.root, "scripts"))
        self.write("scripts/tools.list", "# a list\nshow 1.2.3 install example.com/show\n")

    def write(self, path, text):
        full = os.path.join(self.root, path)
        with open(full, "w") as file:
            file.write(text)
        os.chmod(full, 0o755)

    def fake_go(self, install):
        self.write("bin/go", '#!/bin/sh\ncase "$1 $2" in\n"env GOVERSION") echo go1.26.1 ;;\n"env GOTOOLCHAIN") echo local ;;\n'
                             '*) echo "$@" >>"%s/calls"; %s ;;\nesac\n' % (self.root, install))

    def tools(self, *arguments, path=None):
        environment = dict(os.environ, SLUICE_CACHE=os.path.join(self.root, "cache"),
                           PATH=path or os.path.join(self.root, "bin") + ":/usr/bin:/bin")
        done = subprocess.run([os.path.join(self.root, "scripts", "tools"), *arguments], env=environment,
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_a_program_is_built_once_per_pinned_version(self):
        self.fake_go('printf "#!/bin/sh\\n" >"$GOBIN/show"; chmod +x "$GOBIN/show"')
        status, out, _ = self.tools("build")
        self.assertEqual(status, 0)
        self.assertIn("show 1.2.3 ready", out)
        self.assertEqual(self.tools("build"), (0, "", ""))
        binary = os.path.join(self.root, "cache", "tools", "show-1.2.3", "show")
        self.assertEqual(self.tools("list")[1], "show 1.2.3 %s\n" % binary)
        self.assertEqual(self.tools("path")[1], os.path.dirname(binary) + "\n")
        self.write("scripts/tools.list", "show 1.2.4 install example.com/show\n")
        self.assertEqual(self.tools("list")[1], "show 1.2.4 -\n")
        self.assertIn("show 1.2.4 ready", self.tools("build")[1])
        with open(os.path.join(self.root, "calls")) as file:
            self.assertEqual(len(file.readlines()), 2)

    def test_without_go_it_says_skip_and_succeeds(self):
        os.mkdir(os.path.join(self.root, "few"))
        for name in ("bash", "dirname", "sed", "sort", "head"):
            os.symlink(shutil.which(name), os.path.join(self.root, "few", name))
        status, out, _ = self.tools("build", path=os.path.join(self.root, "few"))
        self.assertEqual((status, out), (0, "SKIP: show 1.2.3 cannot be built: Go is not on PATH\n"))

    def test_a_failed_build_says_which_and_why_and_leaves_nothing(self):
        self.fake_go('echo "show.go:3: undefined: x"; exit 1')
        status, _, err = self.tools("build")
        self.assertEqual(status, 1)
        self.assertIn("building show 1.2.3 failed (exit 1):\n  show.go:3: undefined: x", err)
        self.assertEqual(os.listdir(os.path.join(self.root, "cache", "tools")), [".lock"])

    def test_a_download_that_fails_is_a_skip_that_says_why(self):
        self.fake_go('echo "Get https://example.com: dial tcp: lookup example.com: no such host"; exit 1')
        status, out, _ = self.tools("build")
        self.assertEqual(status, 0)
        self.assertIn("SKIP: show 1.2.3 could not be downloaded: Get https://example.com: dial tcp", out)

    def test_the_pinned_versions_are_those_of_the_modules(self):
        with open(os.path.join(SCRIPTS, "tools.list")) as file:
            lines = [line.split() for line in file if not line.startswith("#")]
        for name, version, kind, place in lines:
            if kind == "module":
                with open(os.path.join(ROOT, place, "go.mod")) as file:
                    self.assertRegex(file.read(), r" v\d+\.%s\n" % version.split(".", 1)[1].replace(".", r"\."), name)


class DepsTest(unittest.TestCase):
    def test_an_unknown_argument_is_an_error(self):
        done = subprocess.run([os.path.join(SCRIPTS, "deps"), "--tets"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn('unknown argument "--tets"', done.stderr)

    def test_it_is_silent_when_nothing_is_missing(self):
        if not shutil.which("dpkg-query"):
            self.skipTest("no dpkg")
        done = subprocess.run([os.path.join(SCRIPTS, "deps")], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class StepTest(unittest.TestCase):
    def test_a_failed_step_is_named_with_its_status(self):
        done = subprocess.run([os.path.join(SCRIPTS, "step"), "a name", "sh", "-c", "exit 5"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 5)
        self.assertRegex(done.stderr, r"==> a name: FAILED after \d+ s \(exit 5: sh -c exit 5\)")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
