"""How long after the server's answer to the sender does a push gateway hear of a message?

usage: BEFFROI_BINARY=… tests/bench/push_latency.py [MESSAGES]

The answer comes after the commit, so this is the time from commit to gateway, with the gateway's own
handling in it. One message after the other, on an idle server; milliseconds.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from client import CLIENT, Client  # noqa: E402
from homeserver import Beffroi, free_port  # noqa: E402
from recorder import Recorder, make_certificate  # noqa: E402

NOTIFY = "/_matrix/push/v1/notify"


def measure(server, gateway, messages):
    alice, bob = (Client(server.base_url).register(word) for word in ("alice", "bob"))
    pusher = {"kind": "http", "app_id": "bench", "pushkey": "bench", "app_display_name": "x", "device_display_name": "x"}
    pusher |= {"lang": "en", "data": {"url": gateway.url + NOTIFY, "format": "event_id_only"}}
    bob.post(f"{CLIENT}/pushers/set", body=pusher)
    room_id = alice.create_room(invite=[bob.user_id])
    bob.join(room_id)
    answered = {}
    for number in range(messages):
        event_id = alice.send_text(room_id, f"message {number}")
        answered[event_id] = time.time()
        gateway.wait_for(lambda _: event_id in told_at(gateway))  # noqa: B023
    return sorted(1000 * (told_at(gateway)[event_id] - at) for event_id, at in answered.items())


def told_at(gateway):
    return {r["body"]["notification"].get("event_id"): r["time"] for r in gateway.requests(NOTIFY)}


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-bench-"))
    certificate = make_certificate(directory)
    server = Beffroi(outgoing={"ca_file": str(certificate), "allow_private_push_gateways": True}).prepare()
    try:
        server.start()
        with Recorder(directory, free_port(), tls=certificate) as gateway:
            times = measure(server, gateway, messages)
    finally:
        server.remove()
    print(f"{len(times)} notifications: p50 {times[len(times) // 2]:.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms")


if __name__ == "__main__":
    main()
