"""What the tests that run programs and need no cluster share: a folder of their own, and commands in it."""
import os
import shutil
import subprocess
import sys
import tempfile

SLUICE = os.environ.get("SLUICE", "build/release/sluice")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(reason):
    print("SKIP: " + reason)
    sys.exit(77)


def check(truth, message):
    if not truth:
        raise SystemExit("FAILED: " + message)


def need(*programs):
    """Skips unless sluice is built and `programs` are on PATH."""
    if not os.access(SLUICE, os.X_OK):
        skip(SLUICE + " is not built")
    for program in programs:
        if not shutil.which(program):
            skip(program + " is not on PATH (scripts/tools and scripts/deps --tests bring it)")


class World:
    """A folder, and the environment of the commands that run in it. `forbidden`: what no message may hold."""

    forbidden = ()

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix="sluice-%s-" % name)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder}

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def run(self, *command, want=0, pass_fds=(), **env):
        """`want`: the exit status it must have; None for any. Further names go into the environment."""
        done = subprocess.run(command, env=dict(self.env, **env), capture_output=True, text=True, timeout=60,
                              cwd=self.folder, pass_fds=pass_fds)
        check(want is None or done.returncode == want,
              "%s: status %d: %s" % (" ".join(command), done.returncode, done.stderr))
        for secret in self.forbidden:
            check(secret not in done.stdout + done.stderr, "a credential in a message of " + command[0])
        return done
