"""How long after the server's answer to the sender does a push gateway hear of a message?

usage: BEFFROI_BINARY=… tests/bench/push_latency.py [MESSAGES]

Starts a server that trusts the gateway of `beffroi bench push`, and that. One message after the other, on an idle
server: the answer comes after the commit, so this is the time from commit to gateway.
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from homeserver import Beffroi, free_port, running  # noqa: E402
from recorder import make_certificate  # noqa: E402


def main():
    options = ["--count", sys.argv[1]] if len(sys.argv) > 1 else []
    with tempfile.TemporaryDirectory(prefix="beffroi-bench-") as directory:
        pem = make_certificate(pathlib.Path(directory))
        outgoing = {"ca_file": str(pem), "allow_private_push_gateways": True}
        with running(Beffroi(outgoing=outgoing).prepare()) as server:
            gateway = ["--gateway-pem", pem, "--gateway-port", str(free_port())]
            return subprocess.run([server.binary, "bench", "push", "--url", server.base_url, *gateway, *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
