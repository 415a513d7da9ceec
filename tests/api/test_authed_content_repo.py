"""authed-content-repo.yaml: downloads with a token; what browsers may do with them."""

import pytest

from client import CLIENT
from media import DOWNLOAD, download, split_mxc, upload

INLINE = """text/css text/plain text/csv application/json application/ld+json image/jpeg image/gif image/png
image/apng image/webp image/avif video/mp4 video/webm video/ogg video/quicktime audio/mp4 audio/webm audio/aac
audio/mpeg audio/ogg audio/wave audio/wav audio/x-wav audio/x-pn-wav audio/flac audio/x-flac""".split()

ATTACHMENT = """text/html image/svg+xml application/xhtml+xml text/xml application/xml text/xsl
application/javascript text/javascript application/pdf application/x-shockwave-flash application/zip
application/octet-stream text/html;charset=utf-7 IMAGE/SVG+XML image/pngx text/plainly""".split()


def test_a_download_needs_a_token(alice, anonymous):
    uri = upload(alice, b"x")
    answer = download(anonymous, uri, expect=401)
    assert answer.json()["errcode"] == "M_MISSING_TOKEN"


def test_guests_may_download(alice, anonymous):
    answer = anonymous.call("POST", f"{CLIENT}/register", body={}, query={"kind": "guest"})
    guest = anonymous.signed_in(answer)
    uri = upload(alice, b"x")
    assert download(guest, uri).content == b"x"
    refused = guest.raw("POST", "/_matrix/media/v3/upload", content=b"x")
    assert refused.status_code == 403 and refused.json()["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"


def test_the_configuration_tells_the_size_limit(alice):
    assert alice.get("/_matrix/client/v1/media/config") == {"m.upload.size": 50 << 20}


@pytest.mark.parametrize("content_type", INLINE)
def test_harmless_types_are_shown(alice, content_type):
    answer = download(alice, upload(alice, b"x", content_type))
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"] == "inline"


@pytest.mark.parametrize("content_type", ATTACHMENT)
def test_all_other_types_are_saved(alice, content_type):
    answer = download(alice, upload(alice, b"<script>", content_type, "a.html"))
    assert answer.headers["content-disposition"] == "attachment; filename=a.html"


def test_every_answer_is_safe_in_a_browser(alice):
    headers = download(alice, upload(alice, b"x", "text/html")).headers
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "sent", ["", "*/*", "image", "image/", "/png", "a b/c", "image/png x", "x/" + "y" * 300, "image/*", "image/pn\u00e9"]
)
def test_a_type_that_is_none_becomes_bytes(alice, sent):
    answer = alice.raw(
        "POST", "/_matrix/media/v3/upload", content=b"x", headers={"Content-Type": sent.encode()}
    )
    answer = download(alice, answer.json()["content_uri"])
    if sent == "image/png x":
        assert answer.headers["content-disposition"] == "inline"
    else:
        assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "name, header",
    [
        ("plain.txt", "filename=plain.txt"),
        ("two words.txt", 'filename="two words.txt"'),
        ('quo"te;.txt', 'filename="quo\\"te;.txt"'),
        ("größe.txt", "filename*=utf-8''gr%C3%B6%C3%9Fe.txt"),
        ("☕.txt", "filename*=utf-8''%E2%98%95.txt"),
        ("../../etc/passwd", "filename=passwd"),
        ("a\r\nSet-Cookie: x", 'filename="aSet-Cookie: x"'),
        ("x" * 300, "filename=" + "x" * 255),
        ("é" * 200, "filename*=utf-8''" + "%C3%A9" * 127),
    ],
)
def test_file_names_survive_safely(alice, name, header):
    answer = download(alice, upload(alice, b"x", "text/plain", name))
    assert answer.headers["content-disposition"] == f"inline; {header}"


def test_a_path_may_name_the_file(alice):
    uri = upload(alice, b"x", "text/plain", "old.txt")
    path = DOWNLOAD.format(*split_mxc(uri))
    answer = alice.raw("GET", path + "/%C3%BC.txt")
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''%C3%BC.txt"


@pytest.mark.parametrize(
    "path",
    [
        "localhost/..%2F..%2Fetc%2Fpasswd",
        "localhost/a%2Fb",
        "..%2F..%2Fx/abc",
        "localhost/%2e%2e",
        "%5B::1%5D:8448%2Fx/abc",
        "localhost/a.b",
        "localhost/unknownButValid",
    ],
)
def test_what_names_no_media_is_not_found(alice, path):
    answer = alice.raw("GET", "/_matrix/client/v1/media/download/" + path)
    assert answer.status_code == 404 and answer.json()["errcode"] == "M_NOT_FOUND"


CONTENT = bytes(range(256)) * 4


@pytest.fixture
def picture(alice):
    return upload(alice, CONTENT, "image/png")


@pytest.mark.parametrize(
    "sent, first, last",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=1000-99999", 1000, 1023),
        ("bytes=-99999", 0, 1023),
    ],
)
def test_a_part_can_be_had(alice, picture, sent, first, last):
    answer = download(alice, picture, headers={"Range": sent}, expect=206)
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1024"
    assert answer.content == CONTENT[first : last + 1]


@pytest.mark.parametrize("sent", ["bytes=", "bytes=a-b", "bytes=5-1", "bytes=0-1,5-6", "lines=1-2", "bytes=1"])
def test_what_is_not_one_range_gets_the_whole(alice, picture, sent):
    answer = download(alice, picture, headers={"Range": sent})
    assert answer.content == CONTENT and answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("sent", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused(alice, picture, sent):
    answer = download(alice, picture, headers={"Range": sent}, expect=416)
    assert answer.headers["content-range"] == "bytes */1024"


def test_what_the_client_has_is_not_sent_again(alice, picture):
    etag = download(alice, picture).headers["etag"]
    for known in (etag, f'"other", {etag}', "*", f"W/{etag}"):
        answer = download(alice, picture, headers={"If-None-Match": known}, expect=304)
        assert answer.content == b"" and answer.headers["etag"] == etag
    assert download(alice, picture, headers={"If-None-Match": '"other"'}).content == CONTENT


def test_a_part_is_of_the_file_that_the_client_has(alice, picture):
    etag = download(alice, picture).headers["etag"]
    part = download(alice, picture, headers={"Range": "bytes=0-9", "If-Range": etag}, expect=206)
    assert part.content == CONTENT[:10]
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert download(alice, picture, headers=headers).content == CONTENT


def test_head_tells_what_get_would(alice, picture):
    path = DOWNLOAD.format(*split_mxc(picture))
    head = alice.raw("HEAD", path, headers={"Range": "bytes=0-9"})
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == "1024"
    assert head.headers["etag"] == download(alice, picture).headers["etag"]
