"""A web server in the hands of a test: it says what it was told to say and counts who came.

    with WebServer() as web:
        web.say("/", "<title>Hello</title>")
        web.say("/old", status=302, headers={"Location": "/"})
        assert web.requests == ["/"]
"""

import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        web = self.server.web
        with web.lock:
            web.requests.append(self.path)
            web.headers.append(self.headers)
        status, headers, body = web.answers.get(self.path, (404, {}, b"not here"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.end_headers()
        try:
            for piece in body(web):
                self.wfile.write(piece)
        except OSError:
            web.cut_off.set()

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection = super().get_request()
        with self.web.lock:
            self.web.connections += 1
        return connection

    def handle_error(self, *_):
        self.web.cut_off.set()


class WebServer:
    def __init__(self, address="127.0.0.1"):
        self.listener = Listener((address, 0), Handler)
        self.listener.web = self
        self.port = self.listener.server_port
        self.url = f"http://{address}:{self.port}"
        self.lock = threading.Lock()
        self.answers = {}
        self.requests, self.headers = [], []
        self.connections = 0
        self.cut_off = threading.Event()  # the other side did not want the rest
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.listener.shutdown()
        self.thread.join()
        self.listener.server_close()

    def say(self, path, body=b"", status=200, **headers):
        """`body`: text, bytes, or a function of this server that yields pieces. Header names may be written
        with _ for -; text is HTML unless told otherwise. Returns the address."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, str):
            body = body.encode()
            headers.setdefault("Content-Type", "text/html; charset=utf-8")
        self.answers[path] = (status, headers, body)
        return self.url + path

    def count(self, path):
        with self.lock:
            return self.requests.count(path)
