"""Many encrypting users on libolm while the server is killed every few seconds: no key is lost, nothing is undecryptable."""

import itertools
import json
import os
import pathlib
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
MEMBERS_OF_A_ROOM = 10
SECONDS_BETWEEN_KILLS = 4


def olm_load(server):
    """The load client; built beside the server."""
    return pathlib.Path(server.binary).parent / "tests" / "support" / "olm_load"


def make_room(server):
    """One encrypted room with its members, as lines for the load client."""
    members = [Client(server.base_url).register("crypto") for _ in range(MEMBERS_OF_A_ROOM)]
    room_id = members[0].create_room(preset="public_chat", initial_state=[ENCRYPTED])
    for member in members[1:]:
        member.join(room_id)
    return "".join(f"{m.user_id} {m.device_id} {m.token} {room_id}\n" for m in members)


@pytest.mark.timeout(1800)
def test_no_message_is_undecryptable_though_the_server_is_killed(private_server, tmp_path, full):
    users, messages = (200, 500) if full else (40, 50)
    with ThreadPoolExecutor(4) as pool:
        rooms = pool.map(lambda _: make_room(private_server), range(users // MEMBERS_OF_A_ROOM))
        (tmp_path / "users").write_text("".join(rooms))

    arguments = [olm_load(private_server), private_server.base_url, tmp_path / "users", str(messages), "1"]
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    load = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
    ended = threading.Event()
    threading.Thread(target=lambda: (load.wait(), ended.set()), daemon=True).start()
    for kills in itertools.count():
        if ended.wait(SECONDS_BETWEEN_KILLS):
            break
        private_server.kill()
        private_server.start()

    books = json.loads(load.stdout.read())
    print(books, "kills:", kills)
    assert load.returncode == 0
    assert kills > 0 and books["aborted_syncs"] > 0
    assert books["sent"] == users * messages
    assert books["decrypted"] == books["expected"] == users * messages * (MEMBERS_OF_A_ROOM - 1)
    assert (books["undecryptable"], books["gaps"]) == (0, 0)
