"""Looking after media: administrators' endpoints, `beffroi media`, retention, and what a crash leaves."""

import subprocess
import threading
import time

import pytest

from client import Client
from homeserver import launch, running
from media import count_objects, download, upload
from pictures import encoded, photo

ADMIN = "/_synapse/admin/v1"


@pytest.fixture
def admin(anonymous):
    return anonymous.register_admin()


def media_tool(server, *arguments):
    command = [server.binary, "media", *arguments, "--config", str(server.config)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def is_there(client, uri):
    return client.raw("GET", "/_matrix/client/v1/media/download/" + uri[6:]).status_code == 200


def test_users_may_not_look_after_media(alice):
    uri = upload(alice, b"x")
    refused = alice.post(f"{ADMIN}/media/quarantine/{{}}/{{}}", *uri[6:].split("/"), expect=403)
    assert refused["errcode"] == "M_FORBIDDEN"


def test_quarantine_hides_a_file_and_its_thumbnails(admin, alice):
    uri = upload(alice, encoded(photo(400, 300), "PNG", compress_level=3))
    thumbnail = "/_matrix/client/v1/media/thumbnail/" + uri[6:]
    query = {"width": 32, "height": 32}
    assert alice.raw("GET", thumbnail, query=query).status_code == 200
    admin.post(f"{ADMIN}/media/quarantine/{{}}/{{}}", *uri[6:].split("/"))
    assert download(alice, uri, expect=404).json()["errcode"] == "M_NOT_FOUND"
    assert alice.raw("GET", thumbnail, query=query).status_code == 404
    admin.post(f"{ADMIN}/media/unquarantine/{{}}/{{}}", *uri[6:].split("/"))
    assert is_there(alice, uri)


def test_quarantine_by_user_and_by_room_spares_what_is_protected(admin, alice, bob):
    room = alice.create_room()
    uris = [upload(alice, f"file {n} of {room}".encode()) for n in range(3)]
    for uri in uris[:2]:
        alice.send(room, "m.room.message", {"msgtype": "m.file", "body": "f", "url": uri})
    listed = admin.get(f"{ADMIN}/room/{{}}/media", room)
    assert sorted(listed["local"]) == sorted(uris[:2]) and listed["remote"] == []
    admin.post(f"{ADMIN}/media/protect/{{}}", uris[0].split("/")[-1])
    assert admin.post(f"{ADMIN}/room/{{}}/media/quarantine", room) == {"num_quarantined": 1}
    assert [is_there(bob, uri) for uri in uris] == [True, False, True]
    assert admin.post(f"{ADMIN}/user/{{}}/media/quarantine", alice.user_id)["num_quarantined"] == 2
    assert [is_there(bob, uri) for uri in uris] == [True, False, False]


def test_deleting_takes_the_bytes_when_nobody_else_has_them(homeserver, admin, alice, bob):
    content = encoded(photo(500, 300), "JPEG", quality=33)
    mine, theirs = upload(alice, content), upload(bob, content)
    assert alice.raw(
        "GET", "/_matrix/client/v1/media/thumbnail/" + mine[6:], query={"width": 96, "height": 96}
    ).status_code == 200
    before = count_objects(homeserver)
    answer = admin.delete(f"{ADMIN}/media/{{}}/{{}}", *mine[6:].split("/"))
    assert answer == {"deleted_media": [mine.split("/")[-1]], "total": 1}
    assert not is_there(alice, mine) and is_there(alice, theirs)
    assert count_objects(homeserver) == before
    listed = admin.get(f"{ADMIN}/users/{{}}/media", bob.user_id)
    assert listed["total"] == 1 and listed["media"][0]["media_length"] == len(content)
    assert admin.delete(f"{ADMIN}/users/{{}}/media", bob.user_id)["total"] == 1
    assert not is_there(alice, theirs)
    assert count_objects(homeserver) == before - 2  # the picture and its thumbnail
    assert upload(alice, content) != mine


def test_statistics_tell_who_keeps_most(admin, alice):
    for n in range(2):
        upload(alice, bytes([n]) * 400000)
    users = admin.get(f"{ADMIN}/statistics/users/media")["users"]
    mine = [user for user in users if user["user_id"] == alice.user_id]
    assert mine[0]["media_count"] == 2 and mine[0]["media_length"] == 800000


def test_the_command_line_does_the_same(homeserver, alice):
    uris = [upload(alice, f"{n} {alice.user_id}".encode(), "text/plain", f"{n}.txt") for n in range(3)]
    listed = media_tool(homeserver, "list", "--user", alice.user_id)
    assert all(uri in listed for uri in uris) and "1.txt" in listed
    media_tool(homeserver, "quarantine", uris[0])
    assert [is_there(alice, uri) for uri in uris] == [False, True, True]
    media_tool(homeserver, "unquarantine", uris[0])
    media_tool(homeserver, "protect", uris[0])
    media_tool(homeserver, "delete", "--user", alice.user_id)
    assert [is_there(alice, uri) for uri in uris] == [True, False, False]
    assert "uploaded here" in media_tool(homeserver, "stats")


@pytest.fixture
def fragile_server():
    server = launch("beffroi")
    with running(server):
        yield server


@pytest.mark.own_server
def test_killed_uploads_leave_no_row_without_bytes_and_no_unknown_bytes(fragile_server):
    client = Client(fragile_server.base_url).register("dora")
    acknowledged = []
    for life in range(3):
        stop = threading.Event()

        def send(number):
            own = Client(fragile_server.base_url, client.token)
            n = 0
            while not stop.is_set():
                content = f"{life} {number} {n} ".encode() * 20000
                n += 1
                try:
                    answer = own.raw("POST", "/_matrix/media/v3/upload", content=content)
                except Exception:  # the server is dead
                    return
                if answer.status_code == 200:
                    acknowledged.append((answer.json()["content_uri"], content))

        senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for sender in senders:
            sender.start()
        while len(acknowledged) < 8 * (life + 1):
            time.sleep(0.005)
        fragile_server.kill()
        stop.set()
        for sender in senders:
            sender.join()
        fragile_server.start()
    for uri, content in acknowledged:
        assert download(client, uri).content == content
    # Whatever lies in the store is named by a row or in doubt: so nothing is more than rows and doubts.
    listed = media_tool(fragile_server, "list", "--all").splitlines()
    assert len(listed) >= len(acknowledged)
    stored = int(media_tool(fragile_server, "stats").split("stored")[1].split()[0])
    doubtful = count_objects(fragile_server) - stored
    assert 0 <= doubtful <= 4 * 3
