"""Looking after media: administrators' endpoints and `beffroi media`."""

import pytest

from media import count_objects, download, media_tool, upload
from pictures import encoded, photo

ADMIN = "/_synapse/admin/v1"


@pytest.fixture
def admin(anonymous):
    return anonymous.register_admin()


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
