"""Servers of a closed network: their own authorities, and client certificates that both sides demand (mutual TLS).
nginx stands before each server and lets nobody in without a certificate."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from client import Client
from homeserver import Beffroi, free_port
from peer import Authority
from two_sides import join_through, sees, sees_member

NGINX = "/usr/sbin/nginx"


@pytest.fixture(scope="module")
def place():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-mtls-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def authority(place, name):
    (place / name).mkdir()
    return Authority(place / name)


@pytest.fixture(scope="module")
def network(place):
    """The authority of the closed network."""
    return authority(place, "network")


class Gate:
    """nginx before a server: TLS, and a client certificate of the network or nothing."""

    def __init__(self, place, network, tls_port, port):
        certificate, key = network.issue(f"gate-{tls_port}")
        directory = place / f"gate-{tls_port}"
        directory.mkdir()
        config = directory / "nginx.conf"
        config.write_text(
            f"daemon off; user root; worker_processes 1; pid {directory}/pid; error_log {directory}/log;\n"
            "events { worker_connections 256; }\n"
            f"http {{ log_format who '$connection $server_protocol $request_uri'; access_log {directory}/access who;\n"
            f"client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;\n"
            f"fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;\n"
            f"server {{ listen 127.0.0.1:{tls_port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};\n"
            f"ssl_client_certificate {network.ca_file}; ssl_verify_client on; client_max_body_size 100m;\n"
            f"location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Host $http_host; }} }} }}\n"
        )
        self.process = subprocess.Popen([NGINX, "-e", f"{directory}/log", "-c", str(config)])
        self.access_log = directory / "access"

    def requests(self):
        """(connection, protocol, target) of each."""
        return [line.split() for line in self.access_log.read_text().splitlines()]

    def close(self):
        self.process.terminate()
        self.process.wait()


class ClosedServer(Beffroi):
    """Its name is the gate's address; `destinations` is what it knows of other servers' TLS."""

    def __init__(self, place, network):
        self.tls_port = free_port()
        super().__init__(server_name=f"127.0.0.1:{self.tls_port}")
        self.gate = Gate(place, network, self.tls_port, self.port)

    def configure(self, destinations):
        self.settings = {"federation": {"allow_private_addresses": True, "destinations": destinations}}
        return self.prepare()

    def reconfigure(self, destinations):
        self.configure(destinations)
        self.reload()


def certified(network, name, servers=("127.0.0.1:*",)):
    certificate, key = network.issue(name)
    entry = {"servers": list(servers), "ca_file": str(network.ca_file)}
    return {**entry, "client_certificate": str(certificate), "client_key": str(key)}


@pytest.fixture(scope="module")
def servers(place, network):
    """Two servers; only the second has a certificate to show."""
    both = [ClosedServer(place, network) for _ in range(2)]
    both[0].configure([])
    both[1].configure([certified(network, "second")])
    try:
        for server in both:
            server.start()
        yield both
        for server in both:
            server.shut_down_and_check()
    finally:
        for server in both:
            server.gate.close()
            server.remove()


def check(server, other):
    arguments = [server.binary, "federation", "check", other.server_name, "--config", str(server.config)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_servers_that_demand_certificates_federate_when_they_get_them(place, network, servers):
    first, second = servers
    alice, bob = (Client(server.base_url).register(name) for server, name in ((first, "alice"), (second, "bob")))
    room_id = bob.create_room(preset="public_chat")

    # It neither trusts the network's authority nor has a certificate.
    explained = check(first, second)
    assert explained.returncode == 1
    alice.join(room_id, query=[("via", second.server_name)], expect=502)

    # The right authority alone opens no gate.
    first.reconfigure([{"servers": ["127.0.0.1:*"], "ca_file": str(network.ca_file)}])
    explained = check(first, second)
    assert explained.returncode == 1 and "client certificate" in explained.stderr

    # With a certificate, and without a restart, both ways.
    entry = certified(network, "first")
    first.reconfigure([entry])
    explained = check(first, second)
    assert explained.returncode == 0, explained.stderr
    assert entry["client_certificate"] in explained.stdout and entry["ca_file"] in explained.stdout
    join_through(alice, room_id, second)
    sees_member(bob, room_id, alice.user_id, "join")
    bob.sync(), alice.sync()
    sees(bob, room_id, alice.send_text(room_id, "from the first"))
    sees(alice, room_id, bob.send_text(room_id, "from the second"))


def test_servers_speak_http_2_over_few_connections(place, network, servers):
    """nginx offers it; forty messages one after the other must not cost forty handshakes."""
    first, second = servers
    for number, server in enumerate(servers):
        server.reconfigure([certified(network, f"swift-{number}")])
    alice, bob = (Client(server.base_url).register(name) for server, name in ((first, "amy"), (second, "ben")))
    room_id = bob.create_room(preset="public_chat")
    join_through(alice, room_id, second)
    alice.sync(), bob.sync()
    before = len(second.gate.requests())
    for i in range(40):
        sees(bob, room_id, alice.send_text(room_id, f"message {i}"))
    new = [request for request in second.gate.requests()[before:] if "/send/" in request[2]]
    assert len(new) >= 40 and {protocol for _, protocol, _ in new} == {"HTTP/2.0"}
    assert len({connection for connection, _, _ in new}) <= 4


def test_authorities_of_a_destination_are_the_only_ones(place, network, servers):
    """The first entry that fits counts, and its authorities take the place of all others."""
    first, second = servers
    stranger = authority(place, "stranger")
    entry = {**certified(network, "again", [second.server_name]), "ca_file": str(stranger.ca_file)}
    good = certified(network, "fits-later")
    first.reconfigure([entry, good])
    explained = check(first, second)
    assert explained.returncode == 1 and entry["ca_file"] in explained.stdout
    first.reconfigure([good, entry])
    assert check(first, second).returncode == 0


def test_mistakes_in_the_configuration_are_named(place, network, servers, tmp_path):
    entry = certified(network, "mistaken")
    del entry["client_key"]
    other = {**certified(network, "mistaken-too"), "ca_file": str(tmp_path / "not-there.pem")}
    config = json.loads(servers[0].config.read_text())
    config["federation"]["destinations"] = [entry, other]
    file = tmp_path / "beffroi.yaml"
    file.write_text(json.dumps(config))
    arguments = [servers[0].binary, "check-config", "--config", str(file)]
    checked = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    said = checked.stdout + checked.stderr
    assert checked.returncode != 0
    assert "client_certificate and client_key go together" in said and "not-there.pem" in said
