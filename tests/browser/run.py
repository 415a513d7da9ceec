"""Starts a server, accounts and the web client, lets the browser act, and looks at what the server has of it."""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))

from client import CLIENT, PASSWORD, Client  # noqa: E402
from homeserver import free_port, launch, running  # noqa: E402
from pictures import encoded, photo  # noqa: E402
from serve_cinny import serve  # noqa: E402


def node_project():
    """The folder with cinny.mjs and its packages."""
    folder = ROOT / "build-test" / "cache" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "cinny.mjs"):
        shutil.copy(HERE / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    if not (folder / "node_modules").exists():
        subprocess.run(install, cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return folder


def prepared_server():
    server = launch("beffroi")
    # The client looks the server up by its well-known file, which names HTTPS unless told otherwise.
    settings = json.loads(server.config.read_text())
    settings["domains"][0]["client_base_url"] = server.base_url
    # It was made before version 12 and takes creators for powerless there.
    settings["rooms"]["default_version"] = "11"
    server.config.write_text(json.dumps(settings))
    return server


def act(server, dist, screenshots):
    """The exit status of the browser's part."""
    alice = Client(server.base_url).register("alice")
    bob = Client(server.base_url).register("bob")
    image = server.directory / "picture.png"
    image.write_bytes(encoded(photo(320, 200), "PNG"))
    plan = {
        "server": server.base_url,
        "web": serve(dist, server.base_url, free_port()),
        "screenshots": str(screenshots.resolve()),
        "image": str(image),
        "alice": {"user_id": alice.user_id, "password": PASSWORD},
        "bob": {"user_id": bob.user_id, "token": bob.token},
    }
    file = server.directory / "plan.json"
    file.write_text(json.dumps(plan))
    status = subprocess.run(["node", "cinny.mjs", str(file)], cwd=node_project(), check=False).returncode
    if status == 0:
        check(alice, bob)
    return status


def check(alice, bob):
    """What the browser showed is what the server has."""
    rooms = {}
    for room in alice.get(f"{CLIENT}/joined_rooms")["joined_rooms"]:
        state = alice.get(f"{CLIENT}/rooms/{{}}/state", room)
        rooms[next(e["content"]["name"] for e in state if e["type"] == "m.room.name")] = state
    assert set(rooms) == {"Archives", "Town hall", "Secret"}, rooms.keys()
    create = next(e for e in rooms["Town hall"] if e["type"] == "m.room.create")
    assert create["content"]["type"] == "m.space"
    assert any(e["type"] == "m.room.encryption" for e in rooms["Secret"])
    (archives,) = bob.get(f"{CLIENT}/joined_rooms")["joined_rooms"]
    chunk = bob.get(f"{CLIENT}/rooms/{{}}/messages", archives, query={"dir": "b", "limit": 50})["chunk"]
    messages = [e["content"] for e in chunk if e["type"] == "m.room.message"]
    # The body of a reply begins with what it replies to.
    answer = next(content for content in messages if content["body"].endswith("Answered in the thread"))
    assert answer["m.relates_to"]["rel_type"] == "m.thread"
    assert any(content["msgtype"] == "m.image" for content in messages)
    assert any(e["type"] == "m.reaction" for e in chunk)
    keys = alice.post(f"{CLIENT}/keys/query", body={"device_keys": {alice.user_id: []}})
    self_signing = next(iter(keys["self_signing_keys"][alice.user_id]["keys"]))
    signed = [d for d in keys["device_keys"][alice.user_id].values() if self_signing in d["signatures"][alice.user_id]]
    assert len(signed) == 2, "both sessions are signed by their user"
    print("ok the server has it all")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=pathlib.Path, help="the folder of a built Cinny")
    parser.add_argument("screenshots", type=pathlib.Path)
    options = parser.parse_args()
    with running(prepared_server()) as server:
        return act(server, options.dist, options.screenshots)


if __name__ == "__main__":
    sys.exit(main())
