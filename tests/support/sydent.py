"""Sydent, a real identity server, from a virtual environment of its own (see synapse.py), behind TLS.

    with Sydent(directory, certificate, mail_server.url) as identity:
        identity.name                     # "127.0.0.1:port", for `identity_servers`
        token = identity.account(client)  # the client's access token there
"""

import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import urlsplit

import httpx
from homeserver import free_port
from synapse import virtual_environment

REQUIREMENTS = pathlib.Path(__file__).with_name("sydent-requirements.txt")
API = "/_matrix/identity/v2"
START_SECONDS = 60

HEADERS = "From: %(from)s\r\nTo: %(to)s\r\nSubject: {}\r\nMessage-ID: %(messageid)s\r\n\r\n"
TEMPLATES = {
    "verification_template.eml": HEADERS.format("Is this your address?") + "The token is %(token)s.\r\n",
    "invite_template.eml": HEADERS.format("%(subject_header_value)s") + "You are invited to %(room_id)s.\r\n",
    "verify_response_template.html": "%(message)s",
}


class TlsFront:
    """Takes TLS off connections and passes them on."""

    def __init__(self, certificate, port, behind):
        self.behind = behind
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.listener = context.wrap_socket(
            socket.create_server(("127.0.0.1", port)), server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        try:
            client.do_handshake()
            server = socket.create_connection(("127.0.0.1", self.behind))
        except OSError:
            client.close()
            return
        threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
        self.pump(server, client)

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            source.close()
            sink.close()

    def close(self):
        self.listener.close()


class Sydent:
    def __init__(self, directory, certificate, smtp_url):
        self.directory = pathlib.Path(directory)
        self.certificate = certificate
        self.mail = urlsplit(smtp_url)
        self.port, self.tls_port = free_port(), free_port()
        self.name = f"127.0.0.1:{self.tls_port}"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def settings(self):
        templates = self.directory / "templates"
        return {
            "general": {
                "server.name": self.name,
                "templates.path": str(templates),
                "brand.default": "test",
                "pidfile.path": str(self.directory / "sydent.pid"),
                "ip.whitelist": "127.0.0.1/32",
            },
            "db": {"db.file": str(self.directory / "sydent.db")},
            "http": {
                "clientapi.http.bind_address": "127.0.0.1",
                "clientapi.http.port": self.port,
                "federation.verifycerts": "False",
                "client_http_base": f"https://{self.name}",
            },
            "email": {
                "email.from": "Sydent <noreply@example.org>",
                "email.smtphost": self.mail.hostname,
                "email.smtpport": self.mail.port,
                "email.hostname": "example.org",
            },
        }

    def __enter__(self):
        templates = self.directory / "templates" / "test"
        templates.mkdir(parents=True)
        for name, text in TEMPLATES.items():
            (templates / name).write_text(text, newline="")
        sections = [
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
            for section, values in self.settings().items()
        ]
        config = self.directory / "sydent.conf"
        config.write_text("\n".join(sections))
        python = virtual_environment(REQUIREMENTS, "sydent")
        self.log = (self.directory / "sydent.log").open("wb")
        self.process = subprocess.Popen(
            [python, "-m", "sydent.sydent"],
            env={**os.environ, "SYDENT_CONF": str(config)},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        give_up = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, (self.directory / "sydent.log").read_text()
            assert time.monotonic() < give_up, "Sydent does not start"
            time.sleep(0.05)
        self.front = TlsFront(self.certificate, self.tls_port, self.port)
        return self

    def __exit__(self, *_):
        self.front.close()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def answers(self):
        try:
            return self.http.get(API).status_code == 200
        except httpx.TransportError:
            return False

    def call(self, method, path, token=None, body=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.http.request(method, API + path, json=body, headers=headers)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def account(self, openid_token):
        """The access token here of who has the OpenID token."""
        return self.call("POST", "/account/register", body=openid_token)["token"]
