"""Who may do what: every route of the client API, by everybody whom it could concern.

The routes come from homeserver/server/routes.c. What depends on the caller's account (no token, a bad one, guest,
locked, suspended, not an administrator) is in the routes' columns, whose agreement with the specification
tests/lint/check_routes.py checks; that the columns are obeyed is checked here. What depends on a room or on
another user stands in the tables below, and a new route without an entry there fails.
"""

import json
import pathlib
import re
import sys

import pytest
from client import CLIENT, Client, quote, unique

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

from check_routes import ROUTES, routed_endpoints  # noqa: E402
from sources import without_comments  # noqa: E402

ADMIN = "/_matrix/client/v1/admin"
EVENT, STATE_TYPE = "m.room.message", "org.example.secret"

# By the route's path after /rooms/{roomId} or its whole path: what somebody who never was in the (private) room,
# who left it, and who was banned from it get. 200 where they may; for readers who were there, what was then.
READ_WHAT_WAS_THEN = (403, 200, 200)
NOBODY = (403, 403, 403)
ANYBODY = (200, 200, 200)
HIDDEN = (404, 404, 404)
ROOM_RULES = {
    "GET /event/{eventId}": (404, 200, 200),
    "GET /context/{eventId}": READ_WHAT_WAS_THEN,
    "GET /relations/{eventId}": READ_WHAT_WAS_THEN,
    "GET /relations/{eventId}/{relType}": READ_WHAT_WAS_THEN,
    "GET /relations/{eventId}/{relType}/{eventType}": READ_WHAT_WAS_THEN,
    "GET /state": READ_WHAT_WAS_THEN,
    "GET /state/{eventType}": READ_WHAT_WAS_THEN,
    "GET /state/{eventType}/{stateKey}": READ_WHAT_WAS_THEN,
    "GET /members": READ_WHAT_WAS_THEN,
    "GET /messages": READ_WHAT_WAS_THEN,
    "GET /threads": READ_WHAT_WAS_THEN,
    "GET /timestamp_to_event": READ_WHAT_WAS_THEN,
    "GET /initialSync": READ_WHAT_WAS_THEN,
    "GET /joined_members": NOBODY,
    "GET /aliases": NOBODY,
    "GET /hierarchy": NOBODY,
    "POST /receipt/{receiptType}/{eventId}": NOBODY,
    "POST /read_markers": NOBODY,
    "PUT /typing/{userId}": NOBODY,
    "POST /join": NOBODY,
    "POST /invite": NOBODY,
    "POST /leave": (403, 200, 403),  # leaving twice is leaving once
    "POST /kick": NOBODY,
    "POST /ban": NOBODY,
    "POST /unban": NOBODY,
    "POST /upgrade": NOBODY,
    "PUT /send/{eventType}/{txnId}": NOBODY,
    "PUT /state/{eventType}": NOBODY,
    "PUT /state/{eventType}/{stateKey}": NOBODY,
    "PUT /redact/{eventId}/{txnId}": NOBODY,
    "POST /report": ANYBODY,  # who was thrown out may report as well
    "POST /report/{eventId}": (404, 404, 404),
    "POST /forget": (400, 200, 200),
    f"POST {CLIENT}/join/{{roomIdOrAlias}}": NOBODY,
    f"POST {CLIENT}/knock/{{roomIdOrAlias}}": NOBODY,
    f"GET {CLIENT}/directory/list/room/{{roomId}}": ANYBODY,
    f"PUT {CLIENT}/directory/list/room/{{roomId}}": NOBODY,
    "GET /_matrix/client/v1/room_summary/{roomIdOrAlias}": HIDDEN,
    "GET /_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}": HIDDEN,
    "GET /_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary": HIDDEN,
}
# Rooms are but names here: what belongs to the user, who may name any.
ROOMS_AS_NAMES = re.compile(r"/room_keys/|/user/\{userId\}/rooms/|/directory/list/appservice/")
# Not on the shared server; tests/api/test_msc4306_thread_subscriptions.py knows its rules.
SWITCHED_OFF = re.compile(r"msc4306/")

# By method and path: what asking for somebody else gets who is no administrator.
ANOTHER_USER = {
    "GET /profile/{userId}": 200,  # profiles are public
    "GET /profile/{userId}/{keyName}": 200,
    "PUT /profile/{userId}/{keyName}": 403,
    "DELETE /profile/{userId}/{keyName}": 403,
    "POST /user/{userId}/openid/request_token": 403,
    "GET /admin/whois/{userId}": 403,
    "GET /admin/lock/{userId}": 403,
    "PUT /admin/lock/{userId}": 403,
    "GET /admin/suspend/{userId}": 403,
    "PUT /admin/suspend/{userId}": 403,
    "GET /user/{userId}/account_data/{type}": 403,
    "PUT /user/{userId}/account_data/{type}": 403,
    "DELETE /user/{userId}/account_data/{type}": 403,
    "GET /user/{userId}/rooms/{roomId}/account_data/{type}": 403,
    "PUT /user/{userId}/rooms/{roomId}/account_data/{type}": 403,
    "DELETE /user/{userId}/rooms/{roomId}/account_data/{type}": 403,
    "GET /user/{userId}/rooms/{roomId}/tags": 403,
    "PUT /user/{userId}/rooms/{roomId}/tags/{tag}": 403,
    "DELETE /user/{userId}/rooms/{roomId}/tags/{tag}": 403,
    "POST /user/{userId}/filter": 403,
    "GET /user/{userId}/filter/{filterId}": 403,
    "PUT /rooms/{roomId}/typing/{userId}": 403,
    "GET /presence/{userId}/status": 403,  # with whom one shares no room
    "PUT /presence/{userId}/status": 403,
    "POST /users/{userId}/report": 200,  # anybody may report anybody
}
UNSTABLE_PROFILE = "/_matrix/client/unstable/uk.tcpip.msc4133/"
PREFIX = re.compile(r"^/_matrix/client/(v\d|unstable/[^/]+)")

BODIES = {
    "read_markers": {"m.read": "$event"},
    "typing": {"typing": True},
    "invite": {"user_id": "@somebody:localhost"},
    "kick": {"user_id": "@somebody:localhost"},
    "ban": {"user_id": "@somebody:localhost"},
    "unban": {"user_id": "@somebody:localhost"},
    "upgrade": {"new_version": "11"},
    "report": {"reason": "bad", "score": -50},
    "status": {"presence": "online"},
    "displayname": {"displayname": "Mallory"},
    "lock": {"locked": True},
    "suspend": {"suspended": True},
    "appservice": {"visibility": "public"},
}
QUERIES = {"messages": {"dir": "b"}, "timestamp_to_event": {"dir": "f", "ts": "0"}}


class Route:
    def __init__(self, method, path, access, flags):
        self.method, self.path, self.access, self.flags = method, path, access, flags
        self.name = f"{method} {path}"

    def room_rule(self):
        after = re.sub(r"^/_matrix/client/v\d/rooms/\{roomId\}", "", self.path)
        return f"{self.method} {after}"

    def user_rule(self):
        return f"{self.method} {PREFIX.sub('', self.path)}"

    def needs_account(self):
        return self.access in ("GUEST", "USER", "ADMIN", "APPSERVICE")

    def is_for_people(self):
        return self.access in ("GUEST", "USER", "ADMIN")

    def call(self, client, values):
        parts = [part for part in self.path.split("/") if not part.startswith("{")]
        words = [*parts, values.get("keyName")] if "{keyName}" in self.path else parts
        body = next((BODIES[word] for word in reversed(words) if word in BODIES), {})
        path = re.sub(r"\{(\w+)(?:\.\.\.)?\}", lambda m: quote(values.get(m.group(1), "x")), self.path)
        query = next((QUERIES[word] for word in words if word in QUERIES), None)
        text = None if self.method in ("GET", "DELETE") else json.dumps(body).replace("$event", values["eventId"])
        answer = client.raw(self.method, path, content=text, query=query)
        try:
            return answer.status_code, answer.json().get("errcode")
        except (ValueError, AttributeError):
            return answer.status_code, None


def routes():
    for name, row in routed_endpoints(without_comments(ROUTES.read_text())):
        method, path = name.split(" ", 1)
        if re.match(r"/_matrix/(client|media)/", path):
            yield Route(method, path, row["access"], row["flags"])


ALL = list(routes())
OF_ROOMS = [
    route
    for route in ALL
    if re.search(r"\{roomId(OrAlias)?\}", route.path)
    and not ROOMS_AS_NAMES.search(route.path)
    and not SWITCHED_OFF.search(route.path)
]
OF_ROOMS.sort(key=lambda route: route.path.endswith("/forget"))  # the last: then they may not read any more
OF_USERS = [route for route in ALL if "{userId}" in route.path and not route.path.startswith(UNSTABLE_PROFILE)]


@pytest.fixture(scope="module")
def people(homeserver):
    """An administrator, a room of `owner` in which `left` and `banned` were, and accounts of every kind."""
    anonymous = Client(homeserver.base_url)
    admin = anonymous.register_admin()
    people = {name: anonymous.register(name) for name in ("owner", "stranger", "left", "banned", "locked", "suspended")}
    owner = people["owner"]
    room_id = owner.create_room(invite=[people["left"].user_id, people["banned"].user_id])
    people["left"].join(room_id)
    people["banned"].join(room_id)
    owner.set_state(room_id, STATE_TYPE, {"then": True})
    event_id = owner.send_text(room_id, "seen by all three")
    people["left"].leave(room_id)
    owner.post(f"{CLIENT}/rooms/{{}}/ban", room_id, body={"user_id": people["banned"].user_id})
    owner.put(f"{CLIENT}/profile/{{}}/displayname", owner.user_id, body={"displayname": "The owner"})
    admin.put(f"{ADMIN}/lock/{{}}", people["locked"].user_id, body={"locked": True})
    admin.put(f"{ADMIN}/suspend/{{}}", people["suspended"].user_id, body={"suspended": True})
    guest = anonymous.signed_in(anonymous.post(f"{CLIENT}/register", query={"kind": "guest"}))
    everybody = {**people, "anonymous": anonymous, "guest": guest, "bad": Client(homeserver.base_url, "no such token")}
    return everybody, {
        "roomId": room_id,
        "roomIdOrAlias": room_id,
        "eventId": event_id,
        "relType": "m.thread",
        "eventType": EVENT,
        "receiptType": "m.read",
        "keyName": "displayname",
        "type": "org.example.type",
        "userId": owner.user_id,
    }


def ids(route):
    return route.name


@pytest.mark.parametrize("route", [r for r in ALL if r.needs_account()], ids=ids)
def test_a_token_is_needed_and_must_be_good(people, route):
    everybody, values = people
    assert route.call(everybody["anonymous"], values) == (401, "M_MISSING_TOKEN")
    assert route.call(everybody["bad"], values) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("route", [r for r in ALL if r.access == "OPTIONAL_USER"], ids=ids)
def test_a_bad_token_is_refused_where_none_is_needed(people, route):
    everybody, values = people
    assert route.call(everybody["bad"], values) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("route", [r for r in ALL if r.is_for_people()], ids=ids)
def test_guests_are_refused_unless_the_route_is_for_them(people, route):
    everybody, values = people
    refused = route.call(everybody["guest"], values) == (403, "M_GUEST_ACCESS_FORBIDDEN")
    assert refused == (route.access in ("USER", "ADMIN"))


@pytest.mark.parametrize("route", [r for r in ALL if r.is_for_people() and "logout" not in r.path], ids=ids)
def test_locked_accounts_can_log_out_and_nothing_else(people, route):
    everybody, values = people
    assert route.call(everybody["locked"], values) == (401, "M_USER_LOCKED")


# Module "Account suspension": what they SHOULD be able to do although it changes something, and what belongs to it.
WHILE_SUSPENDED = re.compile(
    r"/logout|/refresh$|/login/get_token$|/devices|/delete_devices$|/leave$|/forget$|/redact/|/keys/|/room_keys/|"
    r"/sendToDevice/|/account_data/|/tags/|/filter$|/receipt/|/read_markers$|/pushrules/|/pushers/set$|"
    r"/account/(password|deactivate)$|/openid/|/dehydrated_device|/search$|/publicRooms$|simplified_msc3575/sync$"
)


@pytest.mark.parametrize(
    "route",
    [r for r in ALL if r.is_for_people() and r.method != "GET" and not re.search("logout|msc4306/", r.path)],
    ids=ids,
)
def test_suspended_accounts_change_only_what_is_their_own(people, route):
    everybody, values = people
    refused = route.call(everybody["suspended"], values) == (403, "M_USER_SUSPENDED")
    assert refused == (WHILE_SUSPENDED.search(route.path) is None)


@pytest.mark.parametrize("route", [r for r in ALL if r.access in ("ADMIN", "APPSERVICE")], ids=ids)
def test_what_is_for_administrators_or_bridges_is_for_nobody_else(people, route):
    everybody, values = people
    assert route.call(everybody["owner"], values) == (403, "M_FORBIDDEN")


def test_every_route_of_rooms_and_users_has_its_rule():
    rooms = {route.room_rule() for route in OF_ROOMS}
    users = {route.user_rule() for route in OF_USERS}
    assert rooms == set(ROOM_RULES), "give each route of rooms its rule in ROOM_RULES"
    assert users == set(ANOTHER_USER), "give each route of users its rule in ANOTHER_USER"


@pytest.mark.parametrize("position, who", enumerate(["stranger", "left", "banned"]))
@pytest.mark.parametrize("route", OF_ROOMS, ids=ids)
def test_who_is_not_in_the_room_sees_what_was_theirs_and_does_nothing(people, route, position, who):
    everybody, values = people
    # They may say it of themselves only: whether the room lets them is the question.
    own = {**values, "userId": everybody[who].user_id, "txnId": unique("txn"), "stateKey": ""}
    if "state/{eventType}" in route.path:
        own["eventType"] = STATE_TYPE
    status, errcode = route.call(everybody[who], own)
    assert status == ROOM_RULES[route.room_rule()][position], errcode
    assert errcode == {400: "M_UNKNOWN", 403: "M_FORBIDDEN", 404: "M_NOT_FOUND"}.get(status)


@pytest.mark.parametrize("route", OF_USERS, ids=ids)
def test_nobody_acts_for_another_user(people, route):
    everybody, values = people
    status, errcode = route.call(everybody["stranger"], values)
    assert status == ANOTHER_USER[route.user_rule()], errcode
