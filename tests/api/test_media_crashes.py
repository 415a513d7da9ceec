"""kill -9 during uploads, at random: no row without bytes, and no bytes without a row once the cleaner has run."""

import random
import threading
import time

import pytest

from client import Client
from homeserver import launch, running
from media import count_objects, count_rows, download, media_tool, upload
from pictures import encoded, photo
from s3_store import Store

LIVES, SENDERS = 4, 6


@pytest.fixture(scope="module", params=["directory", "s3"])
def fragile(request, tmp_path_factory):
    """A server, and how many objects its store holds."""
    if request.param == "directory":
        with running(launch("beffroi")) as server:
            yield server, lambda: count_objects(server)
        return
    store = Store(tmp_path_factory.mktemp("store") / "s3")
    with running(launch("beffroi", media=store.settings())) as server:
        yield server, store.count
    store.close()


class Sender(threading.Thread):
    """Uploads until the server dies: new files, files that others send too, and IDs that were made before."""

    def __init__(self, server, token, seed, acknowledged):
        super().__init__()
        self.client, self.dice = Client(server.base_url, token), random.Random(seed)
        self.seed, self.acknowledged, self.was_interrupted = seed, acknowledged, False
        self.start()

    def one(self, number):
        kind = self.dice.randrange(3)
        text = f"shared {self.dice.randrange(4)}" if kind == 0 else f"{self.seed} {number} "
        content = text.encode() * self.dice.choice([1, 1000, 50000])
        if kind == 2:
            uri = self.client.post("/_matrix/media/v1/create")["content_uri"]
            path = "/_matrix/media/v3/upload/" + uri[6:]
            assert self.client.raw("PUT", path, content=content).status_code == 200
        else:
            uri = upload(self.client, content)
        self.acknowledged.append((uri, content))

    def run(self):
        number = 0
        while True:
            try:
                self.one(number)
            except Exception:  # the server is dead
                self.was_interrupted = True
                return
            number += 1


@pytest.mark.own_server
def test_killed_uploads_leave_no_row_without_bytes_and_no_bytes_without_a_row(fragile):
    server, objects = fragile
    client, dice = Client(server.base_url).register("dora"), random.Random(5)
    acknowledged, lost = [], 0
    for life in range(LIVES):
        wanted = len(acknowledged) + dice.randrange(8, 20)
        senders = [Sender(server, client.token, life * SENDERS + n, acknowledged) for n in range(SENDERS)]
        while len(acknowledged) < wanted:
            time.sleep(0.001)
            assert any(sender.is_alive() for sender in senders)
        server.kill()
        for sender in senders:
            sender.join()
            lost += sender.was_interrupted
        server.start()
        lost_bytes = objects() - count_rows(server)
        print(f"life {life}: {lost} uploads interrupted so far, {lost_bytes} objects without a row")
    assert lost > 0
    media_tool(server, "clean")
    assert objects() == count_rows(server)
    for uri, content in acknowledged:
        assert download(client, uri).content == content
    # Also those of which nobody heard that they arrived.
    listed = [line.split() for line in media_tool(server, "list", "--all").splitlines()]
    assert len(listed) >= len(acknowledged)
    for size, uri, *_ in listed:
        assert len(download(client, uri).content) == int(size)


@pytest.mark.own_server
def test_thumbnails_that_are_being_made_leave_nothing_either(fragile):
    server, objects = fragile
    client, dice = Client(server.base_url).register("tim"), random.Random(6)
    for life in range(2):
        uri = upload(client, encoded(photo(700 + life, 500), "PNG"))

        def ask(width, uri=uri):
            try:
                Client(server.base_url, client.token).raw(
                    "GET", "/_matrix/client/v1/media/thumbnail/" + uri[6:], query={"width": width, "height": width}
                )
            except Exception:  # the server is dead
                return

        asking = [threading.Thread(target=ask, args=(width,)) for width in (32, 64, 96, 160, 240, 320)]
        for thread in asking:
            thread.start()
        wanted = count_rows(server) + dice.randrange(1, 3)
        while objects() < wanted and any(thread.is_alive() for thread in asking):
            time.sleep(0.001)
        server.kill()
        for thread in asking:
            thread.join()
        server.start()
    media_tool(server, "clean")
    assert objects() == count_rows(server)
    media_tool(server, "delete", "--all")
    assert objects() == count_rows(server) == 0
