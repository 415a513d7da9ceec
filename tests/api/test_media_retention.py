"""What goes by itself and what administrators delete: by age, user, room and size, with the bytes and the thumbnails."""

import subprocess
import time

import pytest

from client import Client
from homeserver import launch, running
from invariants import check_database, connect
from media import THUMBNAIL, count_objects, count_rows, download, media_tool, split_mxc, upload
from pictures import encoded, photo

ADMIN = "/_synapse/admin/v1"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def module_server():
    with running(launch("beffroi", media={"local_retention_seconds": "30d"})) as server:
        server.admin = Client(server.base_url).register_admin()
        yield server


@pytest.fixture
def server(module_server):
    """Without any media."""
    media_tool(module_server, "delete", "--all", "--protected")
    return module_server


@pytest.fixture
def anna(server):
    return Client(server.base_url).register("anna")


def age(server, uri, days):
    """As if nobody had looked at it for so long."""
    with connect(server) as database:
        changed = database.execute(
            "UPDATE media SET accessed_ts = accessed_ts - %s WHERE media_id = %s", (days * DAY_MS, split_mxc(uri)[1])
        )
        assert changed.rowcount == 1


def there(client, uris):
    return [client.raw("GET", "/_matrix/client/v1/media/download/" + uri[6:]).status_code == 200 for uri in uris]


def test_what_nobody_looked_at_for_long_goes_with_its_thumbnails(server, anna):
    pictures = [encoded(photo(300 + n, 300), "PNG") for n in range(3)]
    old, protected, recent = uris = [upload(anna, picture) for picture in pictures]
    for uri in uris:
        small = anna.raw("GET", THUMBNAIL.format(*split_mxc(uri)), query={"width": 32, "height": 32})
        assert small.status_code == 200
    server.admin.post(f"{ADMIN}/media/protect/{{}}", split_mxc(protected)[1])
    stored = count_objects(server)
    age(server, old, 31)
    age(server, protected, 31)
    age(server, recent, 29)
    media_tool(server, "clean")
    assert there(anna, uris) == [False, True, True]
    assert count_objects(server) == count_rows(server) == stored - 2
    answer = anna.raw("GET", THUMBNAIL.format(*split_mxc(old)), query={"width": 32, "height": 32})
    assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"
    check_database(server)


def test_pictures_of_users_and_rooms_stay(server, anna):
    """Clients keep them for long, and whoever comes new wants them."""
    room_id = anna.create_room()
    own, of_room = uris = [upload(anna, name, "image/png") for name in (b"me", b"us")]
    anna.put("/_matrix/client/v3/profile/{}/avatar_url", anna.user_id, body={"avatar_url": own})
    anna.set_state(room_id, "m.room.avatar", {"url": of_room})
    for uri in uris:
        age(server, uri, 365 * 3)
    media_tool(server, "clean")
    media_tool(server, "delete", "--before", "2025-01-31")
    before = int(time.time() * 1000) - 5 * DAY_MS
    assert server.admin.call("POST", f"{ADMIN}/media/delete", query={"before_ts": before})["total"] == 0
    assert len(media_tool(server, "list", "--all").splitlines()) == 2
    query = {"before_ts": before, "keep_profiles": "false"}
    assert server.admin.call("POST", f"{ADMIN}/media/delete", query=query)["total"] == 2
    assert there(anna, uris) == [False, False]


def test_what_is_in_quarantine_stays_to_be_looked_into(server, anna):
    uri = upload(anna, b"evidence")
    server.admin.post(f"{ADMIN}/media/quarantine/{{}}/{{}}", *uri[6:].split("/"))
    age(server, uri, 31)
    media_tool(server, "clean")
    server.admin.call("POST", f"{ADMIN}/media/delete", query={"before_ts": int(time.time() * 1000)})
    assert uri in media_tool(server, "list", "--all") and count_objects(server) == 1
    assert server.admin.delete(f"{ADMIN}/media/{{}}/{{}}", *uri[6:].split("/"))["total"] == 1
    assert count_objects(server) == 0


def test_reading_a_file_keeps_it(server, anna):
    uri = upload(anna, b"read now and then")
    age(server, uri, 29)
    download(anna, uri)
    age(server, uri, 29)
    media_tool(server, "clean")
    assert there(anna, [uri]) == [True]


def test_identical_files_go_one_by_one(server, anna):
    old, recent = upload(anna, b"the same"), upload(anna, b"the same")
    age(server, old, 31)
    media_tool(server, "clean")
    assert there(anna, [old, recent]) == [False, True] and count_objects(server) == 1
    age(server, recent, 31)
    media_tool(server, "clean")
    assert there(anna, [recent]) == [False] and count_objects(server) == 0


def test_ids_that_are_not_filled_in_time_are_gone(server, anna):
    uri = anna.post("/_matrix/media/v1/create")["content_uri"]
    waiting = int(media_tool(server, "stats").split("not yet uploaded")[1].split()[0])
    with connect(server) as database:
        database.execute("UPDATE media SET unused_expires_ts = 1 WHERE media_id = %s", (split_mxc(uri)[1],))
    for _ in range(2):  # when the time is over, and when the cleaner has been here
        assert download(anna, uri, expect=404, timeout_ms=0).json()["errcode"] == "M_NOT_FOUND"
        answer = anna.raw("PUT", "/_matrix/media/v3/upload/" + uri[6:], content=b"too late")
        assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"
        media_tool(server, "clean")
    assert int(media_tool(server, "stats").split("not yet uploaded")[1].split()[0]) == waiting - 1
    assert count_objects(server) == 0


def test_administrators_delete_by_date_and_size(server, anna):
    large, small, recent = uris = [upload(anna, content) for content in (b"l" * 5000, b"s", b"r" * 5000)]
    age(server, large, 10)
    age(server, small, 10)
    before = int(time.time() * 1000) - 5 * DAY_MS
    refused = server.admin.post(f"{ADMIN}/media/delete", expect=400)
    assert refused["errcode"] == "M_MISSING_PARAM"
    answer = server.admin.call("POST", f"{ADMIN}/media/delete", query={"before_ts": before, "size_gt": 1000})
    assert answer == {"deleted_media": [split_mxc(large)[1]], "total": 1}
    assert there(anna, [large, recent]) == [False, True]  # looking at the small one would keep it
    answer = server.admin.call("POST", f"{ADMIN}/media/delete", query={"before_ts": before})
    assert answer["total"] == 1
    assert there(anna, uris) == [False, False, True] and count_objects(server) == 1


def test_protection_can_be_taken_away(server, anna):
    uri = upload(anna, b"protected")
    media_id = split_mxc(uri)[1]
    server.admin.post(f"{ADMIN}/media/protect/{{}}", media_id)
    assert server.admin.delete(f"{ADMIN}/users/{{}}/media", anna.user_id)["total"] == 0
    listed = server.admin.get(f"{ADMIN}/users/{{}}/media", anna.user_id)["media"]
    assert listed[0]["safe_from_quarantine"] is True and listed[0]["quarantined"] is False
    refused = server.admin.post(f"{ADMIN}/media/quarantine/{{}}/{{}}", *uri[6:].split("/"), expect=404)
    assert refused["errcode"] == "M_NOT_FOUND"
    server.admin.post(f"{ADMIN}/media/unprotect/{{}}", media_id)
    assert server.admin.delete(f"{ADMIN}/users/{{}}/media", anna.user_id)["deleted_media"] == [media_id]
    for action in ("protect", "unprotect"):
        refused = server.admin.post(f"{ADMIN}/media/{action}/{{}}", media_id, expect=404)
        assert refused["errcode"] == "M_NOT_FOUND"


def test_statistics_come_in_pages(server):
    users = []
    for n in range(3):
        users.append(Client(server.base_url).register("keeper"))
        upload(users[n], bytes([n]) * (3 - n) * 1000)
    whole = server.admin.get(f"{ADMIN}/statistics/users/media")
    assert whole["total"] == 3 and "next_token" not in whole
    assert [user["user_id"] for user in whole["users"]] == [user.user_id for user in users]
    page = server.admin.call("GET", f"{ADMIN}/statistics/users/media", query={"limit": 2})
    assert page == {"users": whole["users"][:2], "total": 3, "next_token": 2}
    page = server.admin.call("GET", f"{ADMIN}/statistics/users/media", query={"limit": 2, "from": 2})
    assert page == {"users": whole["users"][2:], "total": 3}


# ── By the command line ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def files(server, anna):
    """URIs by what they are."""
    room_id = anna.create_room()
    uris = {name: upload(anna, name.encode() * 10, name=f"{name}.bin") for name in ("shown", "old", "plain")}
    uris["large"] = upload(anna, b"x" * 3000, name="large.bin")
    content = {"msgtype": "m.file", "body": "f", "url": uris["shown"]}
    anna.send(room_id, "m.room.message", content)
    age(server, uris["old"], 365 * 3)
    media_tool(server, "protect", uris["plain"])
    return {**uris, "room": room_id}


@pytest.mark.parametrize(
    "options, chosen",
    [
        (["--room", "{room}"], ["shown"]),
        (["--larger", "1000"], ["large"]),
        (["--before", "2025-01-31"], ["old"]),
        (["--user", "{user}"], ["shown", "old", "large"]),
        (["--user", "{user}", "--protected"], ["shown", "old", "plain", "large"]),
        (["--ours", "--all"], ["shown", "old", "large"]),
        (["--others", "--all"], []),
        (["--all", "--larger", "20"], ["shown", "large", "old"]),
        (["--room", "{room}", "--before", "2025-01-31"], []),
        (["{plain}"], ["plain"]),
    ],
)
def test_the_command_line_deletes_what_is_meant(server, anna, files, options, chosen):
    options = [option.format(user=anna.user_id, **files) for option in options]
    names = ["shown", "old", "plain", "large"]
    listed = media_tool(server, "list", *options)
    assert [name for name in names if files[name] in listed] == [name for name in names if name in chosen]
    assert media_tool(server, "delete", *options) == listed
    assert there(anna, [files[name] for name in names]) == [name not in chosen for name in names]
    assert count_objects(server) == count_rows(server) == 4 - len(chosen)


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["delete"], "say which"),
        (["delete", "--ours"], "say which"),
        (["delete", "https://example.org/x"], "not an mxc:// URI"),
        (["delete", "--before", "yesterday"], "not a day"),
        (["delete", "--all", "--no-such-option"], "--no-such-option"),
    ],
)
def test_the_command_line_deletes_nothing_by_mistake(server, anna, arguments, complaint):
    uri = upload(anna, b"stays")
    command = [server.binary, "media", *arguments, "--config", str(server.config)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode != 0 and complaint in result.stderr
    assert there(anna, [uri]) == [True]
