#!/usr/bin/env python3
"""Proves that check.py can fail: each rule gets a tree that breaks it, beside a tree that breaks none."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

TABLE = """
sluice_module(base LIBS tl_expected)
sluice_module(yaml LIBS libyaml)   # sluice_module(ghost USES yaml)
sluice_module(crypto LIBS openssl_crypto)
sluice_module(http USES yaml
              crypto LIBS curl)
sluice_module(cli USES http)
"""
GOOD = {
    "CMakeLists.txt": TABLE,
    "include/sluice/base/result.hpp": "#include <tl/expected.hpp>\n#include <vector>\n",
    "include/sluice/crypto/secret.hpp": '#include "sluice/base/result.hpp"\nint reveal() const;\n',
    "crypto/secret.cpp": '#include <openssl/evp.h>\n#include <sys/mman.h>\n#include "sluice/crypto/secret.hpp"\n#include "pool.hpp"\n'
                         "int f() { return secret.reveal() + 1'000'000; }  // reveal( in a comment, getenv(\n",
    "crypto/pool.hpp": "#include <cstddef>\n",
    "yaml/libyaml_events.cpp": '#include "yaml/events.hpp"\n#include <yaml.h>\nconst char* text = "getenv(reveal(";\n',
    "http/curl_client.cpp": '#include <curl/curl.h>\n#include "sluice/crypto/secret.hpp"\n',
    "cli/main.cpp": '#include "sluice/http/client.hpp"\nint main() { getenv("HOME"); }\n',
    "include/sluice/http/client.hpp": '#include "sluice/crypto/secret.hpp"\n',
    "tests/support/test.hpp": '#include <doctest/doctest.h>\n#include "sluice/base/result.hpp"\n',
    "tests/yaml/some_test.cpp": '#include <curl/curl.h>\n#include "sluice/cli/all.hpp"\nint x = reveal();\n',
    "tests/layering/reveal_calls.txt": "# head\ncrypto/secret.cpp: 1\ninclude/sluice/crypto/secret.hpp: 1\n",
}


class CheckTest(unittest.TestCase):
    def run_on(self, changes):
        """check.py's exit status and output on GOOD with `changes` ({path: text, or None to remove})."""
        root = tempfile.mkdtemp(prefix="sluice-layering-")
        self.addCleanup(shutil.rmtree, root)
        files = {**GOOD, **changes}
        os.makedirs(os.path.join(root, "tests", "layering"))
        shutil.copy(os.path.join(HERE, "third_party.txt"), os.path.join(root, "tests", "layering"))
        for path, text in files.items():
            if text is not None:
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w") as file:
                    file.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, "check.py"), "--root", root], capture_output=True,
                              text=True)
        return done.returncode, done.stdout + done.stderr

    def assert_refused(self, changes, *words):
        status, output = self.run_on(changes)
        self.assertEqual(status, 1, output)
        self.assertIn("1 violations", output)
        for word in words:
            self.assertIn(word, output)

    def test_a_tree_that_keeps_the_rules_passes(self):
        status, output = self.run_on({})
        self.assertEqual((status, output), (0, "9 files checked, 0 violations\n"))

    def test_a_module_outside_the_row_is_refused_in_sources_and_public_headers(self):
        bad = '#include "sluice/crypto/secret.hpp"\n'
        self.assert_refused({"yaml/write.cpp": "\n" + bad}, "yaml/write.cpp:2:", '"crypto" is not in its row')
        self.assert_refused({"include/sluice/yaml/write.hpp": bad}, "include/sluice/yaml/write.hpp:1:")

    def test_a_row_gives_no_right_to_the_rows_of_those_it_uses(self):
        self.assert_refused({"cli/more.cpp": '#include "sluice/yaml/write.hpp"\n'}, '"yaml" is not in its row')

    def test_an_include_of_no_module_is_refused(self):
        self.assert_refused({"yaml/a.cpp": '#include "sluice/ymal/write.hpp"\n'}, "belongs to no module")

    def test_a_table_that_points_upward_or_nowhere_is_refused(self):
        self.assert_refused({"CMakeLists.txt": TABLE.replace("(yaml LIBS", "(yaml USES crypto LIBS")}, "below it")
        self.assert_refused({"CMakeLists.txt": TABLE.replace("USES http", "USES http htpp")}, "is not a module")

    def test_a_module_without_a_row_is_refused(self):
        self.assert_refused({"extra/a.cpp": "int x;\n"}, "extra:1:", "add its row")

    def test_private_headers_stay_at_home(self):
        self.assert_refused({"http/a.cpp": '#include "crypto/pool.hpp"\n'}, "of other modules are theirs")
        self.assert_refused({"http/a.cpp": '#include "../crypto/pool.hpp"\n'}, "of other modules are theirs")
        self.assert_refused({"include/sluice/crypto/a.hpp": '#include "pool.hpp"\n'}, "public header includes the private")

    def test_a_third_party_header_is_refused_outside_its_files(self):
        for path in ("yaml/other.cpp", "http/a.cpp", "include/sluice/yaml/a.hpp"):
            self.assert_refused({path: "#include <yaml.h>\n"}, path + ":1:", "may be included only by yaml/libyaml_events.cpp")
        self.assert_refused({"include/sluice/crypto/a.hpp": "#include <openssl/evp.h>\n"}, "may be included only by")
        self.assert_refused({"yaml/a.cpp": "#include <tl/expected.hpp>\n"}, "include/sluice/base/result.hpp")

    def test_a_header_nobody_listed_is_refused(self):
        self.assert_refused({"http/a.cpp": "#  include <boost/asio.hpp>\n"}, "is in no line of")

    def test_tests_may_include_anything_but_their_support_knows_base_only(self):
        self.assert_refused({"tests/support/a.cpp": '#include "sluice/yaml/write.hpp"\n'}, "tests/support includes")
        self.assert_refused({"tests/support/a.hpp": '#include "yaml/arena.hpp"\n'}, "of other modules are theirs")
        status, output = self.run_on({"tests/support/scripted.hpp": '#include "sluice/http/client.hpp"\n'})
        self.assertEqual(status, 0, output)

    def test_the_environment_is_read_in_cli_only(self):
        for word in ("getenv", "std::getenv", "::secure_getenv", "setenv"):
            self.assert_refused({"http/a.cpp": 'auto x = %s("A");\n' % word}, "outside cli/")
        self.assert_refused({"http/a.cpp": "extern char** environ;\n"}, "environ outside cli/")

    def test_a_new_a_removed_and_an_unlisted_reveal_call_are_refused(self):
        self.assert_refused({"http/a.cpp": "send(key . reveal ());\n"}, "http/a.cpp:1: 1 calls", "says 0")
        self.assert_refused({"crypto/secret.cpp": "a.reveal(); b->reveal_text();\n"}, "2 calls", "says 1")
        self.assert_refused({"crypto/secret.cpp": None}, "0 calls", "says 1")

    def test_a_comment_or_a_string_hides_nothing_after_it(self):
        self.assert_refused({"http/a.cpp": "char q = '\"'; int n = 1'000; auto r = R\"(\" //)\"; getenv(\"A\");\n"}, "getenv")
        self.assert_refused({"http/a.cpp": '/* a */ #include <yaml.h>\n'}, "may be included only by")

    def test_a_commented_include_counts_for_nothing(self):
        status, output = self.run_on({"http/a.cpp": "// #include <yaml.h>\n/*\n#include <yaml.h>\n*/\n"})
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
