"""A ClamAV daemon of a test's own, which knows one virus: the test file of EICAR."""

import hashlib
import pathlib
import socket
import subprocess
import time

from homeserver import free_port

PATIENCE_SECONDS = 60
# In two parts, so that no scanner minds this file. https://www.eicar.org/download-anti-malware-testfile/
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*").encode()
STREAM_BYTES_MAX = 1 << 20


class Clamd:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "signatures").mkdir()
        self.socket, self.port = str(self.directory / "clamd.sock"), free_port()
        self.config = self.directory / "clamd.conf"
        self.config.write_text(
            f"LocalSocket {self.socket}\nTCPSocket {self.port}\nTCPAddr 127.0.0.1\nForeground yes\n"
            f"DatabaseDirectory {self.directory}/signatures\nStreamMaxLength {STREAM_BYTES_MAX}\n"
            f"LogFile {self.directory}/clamd.log\nSelfCheck 0\nMaxThreads 2\n"
        )
        self.learn("Eicar-Test-Signature", EICAR)
        self.process = None

    def learn(self, name, content):
        with open(self.directory / "signatures" / "test.hdb", "a", encoding="ascii") as signatures:
            signatures.write(f"{hashlib.md5(content).hexdigest()}:{len(content)}:{name}\n")

    def command(self, command):
        with socket.socket(socket.AF_UNIX) as clamd:
            clamd.settimeout(PATIENCE_SECONDS)
            clamd.connect(self.socket)
            clamd.sendall(f"n{command}\n".encode())
            return clamd.makefile("rb").read().decode().strip()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/clamd", "-c", str(self.config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        )  # fmt: skip
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                assert self.command("PING") == "PONG"
                return self
            except OSError:
                assert self.process.poll() is None, (self.directory / "clamd.log").read_text()
                assert time.monotonic() < give_up, "clamd does not start"
                time.sleep(0.05)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            pathlib.Path(self.socket).unlink(missing_ok=True)
