"""Starts a server, an account and the web client, and lets the browser act: run.py CINNY_DIST SCREENSHOTS."""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from client import PASSWORD, Client  # noqa: E402
from homeserver import launch  # noqa: E402

dist, screenshots = sys.argv[1:]
server = launch("beffroi")
# The client looks the server up by its well-known file, which names HTTPS unless told otherwise.
settings = json.loads(server.config.read_text())
settings["domains"][0]["client_base_url"] = server.base_url
server.config.write_text(json.dumps(settings))
try:
    server.start()
    alice = Client(server.base_url).register("alice")
    web = subprocess.Popen([sys.executable, str(HERE / "serve_cinny.py"), dist, server.base_url])
    try:
        act = ["node", str(HERE / "cinny.mjs"), server.base_url, screenshots, alice.user_id, PASSWORD]
        outcome = subprocess.run(act, check=False)
    finally:
        web.terminate()
    server.shut_down_and_check()
finally:
    server.remove()
sys.exit(outcome.returncode)
