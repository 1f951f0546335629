#!/usr/bin/env python3
"""Key services of five clouds on loopback, written from their public API references, for tests.

usage: cloud_server.py [--cert FILE --key FILE]
Prints its port. Checks every request whole (method, path, headers, signature, token, body) and answers 400 with what is
wrong; a data key is "sealed" as base64 of SERVICE|CONTEXT|BYTES, so a wrong key or context does not open.

  AWS      /                X-Amz-Target TrentService.Decrypt/Encrypt, SigV4 of AKIDEXAMPLE; Action=AssumeRole on the same
                            path, SigV4 of the caller; IMDSv2 under /latest
  Vault    /v1/transit/decrypt|encrypt/NAME with token "hvs.good"; login /v1/auth/kubernetes/login with jwt "good.jwt"
  GCP      /v1/projects/.../cryptoKeys/NAME:decrypt|encrypt with a token of /token or of the metadata path
  Azure    /keys/NAME/VERSION/decrypt|encrypt with a token of /TENANT/oauth2/v2.0/token
  control  PUT /control {"fault": "throttle"|"slow"|"lie"|"expire"|null, "times": N}; GET /control: {"calls": N, "log": [...]}
"""
import argparse, base64, datetime, hashlib, hmac, http.server, json, ssl, threading, time, urllib.parse

lock = threading.Lock()
state = {"fault": None, "times": 0, "calls": 0, "log": [], "role_expired": False}
SECRETS = {"AKIDEXAMPLE": ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""), "ASIAROLE": ("role/secret", "role+token"),
           "ASIANODE": ("node/secret", "node+token")}


class Refused(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


def want(truth, what):
    if not truth:
        raise Refused(400, {"__type": "ValidationException", "message": what, "errors": [what], "error": {"message": what}})


def seal(service, context, data):
    return base64.b64encode(("%s|%s|" % (service, context)).encode() + data).decode()


def unseal(service, context, text):
    data = base64.b64decode(text)
    start = ("%s|%s|" % (service, context)).encode()
    return data[len(start):] if data.startswith(start) else None


def sha(data):
    return hashlib.sha256(data).hexdigest()


def check_sigv4(request, body, service):
    """Recomputes Signature Version 4 as the AWS General Reference says."""
    given = request.headers.get("Authorization", "")
    want(given.startswith("AWS4-HMAC-SHA256 "), "not SigV4")
    parts = dict(part.strip().split("=", 1) for part in given[len("AWS4-HMAC-SHA256 "):].split(","))
    key_id, date, region, named, end = parts["Credential"].split("/")
    want(key_id in SECRETS, "UnrecognizedClientException")
    want(named == service and end == "aws4_request", "scope " + parts["Credential"])
    secret, token = SECRETS[key_id]
    want(request.headers.get("X-Amz-Security-Token", "") == token, "security token")
    when = request.headers["X-Amz-Date"]
    want(when.startswith(date), "date")
    moment = datetime.datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    want(abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 300, "clock")
    names = parts["SignedHeaders"].split(";")
    want(names == sorted(names) and "host" in names and "x-amz-date" in names, "signed headers")
    want(all(name.lower() in names for name in request.headers if name.lower().startswith("x-amz-")), "unsigned x-amz header")
    path, _, query = request.path.partition("?")
    canonical = "\n".join([request.command, path, query] + ["%s:%s" % (n, request.headers[n].strip()) for n in names]
                          + ["", ";".join(names), sha(body)])
    text = "\n".join(["AWS4-HMAC-SHA256", when, "/".join([date, region, service, "aws4_request"]), sha(canonical.encode())])
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    want(hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == parts["Signature"], "SignatureDoesNotMatch")
    return key_id, region


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fault(self):
        with lock:
            if state["times"] <= 0:
                return None
            state["times"] -= 1
            return state["fault"]

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/control":
            with lock:
                if self.command == "PUT":
                    state.update(json.loads(body), calls=0, log=[])
                return self.reply(200, state)
        try:
            self.serve(path, body)
        except Refused as refused:
            self.reply(refused.status, refused.body)
        except (KeyError, ValueError, IndexError) as broken:
            self.reply(400, {"__type": "ValidationException", "message": "%s: %r" % (type(broken).__name__, broken)})

    def serve(self, path, body):
        host = "http://%s" % self.headers["Host"]
        if path == "/" and self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
            want(form["Version"] == "2011-06-15", "STS version")
            if form["Action"] == "AssumeRole":
                check_sigv4(self, body, "sts")
            else:
                want(form["Action"] == "AssumeRoleWithWebIdentity" and form["WebIdentityToken"] == "good.jwt", "web identity")
                want("Authorization" not in self.headers, "web identity calls are not signed")
            want(form["RoleArn"].startswith("arn:aws:iam::") and form["RoleSessionName"], "role")
            return self.reply(200, b"<R><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role/secret"
                              b"</SecretAccessKey><SessionToken>role+token</SessionToken><Expiration>2099-01-01T00:00:00Z"
                              b"</Expiration></Credentials></R>", [("Content-Type", "text/xml")])
        if path == "/latest/api/token":
            want(self.command == "PUT" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600", "IMDSv2")
            return self.reply(200, b"imds")
        if path.startswith("/latest/meta-data/iam/security-credentials/"):
            want(self.headers["X-aws-ec2-metadata-token"] == "imds", "IMDSv2 token")
            return self.reply(200, b"node" if path.endswith("/") else
                              {"Code": "Success", "AccessKeyId": "ASIANODE", "SecretAccessKey": "node/secret", "Token": "node+token",
                               "Expiration": "2099-01-01T00:00:00Z"})
        if path == "/v1/auth/kubernetes/login":
            sent = json.loads(body)
            want(sent == {"role": "flux_kc", "jwt": "good.jwt"}, "login")
            return self.reply(200, {"auth": {"client_token": "hvs.good", "lease_duration": 3600}})
        if path.endswith("/oauth2/v2.0/token"):
            form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
            want(form["grant_type"] == "client_credentials" and form["client_secret"] == "az-secret" and
                 form["scope"] == host + "/.default", "azure token request")
            return self.reply(200, {"access_token": "az-token", "expires_in": 3600})
        if path == "/computeMetadata/v1/instance/service-accounts/default/token":
            want(self.headers["Metadata-Flavor"] == "Google", "metadata flavor")
            return self.reply(200, {"access_token": "gcp-token", "expires_in": 3600}, [("Metadata-Flavor", "Google")])
        # --- key operations, which faults may hit
        fault = self.fault()
        with lock:
            state["calls"] += 1
            state["log"].append(self.command + " " + path)
        if fault == "slow":
            time.sleep(30)
        if fault == "throttle":
            if path == "/":
                raise Refused(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
            raise Refused(429, {"errors": ["slow down"]})
        if fault == "expire":
            if path == "/":
                raise Refused(400, {"__type": "ExpiredTokenException", "message": "expired"})
            raise Refused(401, {"error": {"code": "Unauthorized", "message": "expired"}})
        sent = json.loads(body) if body else {}
        lie = base64.b64encode(b"not the data key").decode()
        if path == "/":
            check_sigv4(self, body, "kms")
            want(self.headers["Content-Type"] == "application/x-amz-json-1.1", "content type")
            context = json.dumps(sent.get("EncryptionContext", {}), sort_keys=True)
            if self.headers["X-Amz-Target"] == "TrentService.Encrypt":
                return self.reply(200, {"KeyId": sent["KeyId"], "CiphertextBlob":
                                        seal(sent["KeyId"], context, base64.b64decode(sent["Plaintext"]))})
            want(self.headers["X-Amz-Target"] == "TrentService.Decrypt", "target")
            data = unseal(sent["KeyId"], context, sent["CiphertextBlob"])
            if data is None:
                raise Refused(400, {"__type": "InvalidCiphertextException"})
            return self.reply(200, {"KeyId": sent["KeyId"], "Plaintext": lie if fault == "lie" else base64.b64encode(data).decode()})
        if path.startswith("/v1/transit/"):
            _, _, _, verb, name = path.split("/")
            if self.headers.get("X-Vault-Token") != "hvs.good":
                raise Refused(403, {"errors": ["permission denied"]})
            want(self.command == "PUT" and self.headers["X-Vault-Request"] == "true", "vault request")
            if verb == "encrypt":
                return self.reply(200, {"data": {"ciphertext": "vault:v1:" + seal(name, "", base64.b64decode(sent["plaintext"]))}})
            want(sent["ciphertext"].startswith("vault:v1:"), "ciphertext")
            data = unseal(name, "", sent["ciphertext"][9:])
            if data is None:
                raise Refused(400, {"errors": ["cipher: message authentication failed"]})
            return self.reply(200, {"data": {"plaintext": lie if fault == "lie" else base64.b64encode(data).decode()}})
        if path.startswith("/v1/projects/"):
            name, _, verb = path[4:].partition(":")
            if self.headers.get("Authorization") != "Bearer gcp-token":
                raise Refused(401, {"error": {"status": "UNAUTHENTICATED", "message": "no token"}})
            if verb == "encrypt":
                return self.reply(200, {"ciphertext": seal(name, "", base64.b64decode(sent["plaintext"]))})
            data = unseal(name, "", sent["ciphertext"])
            if data is None:
                raise Refused(400, {"error": {"status": "INVALID_ARGUMENT", "message": "Decryption failed"}})
            return self.reply(200, {"plaintext": lie if fault == "lie" else base64.b64encode(data).decode()})
        if path.startswith("/keys/"):
            if "Authorization" not in self.headers:
                return self.reply(401, {}, [("WWW-Authenticate", 'Bearer authorization="%s/t", resource="%s"' % (host, host))])
            if self.headers["Authorization"] != "Bearer az-token":
                raise Refused(401, {"error": {"code": "Unauthorized", "message": "no token"}})
            want(sent["alg"] == "RSA-OAEP-256" and "api-version=" in self.path, "azure operation")
            raw = base64.urlsafe_b64decode(sent["value"] + "=" * (-len(sent["value"]) % 4))
            _, _, name, version, verb = path.split("/")
            if verb == "encrypt":
                data = base64.b64decode(seal(name + version, "", raw))
            else:
                data = unseal(name + version, "", base64.b64encode(raw))
                if data is None:
                    raise Refused(400, {"error": {"code": "BadParameter", "message": "cannot decrypt"}})
            if fault == "lie":
                data = b"not the data key"
            return self.reply(200, {"kid": host + path, "value": base64.urlsafe_b64encode(data).decode().rstrip("=")})
        raise Refused(404, {"errors": ["no such path"]})

    do_GET = do_POST = do_PUT = any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    args = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
