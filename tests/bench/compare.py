"""Ours against another homeserver, on this machine, each with its own PostgreSQL cluster of the same settings.

Run by script/bench. Every scenario runs against A B A B in turn, so that what else the machine does hits both;
the figures are the better of the two runs of each.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from homeserver import Beffroi  # noqa: E402
from synapse import Synapse  # noqa: E402

BUILD = ROOT / "build-release"
REQUIREMENTS = pathlib.Path(__file__).with_name("synapse-requirements.txt")
PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")

# name, arguments, (figure or result, member) pairs that are compared; smaller is better
SCENARIOS = [
    ("send, 1 room, 16 senders", ["send", "--users", "16", "--rooms", "1", "--count", "{count}"], ["send"]),
    ("send, 100 rooms, 100 senders", ["send", "--users", "100", "--rooms", "100", "--count", "{count}"], ["send"]),
    ("send, one at a time", ["send", "--users", "1", "--rooms", "1", "--count", "{single}"], ["send"]),
    ("fanout to {members}", ["fanout", "--members", "{members}", "--count", "5"], ["time to the first", "time to the last"]),
    (
        "initial sync, 20 users, 40 rooms",
        ["initial-sync"],
        ["timeline 1, lazy members", "timeline 5, lazy members", "timeline 20, lazy members", "timeline 10, all members"],
    ),
]


def as_postgres(command):
    """initdb and postgres refuse to run as root."""
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *command] if os.geteuid() == 0 else command


class Cluster:
    """A PostgreSQL with the settings of our embedded one."""

    def __init__(self, directory, settings):
        self.directory = directory
        self.sockets = directory.with_name("sockets")
        self.settings = settings

    def start(self):
        for directory in (self.directory, self.sockets):
            directory.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(directory, "postgres", "postgres")
        initdb = [PROGRAMS / "initdb", "--locale=C", "--encoding=UTF8", "--auth=trust", "-U", "synapse", "-D", self.directory]
        subprocess.run(as_postgres([str(word) for word in initdb]), check=True, capture_output=True)
        command = [PROGRAMS / "postgres", "-D", self.directory, "-k", self.sockets, *self.settings, "-c", "unix_socket_permissions=0777"]
        self.process = subprocess.Popen(as_postgres([str(word) for word in command]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        create = ["createdb", "-h", str(self.sockets), "-U", "synapse", "synapse"]
        give_up = time.monotonic() + 60
        while subprocess.run(create, capture_output=True).returncode != 0:
            assert time.monotonic() < give_up, "PostgreSQL does not start"
            time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class SynapseOnPostgres(Synapse):
    requirements = REQUIREMENTS

    def __init__(self, settings):
        super().__init__()
        self.directory.chmod(0o755)
        self.cluster = Cluster(self.directory / "pg", settings)

    def settings(self):
        database = {
            "name": "psycopg2",
            "args": {"user": "synapse", "dbname": "synapse", "host": str(self.cluster.sockets), "cp_min": 5, "cp_max": 10},
        }
        return {**super().settings(), "database": database, "presence": {"enabled": False}}

    def prepare(self):
        self.cluster.start()
        super().prepare()
        return self

    def postgres(self):
        return self.cluster.process.pid, self.cluster.directory

    def remove(self):
        super().remove()
        self.cluster.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class OurServer(Beffroi):
    def __init__(self):
        super().__init__(presence_enabled=False)
        self.binary = str(BUILD / "beffroi")

    def postgres(self):
        directory = self.directory / "data" / "postgresql" / "data"
        return int((directory / "postmaster.pid").read_text().split()[0]), directory

    def cluster_settings(self):
        """The `-c name=value` of the running embedded cluster, but for what is about its place."""
        words = pathlib.Path(f"/proc/{self.postgres()[0]}/cmdline").read_bytes().decode().split("\0")
        pairs = [word for before, word in zip(words, words[1:]) if before == "-c"]
        kept = [pair for pair in pairs if not pair.startswith(("unix_socket", "listen_addresses", "external_pid"))]
        return [word for pair in [*kept, "listen_addresses="] for word in ("-c", pair)]


def run_scenario(server, arguments, path):
    pid, directory = server.postgres()
    command = [BUILD / "tests" / "bench" / "beffroi-bench", *arguments, "--url", server.base_url, "--json", path]
    command += ["--server-pid", server.process.pid, "--postgres-pid", pid, "--database-directory", directory]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return json.loads(path.read_text())


def best(reports, result):
    """The smaller median of the runs, in milliseconds, and the higher rate."""
    results = [report["results"][result] for report in reports]
    return min(each["p50_us"] for each in results) / 1000, max(each["per_second"] for each in results)


def figure(reports, name):
    values = [report["figures"][name]["value"] for report in reports if name in report["figures"]]
    return min(values) if values else None


def ratio(theirs, ours):
    return f"{theirs / ours:.1f}x" if ours and theirs is not None else ""


def print_scenario(name, results, ours, theirs):
    for result in results:
        our_ms, our_rate = best(ours, result)
        their_ms, their_rate = best(theirs, result)
        print(f"| {name}: {result}, p50 | {our_ms:.2f} ms | {their_ms:.2f} ms | {ratio(their_ms, our_ms)} |")
        print(f"| {name}: {result}, rate | {our_rate:.0f}/s | {their_rate:.0f}/s | {ratio(our_rate, their_rate)} |")
    for figure_name in ["server CPU per operation", "postgres CPU per operation", "server memory", "disk for events"]:
        our, their = figure(ours, figure_name), figure(theirs, figure_name)
        if our is not None and their is not None and our > 0:
            print(f"| {name}: {figure_name} | {our:.0f} | {their:.0f} | {ratio(their, our)} |")
    sys.stdout.flush()


def compare(options):
    sizes = {"count": str(options.count), "single": "200", "members": str(options.members)}
    ours = OurServer().prepare().start()
    theirs = SynapseOnPostgres(ours.cluster_settings())
    try:
        theirs.prepare().start()
        print("| | ours | Synapse | ratio |\n|---|---|---|---|", flush=True)
        for name, arguments, results in SCENARIOS:
            arguments = [word.format(**sizes) for word in arguments]
            reports = {ours: [], theirs: []}
            for _ in range(options.rounds):
                for server in (ours, theirs):
                    reports[server].append(run_scenario(server, arguments, ours.directory / "report.json"))
            print_scenario(name.format(**sizes), results, reports[ours], reports[theirs])
    finally:
        theirs.remove()
        ours.stop()
        ours.remove()


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description="Measures ours against another homeserver.")
    parser.add_argument("--against", choices=["synapse"], required=True)
    parser.add_argument("--count", type=int, default=2000, help="messages per run of send (2000)")
    parser.add_argument("--members", type=int, default=200, help="of the room of fanout (200)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each, in turn (2)")
    options = parser.parse_args()
    compare(options)


if __name__ == "__main__":
    main()
