"""A large file goes in and out at constant memory; --full: 1 GiB."""

import hashlib
import random

from client import Client
from homeserver import launch, running
from media import DOWNLOAD, split_mxc, upload

PIECE = random.Random(7).randbytes(1 << 20)
GROWTH_MAX = 8 << 20


def test_a_large_file_takes_no_memory(full):
    pieces = 1024 if full else 128
    media = {"upload_limit_bytes": "2 GiB"}
    with running(launch("beffroi", media=media)) as server:
        client = Client(server.base_url).register("large")
        hashed, peak = hashlib.sha256(), 0

        def content():
            nonlocal peak
            for n in range(pieces):
                piece = n.to_bytes(8, "big") + PIECE[8:]
                hashed.update(piece)
                yield piece
                peak = max(peak, server.resident_bytes())

        upload(client, b"warm up" * 10000)
        before = server.resident_bytes()
        answer = client.raw("POST", "/_matrix/media/v3/upload", content=content())
        assert answer.status_code == 200, answer.text
        path = DOWNLOAD.format(*split_mxc(answer.json()["content_uri"]))
        received, size = hashlib.sha256(), 0
        headers = {"Authorization": f"Bearer {client.token}"}
        with client.http.stream("GET", path, headers=headers) as stream:
            for piece in stream.iter_bytes(1 << 20):
                received.update(piece)
                size += len(piece)
                peak = max(peak, server.resident_bytes())
        assert size == pieces << 20 and received.digest() == hashed.digest()
        assert peak - before < GROWTH_MAX, f"{(peak - before) >> 20} MiB"
