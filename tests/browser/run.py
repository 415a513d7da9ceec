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
from node_project import node_project  # noqa: E402
from sites import Cinny, Folder, serve  # noqa: E402

# Release 4.2.2.
CINNY_COMMIT = "c110e64341eef37706c5befb9fe8858b5e62bd5c"
ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}

HYDROGEN_PAGE = """<!doctype html>
<meta charset="utf-8"><title>Hydrogen</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="assets/theme-element-light.css">
<body class="hydrogen" data-homeserver="{}"><script type="module" src="app.js"></script></body>
"""


def cinny_site(repository):
    """Cinny, built from the sources in a git repository: its npm package holds none. Takes nine minutes, once."""
    folder = ROOT / "build-test" / "cache" / f"cinny-{CINNY_COMMIT[:12]}"
    sources, dist = folder / "sources", folder / "dist"
    if not dist.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", repository, sources], check=True)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        for command in (["git", "checkout", "--quiet", CINNY_COMMIT], install, ["npm", "run", "build"]):
            subprocess.run(command, cwd=sources, check=True, stdin=subprocess.DEVNULL)
        (sources / "dist").rename(dist)
        shutil.rmtree(sources)
    return dist


def hydrogen_site(folder, server_url):
    """The whole client in a folder: its package, and a page that starts it."""
    site, packages = folder / "hydrogen", folder / "node_modules"
    shutil.rmtree(site, ignore_errors=True)
    client = packages / "hydrogen-view-sdk"
    shutil.copytree(client / "asset-build" / "assets", site / "assets")
    shutil.copytree(packages / "@matrix-org" / "olm", site / "olm")
    shutil.copy(client / "lib-build" / "sw.js", site)
    (site / "index.html").write_text(HYDROGEN_PAGE.format(server_url))
    # libolm asks for these where there is no browser.
    outside = [f"--external:{name}" for name in ("crypto", "fs", "path")]
    bundle = ["node_modules/.bin/esbuild", "hydrogen_app.mjs", "--bundle", "--format=esm", "--log-level=error"]
    subprocess.run([*bundle, *outside, f"--outfile={site / 'app.js'}"], cwd=folder, check=True)
    return site


def prepared_server():
    server = launch("beffroi")
    # The client looks the server up by its well-known file, which names HTTPS unless told otherwise.
    settings = json.loads(server.config.read_text())
    settings["domains"][0]["client_base_url"] = server.base_url
    # Cinny was made before version 12 and takes creators for powerless there.
    settings["rooms"]["default_version"] = "11"
    server.config.write_text(json.dumps(settings))
    return server


def act(server, options):
    """The exit status of the browser's part."""
    alice = Client(server.base_url).register("alice")
    bob = Client(server.base_url).register("bob")
    image = server.directory / "picture.png"
    image.write_bytes(encoded(photo(320, 200), "PNG"))
    folder = node_project(HERE)
    plan = {
        "server": server.base_url,
        # What clients ask for that a later proposal replaced: dehydrated devices before MSC3814.
        "outdated": ["/org.matrix.msc2697.v2/"],
        "screenshots": str(options.screenshots.resolve()),
        "image": str(image),
        "alice": {"user_id": alice.user_id, "password": PASSWORD},
        "bob": {"user_id": bob.user_id, "token": bob.token},
    }
    if options.cinny:
        plan["web"] = serve(Cinny, cinny_site(options.cinny), server.base_url, free_port())
    else:
        plan["secret"] = alice.create_room(name="Secret", initial_state=[ENCRYPTED])
        plan["actor"] = str(node_project(HERE.parent / "clients" / "js"))
        plan["web"] = serve(Folder, hydrogen_site(folder, server.base_url), server.base_url, free_port())
    file = server.directory / "plan.json"
    file.write_text(json.dumps(plan))
    script = "cinny.mjs" if options.cinny else "hydrogen.mjs"
    status = subprocess.run(["node", script, str(file)], cwd=folder, check=False).returncode
    if status == 0:
        (check_cinny if options.cinny else check_hydrogen)(alice, bob)
        print("ok the server has it all")
    return status


def rooms_by_name(client):
    """Name -> state."""
    rooms = {}
    for room in client.get(f"{CLIENT}/joined_rooms")["joined_rooms"]:
        state = client.get(f"{CLIENT}/rooms/{{}}/state", room)
        rooms[next(e["content"]["name"] for e in state if e["type"] == "m.room.name")] = state
    assert any(e["type"] == "m.room.encryption" for e in rooms["Secret"])
    return rooms


def check_archives(bob):
    """What was said in the room that Bob was invited to; the relation of the answer in his thread."""
    (archives,) = bob.get(f"{CLIENT}/joined_rooms")["joined_rooms"]
    chunk = bob.get(f"{CLIENT}/rooms/{{}}/messages", archives, query={"dir": "b", "limit": 50})["chunk"]
    messages = [e["content"] for e in chunk if e["type"] == "m.room.message" and e["content"]]
    # The body of a reply begins with what it replies to.
    answer = next(content for content in messages if content["body"].endswith("Answered in the thread"))
    assert any(content["msgtype"] == "m.image" for content in messages)
    assert any(e["type"] == "m.reaction" for e in chunk)
    begun = next(e["event_id"] for e in chunk if e["content"].get("body") == "Begun by Bob")
    assert answer["m.relates_to"]["m.in_reply_to"]["event_id"] == begun
    return answer["m.relates_to"]


def check_sessions(alice, count):
    keys = alice.post(f"{CLIENT}/keys/query", body={"device_keys": {alice.user_id: []}})
    self_signing = next(iter(keys["self_signing_keys"][alice.user_id]["keys"]))
    signed = [d for d in keys["device_keys"][alice.user_id].values() if self_signing in d["signatures"][alice.user_id]]
    assert len(signed) == count, "every session is signed by its user"


def check_cinny(alice, bob):
    """What the browser showed is what the server has."""
    rooms = rooms_by_name(alice)
    assert set(rooms) == {"Archives", "Town hall", "Secret"}, rooms.keys()
    create = next(e for e in rooms["Town hall"] if e["type"] == "m.room.create")
    assert create["content"]["type"] == "m.space"
    assert check_archives(bob)["rel_type"] == "m.thread"
    check_sessions(alice, 2)


def check_hydrogen(alice, bob):
    assert set(rooms_by_name(alice)) == {"Archives", "Secret"}
    # It knows threads as replies only.
    check_archives(bob)
    check_sessions(alice, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screenshots", type=pathlib.Path)
    parser.add_argument("--cinny", metavar="REPOSITORY", help="Cinny, built from this git repository, instead of Hydrogen from npm")
    options = parser.parse_args()
    with running(prepared_server()) as server:
        return act(server, options)


if __name__ == "__main__":
    sys.exit(main())
