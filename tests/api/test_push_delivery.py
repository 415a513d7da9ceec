"""Notifications reach push gateways (push_notifier.yaml): a real gateway process records them."""

import collections
import time

import pytest
from client import CLIENT, Client, unique, wait_until
from homeserver import Beffroi, free_port, running
from invariants import connect
from recorder import Recorder, make_certificate

NOTIFY = "/_matrix/push/v1/notify"
MSC3881 = "org.matrix.msc3881.enabled"

pytestmark = pytest.mark.own_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(certificate):
    outgoing = {"ca_file": str(certificate), "allow_private_push_gateways": True}
    server = Beffroi(outgoing=outgoing).prepare()
    with running(server):
        yield server


@pytest.fixture
def new_gateway(tmp_path, certificate):
    gateways = []

    def make():
        gateways.append(Recorder(tmp_path, free_port(), f"gateway-{len(gateways)}", certificate).start())
        return gateways[-1]

    yield make
    for gateway in gateways:
        gateway.kill()


@pytest.fixture
def gateway(new_gateway):
    return new_gateway()


@pytest.fixture
def alice(server):
    return Client(server.base_url).register("alice")


@pytest.fixture
def bob(server, gateway):
    """Has a pusher at the gateway."""
    bob = Client(server.base_url).register("bob")
    set_pusher(bob, gateway)
    return bob


@pytest.fixture
def room(alice, bob):
    """A group, so that a plain message makes no sound."""
    return group_of(alice, bob, Client(alice.base_url).register("carol"))


def group_of(host, *guests):
    room_id = host.create_room(preset="private_chat", invite=[guest.user_id for guest in guests], name="Bureau 12")
    for guest in guests:
        guest.join(room_id)
    return room_id


def set_pusher(client, gateway, format="event_id_only", **changes):
    data = {"url": gateway.url + NOTIFY, "brand": "x", **({"format": format} if format else {})}
    body = {
        "kind": "http",
        "app_id": "org.example.app",
        "pushkey": f"key of {client.user_id}",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "lang": "en",
        "data": data,
        **changes,
    }
    client.post(f"{CLIENT}/pushers/set", body=body)


def notifications(gateway):
    """Accepted ones."""
    return [r["body"]["notification"] for r in gateway.requests(NOTIFY) if r["status"] == 200]


def event_ids(gateway):
    return [n["event_id"] for n in notifications(gateway) if "event_id" in n]


def wait_for_event(gateway, event_id):
    def arrived(_):
        return next((n for n in notifications(gateway) if n.get("event_id") == event_id), None)

    return gateway.wait_for(arrived)


def read(client, room_id, event_id):
    client.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room_id, event_id)


def test_every_message_is_pushed_once_and_in_order(alice, bob, room, gateway):
    sent = [alice.send_text(room, f"message {i}") for i in range(30)]
    last = wait_for_event(gateway, sent[-1])
    assert [i for i in event_ids(gateway) if i in set(sent)] == sent
    assert len(event_ids(gateway)) == len(set(event_ids(gateway)))
    device = last["devices"][0]
    assert 0 <= time.time() - device.pop("pushkey_ts") < 600
    expected = {
        "app_id": "org.example.app",
        "pushkey": f"key of {bob.user_id}",
        "data": {"brand": "x", "format": "event_id_only"},
    }
    assert last == {
        "event_id": sent[-1],
        "room_id": room,
        "prio": "low",
        "counts": {"unread": 1},
        "devices": [expected],
    }


def test_the_full_form_tells_what_happened(alice, bob, room, gateway):
    alice.put(f"{CLIENT}/profile/{{}}/displayname", alice.user_id, body={"displayname": "Alice B."})
    set_pusher(bob, gateway, format=None)
    content = {"msgtype": "m.text", "body": "hello bob", "m.mentions": {"user_ids": [bob.user_id]}}
    told = wait_for_event(gateway, alice.send(room, "m.room.message", content))
    assert told["content"] == content and told["type"] == "m.room.message"
    assert (told["sender"], told["sender_display_name"]) == (alice.user_id, "Alice B.")
    assert (told["room_name"], told["prio"]) == ("Bureau 12", "high")
    assert told["devices"][0]["tweaks"] == {"highlight": True, "sound": "default"}
    assert told["devices"][0]["data"] == {"brand": "x"}


def test_an_invite_is_pushed_to_whom_it_is_for(alice, bob, gateway):
    set_pusher(bob, gateway, format=None)
    room_id = alice.create_room(invite=[bob.user_id])
    told = gateway.wait_for(lambda _: [n for n in notifications(gateway) if n.get("room_id") == room_id])[0]
    assert told["type"] == "m.room.member" and told["user_is_target"] is True
    assert told["prio"] == "high"


def test_what_was_read_is_not_pushed(alice, bob, room, gateway):
    wait_for_event(gateway, alice.send_text(room, "first"))
    gateway.answer(NOTIFY, status=503)
    missed = alice.send_text(room, "read elsewhere")
    gateway.wait_for(lambda requests: [r for r in requests if r["status"] == 503], NOTIFY)
    read(bob, room, missed)
    gateway.answer(NOTIFY)
    told = wait_for_event(gateway, alice.send_text(room, "second"))
    assert told["counts"] == {"unread": 1}
    assert missed not in event_ids(gateway)


def test_the_count_falls_when_something_is_read_elsewhere(alice, bob, room, gateway):
    other = group_of(alice, bob, Client(alice.base_url).register("carol"))
    wait_for_event(gateway, alice.send_text(room, "one"))
    last = alice.send_text(other, "two")
    assert wait_for_event(gateway, last)["counts"] == {"unread": 2}
    read(bob, other, last)
    told = gateway.wait_for(lambda _: [n for n in notifications(gateway) if "event_id" not in n])
    assert [n["counts"] for n in told] == [{"unread": 1}]


def test_own_rules_decide_and_own_messages_are_not_pushed(alice, bob, room, gateway):
    path = f"{CLIENT}/pushrules/global/{{}}/{{}}"
    bob.put(path, "content", "cake", body={"pattern": "cake", "actions": ["notify", {"set_tweak": "sound", "value": "bell"}]})
    bob.put(path, "room", room, body={"actions": []})
    silent = alice.send_text(room, "nothing that matters")
    own = bob.send_text(room, "cake?")
    set_pusher(bob, gateway, format=None)
    told = wait_for_event(gateway, alice.send_text(room, "there is cake"))
    assert told["devices"][0]["tweaks"] == {"sound": "bell"} and told["prio"] == "high"
    assert not {silent, own} & set(event_ids(gateway))


def test_a_rejected_key_ends_its_pusher(alice, bob, room, gateway):
    gateway.answer(NOTIFY, body={"rejected": [f"key of {bob.user_id}"]})
    alice.send_text(room, "anybody there?")
    bob_has_none = lambda _: bob.get(f"{CLIENT}/pushers")["pushers"] == []  # noqa: E731
    gateway.wait_for(bob_has_none)
    gateway.answer(NOTIFY, body={"rejected": ["another key"]})
    set_pusher(bob, gateway)
    wait_for_event(gateway, alice.send_text(room, "and now?"))
    assert len(bob.get(f"{CLIENT}/pushers")["pushers"]) == 1


def test_a_pusher_that_is_switched_off_is_silent(alice, bob, room, gateway):
    set_pusher(bob, gateway, **{MSC3881: False})
    pusher = bob.get(f"{CLIENT}/pushers")["pushers"][0]
    assert pusher[MSC3881] is False and pusher["org.matrix.msc3881.device_id"] == bob.device_id
    silent = alice.send_text(room, "not now")
    set_pusher(bob, gateway, **{MSC3881: True})
    wait_for_event(gateway, alice.send_text(room, "now"))
    assert silent not in event_ids(gateway)


def test_a_gateway_that_does_not_answer_holds_up_no_other(server, alice, bob, room, gateway, new_gateway):
    slow = new_gateway()
    slow.answer(NOTIFY, delay_ms=60000)
    others = [Client(server.base_url).register("dave") for _ in range(3)]
    for other in others:
        set_pusher(other, slow)
    crowd = group_of(alice, bob, *others)
    for i in range(5):
        started = time.monotonic()
        wait_for_event(gateway, alice.send_text(crowd, f"message {i}"))
        assert time.monotonic() - started < 10


def wait_until_noted(server, user):
    """The second failure in a row of the user's pusher: the gateway sees it before the server has noted it."""
    noted = "SELECT FROM pushers JOIN users USING (user_nid) WHERE user_id = %s AND next_try_ts - failing_since_ts >= 1900"
    with connect(server) as database:
        database.autocommit = True
        wait_until(lambda: database.execute(noted, [user.user_id]).fetchone() is not None)


def test_failed_notifications_are_repeated_ever_more_rarely(server, alice, bob, room, gateway):
    gateway.answer(NOTIFY, status=500, times=3)
    event_id = alice.send_text(room, "try again")

    def failures(count):
        gateway.wait_for(lambda requests: len([r for r in requests if r["status"] == 500]) >= count, NOTIFY)

    failures(2)
    wait_until_noted(server, bob)
    server.kill()
    server.start()
    wait_for_event(gateway, event_id)
    times = [r["time"] for r in gateway.requests(NOTIFY) if r["body"]["notification"].get("event_id") == event_id]
    pauses = [after - before for before, after in zip(times, times[1:])]
    assert pauses[0] > 0.9 and pauses[1] > 0.9 and pauses[2] > 1.8


def test_nothing_is_lost_over_kills_of_the_server(full, server, alice, bob, room, gateway):
    kills = 20 if full else 4
    sent, lost = [], 0
    for kill in range(kills):
        for i in range(10):
            sent.append(alice.send_text(room, f"kill {kill}, message {i}"))
        server.kill()
        server.start()
    wait_for_event(gateway, alice.send_text(room, "the end"))
    times = collections.Counter(event_ids(gateway))
    assert [i for i in sent if times[i] == 0] == []
    # A pusher has one request under way: what was accepted and not yet noted when the server was killed
    # comes once more, with the same event ID.
    assert sum(times[i] - 1 for i in sent) <= kills
    first_times = list(dict.fromkeys(event_ids(gateway)))
    assert [i for i in first_times if i in set(sent)] == sent
