"""A small internet for one server in a namespace of its own: a name server, web sites on port 443, Matrix servers.

    with Internet(authority) as net:
        net.names["example.test"] = {"A": [net.place(1)]}
        server = net.start_server()
"""

import contextlib
import pathlib
import socket
import socketserver
import ssl
import struct
import threading

from namespaces import Network, ip

PLACES = 8  # addresses on the side of the tests
TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
NAMES = {number: name for name, number in TYPES.items()}
SERVFAIL, NXDOMAIN = 2, 3


def wire_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_value(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "SRV":
        priority, weight, port, target = value
        return struct.pack("!HHH", priority, weight, port) + wire_name(target)
    return wire_name(value)


def answer_to(query, records, code=0, flags=0x8400):
    """A DNS message that answers `query` with records of the type it asks for."""
    number, end = struct.unpack_from("!H", query)[0], query.index(b"\0", 12) + 5
    head = struct.pack("!HHHHHH", number, flags | 0x80 | code, 1, len(records), 0, 0)
    kind = query[end - 4 : end - 2]
    pieces = [b"\xc0\x0c" + kind + b"\0\1" + struct.pack("!IH", 1, len(data)) + data for data in records]
    return head + query[12:end] + b"".join(pieces)


class NameServer:
    """`names`: name -> {type: [values]}, or a function (query, kind, is_tcp) -> bytes, or None for no answer."""

    def __init__(self, address):
        self.names = {}
        self.asked = []
        owner = self

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                query, sock = self.request
                answer = owner.answer(query, False)
                if answer is not None:
                    sock.sendto(answer, self.client_address)

        class Stream(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.settimeout(5)
                with contextlib.suppress(OSError, struct.error):
                    while True:
                        size = struct.unpack("!H", self.request.recv(2))[0]
                        answer = owner.answer(self.request.recv(size), True)
                        if answer is None:
                            return
                        self.request.sendall(struct.pack("!H", len(answer)) + answer)

        self.servers = []
        for kind, handler in ((socketserver.ThreadingUDPServer, Datagram), (socketserver.ThreadingTCPServer, Stream)):
            server = type("", (kind,), {"daemon_threads": True, "allow_reuse_address": True})((address, 53), handler)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self.servers.append(server)

    def answer(self, query, is_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels).lower(), NAMES.get(struct.unpack_from("!H", query, at + 1)[0], "other")
        self.asked.append((name, kind))
        known = self.names.get(name)
        if known is None:
            return answer_to(query, [], code=NXDOMAIN)
        if callable(known):
            return known(query, kind, is_tcp)
        return answer_to(query, [wire_value(kind, value) for value in known.get(kind, [])])

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Site:
    """TLS on one address and port; `serve(path, connection)` answers each request. What knocked is in `calls`,
    whose names were asked for in `indications`."""

    def __init__(self, address, port, context, serve):
        self.calls, self.indications, self.connections = [], [], 0
        owner = self
        context.sni_callback = lambda sock, name, _: self.indications.append(name)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                owner.connections += 1
                with contextlib.suppress(OSError, ssl.SSLError):
                    self.request.settimeout(10)
                    tls = context.wrap_socket(self.request, server_side=True)
                    head = b""
                    while b"\r\n\r\n" not in head:
                        piece = tls.recv(4096)
                        if not piece:
                            return
                        head += piece
                    lines = head.decode(errors="replace").split("\r\n")
                    host = next((line[6:] for line in lines if line.lower().startswith("host: ")), "")
                    path = lines[0].split(" ")[1]
                    owner.calls.append((host, path))
                    self.wfile = tls.makefile("wb", buffering=0)
                    self.close_connection = True
                    serve(host, path, self)
                    tls.unwrap()

        kind = type("", (socketserver.ThreadingTCPServer,), {"daemon_threads": True, "allow_reuse_address": True})
        self.server = kind((address, port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Internet(Network):
    kind, first_network = "i", 225

    def __enter__(self):
        self.directory = pathlib.Path("/etc/netns") / self.namespace(2)
        self.directory.mkdir(parents=True, exist_ok=True)
        options = "options timeout:1 attempts:1"
        (self.directory / "resolv.conf").write_text(f"nameserver {self.address(1)}\n{options}\nsearch .\n")
        (self.directory / "nsswitch.conf").write_text("hosts: files dns\n")
        return self

    def __exit__(self, *arguments):
        self.name_server.close()
        super().__exit__(*arguments)
        for file in self.directory.iterdir():
            file.unlink()
        self.directory.rmdir()

    def place(self, number):
        """An address of the tests' side."""
        return self.address(2 + number)

    def link_to_tests(self, server, place):
        super().link_to_tests(server, place)
        for number in range(1, PLACES + 1):
            ip("addr", "add", f"{self.place(number)}/32", "dev", self.outer_device(place))
            ip("-n", server.namespace, "route", "add", f"{self.place(number)}/32", "dev", "tests", "src", server.address)
        self.name_server = NameServer(self.address(1))
        self.names = self.name_server.names
