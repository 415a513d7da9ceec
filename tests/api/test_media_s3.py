"""Media in an S3-compatible store: s3rver."""

import json
import pathlib
import subprocess
import time

import httpx
import pytest

from client import Client
from homeserver import free_port, launch, running
from media import count_objects, download, upload

STORE = pathlib.Path(__file__).resolve().parent.parent / "clients" / "s3"


class Store:
    def __init__(self, directory):
        if not (STORE / "node_modules").exists():
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=STORE, check=True
            )
        self.directory, self.port = directory, free_port()
        command = [str(STORE / "node_modules" / ".bin" / "s3rver"), "-d", str(directory), "-p", str(self.port)]
        command += ["-a", "127.0.0.1", "--no-vhost-buckets", "--configure-bucket", "media"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        give_up = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/")
                return
            except httpx.TransportError:
                assert time.monotonic() < give_up, "the S3 store does not start"
                time.sleep(0.05)

    def count(self):
        return len(list((self.directory / "media").glob("*._S3rver_object")))

    def settings(self, **changes):
        s3 = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "bucket": "media",
            "access_key": "S3RVER",
            "secret_key": "S3RVER",
        }
        return {"store": "s3", "s3": {**s3, **changes}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("s3"))
    yield store
    store.process.terminate()
    store.process.wait()


def run_server(media):
    server = launch("beffroi", media=media)
    with running(server):
        yield server


@pytest.fixture
def server(store):
    yield from run_server(store.settings())


@pytest.fixture
def server_with_wrong_key(store):
    yield from run_server(store.settings(access_key="somebody else"))


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

    def migrate(kind):
        config = json.loads(server.config.read_text())
        config["media"]["store"] = kind
        server.config.write_text(json.dumps(config))
        command = [server.binary, "media", "migrate", "--config", str(server.config)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.stdout == "3 files moved.\n", result.stderr

    migrate("directory")
    assert store.count() == 0 and count_objects(server) == 3
    migrate("s3")
    assert store.count() == 3 and count_objects(server) == 0
    for uri, content in zip(uris, contents):
        assert download(client, uri).content == content


@pytest.mark.own_server
def test_a_store_that_refuses_is_not_taken_for_one_that_keeps(server_with_wrong_key):
    client = Client(server_with_wrong_key.base_url).register("sam")
    answer = client.raw("POST", "/_matrix/media/v3/upload", content=b"x")
    assert answer.status_code == 503
