"""Media between servers: two of ours, each the other's remote."""

import time

import pytest

from clamav import EICAR, Clamd
from client import Client
from conftest import federating_server
from homeserver import running
from invariants import connect
from media import count_objects, download, media_tool, split_mxc, upload
from pictures import decoded, encoded, flat_png, photo


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    clamd = Clamd(tmp_path_factory.mktemp("clamd")).start()
    yield clamd
    clamd.stop()


@pytest.fixture(scope="module")
def other_server(authority, clamd):
    media = {"remote_limit_bytes": "100000", "remote_quota_bytes": "250000", "remote_retention_seconds": "7d"}
    server = federating_server(authority, media=media, antivirus={"clamd": clamd.socket})
    with running(server):
        yield server


@pytest.fixture(scope="module")
def admin(other_server):
    return Client(other_server.base_url).register_admin()


@pytest.fixture
def bob(other_server):
    return Client(other_server.base_url).register("bob")


def test_media_of_another_server_are_fetched_once(server, other_server, alice, bob):
    content = bytes(range(256)) * 300
    uri = upload(alice, content, "image/png", "größe.png")
    before = count_objects(other_server)
    for _ in range(2):
        answer = download(bob, uri)
        assert answer.content == content
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-disposition"] == "inline; filename*=utf-8''gr%C3%B6%C3%9Fe.png"
    assert count_objects(other_server) == before + 1


def test_thumbnails_of_their_pictures_are_made_here(alice, bob):
    uri = upload(alice, encoded(photo(400, 200), "JPEG"))
    path = "/_matrix/client/v1/media/thumbnail/{}/{}".format(*split_mxc(uri))
    answer = bob.raw("GET", path, query={"width": 96, "height": 96})
    assert answer.status_code == 200 and decoded(answer.content).size == (96, 48)


def test_an_empty_file_crosses_too(alice, bob):
    assert download(bob, upload(alice, b"", "text/plain")).content == b""


def test_viruses_of_other_servers_are_kept_from_users(alice, bob):
    uri = upload(alice, EICAR, "text/plain", "invoice.txt")
    for _ in range(2):
        answer = download(bob, uri, expect=403)
        assert answer.json()["errcode"] == "M_FORBIDDEN" and "Eicar-Test-Signature" in answer.json()["error"]
    assert download(alice, uri).content == EICAR, "the other server looks for none"


def test_what_is_too_large_is_not_taken(other_server, alice, bob):
    uri = upload(alice, b"x" * 100001)
    before = count_objects(other_server)
    answer = download(bob, uri, expect=502)
    assert answer.json()["errcode"] == "M_TOO_LARGE"
    assert count_objects(other_server) == before


def test_what_the_other_server_does_not_have_is_not_found(server, bob):
    answer = download(bob, f"mxc://{server.server_name}/doesNotExist", expect=404)
    assert answer.json()["errcode"] == "M_NOT_FOUND"


def test_what_the_other_server_still_waits_for_is_not_there_yet(alice, bob):
    uri = alice.post("/_matrix/media/v1/create")["content_uri"]
    answer = download(bob, uri, expect=504, timeout_ms=500)
    assert answer.json()["errcode"] == "M_NOT_YET_UPLOADED"


def test_the_old_endpoints_fetch_nothing_new(alice, other_server):
    uri = upload(alice, b"new")
    answer = Client(other_server.base_url).raw(
        "GET", "/_matrix/media/v3/download/{}/{}".format(*split_mxc(uri))
    )
    assert answer.status_code == 404


def copies(other_server):
    """URIs of what is kept of other servers."""
    return [line.split()[1] for line in media_tool(other_server, "list", "--others", "--all", "--protected").splitlines()]


@pytest.fixture
def nothing_kept(other_server):
    media_tool(other_server, "delete", "--others", "--all", "--protected")
    assert copies(other_server) == []


def test_only_so_much_is_kept_of_one_server(nothing_kept, other_server, alice, bob):
    uris = [upload(alice, bytes([n]) * 90000) for n in range(4)]
    for uri in uris + uris[::-1]:  # what was forgotten comes again
        assert download(bob, uri).status_code == 200
        assert uri in copies(other_server) and len(copies(other_server)) <= 2
    media_tool(other_server, "protect", uris[0])
    for uri in uris[1:]:
        download(bob, uri)
    assert uris[0] in copies(other_server)


def test_copies_that_nobody_looked_at_are_purged_and_come_again(nothing_kept, other_server, admin, alice, bob):
    content = encoded(photo(300, 300), "PNG")
    uri, ours = upload(alice, content), upload(bob, b"uploaded here")
    path = "/_matrix/client/v1/media/thumbnail/{}/{}".format(*split_mxc(uri))
    before = count_objects(other_server)
    assert bob.raw("GET", path, query={"width": 96, "height": 96}).status_code == 200
    assert count_objects(other_server) == before + 2
    assert admin.call("POST", "/_synapse/admin/v1/purge_media_cache", query={"before_ts": 1}) == {"deleted": 0}
    query = {"before_ts": int(time.time() * 1000) + 60000}
    assert admin.call("POST", "/_synapse/admin/v1/purge_media_cache", query=query) == {"deleted": 1}
    assert copies(other_server) == [] and count_objects(other_server) == before
    assert download(bob, ours).content == b"uploaded here"
    assert download(bob, uri).content == content


def test_the_time_of_copies_is_limited(nothing_kept, other_server, alice, bob):
    old, recent = uris = [upload(alice, name) for name in (b"old", b"recent")]
    for uri in uris:
        download(bob, uri)
    with connect(other_server) as database:
        change = "UPDATE media SET accessed_ts = accessed_ts - 8 * 86400000 WHERE media_id = %s"
        assert database.execute(change, (split_mxc(old)[1],)).rowcount == 1
    media_tool(other_server, "clean")
    assert copies(other_server) == [recent]
    assert download(bob, old).content == b"old"


def test_a_copy_in_quarantine_does_not_come_again(nothing_kept, other_server, admin, alice, bob):
    uri = upload(alice, b"forbidden here")
    download(bob, uri)
    admin.post("/_synapse/admin/v1/media/quarantine/{}/{}", *uri[6:].split("/"))
    download(bob, uri, expect=404)
    media_tool(other_server, "delete", uri)
    assert copies(other_server) == []
    assert download(bob, uri, expect=404).json()["errcode"] == "M_NOT_FOUND"
    assert download(alice, uri).content == b"forbidden here"


def test_a_server_that_is_not_there_is_a_bad_gateway(bob):
    answer = download(bob, "mxc://127.0.0.1:1/abc", timeout_ms=0, expect=502)
    assert answer.json()["errcode"] == "M_UNKNOWN"


def test_nobody_fetches_by_the_federation_without_a_signature(server, alice):
    media_id = split_mxc(upload(alice, b"x"))[1]
    answer = Client(server.base_url).raw("GET", f"/_matrix/federation/v1/media/download/{media_id}")
    assert answer.status_code == 401


def parts_of(answer):
    """The two parts of a multipart answer: [(headers, body)]."""
    kind, boundary = answer.headers["content-type"].split("; boundary=")
    assert kind == "multipart/mixed"
    first, *parts, last = (b"\r\n" + answer.content).split(b"\r\n--" + boundary.encode())
    assert first == b"" and last == b"--\r\n"
    split = [part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts]
    return [(dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body) for head, body in split]


def test_the_answer_to_a_server_has_two_parts(server, alice, peer):
    content = bytes(range(256)) * 5
    media_id = split_mxc(upload(alice, content, "text/html", "été.html"))[1]
    answer = peer.request(server, "GET", f"/_matrix/federation/v1/media/download/{media_id}", expect=200)
    assert int(answer.headers["content-length"]) == len(answer.content)
    json_part, file_part = parts_of(answer)
    assert json_part == ({"Content-Type": "application/json"}, b"{}")
    disposition = "attachment; filename*=utf-8''%C3%A9t%C3%A9.html"
    assert file_part == ({"Content-Type": "text/html", "Content-Disposition": disposition}, content)


def test_thumbnails_for_servers_have_two_parts_too(server, alice, peer):
    media_id = split_mxc(upload(alice, encoded(photo(400, 200), "JPEG")))[1]
    path = f"/_matrix/federation/v1/media/thumbnail/{media_id}"
    for query, size in (("width=96&height=96", (96, 48)), ("width=96&height=96&method=crop", (96, 96))):
        json_part, file_part = parts_of(peer.request(server, "GET", path, query=query, expect=200))
        assert json_part[1] == b"{}" and file_part[0]["Content-Type"] == "image/jpeg"
        assert file_part[0]["Content-Disposition"].startswith("inline")
        assert decoded(file_part[1]).size == size
    for query in ("", "width=96", "width=x&height=1", "width=1&height=1&method=melt"):
        assert peer.get(server, path, query, expect=400)["errcode"] in ("M_MISSING_PARAM", "M_INVALID_PARAM")


def test_servers_hear_what_is_not_there(server, alice, peer):
    waiting = split_mxc(alice.post("/_matrix/media/v1/create")["content_uri"])[1]
    document = split_mxc(upload(alice, b"no picture"))[1]
    large = split_mxc(upload(alice, flat_png(12000, 12000)))[1]
    for kind, media_id, query, status, errcode in (
        ("download", "neverMade", "", 404, "M_NOT_FOUND"),
        ("download", "a.b", "", 404, "M_NOT_FOUND"),
        ("download", "..%2Fkeys", "", 404, "M_NOT_FOUND"),
        ("download", waiting, "timeout_ms=0", 504, "M_NOT_YET_UPLOADED"),
        ("download", document, "timeout_ms=soon", 400, "M_INVALID_PARAM"),
        ("thumbnail", waiting, "width=32&height=32&timeout_ms=0", 504, "M_NOT_YET_UPLOADED"),
        ("thumbnail", document, "width=32&height=32", 400, "M_UNKNOWN"),
        ("thumbnail", large, "width=32&height=32", 413, "M_TOO_LARGE"),
    ):
        path = f"/_matrix/federation/v1/media/{kind}/{media_id}"
        assert peer.get(server, path, query, expect=status)["errcode"] == errcode, path


def test_copies_are_not_handed_on(other_server, alice, bob, peer):
    """A server asks the one that has it."""
    uri = upload(alice, b"handed on to nobody")
    download(bob, uri)
    path = f"/_matrix/federation/v1/media/download/{split_mxc(uri)[1]}"
    assert peer.get(other_server, path, expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.fixture(scope="module")
def two_domains(authority):
    """Two domains at one address, which a request tells apart by the destination that it signs."""
    names = ("one.example", "two.example")
    with running(federating_server(authority, domains=[{"name": name} for name in names])) as server:
        server.domains = names
        yield server


@pytest.mark.parametrize("meant", [0, 1])
def test_the_destination_says_whose_media_are_meant(two_domains, peer, meant):
    """Not the Host header, which a proxy may have changed."""
    for number, name in enumerate(two_domains.domains):
        client = Client(two_domains.base_url)
        client.http.headers["Host"] = name
        client = client.register("anna")
        uri = upload(client, f"of {name}".encode(), "text/plain")
        path = f"/_matrix/federation/v1/media/download/{split_mxc(uri)[1]}"
        header = peer.authorization("GET", path, two_domains.domains[meant])
        answer = peer.request(two_domains, "GET", path, header=header)
        if number == meant:
            assert answer.status_code == 200 and f"of {name}".encode() in answer.content
        else:
            assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"
