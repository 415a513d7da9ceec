"""J-17: each member of each request body, and each query parameter, with values of every wrong type.

Generated from tests/vectors/request-shapes.jsonl. A wrong type is answered with 4xx and an error code, nothing is stored,
and the server is as healthy as before.
"""

import json
import pathlib

import pytest
from client import unique

SHAPES = pathlib.Path(__file__).parent.parent / "vectors" / "request-shapes.jsonl"
LINES = [json.loads(line) for line in SHAPES.read_text(encoding="utf-8").splitlines()]

VALUES = {
    "null": None,
    "boolean": True,
    "integer": 0,
    "number": 1.5,
    "string": "",
    "array": [],
    "object": {},
}
WRONG_QUERY = {"integer": ["x", "1.5", "", "1e3", "0x10", "9" * 30], "boolean": ["maybe", "1", ""]}

# Members whose wrong types a server may let pass: (path's end, member): why.
MAY_PASS = {
    ("/login", "identifier"): "which members count depends on the login type",
    ("/login", "user"): "deprecated, may be ignored when there is an identifier",
    ("/login", "address"): "deprecated, may be ignored when there is an identifier",
    ("/login", "medium"): "deprecated, may be ignored when there is an identifier",
    ("/login", "token"): "of another login type",
    ("/pushrules/global/{kind}/{ruleId}", "pattern"): "belongs to rules of another kind than the test's",
}


def sample(shape, world, name=""):
    """A value of the shape that the endpoint may like."""
    known = {
        "user_id": world["other_user"],
        "room_id": world["roomId"],
        "type": "m.login.password",
        "visibility": "private",
        "new_version": "11",
        "medium": "email",
        "presence": "online",
        "kind": "http",
        "usage": ["master"],
        "dir": "b",
    }
    if name in known:
        return known[name]
    if isinstance(shape, dict):
        return {
            member.rstrip("!"): sample(inner, world, member.rstrip("!"))
            for member, inner in shape.items()
            if member.endswith("!")
        }
    if isinstance(shape, list):
        return [sample(shape[0], world, name)]
    kind = shape.split("|")[0]
    return {"string": "x", "integer": 1, "boolean": True}.get(kind, VALUES.get(kind, "x"))


def wrong_values(shape):
    """Values of every type that the shape does not allow, and what goes wrong inside it."""
    if isinstance(shape, list):
        yield from wrong_of_kinds({"array"})
        for inner in wrong_values(shape[0]):
            yield [inner]
    elif isinstance(shape, dict):
        yield from wrong_of_kinds({"object"})
    elif shape != "any":
        yield from wrong_of_kinds(set(shape.split("|")))


def wrong_of_kinds(allowed):
    if "number" in allowed:
        allowed = allowed | {"integer"}
    yield from (value for kind, value in VALUES.items() if kind not in allowed)


def wrong_bodies(shape, world):
    """(name of the member, body with one wrong value)."""
    whole = sample(shape, world)
    for member, inner in shape.items():
        name, required = member.rstrip("!"), member.endswith("!")
        for value in wrong_values(inner):
            # null for an optional member may count as absent.
            if value is not None or required:
                yield name, {**whole, name: value}
        if isinstance(inner, dict):
            for inner_name, value in wrong_bodies(inner, world):
                yield f"{name}.{inner_name}", {**whole, name: value}


def wrong_queries(shape):
    for member, kind in shape.items():
        for value in WRONG_QUERY.get(kind, []) if isinstance(kind, str) else []:
            # A wait clamped to the server's limit would be a long test.
            if "timeout" not in member or not value.isdigit():
                yield member.rstrip("!"), value


def required_query(shape, world):
    return {
        name.rstrip("!"): sample(kind, world, name.rstrip("!"))
        for name, kind in shape.items()
        if name.endswith("!")
    }


@pytest.fixture
def world(alice, bob, room, homeserver):
    """Values for the path parameters, so that a request gets as far as its body."""
    event_id = alice.send_text(room, "here")
    return {
        "roomId": room,
        "roomIdOrAlias": room,
        "roomAlias": f"#{unique('alias')}:{homeserver.server_name}",
        "eventId": event_id,
        "userId": alice.user_id,
        "other_user": bob.user_id,
        "deviceId": alice.device_id,
        "serverName": homeserver.server_name,
        "receiptType": "m.read",
        "relType": "m.thread",
        "eventType": "test.type",
        "kind": "override",
        "ruleId": "test.rule",
        "keyName": "displayname",
        "type": "test.type",
        "version": "1",
        "protocol": "test",
        "mediaId": "none",
        "stateKey": "",
    }


def requests(line, world):
    """(what is wrong, query, body) of each case of the line."""
    query = required_query(line.get("query", {}), world)
    body_shape = line.get("body")
    body = sample(body_shape, world) if body_shape else None
    if isinstance(body_shape, dict):
        for name, wrong in wrong_bodies(body_shape, world):
            yield name, query, wrong
    if body_shape:
        for value in ([], "x", 1, None, True):
            yield "(the body)", query, value
    for name, value in wrong_queries(line.get("query", {})):
        yield f"?{name}", {**query, name: value}, body


def attempt(client, line, world, query, body):
    path = line["path"]
    for name, value in world.items():
        path = path.replace("{" + name + "}", value.replace("#", "%23").replace("$", "%24"))
    path = path.replace("{txnId}", unique("txn"))
    content = None if line["method"] == "GET" else json.dumps(body).encode()
    return client.raw(line["method"], path, content=content, query=query)


def may_pass(line, name, query):
    # A number too large to count may be clamped to the server's limit.
    if name.startswith("?") and query[name[1:]].isdigit():
        return True
    return any(line["path"].endswith(end) and name.startswith(member) for end, member in MAY_PASS)


def complaint(line, name, query, body, answer):
    """What is wrong with the answer to a wrong request, or None."""
    said = f"{name}: {json.dumps(body)[:200]} {query or ''} -> {answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 500:
        return said
    if answer.status_code < 400:
        return None if may_pass(line, name, query) else said
    try:
        # The challenge of user-interactive authentication has flows instead of a code.
        told = answer.json()
        return None if isinstance(told.get("errcode", told.get("flows")), (str, list)) else said
    except (ValueError, AttributeError):
        return said


def news(answer):
    rooms = answer.get("rooms", {})
    return {
        "joined": rooms.get("join", {}),
        "left": rooms.get("leave", {}),
        "account_data": answer.get("account_data", {}).get("events", []),
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['method']} {line['path']}")
def test_wrong_types_are_refused(alice, world, homeserver, line):
    alice.sync()
    complaints, accepted = [], 0
    for name, query, body in requests(line, world):
        answer = attempt(alice, line, world, query, body)
        accepted += answer.status_code < 400
        problem = complaint(line, name, query, body, answer)
        if problem:
            complaints.append(problem)

    assert not complaints, "\n".join([f"{len(complaints)} answers:", *complaints[:40]])
    assert homeserver.is_running()
    stored = news(alice.sync())
    assert accepted or not any(stored.values()), f"refused, but stored: {stored}"
