"""A homeserver that tests start, kill and restart: our own binary, or Synapse to check the tests."""

import atexit
import contextlib
import functools
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
STOP_SECONDS = 10
RELOAD_SECONDS = 30

SHARED_SECRET = "only for tests"

SANITIZER_REPORT = re.compile(
    r"ERROR: (?:Address|Leak|Memory|Thread)Sanitizer|WARNING: ThreadSanitizer|: runtime error: "
)


# Below the range from which the kernel takes the ports of outgoing connections, and each at most once:
# a server whose name is its address must not get the name, and the remembered keys, of an earlier one. Processes of
# tests that run side by side ("gw0", "gw1") take every second one.
PORTS = range(10240 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2, 32768, 2)
_next_ports = itertools.islice(itertools.cycle(PORTS), random.SystemRandom().randrange(len(PORTS)), None)


def free_port():
    for port in _next_ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Homeserver:
    """Subclasses say how to prepare a data directory and which command serves it."""

    before_removal = []  # functions that look at a server whose directory is still there

    def __init__(self, server_name="localhost"):
        self.server_name = server_name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-test-"))
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.log_path = self.directory / "server.log"
        self.process = None
        self.up = threading.Event()  # clear from a kill to the end of the next start

    def prepare(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts the server and waits until it answers."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        give_up = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended at start:\n{self.log()[-4000:]}")
            if time.monotonic() > give_up:
                raise RuntimeError(f"no answer after {START_SECONDS} s:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        self.up.set()
        return self

    def answers(self):
        try:
            return httpx.get(self.base_url + "/_matrix/client/versions", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: what the server acknowledged before must be there after the next start."""
        self.up.clear()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; returns the exit status, or None when it did not end in time and was killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def log(self, start=0):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[start:].decode(errors="replace")

    def log_size(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def sanitizer_reports(self):
        return [line for line in self.log().splitlines() if SANITIZER_REPORT.search(line)]

    def remove(self):
        if self.is_running():
            self.kill()
        for look in self.before_removal:
            look(self)
        shutil.rmtree(self.directory, ignore_errors=True)

    def shut_down_and_check(self):
        """Ends the server as an administrator would; any complaint it has is a failed test."""
        died_early = not self.is_running()
        status = self.process.returncode if died_early else self.stop()
        reports = self.sanitizer_reports()
        log = self.log()[-6000:]
        self.remove()
        assert not died_early, f"the server ended by itself with status {status}:\n{log}"
        assert not reports, "sanitizer reports:\n" + "\n".join(reports) + "\n" + log
        assert status is not None, f"SIGTERM did not end the server in {STOP_SECONDS} s:\n{log}"
        assert status == 0, f"SIGTERM ended the server with status {status}:\n{log}"


class Beffroi(Homeserver):
    """Our server with its own data directory and private PostgreSQL cluster."""

    has_fresh_data = True  # see fresh_cluster()

    def __init__(self, server_name="localhost", **settings):
        super().__init__(server_name)
        self.settings = settings
        self.binary = os.environ.get("BEFFROI_BINARY", str(ROOT / "build" / "beffroi"))
        self.config = self.directory / "beffroi.yaml"

    def prepare(self):
        settings = {
            "domains": [
                {"name": self.server_name, "signing_key_file": str(self.directory / "signing.key")}
            ],
            "listeners": [{"address": f"127.0.0.1:{self.port}", "apis": ["client", "federation", "admin", "health"]}],
            "database": "embedded",
            "data_directory": str(self.directory / "data"),
            "registration": {"mode": "open", "guests": True, "shared_secret": SHARED_SECRET},
            "rate_limits": {"enabled": False},
            # The clients of the tests speak in the clear.
            "rooms": {"encrypt_private_by_default": False},
            # Hashing passwords properly is for users, not for a thousand test accounts.
            "passwords": {"argon2_iterations": 1, "argon2_memory_kib": 64},
            **self.settings,
        }
        # JSON is YAML.
        self.config.write_text(json.dumps(settings, indent=2))
        self.directory.chmod(0o755)
        return self

    def start(self):
        data = self.directory / "data"
        if self.has_fresh_data and not data.exists() and json.loads(self.config.read_text()).get("database") == "embedded":
            keys = [self.binary, "generate-key", "--config", str(self.config)]
            made = subprocess.run(keys, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True)
            # A configuration that can not be used is for the start to refuse.
            if made.returncode == 0:
                copy_directory(fresh_cluster(), data / "postgresql")
        return super().start()

    def command(self):
        return [self.binary, "serve", "--config", str(self.config)]

    def reload(self):
        """SIGHUP, after prepare() wrote other settings; returns when they hold."""
        start = self.log_size()
        self.process.send_signal(signal.SIGHUP)
        give_up = time.monotonic() + RELOAD_SECONDS
        while "The configuration was read again." not in self.log(start):
            assert time.monotonic() < give_up, self.log(start)
            time.sleep(0.02)


def copy_directory(source, target):
    subprocess.run(["cp", "--archive", "--reflink=auto", source, target], check=True)


@functools.cache
def fresh_cluster():
    """The PostgreSQL of a server that was started once and did nothing. To make the cluster and its schema is most of the
    work of a first start; hundreds of servers need not all do it. Nothing in there belongs to one server."""
    server = Beffroi().prepare()
    server.has_fresh_data = False
    try:
        server.start()
        assert server.stop() == 0, server.log()
        directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-fresh-"))
        copy_directory(server.directory / "data" / "postgresql", directory / "postgresql")
        return directory / "postgresql"
    finally:
        server.remove()


@atexit.register
def remove_fresh_cluster():
    if fresh_cluster.cache_info().currsize > 0:
        shutil.rmtree(fresh_cluster().parent, ignore_errors=True)
        fresh_cluster.cache_clear()


@contextlib.contextmanager
def running(server):
    """Starts a prepared server; at the end it is stopped, checked and removed."""
    try:
        yield server.start()
        server.shut_down_and_check()
    finally:
        server.remove()


def launch(kind, **settings):
    """A prepared, not yet started server of the kind that --homeserver names."""
    if kind == "synapse":
        sys.path.insert(0, str(ROOT / "tests" / "support"))
        from synapse import Synapse

        return Synapse().prepare()
    return Beffroi(**settings).prepare()
