"""Application services: access, namespaces, transactions (application-service-api.md)."""

import itertools
import json
import signal
import threading

import pytest
from client import CLIENT, Client, timeline, unique
from device import Device, claim_key, upload_keys
from homeserver import Beffroi, free_port
from recorder import Recorder

TRANSACTIONS = "/_matrix/app/v1/transactions/"
AS_TOKEN, HS_TOKEN = "the application service's secret", "the server's secret"

pytestmark = pytest.mark.own_server


def registration(url, name="irc", **changes):
    return {
        "id": name,
        "url": url,
        "as_token": AS_TOKEN + name,
        "hs_token": HS_TOKEN + name,
        "sender_localpart": f"{name}-bot",
        "rate_limited": False,
        "namespaces": {
            "users": [{"exclusive": True, "regex": f"@_{name}_.*:localhost"}],
            "aliases": [{"exclusive": True, "regex": f"#_{name}_.*:localhost"}],
            "rooms": [],
        },
        **changes,
    }


class Bridge:
    """A registered application service: its recorder, and clients that act with its token."""

    def __init__(self, server, recorder, registered):
        self.server, self.recorder, self.registered = server, recorder, registered
        self.bot = Client(server.base_url, registered["as_token"], f"@{registered['sender_localpart']}:localhost")

    def ghost(self, word):
        """A new user of the namespace, for whom the application service acts."""
        username = f"_{self.registered['id']}_{unique(word)}"
        body = {"type": "m.login.application_service", "username": username, "inhibit_login": True}
        return self.acting_as(self.bot.post(f"{CLIENT}/register", body=body)["user_id"])

    def acting_as(self, user_id, device_id=None):
        client = Client(self.server.base_url, self.registered["as_token"], user_id)
        client.http.params = {"user_id": user_id, **({"device_id": device_id} if device_id else {})}
        return client

    def transactions(self):
        """Accepted ones, each once: a transaction that is repeated has the same ID and the same body."""
        seen = {}
        for request in self.recorder.requests(TRANSACTIONS):
            assert request["authorization"] == f"Bearer {self.registered['hs_token']}"
            txn_id = request["path"].removeprefix(TRANSACTIONS)
            if txn_id in seen:
                assert seen[txn_id][0] == request["body"], f"transaction {txn_id} was repeated with other events"
            accepted = 200 <= request["status"] < 300 or seen.get(txn_id, (None, False))[1]
            seen[txn_id] = (request["body"], accepted)
        return [body for body, accepted in seen.values() if accepted]

    def events(self):
        return list(itertools.chain.from_iterable(body["events"] for body in self.transactions()))

    def wait_for_event(self, event_id):
        def arrived(_):
            return next((e for e in self.events() if e["event_id"] == event_id), None)

        return self.recorder.wait_for(arrived, TRANSACTIONS)


class Installation:
    """A server and the application services that are registered with it."""

    def __init__(self, directory, *changes, **settings):
        self.directory, self.bridges = directory, []
        files = []
        for number, change in enumerate(changes or ({},)):
            name = "irc" if number == 0 else f"irc{number}"
            recorder = Recorder(directory, free_port(), f"appservice-{number}").start()
            registered = registration(recorder.url, name, **change)
            files.append(directory / f"{name}.yaml")
            files[-1].write_text(json.dumps(registered))
            self.bridges.append((recorder, registered))
        self.server = Beffroi(appservice_files=[str(f) for f in files], **settings).prepare()
        self.bridges = [Bridge(self.server, *parts) for parts in self.bridges]

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.shut_down_and_check()
        for bridge in self.bridges:
            bridge.recorder.kill()


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    with Installation(tmp_path_factory.mktemp("bridge")) as installation:
        yield installation.bridges[0]


@pytest.fixture
def alice(bridge):
    return Client(bridge.server.base_url).register("alice")


def test_an_application_service_acts_as_its_own_user_and_as_those_it_registered(bridge):
    assert bridge.bot.get(f"{CLIENT}/account/whoami")["user_id"] == "@irc-bot:localhost"
    ghost = bridge.ghost("tom")
    assert ghost.get(f"{CLIENT}/account/whoami")["user_id"] == ghost.user_id
    room_id = ghost.create_room(preset="public_chat")
    bridge.bot.join(room_id)
    ghost.send_text(room_id, "hello")
    event_id = bridge.bot.send_text(room_id, "hello, tom")
    assert ghost.event(room_id, event_id)["sender"] == "@irc-bot:localhost"
    assert event_id in [e["event_id"] for e in timeline(ghost.sync(), room_id)]


def test_rooms_are_listed_on_the_network_that_is_bridged(bridge, alice):
    path, listed, public = f"{CLIENT}/directory/list/appservice/{{}}/{{}}", {"visibility": "public"}, f"{CLIENT}/publicRooms"
    bridged, plain = bridge.ghost("tom").create_room(), alice.create_room(visibility="public")

    def rooms(**body):
        return {room["room_id"] for room in alice.post(public, body=body)["chunk"]} & {bridged, plain}

    bridge.bot.put(path, "freenode", bridged, body=listed)
    assert rooms() == {plain}
    assert rooms(include_all_networks=True) == {bridged, plain}
    assert rooms(third_party_instance_id="irc|freenode") == {bridged}
    assert rooms(third_party_instance_id="irc|other") == set()
    both = {"third_party_instance_id": "irc|freenode", "include_all_networks": True}
    assert alice.post(public, body=both, expect=400)["errcode"] == "M_INVALID_PARAM"
    bridge.bot.put(path, "freenode", bridged, body={"visibility": "private"})
    assert rooms(third_party_instance_id="irc|freenode") == set()
    assert alice.put(path, "freenode", bridged, body=listed, expect=403)["errcode"] == "M_FORBIDDEN"
    bridge.bot.put(path, "freenode", bridged, body={"visibility": "x"}, expect=400)
    bridge.bot.put(path, "freenode", "!nowhere:localhost", body=listed, expect=404)


def test_it_acts_for_nobody_else(bridge, alice):
    bridge.acting_as(alice.user_id).get(f"{CLIENT}/account/whoami", expect=403)
    bridge.acting_as("@_irc_unregistered:localhost").get(f"{CLIENT}/account/whoami", expect=403)
    bridge.acting_as("@_irc_x:elsewhere.example").get(f"{CLIENT}/account/whoami", expect=403)
    # For everybody else the parameter means nothing.
    other = Client(bridge.server.base_url, alice.token)
    other.http.params = {"user_id": "@_irc_x:localhost"}
    assert other.get(f"{CLIENT}/account/whoami")["user_id"] == alice.user_id


def test_it_acts_as_a_device_that_exists(bridge):
    ghost = bridge.ghost("tom")
    answer = bridge.acting_as(ghost.user_id, "PHONE").get(f"{CLIENT}/account/whoami", expect=400)
    assert answer["errcode"] == "M_UNKNOWN_DEVICE"
    ghost.put(f"{CLIENT}/devices/{{}}", "PHONE", body={"display_name": "Bridge"}, expect=201)
    ghost.put(f"{CLIENT}/devices/{{}}", "PHONE", body={"display_name": "Bridge 2"})
    phone = bridge.acting_as(ghost.user_id, "PHONE")
    assert phone.get(f"{CLIENT}/account/whoami")["device_id"] == "PHONE"
    assert [d["display_name"] for d in ghost.get(f"{CLIENT}/devices")["devices"]] == ["Bridge 2"]
    old_name = Client(bridge.server.base_url, phone.token)
    old_name.http.params = {"user_id": ghost.user_id, "org.matrix.msc3202.device_id": "PHONE"}
    assert old_name.get(f"{CLIENT}/account/whoami")["device_id"] == "PHONE"
    phone.delete(f"{CLIENT}/devices/{{}}", "PHONE")
    assert ghost.get(f"{CLIENT}/devices")["devices"] == []


def test_nobody_else_takes_its_names(bridge, alice):
    anonymous = Client(bridge.server.base_url)
    for username in ("irc-bot", "IRC-bot"):
        answer = anonymous.post(f"{CLIENT}/register", body={"username": username, "password": "x" * 12}, expect=400)
        assert answer["errcode"] == "M_EXCLUSIVE"
    query = {"username": "irc-bot"}
    assert anonymous.get(f"{CLIENT}/register/available", query=query, expect=400)["errcode"] == "M_EXCLUSIVE"
    room_id = alice.create_room()
    path = f"{CLIENT}/directory/room/{{}}"
    answer = alice.put(path, "#_irc_x:localhost", body={"room_id": room_id}, expect=400)
    assert answer["errcode"] == "M_EXCLUSIVE"
    assert alice.post(f"{CLIENT}/createRoom", body={"room_alias_name": "_irc_y"}, expect=400)["errcode"] == "M_EXCLUSIVE"
    ghost = bridge.ghost("tom")
    assert ghost.create_room(room_alias_name="_irc_y")


def test_it_registers_and_logs_in_only_its_own_users(bridge, alice):
    kind = {"type": "m.login.application_service"}
    body = {**kind, "username": "somebody"}
    assert bridge.bot.post(f"{CLIENT}/register", body=body, expect=400)["errcode"] == "M_EXCLUSIVE"
    body = {**kind, "username": "_irc_x"}
    assert Client(bridge.server.base_url).post(f"{CLIENT}/register", body=body, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    assert alice.post(f"{CLIENT}/register", body=body, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    answer = bridge.bot.post(f"{CLIENT}/register", body=body)
    assert bridge.bot.signed_in(answer).get(f"{CLIENT}/account/whoami")["device_id"] == answer["device_id"]
    assert bridge.bot.post(f"{CLIENT}/register", body=body, expect=400)["errcode"] == "M_USER_IN_USE"

    body = {**kind, "identifier": {"type": "m.id.user", "user": "_irc_x"}}
    device = bridge.bot.signed_in(bridge.bot.post(f"{CLIENT}/login", body=body))
    assert device.get(f"{CLIENT}/account/whoami")["user_id"] == "@_irc_x:localhost"
    body["identifier"]["user"] = alice.user_id
    assert bridge.bot.post(f"{CLIENT}/login", body=body, expect=400)["errcode"] == "M_EXCLUSIVE"
    # A client that logs in again sends its old token along.
    stale = Client(bridge.server.base_url, "an old token").login(alice.user_id)
    assert stale.get(f"{CLIENT}/account/whoami")["user_id"] == alice.user_id


def test_it_registers_a_user_as_that_user(bridge):
    """As matrix-bot-sdk does."""
    username = f"_irc_{unique('tom')}"
    ghost = bridge.acting_as(f"@{username}:localhost")
    body = {"type": "m.login.application_service", "username": username, "inhibit_login": True}
    assert ghost.post(f"{CLIENT}/register", body=body)["user_id"] == ghost.user_id
    assert ghost.get(f"{CLIENT}/account/whoami")["user_id"] == ghost.user_id


def test_events_of_its_users_rooms_arrive_in_order_each_once(bridge, alice):
    ghost = bridge.ghost("tom")
    elsewhere = alice.create_room()
    unheard = alice.send_text(elsewhere, "nobody's business")
    room_id = alice.create_room(invite=[ghost.user_id])
    ghost.join(room_id)
    sent = [alice.send_text(room_id, f"message {i}") for i in range(150)]
    bridge.wait_for_event(sent[-1])
    events = bridge.events()
    ids = [e["event_id"] for e in events]
    assert [i for i in ids if i in set(sent)] == sent
    assert len(ids) == len(set(ids)) and unheard not in ids
    assert elsewhere not in {e["room_id"] for e in events}
    invite = next(e for e in events if e["type"] == "m.room.member" and e["state_key"] == ghost.user_id)
    assert invite["content"]["membership"] == "invite" and invite["sender"] == alice.user_id


def test_what_was_before_a_user_came_and_after_it_left_is_not_sent(bridge, alice):
    ghost = bridge.ghost("tom")
    room_id = alice.create_room(preset="public_chat")
    before = alice.send_text(room_id, "before")
    ghost.join(room_id)
    during = alice.send_text(room_id, "during")
    ghost.leave(room_id)
    after = alice.send_text(room_id, "after")
    other = alice.create_room(invite=[bridge.ghost("end").user_id])
    bridge.wait_for_event(alice.send_text(other, "the end"))
    ids = [e["event_id"] for e in bridge.events()]
    assert during in ids and before not in ids and after not in ids
    leave = [e for e in bridge.events() if e.get("state_key") == ghost.user_id and e["room_id"] == room_id]
    assert [e["content"]["membership"] for e in leave] == ["join", "leave"]


def test_rooms_of_its_aliases_concern_it(tmp_path):
    namespaces = {"aliases": [{"exclusive": False, "regex": "#press.*"}]}
    with Installation(tmp_path, {"namespaces": namespaces}) as installation:
        check_rooms_of_aliases(installation.bridges[0])


def check_rooms_of_aliases(bridge):
    alice = Client(bridge.server.base_url).register("alice")
    room_id = alice.create_room()
    unheard = alice.send_text(room_id, "no alias yet")
    last = alice.create_room(room_alias_name="press-room")
    bridge.wait_for_event(alice.send_text(last, "heard"))
    alice.put(f"{CLIENT}/directory/room/{{}}", "#press:localhost", body={"room_id": room_id})
    bridge.wait_for_event(alice.send_text(room_id, "an alias by now"))
    assert unheard not in [e["event_id"] for e in bridge.events()]


def test_a_failed_transaction_is_repeated_and_nothing_is_lost(bridge, alice):
    ghost = bridge.ghost("tom")
    room_id = alice.create_room(invite=[ghost.user_id])
    bridge.wait_for_event(alice.send_text(room_id, "first"))
    bridge.recorder.answer(TRANSACTIONS, status=500, times=2)
    sent = [alice.send_text(room_id, f"message {i}") for i in range(10)]
    bridge.wait_for_event(sent[-1])
    assert [e["event_id"] for e in bridge.events() if e["event_id"] in set(sent)] == sent


def test_one_that_does_not_answer_holds_up_no_other(tmp_path):
    with Installation(tmp_path, {}, {}) as installation:
        check_the_slow_and_the_quick(*installation.bridges)


def check_the_slow_and_the_quick(slow, quick):
    alice = Client(slow.server.base_url).register("alice")
    slow.recorder.answer(TRANSACTIONS, delay_ms=30000)
    room_id = alice.create_room(invite=[slow.ghost("a").user_id, quick.ghost("b").user_id])
    for i in range(5):
        quick.wait_for_event(alice.send_text(room_id, f"message {i}"))
    assert slow.transactions() == []


def test_nothing_is_lost_when_the_server_is_killed(bridge, alice):
    ghost = bridge.ghost("tom")
    room_id = alice.create_room(invite=[ghost.user_id])
    sent = []
    for burst in range(5):
        for i in range(20):
            sent.append(alice.send_text(room_id, f"burst {burst}, message {i}"))
        bridge.server.kill()
        bridge.server.start()
    sent.append(alice.send_text(room_id, "the end"))
    bridge.wait_for_event(sent[-1])
    assert [e["event_id"] for e in bridge.events() if e["event_id"] in set(sent)] == sent


def test_nothing_is_lost_when_the_application_service_is_killed(bridge, alice):
    ghost = bridge.ghost("tom")
    room_id = alice.create_room(invite=[ghost.user_id])
    sent = []
    stop = threading.Event()

    def talk():
        while not stop.is_set():
            sent.append(alice.send_text(room_id, f"message {len(sent)}"))

    talker = threading.Thread(target=talk)
    talker.start()
    for _ in range(5):
        bridge.wait_for_event(alice.send_text(room_id, "go on"))
        bridge.recorder.kill()
        bridge.recorder.start()
    stop.set()
    talker.join()
    bridge.wait_for_event(sent[-1])
    heard = [e["event_id"] for e in bridge.events()]
    assert [i for i in heard if i in set(sent)] == sent


def test_it_says_when_something_was_sent(bridge, alice):
    ghost = bridge.ghost("tom")
    room_id = ghost.create_room()
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    content = {"msgtype": "m.text", "body": "long ago"}
    event_id = ghost.put(path, room_id, "1", body=content, query={"ts": 1234567})["event_id"]
    assert ghost.event(room_id, event_id)["origin_server_ts"] == 1234567
    path = f"{CLIENT}/rooms/{{}}/state/m.room.topic/"
    event_id = ghost.put(path, room_id, body={"topic": "old"}, query={"ts": 7654321})["event_id"]
    assert ghost.event(room_id, event_id)["origin_server_ts"] == 7654321
    for ts in ("-1", "9007199254740992", "now"):
        assert ghost.put(path, room_id, body={"topic": ts}, query={"ts": ts}, expect=400)["errcode"] == "M_INVALID_PARAM"
    room_id = alice.create_room()
    event_id = alice.put(f"{CLIENT}/rooms/{{}}/state/m.room.topic/", room_id, body={"topic": "t"}, query={"ts": 5})["event_id"]
    assert alice.event(room_id, event_id)["origin_server_ts"] > 10**12


def test_a_registration_that_can_not_be_used_stops_the_start(tmp_path):
    path = tmp_path / "bad.yaml"
    for change, complaint in [
        ({"namespaces": {"users": [{"exclusive": True, "regex": "@_irc_(:localhost"}]}}, "regular expression"),
        ({"as_token": None}, "as_token"),
        ({"url": "gopher://x"}, "http://"),
    ]:
        path.write_text(json.dumps({**registration("http://127.0.0.1:1"), **change}))
        server = Beffroi(appservice_files=[str(path)]).prepare()
        try:
            with pytest.raises(RuntimeError, match=complaint):
                server.start()
        finally:
            server.remove()


def test_it_is_pinged_and_what_failed_is_tried_again(bridge, alice):
    path = "/_matrix/client/v1/appservice/{}/ping"
    answer = bridge.bot.post(path, "irc", body={"transaction_id": "meow"})
    assert answer["duration_ms"] >= 0
    assert bridge.recorder.requests("/_matrix/app/v1/ping")[-1]["body"] == {"transaction_id": "meow"}
    bridge.recorder.answer("/_matrix/app/v1/ping", status=403, body={"errcode": "M_FORBIDDEN"}, times=1)
    answer = bridge.bot.post(path, "irc", expect=502)
    assert (answer["errcode"], answer["status"]) == ("M_BAD_STATUS", 403)
    assert json.loads(answer["body"]) == {"errcode": "M_FORBIDDEN"}
    assert bridge.bot.post(path, "another", expect=403)["errcode"] == "M_FORBIDDEN"
    assert alice.post(path, "irc", expect=403)["errcode"] == "M_FORBIDDEN"
    bridge.recorder.kill()
    assert bridge.bot.post(path, "irc", expect=502)["errcode"] == "M_CONNECTION_FAILED"
    bridge.recorder.start()


def test_it_makes_users_and_rooms_when_somebody_asks_for_them(bridge, alice):
    bridge.recorder.answer("/_matrix/app/v1/users/", status=404, body={"errcode": "M_NOT_FOUND"})
    bridge.recorder.answer("/_matrix/app/v1/rooms/", status=404, body={"errcode": "M_NOT_FOUND"})
    alice.get(f"{CLIENT}/profile/{{}}", "@_irc_nobody:localhost", expect=404)
    alice.get(f"{CLIENT}/directory/room/{{}}", "#_irc_nothing:localhost", expect=404)
    alice.get(f"{CLIENT}/directory/room/{{}}", "#other:localhost", expect=404)
    asked = [r["path"] for r in bridge.recorder.requests("/_matrix/app/v1/") if "transactions" not in r["path"]]
    assert "/_matrix/app/v1/users/%40_irc_nobody%3Alocalhost" in asked
    assert "/_matrix/app/v1/rooms/%23_irc_nothing%3Alocalhost" in asked
    assert not [path for path in asked if "other" in path]
    # The old paths are tried when the new ones are not known.
    assert bridge.recorder.requests("/users/") and bridge.recorder.requests("/rooms/")

    bridge.recorder.answer("/_matrix/app/v1/users/", status=200)
    room_id = alice.create_room()
    alice.invite(room_id, "@_irc_late:localhost")
    assert "/_matrix/app/v1/users/%40_irc_late%3Alocalhost" in [r["path"] for r in bridge.recorder.requests()]


def test_networks_are_looked_up(tmp_path):
    with Installation(tmp_path, {"protocols": ["irc"]}, {"protocols": ["irc"]}) as installation:
        check_networks(*installation.bridges)


def check_networks(first, second):
    alice = Client(first.server.base_url).register("alice")
    path = "/_matrix/app/v1/thirdparty/"
    protocol = {"user_fields": ["nick"], "location_fields": [], "icon": "mxc://x/y", "field_types": {}}
    first.recorder.answer(path + "protocol/irc", body={**protocol, "instances": [{"desc": "one"}]})
    second.recorder.answer(path + "protocol/irc", body={**protocol, "instances": [{"desc": "two"}]})
    irc = alice.get(f"{CLIENT}/thirdparty/protocols")["irc"]
    assert [i["desc"] for i in irc["instances"]] == ["one", "two"] and irc["user_fields"] == ["nick"]
    assert alice.get(f"{CLIENT}/thirdparty/protocol/irc") == irc
    alice.get(f"{CLIENT}/thirdparty/protocol/icq", expect=404)
    user = {"userid": "@_irc_tom:localhost", "protocol": "irc", "fields": {"nick": "tom"}}
    first.recorder.answer(path + "user", body=[user])
    second.recorder.answer(path + "user", status=500)
    query = {"nick": "tom & jerry", "access_token": "secret"}
    assert alice.get(f"{CLIENT}/thirdparty/user/irc", query=query) == [user]
    asked = first.recorder.requests(path + "user/irc")[-1]
    assert asked["query"] in ("nick=tom+%26+jerry", "nick=tom%20%26%20jerry")
    assert alice.get(f"{CLIENT}/thirdparty/user", query={"userid": user["userid"]}) == [user]
    assert alice.get(f"{CLIENT}/thirdparty/location/irc") == []


def test_receipts_and_messages_to_devices_arrive_where_they_are_wanted(tmp_path):
    with Installation(tmp_path, {"receive_ephemeral": True}, {}) as installation:
        check_ephemeral(*installation.bridges)


def check_ephemeral(listener, other):
    alice = Client(listener.server.base_url).register("alice")
    ghost = listener.ghost("tom")
    room_id = alice.create_room(invite=[ghost.user_id, other.ghost("x").user_id])
    ghost.join(room_id)
    event_id = ghost.send_text(room_id, "read me")
    alice.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room_id, event_id)

    def receipts(_):
        return [e for body in listener.transactions() for e in body.get("ephemeral", [])]

    told = listener.recorder.wait_for(receipts, TRANSACTIONS)[0]
    assert (told["type"], told["room_id"]) == ("m.receipt", room_id)
    assert list(told["content"][event_id]["m.read"]) == [alice.user_id]

    ghost.put(f"{CLIENT}/devices/{{}}", "PHONE", expect=201)
    messages = {ghost.user_id: {"PHONE": {"secret": "ü"}}}
    alice.put(f"{CLIENT}/sendToDevice/m.room_key/{{}}", "1", body={"messages": messages})

    def to_device(_):
        return [m for body in listener.transactions() for m in body.get("to_device", [])]

    assert listener.recorder.wait_for(to_device, TRANSACTIONS) == [
        {
            "type": "m.room_key",
            "sender": alice.user_id,
            "to_user_id": ghost.user_id,
            "to_device_id": "PHONE",
            "content": {"secret": "ü"},
        }
    ]
    assert all("ephemeral" not in body and "to_device" not in body for body in other.transactions())

    def ephemeral(kind):
        def arrived(_):
            events = [e for body in listener.transactions() for e in body.get("ephemeral", [])]
            return [e for e in events if e["type"] == kind]

        return listener.recorder.wait_for(arrived, TRANSACTIONS)[-1]

    typing = f"{CLIENT}/rooms/{{}}/typing/{{}}"
    alice.put(typing, room_id, alice.user_id, body={"typing": True, "timeout": 60000})
    content = {"user_ids": [alice.user_id]}
    assert ephemeral("m.typing") == {"type": "m.typing", "room_id": room_id, "content": content}
    presence = {"presence": "online", "status_msg": "at work"}
    alice.put(f"{CLIENT}/presence/{{}}/status", alice.user_id, body=presence)
    listener.recorder.wait_for(lambda _: ephemeral("m.presence")["content"].get("status_msg") == "at work")
    assert ephemeral("m.presence")["sender"] == alice.user_id


def test_bridges_with_encryption_hear_of_keys(tmp_path):
    """MSC3202, with devices that the bridge made by itself (MSC4190)."""
    with Installation(tmp_path, {"org.matrix.msc3202": True}, {"receive_ephemeral": True}) as installation:
        check_encryption(*installation.bridges)


def check_encryption(bridge, other):
    alice = Client(bridge.server.base_url).register("alice")
    stranger = Client(bridge.server.base_url).register("stranger")
    ghost = bridge.ghost("tom")
    ghost.put(f"{CLIENT}/devices/{{}}", "PHONE", expect=201)
    phone = bridge.acting_as(ghost.user_id, "PHONE")
    ghost.join(alice.create_room(invite=[ghost.user_id, other.ghost("x").user_id]))

    def told(member):
        return [b["org.matrix.msc3202." + member] for b in bridge.transactions() if "org.matrix.msc3202." + member in b]

    def wait_for(member, accept):
        def arrived(_):
            return next((value for value in told(member) if accept(value)), None)

        return bridge.recorder.wait_for(arrived, TRANSACTIONS)

    phone.device_id = "PHONE"
    Device(stranger).upload(stranger)
    device = Device(phone)
    device.upload(phone, one_time_keys=5)
    upload_keys(phone, fallback_keys=device.fallback_key())
    counts = wait_for("device_one_time_keys_count", lambda c: c[ghost.user_id]["PHONE"]["signed_curve25519"] == 5)
    assert list(counts) == [ghost.user_id]
    unused = wait_for("device_unused_fallback_key_types", lambda c: c[ghost.user_id]["PHONE"])
    assert unused[ghost.user_id]["PHONE"] == ["signed_curve25519"]
    Device(alice).upload(alice)
    wait_for("device_lists", lambda lists: alice.user_id in lists["changed"])
    assert claim_key(alice, ghost.user_id, "PHONE")
    wait_for("device_one_time_keys_count", lambda c: c[ghost.user_id]["PHONE"]["signed_curve25519"] == 4)
    bob = Client(bridge.server.base_url).register("bob")
    shared = [alice.create_room(invite=[ghost.user_id, bob.user_id]) for _ in range(2)]
    for room_id in shared:
        bob.join(room_id)
        ghost.join(room_id)
    bob.leave(shared[0])
    ghost.leave(shared[1])
    wait_for("device_lists", lambda lists: lists["left"] == [bob.user_id])
    assert not any(alice.user_id in lists["left"] for lists in told("device_lists"))
    assert not any(stranger.user_id in lists["changed"] for lists in told("device_lists"))
    assert not any(name.startswith("org.matrix.msc3202") for body in other.transactions() for name in body)


def test_new_ones_count_after_a_reload(tmp_path):
    with Installation(tmp_path) as installation:
        check_reload(installation)


def check_reload(installation):
    bridge = installation.bridges[0]
    path = installation.directory / "irc.yaml"
    changed = {**bridge.registered, "as_token": "a new secret"}
    path.write_text(json.dumps(changed))
    bridge.server.process.send_signal(signal.SIGHUP)
    bot = Client(bridge.server.base_url, "a new secret")

    def is_known(_):
        return bot.raw("GET", f"{CLIENT}/account/whoami").status_code == 200

    bridge.recorder.wait_for(is_known)
    bridge.bot.get(f"{CLIENT}/account/whoami", expect=401)
