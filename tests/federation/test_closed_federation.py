"""A closed federation: who is not on the list is neither heard nor called, and nobody is called who was not named."""

import json

import pytest
from check_routes import ROUTES, routed_endpoints
from client import CLIENT, PASSWORD, Client, event_ids, quote
from conftest import federating_server
from homeserver import running
from internet import Internet
from peer import Peer
from sources import without_comments


@pytest.fixture(scope="module")
def friend(authority):
    friend = Peer(authority)
    yield friend
    friend.close()


@pytest.fixture
def stranger(authority):
    """With `knocks`: who connected to it."""
    stranger = Peer(authority)
    stranger.knocks = []
    stranger.http_server.verify_request = lambda *who: stranger.knocks.append(who) or True
    yield stranger
    stranger.close()


@pytest.fixture(scope="module")
def closed(authority, friend):
    with running(federating_server(authority, federation={"allow": [friend.name]})) as server:
        yield server


@pytest.fixture(scope="module")
def user(closed):
    return Client(closed.base_url).register("alice")


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────────


def federation_endpoints():
    rows = routed_endpoints(without_comments(ROUTES.read_text(encoding="utf-8")))
    return [name for name, row in rows if row["access"] == "SERVER"]


@pytest.mark.parametrize("endpoint", federation_endpoints())
def test_f_25_a_server_that_is_not_on_the_list_is_refused_everywhere(closed, stranger, endpoint):
    method, path = endpoint.split(" ")
    path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
    answer = stranger.request(closed, method, path, None if method == "GET" else {}, expect=403)
    assert answer.json()["errcode"] == "M_FORBIDDEN"
    assert not stranger.knocks, "not even for its keys"


def calls_for(name, room_id):
    """What a client may ask that could make its server call the one of this name."""
    user_id, alias = f"@mallory:{name}", quote(f"#room:{name}")
    yield "GET", f"{CLIENT}/profile/{quote(user_id)}", None
    yield "POST", f"{CLIENT}/keys/query", {"device_keys": {user_id: []}}
    yield "POST", f"{CLIENT}/keys/claim", {"one_time_keys": {user_id: {"DEVICE": "signed_curve25519"}}}
    yield "PUT", f"{CLIENT}/sendToDevice/m.test/1", {"messages": {user_id: {"*": {"body": "hello"}}}}
    yield "GET", f"{CLIENT}/directory/room/{alias}", None
    yield "GET", f"{CLIENT}/publicRooms?server={quote(name)}", None
    yield "POST", f"{CLIENT}/publicRooms?server={quote(name)}", {}
    yield "POST", f"{CLIENT}/join/{quote('!room:' + name)}?via={quote(name)}", {}
    yield "POST", f"{CLIENT}/join/{alias}", {}
    yield "POST", f"{CLIENT}/knock/{quote('!room:' + name)}?via={quote(name)}", {}
    yield "POST", f"{CLIENT}/rooms/{quote(room_id)}/invite", {"user_id": user_id}
    yield "GET", f"/_matrix/client/v1/room_summary/{quote('!room:' + name)}?via={quote(name)}", None
    yield "GET", f"/_matrix/client/v1/rooms/{quote('!room:' + name)}/hierarchy", None
    yield "GET", f"/_matrix/client/v1/media/download/{quote(name)}/picture", None
    yield "GET", f"/_matrix/client/v1/media/thumbnail/{quote(name)}/picture?width=64&height=64", None
    yield "POST", "/_matrix/key/v2/query", {"server_keys": {name: {}}}


def test_f_25_a_server_that_is_not_on_the_list_is_not_called_whatever_clients_ask(user, stranger):
    room_id = user.create_room()
    for method, path, body in calls_for(stranger.name, room_id):
        content = None if body is None else json.dumps(body)
        answer = user.raw(method, path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500 or answer.status_code in (502, 504), f"{path}: {answer.text}"
        assert not stranger.knocks, path


def test_who_is_on_the_list_is_called(user, friend):
    answer = user.raw("GET", f"{CLIENT}/profile/{quote(friend.user('somebody'))}")
    assert answer.status_code == 404
    assert any("query/profile" in target for _, target in friend.requests)


def deny(server, names):
    server.settings["federation"]["deny"] = names
    server.prepare()
    server.reload()


def test_events_of_a_denied_server_are_dropped_when_another_passes_them_on(authority, friend, stranger):
    with running(federating_server(authority)) as server:
        alice = Client(server.base_url).register("alice")
        room_id = alice.create_room(preset="public_chat", room_version="11")
        theirs = stranger.join(server, room_id, "mallory")
        room = friend.join(server, room_id, "honest")
        alice.sync()

        def said_by_both(text):
            theirs.extremities, theirs.depth = room.extremities, room.depth
            foreign = theirs.event("m.room.message", {"body": text})
            own = room.event("m.room.message", {"body": f"{text}, says the friend"})
            friend.send(server, [foreign, own])
            alice.sync_until(lambda answer: room.id_of(own) in event_ids(answer, room_id))
            known = {event["event_id"] for event in alice.all_messages(room_id)}
            return theirs.id_of(foreign) in known

        assert said_by_both("while it may")
        deny(server, [stranger.name])
        assert not said_by_both("when it may not")


# ── Nobody else ─────────────────────────────────────────────────────────────────────────────────────


def ordinary_day(server):
    """What people do who name nobody elsewhere."""
    alice, bruno = (Client(server.base_url).register(name) for name in ("alice", "bruno"))
    alice.login(alice.user_id, PASSWORD)
    room_id = alice.create_room(preset="private_chat", name="Ours", room_alias_name="ours", invite=[bruno.user_id])
    bruno.join(room_id)
    uploaded = alice.call("POST", "/_matrix/media/v3/upload", body={}, query={"filename": "x.json"})["content_uri"]
    alice.put(f"{CLIENT}/profile/{{}}/avatar_url", alice.user_id, body={"avatar_url": uploaded})
    alice.send(room_id, "m.room.message", {"msgtype": "m.text", "body": "see https://nobody.test/page"})
    alice.send(room_id, "m.room.message", {"msgtype": "m.image", "body": "picture", "url": uploaded})
    alice.raw("GET", "/_matrix/client/v1/media/preview_url?url=https://nobody.test/page")
    alice.get("/_matrix/client/v1/media/download/{}/{}", *uploaded.removeprefix("mxc://").rsplit("/", 1))
    alice.put(f"{CLIENT}/presence/{{}}/status", alice.user_id, body={"presence": "online"})
    alice.post(f"{CLIENT}/user_directory/search", body={"search_term": "bruno"})
    alice.post(f"{CLIENT}/publicRooms", body={})
    alice.post(f"{CLIENT}/search", body={"search_categories": {"room_events": {"search_term": "picture"}}})
    alice.post(f"{CLIENT}/rooms/{{}}/upgrade", room_id, body={"new_version": "12"})
    bruno.sync()


def test_nobody_is_called_whom_nobody_named(authority):
    with Internet(authority) as net:
        server = net.start_server()
        ordinary_day(server)
        assert net.name_server.asked == [], "no default notary, identity server, statistics or search for updates"
        Client(server.base_url).register("carol").raw("GET", f"{CLIENT}/profile/@somebody:named.test")
        assert any(name.endswith("named.test") for name, _ in net.name_server.asked)
        server.shut_down_and_check()
