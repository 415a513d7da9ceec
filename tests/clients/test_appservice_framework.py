"""Application services that were made with frameworks: matrix-appservice, matrix-appservice-bridge and matrix-bot-sdk."""

import json
import subprocess
import time

import pytest
from actors import JS, PATIENCE_SECONDS
from client import CLIENT, Client, timeline
from homeserver import Beffroi, free_port, running
from node_project import node_project

TOKENS = {"as_token": "the application service's secret", "hs_token": "the server's secret"}

pytestmark = pytest.mark.own_server


class Framework:
    """The framework's process, and the server that it is registered with."""

    def __init__(self, directory):
        self.port = free_port()
        self.heard = directory / "heard.txt"
        registration = {
            **TOKENS,
            "id": "framework",
            "url": f"http://127.0.0.1:{self.port}",
            "sender_localpart": "framework",
            "rate_limited": False,
            "namespaces": {"users": [{"exclusive": True, "regex": "@_framework_.*"}]},
        }
        file = directory / "framework.yaml"
        file.write_text(json.dumps(registration))
        self.server = Beffroi(appservice_files=[str(file)]).prepare()
        self.process = None

    def start(self):
        command = ["node", "appservice.mjs", str(self.port), TOKENS["hs_token"], str(self.heard)]
        self.process = subprocess.Popen(command, cwd=node_project(JS), stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def event_ids(self):
        return self.heard.read_text().split() if self.heard.exists() else []

    def wait_for(self, event_id):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while event_id not in self.event_ids():
            assert time.monotonic() < give_up, f"{event_id} did not arrive"
            time.sleep(0.05)


@pytest.fixture
def framework(tmp_path):
    framework = Framework(tmp_path)
    try:
        framework.server.start()
        framework.start()
        yield framework
        framework.kill()
        framework.server.shut_down_and_check()
    finally:
        framework.server.remove()


def test_a_framework_hears_of_everything_through_restarts_of_both_sides(framework):
    bot = Client(framework.server.base_url, TOKENS["as_token"], "@framework:localhost")
    alice = Client(framework.server.base_url).register("alice")
    room_id = alice.create_room(invite=[bot.user_id])
    bot.join(room_id)
    sent = []

    def say(text):
        sent.append(alice.send_text(room_id, text))
        return sent[-1]

    framework.wait_for(say("good morning"))
    framework.kill()
    say("nobody is there")
    framework.start()
    framework.wait_for(say("there again"))
    say("the server is about to go")
    framework.server.kill()
    framework.server.start()
    framework.wait_for(say("good evening"))
    assert [i for i in dict.fromkeys(framework.event_ids()) if i in set(sent)] == sent
    answer = bot.send_text(room_id, "goodbye")
    assert bot.get(f"{CLIENT}/rooms/{{}}/event/{{}}", room_id, answer)["sender"] == bot.user_id


class Bot:
    """A bot's process, made with the framework of a script, and the server that it is registered with."""

    def __init__(self, directory, script, prefix, *arguments, **registered):
        self.port = free_port()
        self.registration = directory / "registration.json"
        registration = {
            **TOKENS,
            "id": "bot",
            "url": f"http://127.0.0.1:{self.port}",
            "sender_localpart": "bot",
            "rate_limited": False,
            "namespaces": {
                "users": [{"exclusive": True, "regex": f"@_{prefix}_.*"}],
                "aliases": [{"exclusive": True, "regex": f"#_{prefix}_.*"}],
                "rooms": [],
            },
            **registered,
        }
        self.registration.write_text(json.dumps(registration))
        self.server = Beffroi(appservice_files=[str(self.registration)]).prepare()
        self.command = ["node", script, self.server.base_url, str(self.port), str(self.registration), *arguments]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, cwd=node_project(JS), stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait_until_there(self, user):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while user.raw("GET", f"{CLIENT}/thirdparty/protocol/net").status_code != 200:
            assert self.process.poll() is None and time.monotonic() < give_up, "the bridge does not answer"
            time.sleep(0.1)


@pytest.fixture
def bot(tmp_path):
    bot = Bot(tmp_path, "bot.mjs", "bot", str(tmp_path / "bot-storage.json"))
    with running(bot.server):
        bot.start()
        yield bot
        bot.kill()


@pytest.fixture
def bridge(tmp_path):
    bridge = Bot(tmp_path, "bridge.mjs", "net", protocols=["net"])
    with running(bridge.server):
        bridge.start()
        yield bridge
        bridge.kill()


def answers_through_restarts(bot, alice, room_id, user_id):
    """`user_id`, of the application service, comes into the room and answers pings."""

    def ask(text):
        alice.send_text(room_id, f"ping {text}")

    def answered(text):
        def arrived(answer):
            events = [e for e in timeline(answer, room_id) if e["sender"] == user_id]
            return any(e["content"].get("body") == f"pong {text}" for e in events)

        alice.sync_until(arrived)

    def has_joined(answer):
        joins = [e for e in timeline(answer, room_id) if e["content"].get("membership") == "join"]
        return any(e["sender"] == user_id for e in joins)

    alice.sync_until(has_joined)
    ask("one")
    answered("one")
    bot.kill()
    ask("while nobody is there")
    bot.start()
    answered("while nobody is there")
    bot.server.kill()
    bot.server.start()
    ask("three")
    answered("three")


def test_a_bot_answers_through_restarts_of_both_sides(bot):
    alice = Client(bot.server.base_url).register("alice")
    # Nobody has made this user: the server asks the application service for it.
    room_id = alice.create_room(invite=["@_bot_answers:localhost"])

    answers_through_restarts(bot, alice, room_id, "@_bot_answers:localhost")


def test_a_bridge_makes_users_and_rooms_and_answers_through_restarts_of_both_sides(bridge):
    alice = Client(bridge.server.base_url).register("alice")
    bridge.wait_until_there(alice)
    places = alice.get(f"{CLIENT}/thirdparty/location/net", query={"channel": "town"})
    assert [place["alias"] for place in places] == ["#_net_town:localhost"]
    # Nobody has made this room, nor the user: the server asks the bridge for them.
    town = alice.post(f"{CLIENT}/join/{{}}", "#_net_town:localhost", body={})["room_id"]
    assert alice.state(town, "m.room.create")["room_version"]
    room_id = alice.create_room(invite=["@_net_echo:localhost"])
    assert alice.get(f"{CLIENT}/profile/{{}}", "@_net_echo:localhost")["displayname"] == "_net_echo of the network"
    answers_through_restarts(bridge, alice, room_id, "@_net_echo:localhost")
