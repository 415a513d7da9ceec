"""Every request that the newest matrix-nio can make, in the features it belongs to (nio_newest/)."""

import json
import pathlib
import re
import subprocess

import pytest
from client import Client
from homeserver import Beffroi, launch, running
from pictures import encoded, photo
from synapse import virtual_environment

HERE = pathlib.Path(__file__).parent / "nio_newest"
FEATURES = [
    name for file in sorted(HERE.glob("*.py")) for name in re.findall(r"^@feature\nasync def (\w+)", file.read_text(), re.M)
]
TOLD_URL = "https://matrix.example.org"

# What nio does without asking the server anything.
NO_REQUESTS = {"get_timeout_retry_wait_time": "how long to wait after a timeout; there is none here"}

pytestmark = pytest.mark.own_server


def server_that_tells_its_address():
    server = Beffroi()
    key = str(server.directory / "signing.key")
    server.settings["domains"] = [{"name": server.server_name, "signing_key_file": key, "client_base_url": TOLD_URL}]
    return server.prepare()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What nio_newest/features.py says: each feature's error or None, and the requests."""
    directory = tmp_path_factory.mktemp("nio")
    (directory / "picture.png").write_bytes(encoded(photo(300, 200), "PNG"))
    token_only = {"mode": "token", "shared_secret": "only for tests"}
    python = virtual_environment(HERE / "requirements.txt", "nio")
    with (
        running(server_that_tells_its_address()) as server,
        running(launch("beffroi", registration=token_only)) as by_token,
    ):
        tokens = "/_synapse/admin/v1/registration_tokens/new"
        settings = {
            "base_url": server.base_url,
            "server_name": server.server_name,
            "told_url": TOLD_URL,
            "token_url": by_token.base_url,
            "registration_token": Client(by_token.base_url).register_admin().post(tokens)["token"],
            "directory": str(directory),
            "picture": str(directory / "picture.png"),
        }
        command = [python, HERE / "features.py", json.dumps(settings)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        yield [json.loads(line) for line in run.stdout.splitlines()], run.stderr


@pytest.mark.parametrize("feature", FEATURES)
def test_feature(answers, feature):
    lines, stderr = answers
    errors = [line["error"] for line in lines if line.get("feature") == feature]
    assert errors == [None], errors[0] if errors else stderr


def test_every_request_of_nio_was_answered_with_success(answers):
    lines, _ = answers
    requests, succeeded = set(lines[-1]["requests"]), set(lines[-1]["succeeded"])
    assert requests - succeeded == set(NO_REQUESTS)
