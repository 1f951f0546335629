#!/usr/bin/env python3
"""A loopback HTTP server for the tests of the HTTP client.

usage: http_server.py [--cert FILE --key FILE [--client-ca FILE]]
Prints its port. Paths: /echo answers with the request as text; /status/N; /size/N (a body of N bytes); /chunks/N (N
chunks, 20 ms apart); /forever (chunks until the client goes); /cut (announces more than it sends); /hang; /drip (one
byte, then silence); /redirect; /headers/N (a header of N bytes); /flaky/N (503 N times for this path, then 200);
/hangup (closes without an answer).
"""
import argparse, http.server, re, socket, ssl, threading, time

flaky, lock, connections = {}, threading.Lock(), [0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def setup(self):
        super().setup()
        with lock:
            connections[0] += 1
            self.number = connections[0]

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Connection", str(self.number))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def any(self):
        path, _, _ = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        number = int(m.group(1)) if (m := re.search(r"/(\d+)$", path)) else 0
        if path == "/echo":
            text = "%s %s\n%s\n" % (self.command, self.path, "".join("%s: %s\n" % kv for kv in self.headers.items()))
            self.reply(200, text.encode() + body, [("Content-Type", "text/plain")])
        elif path.startswith("/status/"):
            self.reply(number, b"status body" if number != 204 else b"")
        elif path.startswith("/size/"):
            self.reply(200, b"x" * number)
        elif path.startswith("/headers/"):
            self.reply(200, b"", [("X-Big%d" % i, "y" * 1000) for i in range(number // 1000)])
        elif path.startswith("/chunks/") or path == "/forever":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            sent = 0
            while path == "/forever" or sent < number:
                self.chunk(b"chunk %d\n" % sent)
                sent += 1
                time.sleep(0.02)
            self.chunk(b"")
        elif path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.close_connection = True
        elif path == "/hang":
            time.sleep(30)
        elif path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(30)
        elif path == "/hangup":
            self.close_connection = True
        elif path == "/redirect":
            self.reply(302, b"", [("Location", "/echo")])
        elif path.startswith("/flaky/"):
            with lock:
                flaky[self.path] = flaky.get(self.path, 0) + 1
                again = flaky[self.path] <= number
            self.reply(503 if again else 200, b"", [("Retry-After", "0")] if again else [])
        else:
            self.reply(404, b"no such path")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass

    def shutdown_request(self, request):
        """Reads what the client still sends before it closes, or a reset overtakes the last TLS alert."""
        try:
            request.shutdown(socket.SHUT_WR)
            request.settimeout(2)
            while socket.socket.recv(request, 65536):
                pass
        except OSError:
            pass
        self.close_request(request)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    args = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        if args.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(args.client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
