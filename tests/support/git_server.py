#!/usr/bin/env python3
"""Serves bare Git repositories below a directory over HTTP on loopback: the smart protocol, for fetching only.

usage: git_server.py --root DIR [--port N] [--protocol 0|1|2] [--misbehave HOW] [--log FILE]
Prints its port. /NAME.git/... serves DIR/NAME.git; /auth/NAME.git/... wants basic authentication git:secret (or
"Bearer token-1"); /forbidden/NAME.git answers 403; /moved/NAME.git redirects the first contact to /NAME.git.
--protocol 0 hides newer ones. --misbehave is for tests: truncate (half of each fetch), corrupt (flip a byte of the
pack), hang, die (close in the middle), error (an ERR packet), html (a web page), huge (a packet length of ffff),
busy (503), endless (random pack data until the client goes).
--log appends a line "METHOD path bytes-in bytes-out" for each request. Needs git on PATH.
"""
import argparse, base64, gzip, http.server, os, re, subprocess, sys, threading, time

options, log_lock = None, threading.Lock()
BASIC = "Basic " + base64.b64encode(b"git:secret").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body, headers=()):
        if options.log:
            with log_lock, open(options.log, "a") as log:
                log.write("%s %s %d %d\n" % (self.command, self.path, self.taken, len(body)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def repository(self, suffix):
        """The repository's directory; None when an answer has been sent."""
        self.taken = 0
        path = self.path
        if path.startswith("/auth/"):
            path = path[5:]
            if self.headers.get("Authorization") not in (BASIC, "Bearer token-1"):
                self.answer(401, "text/plain", b"who are you?\n", [("WWW-Authenticate", 'Basic realm="git"')])
                return None
        if path.startswith("/forbidden/"):
            self.answer(403, "text/plain", b"no\n")
            return None
        if path.startswith("/moved/") and self.command == "GET":
            self.answer(301, "text/plain", b"", [("Location", path[6:])])
            return None
        match = re.fullmatch(r"/([A-Za-z0-9._-]+)" + re.escape(suffix), path)
        directory = os.path.join(options.root, match.group(1)) if match else ""
        if not match or match.group(1).startswith(".") or not os.path.isfile(os.path.join(directory, "HEAD")):
            self.answer(404, "text/plain", b"repository not found\n")
            return None
        return directory

    def upload_pack(self, directory, arguments, data=b""):
        environment = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_COUNT="1",
                           GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        environment.pop("GIT_PROTOCOL", None)
        if options.protocol and self.headers.get("Git-Protocol"):
            environment["GIT_PROTOCOL"] = self.headers["Git-Protocol"] if options.protocol == 2 else "version=1"
        return subprocess.run(["git", "upload-pack", "--stateless-rpc", *arguments, directory], input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment).stdout

    def do_GET(self):
        directory = self.repository("/info/refs?service=git-upload-pack")
        if directory is None:
            return
        if options.misbehave == "html":
            return self.answer(200, "text/html", b"<html>a web page</html>")
        if options.misbehave == "busy":
            return self.answer(503, "text/plain", b"later\n")
        out = self.upload_pack(directory, ["--advertise-refs"])
        if not out.startswith(b"000eversion 2"):
            out = b"001e# service=git-upload-pack\n0000" + out
        self.answer(200, "application/x-git-upload-pack-advertisement", out)

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        directory = self.repository("/git-upload-pack")
        if directory is None:
            return
        self.taken = len(data)
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        is_fetch = b"command=fetch" in data or b"want " in data
        kind = "application/x-git-upload-pack-result"
        out = self.upload_pack(directory, [], data)
        if is_fetch and options.misbehave:
            how = options.misbehave
            if how == "hang":
                time.sleep(60)
            elif how == "truncate":
                out = out[:len(out) // 2]
            elif how == "corrupt":
                at = out.rfind(b"PACK") + 40
                out = out[:at] + bytes([out[at] ^ 0xff]) + out[at + 1:]
            elif how == "error":
                line = b"ERR upload-pack: the disk is on fire \x1b[31m\n"
                out = b"%04x" % (len(line) + 4) + line
            elif how == "huge":
                out = b"ffff" + b"x" * 70000
            elif how == "die":
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out[:len(out) // 2])
                self.wfile.flush()
                self.close_connection = True
                return
            elif how == "endless":
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                piece = b"000dpackfile\n"
                while True:
                    self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
                    piece = b"fff0\x01" + b"z" * 65515
        self.answer(200, kind, out)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--protocol", type=int, choices=(0, 1, 2), default=2)
    parser.add_argument("--misbehave", default="")
    parser.add_argument("--log", default="")
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
