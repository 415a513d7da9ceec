"""content-repo.yaml: uploads, IDs made before their content, and the deprecated downloads."""

import hashlib
import json
import signal
import socket
import threading
import time

import pytest

from client import Client
from homeserver import launch, running
from media import DOWNLOAD, THUMBNAIL, count_objects, download, split_mxc, upload
from pictures import decoded, encoded, photo

LEGACY = "/_matrix/media/v3/download/{}/{}"


def test_what_was_uploaded_can_be_downloaded(alice, bob):
    uri = upload(alice, b"a picture", "image/png", "holiday.png")
    answer = download(bob, uri)
    assert answer.content == b"a picture"
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename=holiday.png"


def test_an_upload_needs_an_account(anonymous, alice):
    answer = anonymous.raw("POST", "/_matrix/media/v3/upload", content=b"x")
    assert answer.status_code == 401 and answer.json()["errcode"] == "M_MISSING_TOKEN"


def test_an_empty_file_is_a_file(alice):
    uri = upload(alice, b"", "text/plain")
    answer = download(alice, uri)
    assert answer.content == b"" and answer.headers["content-length"] == "0"


def test_an_upload_may_be_chunked(alice):
    pieces = [bytes([n]) * 50000 for n in range(20)]
    answer = alice.raw("POST", "/_matrix/media/v3/upload", content=iter(pieces))
    assert answer.status_code == 200
    assert download(alice, answer.json()["content_uri"]).content == b"".join(pieces)


def test_the_configuration_tells_the_size_limit(alice):
    assert alice.get("/_matrix/media/v3/config") == {"m.upload.size": 50 << 20}
    assert alice.get("/_matrix/media/r0/config") == {"m.upload.size": 50 << 20}


def test_an_id_can_be_made_before_its_content(alice, bob):
    created = alice.post("/_matrix/media/v1/create")
    uri = created["content_uri"]
    expires_in = created["unused_expires_at"] - time.time() * 1000
    assert 23 * 3600 * 1000 < expires_in <= 24 * 3600 * 1000
    answer = alice.raw("GET", DOWNLOAD.format(*split_mxc(uri)), query={"timeout_ms": 0})
    assert answer.status_code == 504 and answer.json()["errcode"] == "M_NOT_YET_UPLOADED"
    path = "/_matrix/media/v3/upload/{}/{}".format(*split_mxc(uri))
    refused = bob.raw("PUT", path, content=b"mine")
    assert refused.status_code == 403 and refused.json()["errcode"] == "M_FORBIDDEN"
    headers = {"Content-Type": "text/plain"}
    assert alice.raw("PUT", path, content=b"at last", headers=headers).json() == {}
    assert download(bob, uri).content == b"at last"
    again = alice.raw("PUT", path, content=b"other")
    assert again.status_code == 409 and again.json()["errcode"] == "M_CANNOT_OVERWRITE_MEDIA"
    assert download(bob, uri).content == b"at last"


def test_an_id_takes_the_type_and_the_name_with_its_content(alice, bob):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    headers, query = {"Content-Type": "text/html"}, {"filename": "été.html"}
    answer = alice.raw("PUT", "/_matrix/media/v3/upload/" + uri[6:], content=b"x", headers=headers, query=query)
    assert answer.status_code == 200
    answer = download(bob, uri)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%A9t%C3%A9.html"


def test_of_many_who_fill_an_id_at_once_one_wins(alice):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    answers = {}

    def fill(number):
        own = Client(alice.base_url, alice.token)
        content = bytes([number]) * 200000
        answers[number] = own.raw("PUT", "/_matrix/media/v3/upload/" + uri[6:], content=content).status_code

    filling = [threading.Thread(target=fill, args=(number,)) for number in range(6)]
    for thread in filling:
        thread.start()
    for thread in filling:
        thread.join()
    assert sorted(answers.values()) == [200] + [409] * 5
    winner = next(number for number, status in answers.items() if status == 200)
    assert download(alice, uri).content == bytes([winner]) * 200000


def test_an_upload_that_breaks_off_leaves_its_id_to_be_filled(homeserver, alice):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    path = "/_matrix/media/v3/upload/" + uri[6:]
    before = count_objects(homeserver)
    with socket.create_connection(("127.0.0.1", homeserver.port)) as raw:
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
        raw.sendall(head.encode() + b"half" * 1000)
    answer = alice.raw("GET", DOWNLOAD.format(*split_mxc(uri)), query={"timeout_ms": 0})
    assert answer.status_code == 504 and answer.json()["errcode"] == "M_NOT_YET_UPLOADED"
    assert alice.raw("PUT", path, content=f"whole {uri}".encode()).status_code == 200
    assert download(alice, uri).content == f"whole {uri}".encode()
    assert count_objects(homeserver) == before + 1


@pytest.mark.parametrize("kind", ["download", "thumbnail"])
@pytest.mark.parametrize("timeout", ["soon", "1.5", ""])
def test_a_time_to_wait_is_a_number(alice, kind, timeout):
    uri = upload(alice, encoded(photo(64, 64), "PNG"))
    query = {"timeout_ms": timeout, "width": 32, "height": 32}
    answer = alice.raw("GET", f"/_matrix/client/v1/media/{kind}/{uri[6:]}", query=query)
    assert answer.status_code == 400 and answer.json()["errcode"] == "M_INVALID_PARAM"


def test_a_thumbnail_waits_for_its_picture(alice, bob):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    path, query = THUMBNAIL.format(*split_mxc(uri)), {"width": 32, "height": 32, "method": "crop"}
    answer = bob.raw("GET", path, query={**query, "timeout_ms": 0})
    assert answer.status_code == 504 and answer.json()["errcode"] == "M_NOT_YET_UPLOADED"
    result = []
    waiting = threading.Thread(target=lambda: result.append(bob.raw("GET", path, query={**query, "timeout_ms": 60000})))
    waiting.start()
    picture = encoded(photo(100, 100), "PNG")
    assert alice.raw("PUT", "/_matrix/media/v3/upload/" + uri[6:], content=picture).status_code == 200
    waiting.join()
    assert decoded(result[0].content).size == (32, 32)


def test_who_waits_for_a_picture_waits_all_the_time_they_asked_for(alice, bob):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    began = time.monotonic()
    answer = bob.raw("GET", DOWNLOAD.format(*split_mxc(uri)), query={"timeout_ms": 1500})
    assert answer.status_code == 504 and answer.json()["errcode"] == "M_NOT_YET_UPLOADED"
    assert time.monotonic() - began >= 1.5


def test_an_id_that_was_never_made_can_not_be_filled(alice):
    server = alice.user_id.split(":", 1)[1]
    answer = alice.raw("PUT", f"/_matrix/media/v3/upload/{server}/neverMade", content=b"x")
    assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"


def test_a_download_waits_for_content_that_is_still_to_come(alice, bob):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    result = {}

    def wait():
        path = DOWNLOAD.format(*split_mxc(uri))
        result["answer"] = bob.raw("GET", path, query={"timeout_ms": 20000})

    waiting = threading.Thread(target=wait)
    waiting.start()
    path = "/_matrix/media/v3/upload/{}/{}".format(*split_mxc(uri))
    assert alice.raw("PUT", path, content=b"late").status_code == 200
    waiting.join()
    assert result["answer"].status_code == 200 and result["answer"].content == b"late"


def test_the_old_endpoints_show_nothing_that_is_newer_than_the_freeze(alice, anonymous):
    uri = upload(alice, b"new", "text/plain")
    answer = anonymous.raw("GET", LEGACY.format(*split_mxc(uri)))
    assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"


@pytest.fixture(scope="module")
def limited_server():
    """Small limits; what is older than a day in the far future needs no token."""
    media = {
        "upload_limit_bytes": "100000",
        "user_quota_bytes": "250000",
        "user_quota_files": 6,
        "waiting_uploads_max": 3,
        "unauthenticated_until": "2100-01-01",
    }
    server = launch("beffroi", media=media)
    with running(server):
        yield server


@pytest.fixture
def dora(limited_server):
    return Client(limited_server.base_url).register("dora")


@pytest.mark.own_server
def test_the_old_endpoints_show_what_is_older_than_the_freeze(limited_server, dora):
    uri = upload(dora, b"old", "text/plain", "old.txt")
    nobody = Client(limited_server.base_url)
    for version in ("v3", "r0"):
        path = f"/_matrix/media/{version}/download/" + "/".join(split_mxc(uri))
        assert nobody.raw("GET", path).content == b"old"
        named = nobody.raw("GET", path + "/new%20name.txt")
        assert named.headers["content-disposition"] == 'inline; filename="new name.txt"'
        assert nobody.raw("GET", path, query={"allow_remote": "maybe"}).status_code == 400


OLD_ADDRESSES = [f"/_matrix/media/{version}/{kind}" for version in ("v3", "r0") for kind in ("download", "thumbnail")]


def ask_old(server, address, uri):
    query = {"width": 32, "height": 32} if address.endswith("thumbnail") else {}
    return Client(server.base_url).raw("GET", f"{address}/{uri[6:]}", query=query)


@pytest.mark.own_server
@pytest.mark.parametrize("address", OLD_ADDRESSES)
def test_the_old_addresses_are_as_safe_as_the_new(limited_server, dora, address):
    picture = encoded(photo(64, 64), "PNG")
    answer = ask_old(limited_server, address, upload(dora, picture, "image/png", "small.png"))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/")
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.own_server
def test_the_old_addresses_fetch_from_others_only_when_they_may(limited_server):
    nobody = Client(limited_server.base_url)
    for query in ({"allow_remote": "false"}, {"allow_remote": "false", "allow_redirect": "true"}):
        answer = nobody.raw("GET", "/_matrix/media/v3/download/127.0.0.1:1/abc", query=query)
        assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"


def reload_media(server, **changes):
    """Changes the settings of a running server; what they were."""
    config = json.loads(server.config.read_text())
    before = dict(config["media"])
    config["media"].update(changes)
    server.config.write_text(json.dumps(config))
    server.process.send_signal(signal.SIGHUP)
    return before


@pytest.mark.own_server
@pytest.mark.parametrize(
    "changes, errcode",
    [
        ({"unauthenticated_until": "2020-01-01"}, "M_NOT_FOUND"),
        ({"unauthenticated_downloads": False}, "M_UNRECOGNIZED"),
    ],
)
def test_the_old_addresses_end_by_date_or_by_switch(limited_server, dora, changes, errcode):
    uri = upload(dora, encoded(photo(64, 64), "PNG"), "image/png")
    before = reload_media(limited_server, **changes)
    try:
        give_up = time.monotonic() + 60
        while ask_old(limited_server, OLD_ADDRESSES[0], uri).status_code == 200:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        for address in OLD_ADDRESSES:
            answer = ask_old(limited_server, address, uri)
            assert answer.status_code == 404 and answer.json()["errcode"] == errcode, address
        assert download(dora, uri).status_code == 200
    finally:
        reload_media(limited_server, **before, **{name: True for name in changes if name not in before})
        give_up = time.monotonic() + 60
        while ask_old(limited_server, OLD_ADDRESSES[0], uri).status_code != 200:
            assert time.monotonic() < give_up
            time.sleep(0.01)


@pytest.mark.own_server
def test_limits_hold_for_ids_that_were_made_before_too(limited_server, dora):
    paths = ["/_matrix/media/v3/upload/" + dora.post("/_matrix/media/v1/create")["content_uri"][6:] for _ in range(3)]
    answer = dora.raw("PUT", paths[0], content=b"x" * 100001)
    assert answer.status_code == 413 and answer.json()["errcode"] == "M_TOO_LARGE"
    for path in paths[:2]:  # what was refused can be filled all the same
        assert dora.raw("PUT", path, content=path.encode() + bytes(99000)).status_code == 200
    upload(dora, b"x" * 10000)
    answer = dora.raw("PUT", paths[2], content=b"y" * 60000)
    assert answer.status_code == 403 and answer.json()["errcode"] == "M_FORBIDDEN"


@pytest.mark.own_server
def test_a_file_over_the_limit_is_refused_before_it_is_read(limited_server, dora):
    with socket.create_connection(("127.0.0.1", limited_server.port)) as raw:
        raw.sendall(
            b"POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n"
            b"Expect: 100-continue\r\nAuthorization: Bearer " + dora.token.encode() + b"\r\n\r\n"
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.own_server
def test_a_chunked_file_is_cut_off_at_the_limit_and_leaves_nothing(limited_server, dora):
    before = count_objects(limited_server)
    pieces = (b"x" * 10000 for _ in range(11))
    answer = dora.raw("POST", "/_matrix/media/v3/upload", content=pieces)
    assert answer.status_code == 413 and answer.json()["errcode"] == "M_TOO_LARGE"
    assert count_objects(limited_server) == before
    assert upload(dora, b"x" * 100000)


@pytest.mark.own_server
def test_a_user_has_a_quota_of_bytes_and_of_files(dora):
    for n in range(2):
        upload(dora, bytes([n]) * 100000)
    answer = dora.raw("POST", "/_matrix/media/v3/upload", content=b"y" * 60000)
    assert answer.status_code == 403 and answer.json()["errcode"] == "M_FORBIDDEN"
    for n in range(4):
        upload(dora, bytes([n]) * 10)
    answer = dora.raw("POST", "/_matrix/media/v3/upload", content=b"z")
    assert answer.status_code == 403 and answer.json()["errcode"] == "M_FORBIDDEN"


@pytest.mark.own_server
def test_only_so_many_ids_may_wait_for_their_content(dora):
    uris = [dora.post("/_matrix/media/v1/create")["content_uri"] for _ in range(3)]
    refused = dora.post("/_matrix/media/v1/create", expect=429)
    assert refused["errcode"] == "M_LIMIT_EXCEEDED"
    path = "/_matrix/media/v3/upload/{}/{}".format(*split_mxc(uris[0]))
    assert dora.raw("PUT", path, content=b"filled").status_code == 200
    dora.post("/_matrix/media/v1/create")


def test_identical_bytes_are_stored_once(homeserver, alice, bob):
    content = b"the same picture " * 1000
    before = count_objects(homeserver)
    uris = {upload(user, content, "image/png") for user in (alice, bob, alice)}
    assert len(uris) == 3
    assert count_objects(homeserver) == before + 1
    hashes = {hashlib.sha256(download(bob, uri).content).digest() for uri in uris}
    assert hashes == {hashlib.sha256(content).digest()}


@pytest.fixture(scope="module")
def small_server():
    with running(launch("beffroi", media={"server_quota_bytes": "300000"})) as server:
        yield server


@pytest.mark.own_server
def test_all_users_together_have_a_quota(small_server):
    admin = Client(small_server.base_url).register_admin()
    anna, ben = (Client(small_server.base_url).register(name) for name in ("anna", "ben"))
    first = upload(anna, b"a" * 200000)
    for content in (b"b" * 100001, iter([b"b" * 60000] * 2)):  # told beforehand, and not
        answer = ben.raw("POST", "/_matrix/media/v3/upload", content=content)
        assert answer.status_code in (403, 413), answer.text
        assert answer.json()["errcode"] in ("M_FORBIDDEN", "M_TOO_LARGE")
    upload(ben, b"b" * 100000)
    answer = anna.raw("POST", "/_matrix/media/v3/upload", content=b"c")
    assert answer.status_code == 403 and answer.json()["errcode"] == "M_FORBIDDEN"
    admin.delete("/_synapse/admin/v1/media/{}/{}", *first[6:].split("/"))
    give_up = time.monotonic() + 60
    while anna.raw("POST", "/_matrix/media/v3/upload", content=b"c" * 150000).status_code != 200:
        assert time.monotonic() < give_up, "the count is never made again"
        time.sleep(0.05)
