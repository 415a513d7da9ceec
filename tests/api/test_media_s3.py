"""Media in an S3-compatible store that checks signatures: s3rver."""

import json
import random
import subprocess
import threading
import time

import pytest

from client import Client, wait_until
from homeserver import launch, running
from media import THUMBNAIL, count_objects, count_rows, download, media_tool, split_mxc, upload
from pictures import encoded, photo
from s3_store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store") / "s3")
    yield store
    store.close()


@pytest.fixture(scope="module")
def module_server(store):
    with running(launch("beffroi", media=store.settings())) as server:
        yield server


@pytest.fixture
def server(store, module_server):
    """It runs with the S3 store, and both stores are empty."""
    configure(module_server, store="s3")
    media_tool(module_server, "migrate")
    media_tool(module_server, "delete", "--all")
    assert store.count() == count_objects(module_server) == 0
    return module_server


def configure(server, **media):
    """For the next start, and for tools."""
    config = json.loads(server.config.read_text())
    config["media"].update(media)
    server.config.write_text(json.dumps(config))


def choose_store(server, kind):
    configure(server, store=kind)


@pytest.mark.own_server
def test_files_live_in_the_store_and_move_between_stores(store, server):
    client = Client(server.base_url).register("sara")
    contents = [b"", b"small", bytes(range(256)) * 20000]
    uris = [upload(client, content) for content in contents]
    assert store.count() == 3 and count_objects(server) == 0
    for uri, content in zip(uris, contents):
        assert download(client, uri).content == content
    part = download(client, uris[2], headers={"Range": "bytes=256-260"}, expect=206)
    assert part.content == bytes(range(5))

    choose_store(server, "directory")
    assert media_tool(server, "migrate") == "3 files moved.\n"
    assert store.count() == 0 and count_objects(server) == 3
    choose_store(server, "s3")
    assert media_tool(server, "migrate") == "3 files moved.\n"
    assert store.count() == 3 and count_objects(server) == 0
    for uri, content in zip(uris, contents):
        assert download(client, uri).content == content


@pytest.mark.own_server
def test_the_last_reference_takes_the_object_and_its_thumbnails_out_of_the_store(store, server):
    client = Client(server.base_url).register_admin()
    picture = encoded(photo(300, 300), "PNG")
    uris = [upload(client, picture) for _ in range(2)]
    path = THUMBNAIL.format(*split_mxc(uris[0]))
    assert client.raw("GET", path, query={"width": 32, "height": 32}).status_code == 200
    assert store.count() == 2
    for uri, left in zip(uris, (2, 0)):
        client.delete("/_synapse/admin/v1/media/{}/{}", *uri[6:].split("/"))
        download(client, uri, expect=404)
        assert store.count() == left


@pytest.mark.own_server
@pytest.mark.parametrize("wrong", [{"access_key": "somebody"}, {"secret_key": "guessed"}], ids=["access", "secret"])
def test_a_store_that_refuses_is_not_taken_for_one_that_keeps(store, server, wrong):
    client = Client(server.base_url).register("sam")
    kept = upload(client, b"kept")
    server.stop()
    configure(server, **store.settings(**wrong))
    server.start()
    try:
        answer = client.raw("POST", "/_matrix/media/v3/upload", content=b"x")
        assert answer.status_code == 503 and answer.json()["errcode"] == "M_UNKNOWN"
        assert download(client, kept, expect=503).content != b"kept"
        assert store.count() == count_rows(server) == 1
    finally:
        server.stop()
        configure(server, **store.settings())
        server.start()
    assert download(client, kept).content == b"kept"


def read_until(server, token, contents, enough):
    """A user who reads files while they move; None, or what went wrong."""
    reader, dice = Client(server.base_url, token), random.Random(11)
    while not enough.is_set():
        uri = dice.choice(list(contents))
        try:
            assert download(reader, uri).content == contents[uri]
        except AssertionError as wrong:
            return wrong
    return None


@pytest.mark.own_server
def test_a_migration_that_is_killed_goes_on_where_it_was(store, server):
    """kill -9 of `beffroi media migrate`, again and again, while a user reads: every file is there, once."""
    dice, client = random.Random(7), Client(server.base_url).register("mona")
    contents = {}
    for number in range(80):
        content = f"{number} ".encode() * dice.choice([1, 100, 20000])
        contents[upload(client, content)] = content
    enough, wrong = threading.Event(), []
    reading = threading.Thread(target=lambda: wrong.append(read_until(server, client.token, contents, enough)))
    reading.start()
    interrupted = 0
    counts = {"directory": lambda: count_objects(server), "s3": store.count}
    for kind, other in (("directory", "s3"), ("s3", "directory")):
        choose_store(server, kind)
        for _ in range(4):
            enough_moved = counts[kind]() + dice.randrange(3, 9)
            command = [server.binary, "media", "migrate", "--config", str(server.config)]
            migrating = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while migrating.poll() is None and counts[kind]() < enough_moved:
                time.sleep(0.001)
            migrating.kill()
            migrating.wait()
            interrupted += counts[other]() > 0
        assert media_tool(server, "migrate").endswith(" files moved.\n")
        media_tool(server, "clean")
        assert counts[other]() == 0 and counts[kind]() == count_rows(server) == len(contents)
    enough.set()
    reading.join()
    assert wrong == [None]
    assert interrupted > 0, "no kill came in the middle"
    for uri, content in contents.items():
        assert download(client, uri).content == content


@pytest.mark.own_server
def test_two_migrations_at_once_move_every_file_once(store, server):
    client = Client(server.base_url).register("mia")
    contents = {}
    for number in range(40):
        content = f"file {number}".encode()
        contents[upload(client, content)] = content
    choose_store(server, "directory")
    command = [server.binary, "media", "migrate", "--config", str(server.config)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    moved = [int(one.communicate(timeout=60)[0].split()[0]) for one in both]
    assert sum(moved) == 40 and [one.returncode for one in both] == [0, 0]
    assert store.count() == 0 and count_objects(server) == 40
    for uri, content in contents.items():
        assert download(client, uri).content == content


@pytest.mark.own_server
def test_an_object_whose_server_died_while_it_was_sent_is_removed(store, server):
    """Certain, not by chance: the store takes the bytes only after the server is dead."""
    client = Client(server.base_url).register("dan")
    kept = upload(client, b"kept")
    store.halt()
    content = random.Random(3).randbytes(20000)

    def send():
        with pytest.raises(Exception):
            client.raw("POST", "/_matrix/media/v3/upload", content=content)

    sending = threading.Thread(target=send)
    sending.start()
    wait_until(lambda: store.waiting_bytes() > len(content))
    server.kill()
    sending.join()
    store.go_on()
    wait_until(lambda: store.count() == 2)
    server.start()
    assert count_rows(server) == 1
    media_tool(server, "clean")
    assert store.count() == count_rows(server) == 1
    assert download(client, kept).content == b"kept"
