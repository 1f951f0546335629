#!/usr/bin/env python3
"""A real kube-apiserver with etcd on loopback, for tests.

    cluster.py start --dir DIR [--owner PID]   starts it, returns when it is ready
    cluster.py stop --dir DIR                  stops exactly what that start began
    cluster.py run [--dir DIR] -- CMD...       starts, runs CMD, always stops; exits as CMD does

DIR gets `kubeconfig` (client certificate of group system:masters, everything embedded), `pids`, the
logs `etcd.log` and `kube-apiserver.log`, and with --audit `audit.log`: one JSON line for each request
the server answered, which is how a test counts requests without asking sluice. CMD sees the
kubeconfig as KUBECONFIG and SLUICE_TEST_KUBECONFIG, and kubectl and the other tools on PATH.

Certificates are made for the run by openssl, ports are free ones of 127.0.0.1, RBAC is on. There is no
controller-manager and no scheduler: Deployments get no status and nothing is garbage collected.
The servers are children of one supervising process and die with it, whatever ends it; with --owner
the supervisor also stops them when that process is gone.

Exit status 77 with a line `SKIP: reason` when a program is absent (scripts/deps --tests brings them).
Only the standard library is used.
"""

import argparse
import base64
import ctypes
import http.client
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
READY_SECONDS = 120  # 1.3 s alone; a loaded machine is given time
STOP_SECONDS = 10  # what CMD gets after a signal before it is killed
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  users: ["system:apiserver"]
- level: Metadata
"""

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: sluice-test
contexts:
- name: sluice-test
  context: {{cluster: sluice-test, user: sluice-test}}
clusters:
- name: sluice-test
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {ca}
users:
- name: sluice-test
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""


class Failure(Exception):
    """Something went wrong; the text says what and where to look."""


class Missing(Exception):
    """A program is absent."""


class Ended(Exception):
    """A signal asked us to end."""


def tools():
    """Paths of the programs by name; Missing names the absent ones."""
    listed = subprocess.run(
        [os.path.join(ROOT, "scripts", "tools"), "list"],
        check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _version, path = line.split(" ", 2)
        if path != "-":
            found[name] = path
    wanted = ("etcd", "kube-apiserver", "openssl")
    for name in wanted:
        found.setdefault(name, shutil.which(name))
    absent = [name for name in wanted if not found[name]]
    if absent:
        raise Missing("no real API server: %s not found (scripts/deps --tests builds them where Go is present)"
                      % ", ".join(absent))
    return found


def die_with_parent():
    """Runs in the child between fork and exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def tail(path, lines=12):
    try:
        with open(path, errors="replace") as file:
            return "".join("  " + line for line in file.readlines()[-lines:])
    except OSError as error:
        return "  (%s)\n" % error


def start_time(pid):
    """Clock ticks after boot at which `pid` began, None once it has ended; with it a pid names one process for ever."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


class Cluster:
    """The two servers of one folder. Their parent is the process that calls start()."""

    def __init__(self, folder, programs, audit=False, arguments=()):
        self.folder = os.path.abspath(folder)
        self.programs = programs
        self.audit = audit
        self.arguments = list(arguments)
        self.children = []  # (name, Popen), in order of starting

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def openssl(self, *arguments):
        done = subprocess.run([self.programs["openssl"], *arguments], cwd=self.path("certificates"),
                              capture_output=True, text=True, preexec_fn=die_with_parent)
        if done.returncode != 0:
            raise Failure("openssl %s failed: %s" % (arguments[0], done.stderr.strip()))

    def make_certificates(self):
        os.makedirs(self.path("certificates"), mode=0o700, exist_ok=True)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=sluice-test-ca",
                     "-keyout", "ca.key", "-out", "ca.crt")
        extensions = {
            "server": "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
                      "DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1\nextendedKeyUsage=serverAuth\n",
            "client": "extendedKeyUsage=clientAuth\n",
        }
        subjects = {"server": "/CN=kube-apiserver", "client": "/O=system:masters/CN=sluice-test"}
        for name, text in extensions.items():
            with open(self.path("certificates", name + ".ext"), "w") as file:
                file.write(text)
            self.openssl("req", "-new", *key, "-subj", subjects[name], "-keyout", name + ".key", "-out", name + ".csr")
            self.openssl("x509", "-req", "-days", "2", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                         "-CAcreateserial", "-extfile", name + ".ext", "-out", name + ".crt")
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "tokens.key")
        self.openssl("pkey", "-in", "tokens.key", "-pubout", "-out", "tokens.pub")

    def spawn(self, name, *arguments):
        with open(self.path(name + ".log"), "ab") as log:
            child = subprocess.Popen([self.programs[name], *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, preexec_fn=die_with_parent)
        self.children.append((name, child))

    def start(self):
        """Starts both servers and returns when the API server is ready."""
        self.make_certificates()
        for attempt in range(3):
            try:
                return self.start_once()
            except Failure:
                # Between choosing a port and using it another process may have taken it.
                taken = any("address already in use" in tail(self.path(name + ".log"), 40)
                            for name in ("etcd", "kube-apiserver"))
                self.stop()
                if not taken or attempt == 2:
                    raise
                for name in ("etcd", "kube-apiserver"):
                    if os.path.exists(self.path(name + ".log")):
                        os.rename(self.path(name + ".log"), self.path("%s.log.%d" % (name, attempt)))

    def start_once(self):
        etcd_port, peer_port, port = free_ports(3)
        etcd_url, peer_url = "http://127.0.0.1:%d" % etcd_port, "http://127.0.0.1:%d" % peer_port
        shutil.rmtree(self.path("etcd"), ignore_errors=True)
        self.spawn("etcd", "--data-dir", self.path("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
                   "--listen-client-urls", etcd_url, "--advertise-client-urls", etcd_url,
                   "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
                   "--initial-cluster", "default=" + peer_url)
        certificates = self.path("certificates")
        arguments = [
            "--etcd-servers", etcd_url,
            "--bind-address", "127.0.0.1", "--secure-port", str(port), "--advertise-address", "127.0.0.1",
            "--cert-dir", certificates,
            "--tls-cert-file", certificates + "/server.crt", "--tls-private-key-file", certificates + "/server.key",
            "--client-ca-file", certificates + "/ca.crt",
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", certificates + "/tokens.pub",
            "--service-account-signing-key-file", certificates + "/tokens.key",
            # A /24 is full after 254 Services, which the fleet benchmark exceeds.
            "--service-cluster-ip-range", "10.0.0.0/16",
            "--authorization-mode", "RBAC", "--endpoint-reconciler-type", "none",
            # Nothing here would ever make the default ServiceAccounts that it waits for.
            "--disable-admission-plugins", "ServiceAccount",
        ]
        if self.audit:
            with open(self.path("audit-policy.yaml"), "w") as file:
                file.write(AUDIT_POLICY)
            arguments += ["--audit-policy-file", self.path("audit-policy.yaml"),
                          "--audit-log-path", self.path("audit.log"), "--audit-log-mode", "blocking"]
        self.spawn("kube-apiserver", *arguments, *self.arguments)
        self.wait_ready(port)
        self.write_kubeconfig(port)

    def wait_ready(self, port):
        context = ssl.create_default_context(cafile=self.path("certificates", "ca.crt"))
        context.load_cert_chain(self.path("certificates", "client.crt"), self.path("certificates", "client.key"))

        def answers(url):
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
            try:
                connection.request("GET", url)
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()

        deadline = time.monotonic() + READY_SECONDS
        while True:
            dead = self.dead()
            if dead:
                raise Failure("%s ended at its start, its log ends so:\n%s" % (dead, tail(self.path(dead + ".log"))))
            # Ready comes before the namespace that a first test writes into.
            if answers("/readyz") and answers("/api/v1/namespaces/default"):
                return
            if time.monotonic() > deadline:
                raise Failure("kube-apiserver is not ready after %d s, its log ends so:\n%s"
                              % (READY_SECONDS, tail(self.path("kube-apiserver.log"))))
            time.sleep(0.05)

    def write_kubeconfig(self, port):
        def embedded(name):
            with open(self.path("certificates", name), "rb") as file:
                return base64.b64encode(file.read()).decode()

        text = KUBECONFIG.format(port=port, ca=embedded("ca.crt"), certificate=embedded("client.crt"),
                                 key=embedded("client.key"))
        handle = os.open(self.path("kubeconfig.new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.rename(self.path("kubeconfig.new"), self.path("kubeconfig"))

    def dead(self):
        return next((name for name, child in self.children if child.poll() is not None), None)

    def stop(self):
        """Ends the servers, the last started first. Nothing of theirs is kept, so they get no time to
        finish: a polite end of kube-apiserver takes 2 s, this none."""
        for _name, child in reversed(self.children):
            child.kill()  # does nothing to one that has ended and was waited for
            child.wait()
        self.children = []


def on_signals(handler):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def raise_ended(number, _frame):
    on_signals(signal.SIG_IGN)  # from here on we are stopping; nothing may interrupt that
    raise Ended(number)


def run(options):
    if not options.command:
        raise Failure("run needs a command: cluster.py run -- CMD...")
    programs = tools()
    folder = options.dir or tempfile.mkdtemp(prefix="sluice-cluster-")
    os.makedirs(folder, exist_ok=True)
    cluster = Cluster(folder, programs, options.audit, options.apiserver_arg)
    command = None
    on_signals(raise_ended)
    try:
        cluster.start()
        path = subprocess.run([os.path.join(ROOT, "scripts", "tools"), "path"], check=True, capture_output=True,
                              text=True).stdout.strip()
        kubeconfig = cluster.path("kubeconfig")
        environment = dict(os.environ, KUBECONFIG=kubeconfig, SLUICE_TEST_KUBECONFIG=kubeconfig,
                           SLUICE_TEST_CLUSTER_DIR=cluster.folder,
                           KUBECACHEDIR=cluster.path("kubectl-cache"))  # not one per port in the home folder
        if path:
            environment["PATH"] = path + ":" + environment.get("PATH", "")
        try:
            command = subprocess.Popen(options.command, env=environment, preexec_fn=die_with_parent)
        except OSError as error:
            raise Failure("cannot run \"%s\": %s" % (options.command[0], error.strerror)) from error
        status = command.wait()
        dead = cluster.dead()
        if dead:
            raise Failure("%s died during the run, its log ends so:\n%s" % (dead, tail(cluster.path(dead + ".log"))))
        return status if status >= 0 else 128 - status
    except Ended as ended:
        if command and command.poll() is None:
            command.send_signal(ended.args[0])
            try:
                command.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                command.kill()
                command.wait()
        return 128 + ended.args[0]
    finally:
        on_signals(signal.SIG_IGN)
        cluster.stop()
        if not options.dir:
            shutil.rmtree(folder, ignore_errors=True)


def read_pids(folder):
    """(name, pid) of the processes of DIR/pids that still are the ones written down."""
    try:
        with open(os.path.join(folder, "pids")) as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return []
    return [(name, int(pid)) for name, pid, began in lines if start_time(int(pid)) == began]


def start(options):
    programs = tools()
    folder = os.path.abspath(options.dir)
    os.makedirs(folder, exist_ok=True)
    if read_pids(folder):
        raise Failure("a cluster of %s is running already; stop it first" % folder)
    for name in ("kubeconfig", "pids"):
        if os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    owner = None
    if options.owner:
        try:
            owner = os.pidfd_open(options.owner)
        except OSError as error:
            raise Failure("--owner %d: %s" % (options.owner, error.strerror)) from error
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(reader)
        os.setsid()
        if os.fork() == 0:
            supervise(Cluster(folder, programs, options.audit, options.apiserver_arg), writer, owner)
        os._exit(0)
    os.close(writer)
    os.waitpid(middle, 0)
    with os.fdopen(reader, "r") as file:
        answer = file.read()
    if answer != "ready":
        raise Failure(answer or "the supervisor ended at its start; see %s/supervisor.log" % folder)
    print(os.path.join(folder, "kubeconfig"))
    return 0


def supervise(cluster, writer, owner):
    """The background process of `start`: parent of the servers until a signal, the owner's end or a death."""
    status = 1
    # start() asks by poll, so a child's end needs no handler: it only has to wake the wait below.
    wake_reader, wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        log = os.open(cluster.path("supervisor.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.set_inheritable(writer, False)
        on_signals(raise_ended)
        cluster.start()
        with open(cluster.path("pids.new"), "w") as file:
            for name, pid in [("supervisor", os.getpid())] + [(n, c.pid) for n, c in cluster.children]:
                file.write("%s %d %s\n" % (name, pid, start_time(pid)))
        os.rename(cluster.path("pids.new"), cluster.path("pids"))
        os.write(writer, b"ready")
        os.close(writer)
        writer = None
        signal.set_wakeup_fd(wake_writer)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while not cluster.dead():
            # The timeout covers a death between the question above and the wait.
            ready, _, _ = select.select([wake_reader] + ([owner] if owner else []), [], [], 1)
            if owner in ready:
                break
            if wake_reader in ready:
                os.read(wake_reader, 512)
        status = 0
    except Ended:
        status = 0
    except BaseException as error:  # reported to the caller of `start`, who is the only one that can act on it
        if writer is not None:
            os.write(writer, str(error).encode()[:60000])
    finally:
        on_signals(signal.SIG_IGN)
        cluster.stop()
        os._exit(status)


def stop(options):
    folder = os.path.abspath(options.dir)
    processes = read_pids(folder)
    supervisor = [pid for name, pid in processes if name == "supervisor"]
    for pid in supervisor:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while read_pids(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    for name, pid in read_pids(folder):
        print("cluster: %s (pid %d) did not end, killing it" % (name, pid), file=sys.stderr)
        os.kill(pid, signal.SIGKILL)
    if os.path.exists(os.path.join(folder, "pids")):
        os.unlink(os.path.join(folder, "pids"))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="verb", required=True)
    for name in ("start", "run"):
        command = commands.add_parser(name)
        command.add_argument("--dir", required=name == "start")
        command.add_argument("--audit", action="store_true", help="write DIR/audit.log, one line a request")
        command.add_argument("--apiserver-arg", action="append", default=[], metavar="FLAG",
                             help="one more flag of kube-apiserver, as --apiserver-arg=--v=2")
        if name == "start":
            command.add_argument("--owner", type=int, metavar="PID", help="stop when this process is gone")
        else:
            command.add_argument("command", nargs=argparse.REMAINDER)
    commands.add_parser("stop").add_argument("--dir", required=True)
    options = parser.parse_args()
    if options.verb == "run" and options.command[:1] == ["--"]:
        options.command = options.command[1:]
    try:
        return {"start": start, "stop": stop, "run": run}[options.verb](options)
    except Missing as missing:
        print("SKIP: %s" % missing)
        return 77
    except Failure as failure:
        print("cluster: %s" % failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
