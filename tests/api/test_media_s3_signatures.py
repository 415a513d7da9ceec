"""Our signatures for S3 are those of Amazon's SDK, whatever the keys."""

import json
import random
import signal
import string
import time


from client import Client
from homeserver import launch, running
from media import download, upload
from verifying_store import VerifyingStore

KEYS = 12


def settings_of(store, dice):
    """Keys as stores give them: secrets hold / and +, and may be long."""
    access_key = "".join(dice.choices(string.ascii_uppercase + string.digits, k=dice.randrange(3, 64)))
    secret_key = "".join(dice.choices(string.ascii_letters + string.digits + "/+=._-~", k=dice.randrange(8, 100)))
    region = dice.choice(["us-east-1", "eu-west-3", "fr-par", "garage", "gra"])
    bucket = "".join(dice.choices(string.ascii_lowercase + string.digits + "-", k=dice.randrange(3, 60))).strip("-") + "x"
    store.expect(access_key, secret_key, region)
    keys = {"access_key": access_key, "secret_key": secret_key, "region": region, "bucket": bucket}
    return {"store": "s3", "s3": {"endpoint": f"http://127.0.0.1:{store.port}", **keys}}


def reload_with(server, client, media, size):
    settings = json.loads(server.config.read_text())
    settings["media"] = {**media, "upload_limit_bytes": str(size)}
    server.config.write_text(json.dumps(settings))
    server.process.send_signal(signal.SIGHUP)
    give_up = time.monotonic() + 60
    while client.get("/_matrix/client/v1/media/config")["m.upload.size"] != size:
        assert time.monotonic() < give_up, server.log()[-2000:]
        time.sleep(0.02)


def test_a_store_that_checks_signatures_believes_us():
    dice = random.Random(4)
    with VerifyingStore() as store, running(launch("beffroi", media=settings_of(store, dice))) as server:
        client = Client(server.base_url).register_admin()
        for n in range(KEYS):
            content = dice.randbytes([0, 1, 2 << 20, 1000, 100000][n % 5] + n)
            uri = upload(client, content)
            assert download(client, uri).content == content
            client.delete("/_synapse/admin/v1/media/{}/{}", server.server_name, uri.rsplit("/", 1)[1])
            assert store.objects == {}
            reload_with(server, client, settings_of(store, dice), (50 << 20) + n)
        assert {method for method, _, _ in store.checked} == {"PUT", "GET", "DELETE"}
        assert len(store.checked) == 3 * KEYS
        assert all(expected == ours for _, expected, ours in store.checked)
        store.expect("somebody", "else", "fr-par")
        answer = client.raw("POST", "/_matrix/media/v3/upload", content=b"not believed")
        assert answer.status_code == 503
