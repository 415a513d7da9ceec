"""Web servers of the clients, each set up for one homeserver."""

import http.server
import json
import os
import threading


def configuration(server_url):
    return {
        "defaultHomeserver": 0,
        "homeserverList": [server_url],
        "allowCustomHomeservers": True,
        "featuredCommunities": {"openAsDefault": False, "spaces": [], "rooms": [], "servers": []},
        "hashRouter": {"enabled": False, "basename": "/"},
    }


class Folder(http.server.SimpleHTTPRequestHandler):
    """A folder as it is."""

    server_url = ""

    def log_message(self, *_):
        pass


class Cinny(Folder):
    """A build of Cinny."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/config.json":
            self.send_configuration()
            return
        # The client asks for its files relative to the page that it is on.
        for name in ("olm.wasm", "pdf.worker.min.js", "manifest.json"):
            if path.endswith("/" + name):
                self.path = "/" + name
        for folder in ("/assets/", "/public/"):
            if folder in path:
                self.path = folder + path.split(folder, 1)[1]
        if not os.path.isfile(self.translate_path(self.path)):
            self.path = "/index.html"
        super().do_GET()

    def send_configuration(self):
        body = json.dumps(configuration(self.server_url)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


def serve(kind, folder, server_url, port):
    """Until the process ends; the address."""

    def handler(*arguments):
        return type("Handler", (kind,), {"server_url": server_url})(*arguments, directory=str(folder))

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{port}"
