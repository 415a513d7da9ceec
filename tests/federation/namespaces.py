"""Servers in network namespaces of their own, and cuts between them. Needs root, as script/test has it.

    with Network(authority) as network:
        a, b, c = [network.start_server() for _ in range(3)]
        network.cut(a, b)
        network.heal()
"""

import itertools
import os
import subprocess

from homeserver import Beffroi

CLIENT_PORT, FEDERATION_PORT = 8008, 8448


def ip(*arguments, check=True):
    subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True, stdin=subprocess.DEVNULL)


class HousedServer(Beffroi):
    """Its name is its address, which it keeps on the loopback of its namespace."""

    def __init__(self, namespace, address):
        super().__init__(server_name=f"{address}:{FEDERATION_PORT}")
        self.namespace = namespace
        self.address = address
        self.base_url = f"http://{address}:{CLIENT_PORT}"

    def command(self):
        return ["ip", "netns", "exec", self.namespace, *super().command()]


class Network:
    """Every two namespaces, and each namespace and the tests, have a link of their own: nothing is forwarded, so the
    rules of the machine's own firewall do not matter. The number of this process keeps several runs apart."""

    kind, first_network = "f", 200  # networks of another kind may be there at the same time

    def __init__(self, authority):
        self.authority = authority
        self.number = os.getpid() % 60000
        self.prefix = f"10.{self.first_network + self.number // 2500}.{self.number // 10 % 250 + 1}"
        self.servers = []
        self.cuts = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.remove()
            ip("netns", "delete", server.namespace, check=False)

    def address(self, place):
        return f"{self.prefix}.{self.number % 10 * 20 + place}"

    def outer_device(self, place):
        return f"b{self.kind}{self.number}h{place}"

    def namespace(self, place):
        return f"beffroi-{self.kind}{self.number}-{place}"

    def link_to_tests(self, server, place):
        """Goes when the namespace goes."""
        outer, tests = self.outer_device(place), self.address(1)
        ip("link", "add", outer, "type", "veth", "peer", "name", "tests", "netns", server.namespace)
        ip("addr", "add", f"{tests}/32", "dev", outer)
        ip("link", "set", outer, "up")
        ip("route", "add", f"{server.address}/32", "dev", outer, "src", tests)
        self.bring_up(server, "tests", tests)

    def bring_up(self, server, device, address):
        ip("-n", server.namespace, "link", "set", device, "up")
        ip("-n", server.namespace, "route", "add", f"{address}/32", "dev", device, "src", server.address)

    def device(self, server):
        return f"to{self.servers.index(server)}"

    def start_server(self, **federation):
        return self.house_server(**federation).prepare().start()

    def house_server(self, **federation):
        """With the settings of a server that is known by its address; not prepared yet."""
        place = len(self.servers) + 2
        server = HousedServer(self.namespace(place), self.address(place))
        ip("netns", "add", server.namespace)
        ip("-n", server.namespace, "link", "set", "lo", "up")
        ip("-n", server.namespace, "addr", "add", f"{server.address}/32", "dev", "lo")
        self.servers.append(server)
        self.link_to_tests(server, place)
        for other in self.servers[:-1]:
            ip("-n", server.namespace, "link", "add", self.device(other), "type", "veth",
               "peer", "name", self.device(server), "netns", other.namespace)  # fmt: skip
            self.connect(server, other)
        certificate, key = self.authority.issue(f"server-{server.address}", address=server.address)
        server.settings = {
            "listeners": [
                {"address": f"{server.address}:{CLIENT_PORT}", "apis": ["client", "federation", "admin", "health"]},
                {
                    "address": f"{server.address}:{FEDERATION_PORT}", "apis": ["federation"],
                    "tls_certificate": str(certificate), "tls_key": str(key),
                },
            ],
            "federation": {
                "allow_private_addresses": True, "ca_file": str(self.authority.ca_file), **federation,
            },
        }  # fmt: skip
        return server

    def connect(self, one, other):
        self.bring_up(one, self.device(other), other.address)
        self.bring_up(other, self.device(one), one.address)

    def cut(self, one, other):
        """Neither reaches the other from now on."""
        ip("-n", one.namespace, "link", "set", self.device(other), "down")
        ip("-n", other.namespace, "link", "set", self.device(one), "down")
        self.cuts.add((one, other))

    def partition(self, *groups):
        """Only those of one group reach each other."""
        for left, right in itertools.combinations(groups, 2):
            for one, other in itertools.product(left, right):
                self.cut(one, other)

    def heal(self):
        for one, other in self.cuts:
            self.connect(one, other)
        self.cuts.clear()
