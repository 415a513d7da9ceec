"""An S3 store in memory that believes nobody: it makes the signature of each request anew, with the code of
Amazon's own SDK (botocore), and compares it byte for byte."""

import http.server
import threading

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def expected_authorization(method, url, headers, body, store):
    """What botocore writes for this request: over the headers that it says are signed, at the time it tells."""
    auth = S3SigV4Auth(Credentials(store.access_key, store.secret_key), "s3", store.region)
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest(method, url, headers={name: headers[name] for name in signed}, data=body)
    del request.headers["X-Amz-Content-SHA256"]
    request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
    request.context["timestamp"] = headers["X-Amz-Date"]
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    auth._inject_signature_to_request(request, signature)
    return request.headers["Authorization"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        store = self.server.store
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://127.0.0.1:{store.port}{self.path}"
        expected = expected_authorization(self.command, url, self.headers, body, store)
        with store.lock:
            store.checked.append((self.command, expected, self.headers["Authorization"]))
            if expected != self.headers["Authorization"]:
                return self.finish_with(403)
            if self.command == "PUT":
                store.objects[self.path] = body
            if self.command == "DELETE":
                store.objects.pop(self.path, None)
            content = store.objects.get(self.path) if self.command == "GET" else b""
        self.finish_with(404 if content is None else 204 if self.command == "DELETE" else 200, content or b"")

    do_GET = do_PUT = do_DELETE = answer

    def finish_with(self, status, content=b""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class VerifyingStore:
    def __init__(self):
        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        self.listener.store = self
        self.port = self.listener.server_port
        self.lock = threading.Lock()
        self.objects, self.checked = {}, []
        self.expect("", "", "")
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.05,))

    def expect(self, access_key, secret_key, region):
        self.access_key, self.secret_key, self.region = access_key, secret_key, region

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.thread.join()
        self.listener.server_close()
