"""The servers that compare.py measures: ours and Synapse, each with a PostgreSQL cluster of the same settings."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import psycopg

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for folder in ("support", "federation"):
    sys.path.insert(0, str(ROOT / "tests" / folder))

from homeserver import Beffroi  # noqa: E402
from invariants import connect  # noqa: E402
from synapse import Synapse  # noqa: E402

BUILD = ROOT / "build-release"
REQUIREMENTS = pathlib.Path(__file__).with_name("synapse-requirements.txt")
PROGRAMS = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def synapse_version():
    lines = REQUIREMENTS.read_text().splitlines()
    return next(line.split("==")[1] for line in lines if line.startswith("matrix-synapse=="))


def as_postgres(command):
    """initdb and postgres refuse to run as root."""
    prefix = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return [str(word) for word in [*prefix, *command]]


def embedded_cluster(server):
    """Process and directory of the PostgreSQL of a server of ours."""
    directory = server.directory / "data" / "postgresql" / "data"
    return int((directory / "postmaster.pid").read_text().split()[0]), directory


def cluster_settings(server):
    """The `-c name=value` of the running embedded cluster, but for what is about its place."""
    words = pathlib.Path(f"/proc/{embedded_cluster(server)[0]}/cmdline").read_bytes().decode().split("\0")
    pairs = [word for before, word in zip(words, words[1:]) if before == "-c"]
    # By its name our server finds a cluster that a crash left behind, and ends it.
    own = ("unix_socket", "listen_addresses", "external_pid", "cluster_name")
    kept = [pair for pair in pairs if not pair.startswith(own)]
    return [word for pair in [*kept, "listen_addresses="] for word in ("-c", pair)]


class Cluster:
    """A PostgreSQL with the settings of our embedded one."""

    def __init__(self, directory, settings):
        self.directory = directory
        self.sockets = directory.with_name("sockets")
        self.settings = settings
        self.process = None

    def connect(self, database):
        return psycopg.connect(host=str(self.sockets), user="synapse", dbname=database, autocommit=True)

    def start(self):
        for directory in (self.directory, self.sockets):
            directory.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(directory, "postgres", "postgres")
        initdb = [PROGRAMS / "initdb", "--locale=C", "--encoding=UTF8", "--auth=trust", "-U", "synapse", "-D", self.directory]
        subprocess.run(as_postgres(initdb), check=True, capture_output=True)
        command = [PROGRAMS / "postgres", "-D", self.directory, "-k", self.sockets, *self.settings, "-c", "unix_socket_permissions=0777"]
        self.process = subprocess.Popen(as_postgres(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + 60
        while True:
            try:
                with self.connect("postgres") as database:
                    database.execute("CREATE DATABASE synapse")
                return
            except psycopg.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


class Measured:
    """What both can say of themselves."""

    def database_bytes(self):
        """All tables and indexes, after what is dead was removed and all was written."""
        with self.database() as database:
            database.execute("VACUUM")
            database.execute("CHECKPOINT")
            return database.execute("SELECT pg_database_size(current_database())").fetchone()[0]

    def run_bench(self, arguments, seconds):
        """The report of one scenario."""
        report = self.directory / "report.json"
        report.unlink(missing_ok=True)
        postgres, data = self.postgres()
        command = [BUILD / "tests" / "bench" / "beffroi-bench", *arguments, "--quiet", "--url", self.base_url, "--json", report]
        command += ["--server-pid", self.process.pid, "--postgres-pid", postgres, "--database-directory", data]
        command = [str(word) for word in command]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=seconds)
        if not report.exists():
            raise RuntimeError(done.stderr.strip()[-300:] or f"status {done.returncode}")
        if done.returncode != 0:  # what it has is worth showing all the same
            print(f"{arguments[0]} against {self.word}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return json.loads(report.read_text())


class Theirs(Measured, Synapse):
    """Synapse as its manual has it for PostgreSQL: one process, caches as they are by default."""

    requirements = REQUIREMENTS
    word = "Synapse"

    def __init__(self, settings):
        super().__init__()
        self.directory.chmod(0o755)
        self.cluster = Cluster(self.directory / "pg", settings)

    def rate_limits(self):
        more = ("room_creation", "media_create", "third_party_invite", "user_directory")
        return {**super().rate_limits(), **{f"rc_{name}": self.UNLIMITED for name in more}}

    def settings(self):
        arguments = {"user": "synapse", "dbname": "synapse", "host": str(self.cluster.sockets), "cp_min": 5, "cp_max": 10}
        settings = {
            **super().settings(),
            "database": {"name": "psycopg2", "args": arguments},
            "presence": {"enabled": False},
        }
        del settings["caches"]
        return settings

    def prepare(self):
        self.cluster.start()
        super().prepare()
        return self

    def database(self):
        return self.cluster.connect("synapse")

    def postgres(self):
        return self.cluster.process.pid, self.cluster.directory

    def remove(self):
        super().remove()
        self.cluster.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Ours(Measured, Beffroi):
    word = "ours"

    def __init__(self):
        super().__init__(presence_enabled=False)
        self.binary = str(BUILD / "beffroi")

    def database(self):
        database = connect(self)
        database.autocommit = True
        return database

    def postgres(self):
        return embedded_cluster(self)
