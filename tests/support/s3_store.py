"""A real S3 server on loopback that checks signatures: s3rver, of which a fork knows version 4."""

import pathlib
import signal
import subprocess
import time

import httpx

from homeserver import ROOT, free_port
from node_project import node_project

BUCKET, ACCESS_KEY, SECRET_KEY = "media", "BEFFROI", "+a/secret/of+the/tests="


class Store:
    def __init__(self, directory):
        self.directory, self.port = pathlib.Path(directory), free_port()
        arguments = [str(directory), str(self.port), BUCKET, ACCESS_KEY, SECRET_KEY]
        where = node_project(ROOT / "tests" / "clients" / "s3")
        self.process = subprocess.Popen(
            ["node", "store.cjs", *arguments], cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        give_up = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/")
                return
            except httpx.TransportError:
                assert time.monotonic() < give_up and self.process.poll() is None, "the S3 store does not start"
                time.sleep(0.05)

    def count(self):
        """Objects that are there."""
        return len(list((self.directory / BUCKET).glob("*._S3rver_object")))

    def settings(self, **changes):
        s3 = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "bucket": BUCKET,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }
        return {"store": "s3", "s3": {**s3, **changes}}

    def halt(self):
        """What is sent to it waits."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def waiting_bytes(self):
        """What was sent to it and not read."""
        sockets = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = [fields[4] for fields in sockets if fields[1].endswith(f":{self.port:04X}") and fields[3] != "0A"]
        return sum(int(queues.split(":")[1], 16) for queues in mine)

    def close(self):
        self.go_on()
        self.process.terminate()
        self.process.wait()
