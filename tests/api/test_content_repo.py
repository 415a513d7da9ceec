"""content-repo.yaml: uploads, IDs made before their content, and the deprecated downloads."""

import hashlib
import socket
import threading
import time

import pytest

from client import Client
from homeserver import launch, running
from media import DOWNLOAD, count_objects, download, split_mxc, upload

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
