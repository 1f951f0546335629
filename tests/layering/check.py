#!/usr/bin/env python3
"""Holds the code against the layers of ARCHITECTURE: who may include whom, touch a library, read plaintext.

usage: check.py [--root DIR] [--update-reveal-calls]

Checked, for every source and header of every module in CMakeLists.txt's table and for tests/support:
- `#include "sluice/X/..."`: X is the module itself, base, or in the module's row; private headers stay at home and
  out of public headers;
- third-party headers appear only in the files of third_party.txt;
- the environment is read in cli/ only;
- the calls of `reveal(` are those of reveal_calls.txt, so that a new place where plaintext is read shows in review.
Prints one line a violation, `file:line: what: what to do`, and exits 1 when there is one.
"""

import argparse
import fnmatch
import os
import re
import sys

SUFFIXES = (".cpp", ".hpp", ".h")
NOT_MODULES = {"build", "include", "tests", "fuzz", "bench", "docs", "deploy", "fixtures", "scripts", "cmake"}
# What comes with the compiler and the system: names without a dot are C++'s; of the rest, C's and Linux's.
SYSTEM_FOLDERS = ("sys/", "linux/", "arpa/", "net/", "netinet/", "bits/", "sanitizer/")
SYSTEM_HEADERS = {name + ".h" for name in """
    aio alloca assert ctype cpio dirent dlfcn elf endian err errno execinfo fcntl fenv float fnmatch ftw getopt glob grp
    ifaddrs inttypes langinfo libgen limits link locale malloc math mntent netdb nl_types poll pthread pty pwd sched
    search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings
    syslog termios time ucontext uchar unistd utime wchar wctype""".split()}

# Comments, string and character literals: what a search for names must not see.
NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
DIGITS = re.compile(r"\b[0-9][0-9A-Fa-fxXbB]*(?:'[0-9A-Fa-f]+)+")  # 1'000 is no character literal
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
ENVIRONMENT = re.compile(r"\b(?:secure_getenv|getenv|setenv|putenv|unsetenv|environ)\b")
REVEAL = re.compile(r"\breveal(?:_\w+)?\s*\(")  # reveal_text() is reveal() with another type


def without_noise(text):
    """The text with comments and literals blanked, line numbers kept."""
    text = DIGITS.sub(lambda match: match.group().replace("'", "_"), text)
    return NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def without_comments(text):
    """As above, but literals stay, since an include is one."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group()) if match.group().startswith(("//", "/*")) else match.group()
    return NOISE.sub(blank, DIGITS.sub(lambda match: match.group().replace("'", "_"), text))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def read_table(root, problems):
    """{module: set of modules of its row} from the calls of sluice_module in CMakeLists.txt."""
    with open(os.path.join(root, "CMakeLists.txt")) as file:
        text = re.sub(r"#[^\n]*", "", file.read())
    table = {}
    for call in re.finditer(r"\bsluice_module\(([^)]*)\)", text):
        words = call.group(1).split()
        name, uses, into = words[0], set(), None
        for word in words[1:]:
            if word in ("USES", "LIBS"):
                into = word
            elif into == "USES":
                uses.add(word)
        table[name] = uses
    known = set()
    for name, uses in table.items():
        for used in sorted(uses - known):
            what = "is below it in the table" if used in table else "is not a module"
            problems.append('CMakeLists.txt:1: module "%s" uses "%s", which %s: a row names modules above it only'
                            % (name, used, what))
        known.add(name)
    if not table:
        problems.append("CMakeLists.txt:1: no sluice_module table found")
    return table


def read_third_party(path):
    rules = []
    with open(path) as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                rules.append((words[0], words[1:]))
    return rules


def is_system(header):
    return ("." not in header and "/" not in header) or header in SYSTEM_HEADERS or header.startswith(SYSTEM_FOLDERS)


def matches(path, patterns):
    # `*` stays within a folder.
    return any(path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def files_below(root, *folders):
    for folder in folders:
        for where, inner, names in os.walk(os.path.join(root, folder)):
            inner.sort()
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    yield os.path.relpath(os.path.join(where, name), root)


def check_includes(path, module, text, table, rules, problems):
    """`module` is None for tests/support: its library is linked with base only; a stand-in for a class of another
    module (ScriptedHttp) is a header, which then may include that module's public ones."""
    is_public = path.startswith("include/")
    allowed = {"base"} | ({module} | table[module] if module else set())
    for match in INCLUDE.finditer(text):
        where = "%s:%d" % (path, line_of(text, match.start()))
        quoted, angled = match.groups()
        header = quoted or angled
        if header.startswith("sluice/"):
            target = header.split("/")[1]
            if target not in table:
                problems.append('%s: include of "%s", which belongs to no module: fix the path' % (where, header))
            elif target not in allowed and not (module is None and path.endswith(".hpp")):
                problems.append('%s: %s includes "%s": "%s" is not in its row of the module table (CMakeLists.txt)'
                                % (where, module or "tests/support", header, target))
        elif quoted:
            if is_public:
                problems.append('%s: public header includes the private "%s": public headers use public ones only'
                                % (where, header))
            elif "/" in header and (".." in header or not header.startswith((module or "support") + "/")):
                problems.append('%s: include of "%s": private headers of other modules are theirs' % (where, header))
        elif not is_system(header):
            rule = next((files for pattern, files in rules if fnmatch.fnmatchcase(header, pattern)), None)
            if rule is None:
                problems.append("%s: <%s> is in no line of tests/layering/third_party.txt: keep the library in one file "
                                "and name both there" % (where, header))
            elif not matches(path, rule):
                problems.append("%s: <%s> may be included only by %s (tests/layering/third_party.txt)"
                                % (where, header, " ".join(rule)))


def read_reveal_calls(path):
    calls = {}
    with open(path) as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                name, _, number = line.rpartition(":")
                calls[name] = int(number)
    return calls


REVEAL_HEAD = """\
# Every file that calls reveal() or reveal_text() of SecretBytes (declarations count too) and how often: the places where
# plaintext is read. A change here is a change of what a reviewer must look at; say why in the commit.
# Written by tests/layering/check.py --update-reveal-calls.
"""


def check(root, here, update):
    problems = []
    table = read_table(root, problems)
    rules = read_third_party(os.path.join(here, "third_party.txt"))
    reveal = {}
    for folder in sorted(os.listdir(root)):
        if folder in table or folder in NOT_MODULES or folder.startswith(".") or not os.path.isdir(os.path.join(root, folder)):
            continue
        if any(files_below(root, folder)):
            problems.append("%s:1: a folder with sources that is no module: add its row to the table in CMakeLists.txt"
                            % folder)
    paths = [(path, path.split("/")[0]) for name in table for path in files_below(root, name)]
    for path in files_below(root, "include"):
        parts = path.split("/")
        if parts[1] == "sluice" and len(parts) > 3 and parts[2] in table:
            paths.append((path, parts[2]))
        else:
            problems.append("%s:1: a public header outside include/sluice/MODULE/: move it" % path)
    paths += [(path, None) for path in files_below(root, "tests/support")]
    for path, module in sorted(paths, key=lambda pair: pair[0]):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        check_includes(path, module, without_comments(text), table, rules, problems)
        code = without_noise(text)
        if module not in ("cli", None):
            for match in ENVIRONMENT.finditer(code):
                problems.append("%s:%d: %s outside cli/: take the value as a parameter"
                                % (path, line_of(code, match.start()), match.group()))
        number = len(REVEAL.findall(code))
        if number and module:
            reveal[path] = number
    listed_in = os.path.join(here, "reveal_calls.txt")
    if update:
        with open(listed_in, "w") as file:
            file.write(REVEAL_HEAD + "".join("%s: %d\n" % pair for pair in sorted(reveal.items())))
    else:
        listed = read_reveal_calls(listed_in)
        for path in sorted(set(reveal) | set(listed)):
            if reveal.get(path, 0) != listed.get(path, 0):
                problems.append("%s:1: %d calls of reveal(, tests/layering/reveal_calls.txt says %d: if plaintext must be "
                                "read here, run tests/layering/check.py --update-reveal-calls and say why in the commit"
                                % (path, reveal.get(path, 0), listed.get(path, 0)))
    return problems, len(paths)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--lists", default=None, help="the folder of third_party.txt and reveal_calls.txt")
    parser.add_argument("--update-reveal-calls", action="store_true")
    options = parser.parse_args()
    root = os.path.abspath(options.root)
    problems, count = check(root, options.lists or os.path.join(root, "tests", "layering"), options.update_reveal_calls)
    for problem in problems:
        print(problem)
    print("%d files checked, %d violations" % (count, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
