#!/usr/bin/env python3
"""Trees that mean harm and are too large for tests/kustomize/hostile_test.cpp: `sluice build` ends each within a limit of
processor time and of address space, with a clear error or a result, from a directory and from a Git repository with the same
files. Files that nobody names are not read: the system's count of bytes and reads is that of the build without them.
Prints what each took."""

import os
import resource
import stat
import subprocess
import sys
import tempfile

SLUICE = os.environ["SLUICE"]
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SECONDS, MEMORY = 30, 2 << 30
CROWD = "a file among a million that nobody names"
READS, BYTES = 8, 64 << 10  # that many more may a build read among them than alone; from Git, their listing besides, once to check its digest


def diamond(write):
    for i in range(40):
        for side in "ab":
            write("%s%d/kustomization.yaml" % (side, i), "namePrefix: x\nresources: [../a%d, ../b%d]\n" % (i + 1, i + 1))
    for side in "ab":
        write(side + "40/kustomization.yaml", "resources: []\n")
    write("kustomization.yaml", "resources: [a0]\n")


def resource_with(text):
    def make(write):
        write("kustomization.yaml", "resources: [r.yaml]\n")
        write("r.yaml", text() if callable(text) else text)
    return make


def kustomization(text, **files):
    def make(write):
        write("kustomization.yaml", text() if callable(text) else text)
        for name, content in files.items():
            write(name, content() if callable(content) else content)
    return make


def nested_directories(write):
    path = ""
    for _ in range(300):
        write(path + "kustomization.yaml", "resources: [d]\n")
        path += "d/"
    write(path + "kustomization.yaml", "resources: []\n")


def alone(write):
    write("kustomization.yaml", "resources: [r.yaml]\nconfigMapGenerator: [{name: f, files: [crowd/f7]}]\n")
    write("r.yaml", MAP)
    write("crowd/f7", "x")


def a_crowd(write):
    alone(write)
    crowd = os.open(os.path.dirname(write("crowd/f7")), os.O_RDONLY)
    for i in range(1_000_000):
        first = "n%d.yaml" % (i - i % 60_000)  # most are links: a file may have 65,000 names
        if i % 60_000:
            os.link(first, "n%d.yaml" % i, src_dir_fd=crowd, dst_dir_fd=crowd)
        else:
            os.close(os.open(first, os.O_CREAT | os.O_WRONLY, dir_fd=crowd))
    os.close(crowd)


def pushes_to_the_front(write):
    write("kustomization.yaml", "resources: [r.yaml]\npatches: [{target: {kind: ConfigMap}, path: p.json}]\n")
    write("r.yaml", MAP + "list: [0]\n")
    write("p.json", "[" + ",".join(['{"op": "add", "path": "/list/0", "value": 1}'] * 400_000) + "]")


# name, tree, words of the error ("" for success; two where they differ from Git). Large texts are made when they are
# written: a child's memory includes what its parent had when it forked.
CASES = [
    ("a value of 100 MB", resource_with(lambda: MAP + "data: {x: " + "y" * 100_000_000 + "}\n"), ""),
    ("a line of 100 MB that is nothing", resource_with(lambda: "x" * 100_000_000), "missing Resource metadata"),
    ("a quote of 100 MB that does not end", resource_with(lambda: '"' + "x" * 100_000_000), "found unexpected end of stream"),
    ("a comment of 100 MB", resource_with(lambda: "#" * 100_000_000 + "\n" + MAP), ""),
    ("a list of 100 MB on one line", resource_with(lambda: "[" + "1," * 50_000_000 + "1]"), "more than 10000000 values in one file"),
    ("a list of 100 MB on many lines", resource_with(lambda: "- 1\n" * 25_000_000), "more than 10000000 values in one file"),
    ("a file in a directory of its own", alone, ""),
    (CROWD, a_crowd, ""),
    ("a patch that pushes to the front of a list", pushes_to_the_front, "looks for a place among more than 1000000000"),
    ("a generated file of 100 MB", kustomization("configMapGenerator: [{name: a, files: [f]}]\n", f=lambda: "x" * 100_000_000), ""),
    ("a file larger than any may be", kustomization("configMapGenerator: [{name: a, files: [f]}]\n", f=None), "larger than"),
    ("a million entries that are not there",
     kustomization(lambda: "resources:\n" + "".join("- f%d.yaml\n" % i for i in range(1_000_000))), "f0.yaml: no such file or directory"),
    ("a million and one resources", resource_with(lambda: "".join(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n" % i for i in range(1_000_001))), "more than 1000000 resources"),
    ("bases that double 40 times", diamond, "more than 200000 bases and components"),
    ("bases nested 300 deep", nested_directories, "bases are nested deeper than 200 levels"),
    ("an endless device", lambda write: (write("kustomization.yaml", "resources: [p]\n"), os.symlink("/dev/zero", write("p"))),
     ("is not a regular file", "leaves the source root")),
    ("a pipe", lambda write: (write("kustomization.yaml", "resources: [p]\n"), os.mkfifo(write("p"))), "p"),
]


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def as_repository(root):
    """The URL of a repository with the files of `root`; None when it cannot hold them all."""
    paths, entries = {}, []  # of blobs, by inode; of the tree
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)) or status.st_size > 200_000_000:
                return None
            paths.setdefault(status.st_ino, path)
            mode = "120000" if stat.S_ISLNK(status.st_mode) else "100644"
            entries.append((mode, status.st_ino, os.path.relpath(path, root)))
    repository = os.path.join(root, ".git")

    def git(*arguments, given=b""):
        command = ["git", "-C", repository, "-c", "core.compression=1", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments]
        return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout.decode().strip()

    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
    blobs = {}
    for inode, path in paths.items():
        if os.path.islink(path):
            blobs[inode] = git("hash-object", "-w", "--stdin", given=os.readlink(path).encode())
        else:
            blobs[inode] = git("hash-object", "-w", "--no-filters", path)
    git("update-index", "--index-info",  # fast-import looks at a directory's files one by one for each of them
        given="".join("%s %s\t%s\n" % (mode, blobs[inode], path) for mode, inode, path in sorted(entries, key=lambda entry: entry[2])).encode())
    git("update-ref", "refs/heads/main", git("commit-tree", "-m", "x", git("write-tree")))
    return "file://" + repository + "?ref=main"


def io_of(pid):
    """Numbers of reads and bytes read of a process that has ended and was not waited for."""
    with open("/proc/%d/io" % pid) as file:
        counts = dict(line.split(": ") for line in file.read().splitlines())
    return int(counts["syscr"]), int(counts["rchar"])


def build(target, name, words):
    """Whether it ended as it must, and what it read."""
    process = subprocess.Popen([SLUICE, "build", target, "-o", "/dev/null"], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, preexec_fn=limit)
    message = process.stderr.read().decode(errors="replace")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    read = io_of(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    good = process.returncode == (1 if words else 0) and words in message and len(message) < 1_000_000
    print("%s: %s: %.2f s, %d MiB, %d reads of %d bytes%s" % ("ok" if good else "FAILED", name, usage.ru_utime + usage.ru_stime,
                                        usage.ru_maxrss >> 10, *read,
                                        "" if good else ": status %d: %s" % (process.returncode, message[:600])), flush=True)
    return good, read


def size_of(directory):
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(directory) for name in names)


def reads_more(among, alone, listing):
    """Whether a build read the neighbours of what it needed; `listing` bytes are no neighbours."""
    more = [a - b for a, b in zip(among, alone)]
    if more[0] <= READS and more[1] <= BYTES + 2 * listing:
        return False
    print("FAILED: %d reads and %d bytes more than without the million" % tuple(more))
    return True


def main():
    failed, read_alone = 0, {}
    for name, make, words in CASES:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        memory = "/dev/shm" if make is a_crowd and os.path.isdir("/dev/shm") else None  # links take minutes on a busy disk
        with tempfile.TemporaryDirectory(prefix="sluice-hostile-e2e-", dir=memory) as root:
            def write(path, text=""):
                full = os.path.join(root, path)
                if text == "":
                    return full
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w") as file:
                    if text is None:  # a hole: no disk is used
                        file.truncate((256 << 20) + 1)
                    else:
                        file.write(text)
                return full

            make(write)
            words, git_words = words if isinstance(words, tuple) else (words, words)
            for target, wanted, kind in ((root, words, ""), (as_repository(root), git_words, ", from Git")):
                if not target:
                    continue
                good, read = build(target, name + kind, wanted)
                failed += not good
                if make is alone:
                    read_alone[kind] = read
                elif make is a_crowd and kind in read_alone:
                    failed += reads_more(read, read_alone[kind], size_of(os.path.join(root, ".git/objects")) if kind else 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
