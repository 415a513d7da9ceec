"""Media between a server of ours and another one, which is then Synapse: each fetches what the other has."""

import pytest

from media import THUMBNAIL, download, split_mxc, upload
from pictures import decoded, encoded, photo


@pytest.fixture(params=["ours to theirs", "theirs to ours"])
def sides(request, alice, bob):
    """Who uploads, who fetches."""
    return (alice, bob) if request.param == "ours to theirs" else (bob, alice)


def test_files_arrive_as_they_were_sent(sides):
    sender, reader = sides
    content = bytes(range(256)) * 3000
    answer = download(reader, upload(sender, content, "image/png", "größe.png"))
    assert answer.content == content
    assert answer.headers["content-type"] == "image/png"
    assert "filename*=utf-8''gr%C3%B6%C3%9Fe.png" in answer.headers["content-disposition"].replace("UTF-8", "utf-8")


def test_encrypted_files_arrive_as_they_were_sent(sides):
    sender, reader = sides
    content = bytes((n * 7 + 3) % 256 for n in range(100000))
    answer = download(reader, upload(sender, content))
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("method, size", [("scale", (96, 48)), ("crop", (96, 96))])
def test_thumbnails_of_their_pictures_are_had(sides, method, size):
    sender, reader = sides
    uri = upload(sender, encoded(photo(400, 200), "JPEG"), "image/jpeg")
    path = THUMBNAIL.format(*split_mxc(uri))
    answer = reader.raw("GET", path, query={"width": 96, "height": 96, "method": method})
    assert answer.status_code == 200, answer.text
    shown = decoded(answer.content).size
    # Synapse answers with the nearest of its own sizes, which is not smaller.
    assert size[0] <= shown[0] < 400 and size[1] <= shown[1] < 400
