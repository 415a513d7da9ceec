"""How a server is found by its name: well-known file, SRV records of both kinds, port 8448, as the specification's
"Resolving server names" has it.

Two servers of ours in network namespaces. One hosts a domain for each way of being found; the other knows their names from
a dnsmasq alone.
"""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
from client import Client, unique
from namespaces import CLIENT_PORT, Network
from traffic import OURS, note
from two_sides import sees, sees_member

DNSMASQ = "/usr/sbin/dnsmasq"
WELL_KNOWN = "/.well-known/matrix/server"
PATIENCE_SECONDS = 30

# Where each listener of the server with the domains is, and the names in its certificate. SRV records lead to a name that
# is in none: it is the server's own name that must be proved.
LISTENERS = {
    443: ["delegating.test", "renamed.test"],
    7001: ["matrix.test"],
    7002: ["new.test", "old.test"],
    7003: ["found.test"],
    8448: ["plain.test"],
}
DELEGATED = {"delegating.test": "matrix.test:7001", "renamed.test": "found.test"}
WITH_ADDRESS = ["delegating.test", "renamed.test", "matrix.test", "plain.test", "host.test"]
SRV = {
    "_matrix-fed._tcp.found.test": ("host.test", 7003),
    "_matrix-fed._tcp.new.test": ("host.test", 7002),
    "_matrix._tcp.new.test": ("host.test", 9),
    "_matrix._tcp.old.test": ("host.test", 7002),
}
# What `beffroi federation check` says of the last step.
FOUND = {
    "delegating.test": "matrix.test:7001 has a port: connect to https://matrix.test:7001",
    "renamed.test": "SRV _matrix-fed._tcp.found.test: connect to host.test:7003, with the certificate of found.test",
    "new.test": "SRV _matrix-fed._tcp.new.test: connect to host.test:7002, with the certificate of new.test",
    "old.test": "SRV _matrix._tcp.old.test: connect to host.test:7002, with the certificate of old.test",
    "plain.test": "nothing else is said: connect to https://plain.test:8448",
}


def domain(name):
    return {"name": name, **({"federation_address": DELEGATED[name]} if name in DELEGATED else {})}


def give_domains(server, authority):
    listeners = [{"address": f"{server.address}:{CLIENT_PORT}", "apis": ["client", "federation", "health"]}]
    for port, hosts in LISTENERS.items():
        certificate, key = authority.issue(f"{server.address}-{port}", address=None, hosts=hosts)
        tls = {"tls_certificate": str(certificate), "tls_key": str(key)}
        listeners.append({"address": f"{server.address}:{port}", "apis": ["federation"], **tls})
    server.settings |= {"listeners": listeners, "domains": [domain(name) for name in FOUND]}


def wait_for_port(address, port):
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection((address, port), timeout=1).close()
        except OSError:
            assert time.monotonic() < give_up, f"nothing listens at {address}:{port}"
            time.sleep(0.05)


class Resolver:
    """A dnsmasq for one namespace, which knows nothing but the names of this file."""

    def __init__(self, network, namespace, address):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-dns-"))
        self.etc = pathlib.Path("/etc/netns") / namespace
        self.etc.mkdir(parents=True, exist_ok=True)
        (self.etc / "resolv.conf").write_text(f"nameserver {network.address(1)}\n")
        records = [f"--host-record={name},{address}" for name in WITH_ADDRESS]
        records += [f"--srv-host={name},{target},{port}" for name, (target, port) in SRV.items()]
        self.process = subprocess.Popen(
            [DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
             f"--pid-file={self.directory}/pid", "--bind-interfaces", f"--listen-address={network.address(1)}",
             "--local=/test/", *records],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_port(network.address(1), 53)

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.etc)
        shutil.rmtree(self.directory)


@pytest.fixture(scope="module")
def servers(authority):
    """The one that looks for the other, and the one with the domains."""
    with Network(authority) as network:
        asking, hosting = network.house_server(), network.house_server()
        give_domains(hosting, authority)
        resolver = Resolver(network, asking.namespace, hosting.address)
        try:
            yield asking.prepare().start(), hosting.prepare().start()
            for server in network.servers:
                server.shut_down_and_check()
        finally:
            resolver.close()


def check(server, name):
    command = ["ip", "netns", "exec", server.namespace, server.binary, "federation", "check", name]
    return subprocess.run(
        [*command, "--config", server.config], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("name", FOUND)
def test_a_room_is_shared_with_a_server_however_it_is_found(servers, name):
    asking, hosting = servers
    checked = check(asking, name)
    assert checked.returncode == 0 and FOUND[name] in checked.stdout, checked.stdout + checked.stderr
    if name in DELEGATED:
        assert f"https://{name}{WELL_KNOWN} delegates to {DELEGATED[name]}" in checked.stdout
        note(OURS, hosting.server_name, [("GET", WELL_KNOWN, asking.server_name)])
    visitor = Client(hosting.base_url)
    visitor.http.headers["Host"] = name
    carol = visitor.register("carol")
    carol.http.headers["Host"] = name
    alice = Client(asking.base_url).register("alice")
    localpart = unique("hall")
    room_id = carol.create_room(preset="public_chat", room_alias_name=localpart)
    carol.sync()
    assert alice.join(f"#{localpart}:{name}")["room_id"] == room_id
    sees_member(carol, room_id, alice.user_id, "join")
    sees(carol, room_id, alice.send_text(room_id, "to you"))
    sees(alice, room_id, carol.send_text(room_id, "and back"))


def test_a_name_that_leads_nowhere_is_explained(servers):
    checked = check(servers[0], "nowhere.test")
    assert checked.returncode == 1
    assert "SRV _matrix-fed._tcp.nowhere.test: no such record" in checked.stdout
    assert "connect to https://nowhere.test:8448" in checked.stdout
    assert "nowhere.test" in checked.stderr
