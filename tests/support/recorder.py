"""A program of its own that records what the server sends it over HTTP: an application service or a push
gateway in the hands of a test. It notes a request on disk before it answers, so that what it answered is
what it recorded, whoever is killed when.

    with Recorder(directory) as recorder:
        recorder.answer("/_matrix/app/v1/users/", status=404)       # a prefix of the path
        recorder.wait_for(lambda requests: len(requests) == 3)
        recorder.kill(); recorder.start()                           # on the same port
"""

import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time

import httpx

PATIENCE_SECONDS = 60


def whole_lines(written):
    """Without a line that is being written, or never was to its end: a long one is written in pieces."""
    return written[: written.rfind(b"\n") + 1]


class Recorder:
    def __init__(self, directory, port, name="recorder", tls=None):
        """`tls`: a file with a certificate and its key (see make_certificate)."""
        self.port = port
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.file = pathlib.Path(directory) / f"{name}.jsonl"
        self.process = None
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, verify=str(tls) if tls else True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self):
        command = [sys.executable, __file__, str(self.port), str(self.file), *([str(self.tls)] if self.tls else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            assert self.process.poll() is None, "the recorder ended by itself"
            assert time.monotonic() < give_up, "the recorder does not start"
            time.sleep(0.02)
        return self

    def answers(self):
        try:
            return self.http.get("/_recorder/alive").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def answer(self, prefix, status=200, body=None, delay_ms=0, times=None):
        """How to answer requests whose path begins so; the newest rule wins. `times` None: for ever."""
        rule = {"prefix": prefix, "status": status, "body": body, "delay_ms": delay_ms, "times": times}
        assert self.http.post("/_recorder/rules", json=rule).status_code == 200

    def requests(self, prefix=""):
        """What came in, in order: method, path, query, authorization, body, status, time."""
        if not self.file.exists():
            return []
        lines = whole_lines(self.file.read_bytes()).splitlines()
        return [r for r in (json.loads(line) for line in lines) if r["path"].startswith(prefix)]

    def wait_for(self, arrived, prefix=""):
        """Waits until `arrived(requests)` is true; returns its result."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            result = arrived(self.requests(prefix))
            if result:
                return result
            time.sleep(0.02)
        raise AssertionError(f"did not arrive in {PATIENCE_SECONDS} s; there was {self.requests(prefix)[-20:]}")


def make_certificate(directory):
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    both = directory / "tls.pem"
    both.write_text(certificate.read_text() + key.read_text())
    return both


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rules = []
    lock = threading.Lock()
    file = None

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        content = json.dumps({} if body is None else body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def find_rule(self, path):
        for rule in reversed(self.rules):
            if path.startswith(rule["prefix"]) and rule["times"] != 0:
                if rule["times"] is not None:
                    rule["times"] -= 1
                return rule
        return {"status": 200, "body": None, "delay_ms": 0}

    def record(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        if path == "/_recorder/alive":
            return self.reply(200, None)
        if path == "/_recorder/rules":
            with self.lock:
                self.rules.append(json.loads(content))
            return self.reply(200, None)
        with self.lock:
            rule = self.find_rule(path)
        if rule["delay_ms"]:
            time.sleep(rule["delay_ms"] / 1000)
        entry = {
            "method": self.command,
            "path": path,
            "query": query,
            "authorization": self.headers.get("Authorization"),
            "body": json.loads(content) if content else None,
            "status": rule["status"],
            "time": time.time(),
        }
        with self.lock:
            self.file.write(json.dumps(entry) + "\n")
            self.file.flush()
        return self.reply(rule["status"], rule["body"])

    do_GET = do_PUT = do_POST = record


def open_records(path):
    """After a kill amid a line the next one must not be its end."""
    if path.exists():
        os.truncate(path, len(whole_lines(path.read_bytes())))
    return open(path, "a")


def main():
    Handler.file = open_records(pathlib.Path(sys.argv[2]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        # The handshake belongs to the connection's own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
