"""Thumbnails: sizes, methods, animations, and pictures that are made to do harm."""

import pathlib
import threading

import pytest
from PIL import Image

from bad_pictures import REFUSED, STRANGE, TOO_LARGE, decode
from media import THUMBNAIL, count_objects, download, split_mxc, upload
from pictures import animation, decoded, encoded, photo


def thumbnail(client, uri, width, height, method="scale", expect=200, **query):
    path = THUMBNAIL.format(*split_mxc(uri))
    query = {"width": width, "height": height, "method": method, **query}
    answer = client.raw("GET", path, query=query)
    assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:500]}"
    return answer


@pytest.fixture
def picture(alice):
    return upload(alice, encoded(photo(1600, 1200), "JPEG"), "image/jpeg", "large.jpg")


@pytest.mark.parametrize(
    "width, height, method, size",
    [
        (32, 32, "crop", (32, 32)),
        (96, 96, "crop", (96, 96)),
        (320, 240, "scale", (320, 240)),
        (640, 480, "scale", (640, 480)),
        (800, 600, "scale", (800, 600)),
        (50, 50, "crop", (64, 64)),
        (100, 50, "crop", (160, 80)),
        (1000, 1000, "scale", (1024, 768)),
        (1, 1, "scale", (32, 24)),
    ],
)
def test_sizes_and_methods(alice, picture, width, height, method, size):
    answer = thumbnail(alice, picture, width, height, method)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == "inline; filename=thumbnail.jpeg"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert decoded(answer.content).size == size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_the_four_formats_are_read(alice, kind):
    uri = upload(alice, encoded(photo(400, 200), kind), "application/octet-stream")
    assert decoded(thumbnail(alice, uri, 96, 96).content).size == (96, 48)


def test_a_picture_is_never_made_larger(alice):
    small = encoded(photo(60, 40), "PNG")
    uri = upload(alice, small, "text/html")
    answer = thumbnail(alice, uri, 800, 600)
    assert answer.content == small
    assert answer.headers["content-type"] == "image/png"


def test_transparency_stays(alice):
    uri = upload(alice, encoded(Image.new("RGBA", (400, 400), (255, 0, 0, 40)), "PNG"))
    answer = thumbnail(alice, uri, 96, 96)
    assert answer.headers["content-type"] == "image/png"
    assert decoded(answer.content).convert("RGBA").getpixel((5, 5))[3] == 40


def test_what_a_camera_wrote_down_does_not_get_out(alice):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # turned by 90 degrees
    uri = upload(alice, encoded(photo(400, 200), "JPEG", exif=exif))
    answer = thumbnail(alice, uri, 96, 96)
    assert b"taken at home" not in answer.content
    assert decoded(answer.content).size == (48, 96)


def test_animations_stay_animations_where_asked(alice):
    uri = upload(alice, animation(10), "image/gif")
    moving = thumbnail(alice, uri, 96, 96, animated="true")
    assert moving.headers["content-type"] == "image/webp"
    assert decoded(moving.content).n_frames == 10
    assert decoded(moving.content).size == (96, 48)
    for still in (thumbnail(alice, uri, 96, 96), thumbnail(alice, uri, 96, 96, animated="false")):
        assert getattr(decoded(still.content), "n_frames", 1) == 1


def test_a_small_animation_has_a_still(alice):
    uri = upload(alice, animation(3, (20, 20)), "image/gif")
    assert getattr(decoded(thumbnail(alice, uri, 96, 96).content), "n_frames", 1) == 1
    assert decoded(thumbnail(alice, uri, 96, 96, animated="true").content).n_frames == 3


@pytest.mark.parametrize("size", [(20, 20), (200, 200)])
def test_an_animated_png_has_a_still(alice, size):
    """Which vips does not know to be an animation."""
    frames = [Image.new("RGB", size, colour) for colour in ("red", "navy")]
    uri = upload(alice, encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]), "image/apng")
    for query in ({}, {"animated": "false"}):
        still = decoded(thumbnail(alice, uri, 32, 32, **query).content)
        assert getattr(still, "n_frames", 1) == 1 and max(still.size) <= 32


@pytest.mark.parametrize(
    "query",
    [
        {"width": 10},
        {"height": 10},
        {"width": 0, "height": 10},
        {"width": -1, "height": 10},
        {"width": "x", "height": 10},
        {"width": 10, "height": 10, "method": "melt"},
        {"width": 10, "height": 10, "animated": "maybe"},
    ],
)
def test_wrong_parameters_are_refused(alice, picture, query):
    answer = alice.raw("GET", THUMBNAIL.format(*split_mxc(picture)), query=query)
    assert answer.status_code == 400
    assert answer.json()["errcode"] in ("M_INVALID_PARAM", "M_MISSING_PARAM")


def test_a_thumbnail_is_made_once(homeserver, alice, bob):
    content = encoded(photo(900, 700), "JPEG", quality=61)
    uris = [upload(user, content) for user in (alice, bob)]
    before = count_objects(homeserver)
    answers = []

    def ask(uri):
        answers.append(thumbnail(alice, uri, 320, 240).content)

    asking = [threading.Thread(target=ask, args=(uris[n % 2],)) for n in range(8)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(answers) == 8 and len(set(answers)) == 1
    assert count_objects(homeserver) == before + 1


def test_a_thumbnail_needs_a_token(anonymous, picture):
    assert thumbnail(anonymous, picture, 32, 32, expect=401).json()["errcode"] == "M_MISSING_TOKEN"


# ── Pictures that are made to do harm ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [*REFUSED, *TOO_LARGE])
def test_a_bad_picture_has_no_thumbnail_but_can_be_downloaded(alice, name):
    content = {**REFUSED, **TOO_LARGE}[name]()
    uri = upload(alice, content, "image/png")
    answer = thumbnail(alice, uri, 96, 96, expect=413 if name in TOO_LARGE else 400)
    assert answer.json()["errcode"] == ("M_TOO_LARGE" if name in TOO_LARGE else "M_UNKNOWN")
    assert download(alice, uri).content == content


def test_bad_pictures_cost_little_whatever_comes_out(homeserver, tmp_path):
    """The decoder alone: an answer or a refusal within its limits of memory and time."""
    program = pathlib.Path(homeserver.binary).parent / "beffroi-thumbnailer"
    for name, make in {**REFUSED, **TOO_LARGE, **STRANGE}.items():
        status, peak, cpu, _, result = decode(program, make(), tmp_path, "96", "96", "scale", "1")
        print(f"{name}: status {status}, {peak >> 20} MiB, {cpu:.2f} s")
        assert peak < 800 << 20 and cpu < 11, name
        assert 0 <= status <= 21, f"{name}: ended by a signal"
        assert result == b"" if name not in STRANGE else result == b"" or max(decoded(result).size) <= 96, name
