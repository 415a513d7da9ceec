"""H-*: requests that bend or break HTTP, over bare sockets. Refused plainly, or read as meant; never misread."""

import json
import time

import pytest
from client import CLIENT, quote, unique
from raw_http import TOO_LONG_SECONDS, Connection, get

VERSIONS = "/_matrix/client/versions"
WHOAMI = f"{CLIENT}/account/whoami"


@pytest.fixture
def connection(homeserver):
    connection = Connection(homeserver)
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def server_stays_healthy(homeserver):
    yield
    assert homeserver.is_running()
    assert homeserver.answers()


def refused(answer, *statuses):
    """Refused with one of the statuses, or, where nothing sensible can be said, by closing."""
    assert answer is None or answer.status in statuses, (answer.status, answer.body[:500])


# ── Routing ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/_matrix", "/_matrix/client/v3/nothing", "/_matrix/client/v99/sync", "/_matrix/federation/v1/nothing"]
)
def test_h01_an_unknown_path_is_unrecognized(anonymous, path):
    answer = anonymous.raw("GET", path)
    assert answer.status_code == 404
    assert answer.json()["errcode"] == "M_UNRECOGNIZED"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_h01_a_wrong_method_is_unrecognized(anonymous, method):
    answer = anonymous.raw(method, VERSIONS, content=b"{}")
    assert answer.status_code == 405
    assert answer.json()["errcode"] == "M_UNRECOGNIZED"


@pytest.mark.parametrize("path", [WHOAMI, f"{CLIENT}/rooms/!a:b/send/m.room.message/1", VERSIONS])
def test_h03_options_needs_no_token(anonymous, path):
    answer = anonymous.raw("OPTIONS", path)
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert method in answer.headers["Access-Control-Allow-Methods"]
    for header in ("Authorization", "Content-Type", "X-Requested-With"):
        assert header in answer.headers["Access-Control-Allow-Headers"]


def test_a01_tokens_missing_and_unknown(anonymous):
    answer = anonymous.raw("GET", WHOAMI)
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")
    answer = anonymous.raw("GET", WHOAMI, headers={"Authorization": "Bearer nobody"})
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert answer.json().get("soft_logout", False) is False


@pytest.mark.parametrize("value", ["Bearer", "Basic YTpi", "", "Bearer a b", "Bearer " + "x" * 4000])
def test_a01_odd_authorization_headers_are_refused(anonymous, value):
    answer = anonymous.raw("GET", WHOAMI, headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.json()["errcode"] in ("M_MISSING_TOKEN", "M_UNKNOWN_TOKEN")


# ── Framing ───────────────────────────────────────────────────────────────────────────────────────


BAD_LENGTHS = {
    "two different": ["Content-Length: 2", "Content-Length: 3"],
    "a sign": ["Content-Length: +2"],
    "a list": ["Content-Length: 2,2"],
    "hexadecimal": ["Content-Length: 0x2"],
    "30 digits": ["Content-Length: " + "9" * 30],
    "negative": ["Content-Length: -1"],
    "a word": ["Content-Length: two"],
}


@pytest.mark.parametrize("lines", BAD_LENGTHS.values(), ids=BAD_LENGTHS)
def test_h05_a_bad_content_length_is_refused_and_the_connection_closed(connection, lines):
    connection.send("\r\n".join([f"POST {CLIENT}/login HTTP/1.1", "Host: localhost", *lines, "", "{}"]))
    refused(connection.answer(), 400, 413)
    assert connection.is_closed(), "what follows could be taken for a second request"


BAD_CHUNKS = {
    "a size of 17 digits": b"FFFFFFFFFFFFFFFFF\r\n",
    "a negative size": b"-1\r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "no line end after a chunk": b"2\r\n{}0\r\n\r\n",
    "a word": b"two\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_h07_bad_chunks_are_refused(connection, chunks):
    head = f"POST {CLIENT}/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.send(head.encode() + chunks)
    refused(connection.answer(), 400, 413)


def test_h07_many_small_chunks_are_read(connection, alice):
    content = json.dumps({"displayname": "x" * 20_000}).encode()
    head = (
        f"PUT {CLIENT}/profile/{quote(alice.user_id)}/displayname HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {alice.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    started = time.monotonic()
    connection.send(head.encode() + b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n")
    answer = connection.answer()
    assert answer.status in (200, 400, 413), answer.body  # 400: a name may be too long
    assert time.monotonic() - started < TOO_LONG_SECONDS


def test_h07_length_and_chunks_together_are_refused(connection):
    head = f"POST {CLIENT}/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
    connection.send(head + "0\r\n\r\n" + get(VERSIONS))
    connection.answer()
    # However the first was read, its rest must not be answered as a second request.
    assert connection.answer() is None or connection.is_closed()


LONG_HEADS = {
    "one header of 40 KB": ["X-Long: " + "x" * 40_000],
    "a thousand headers": [f"X-{number}: " + "x" * 60 for number in range(1000)],
    "a target of 40 KB": [],
}


@pytest.mark.parametrize("name", LONG_HEADS)
def test_h09_a_long_head_is_refused(connection, name):
    path = VERSIONS + "?" + "x" * 40_000 if name == "a target of 40 KB" else VERSIONS
    connection.send(get(path, *LONG_HEADS[name]))
    refused(connection.answer(), 400, 413, 414, 431)
    assert connection.is_closed()


def test_h11_a_request_without_host_is_refused(connection):
    connection.send(f"GET {VERSIONS} HTTP/1.1\r\n\r\n")
    refused(connection.answer(), 400)


def test_h11_a_request_with_two_hosts_is_refused(connection):
    connection.send(get(VERSIONS, "Host: elsewhere.example"))
    refused(connection.answer(), 400, 421)


def test_h13_pipelined_requests_are_answered_in_order_each_to_its_own(connection, alice, bob):
    count = 300
    for number in range(count):
        client = alice if number % 2 == 0 else bob
        connection.send(get(WHOAMI, f"Authorization: Bearer {client.token}"))
    for number in range(count):
        client = alice if number % 2 == 0 else bob
        assert connection.answer().json()["user_id"] == client.user_id


def test_h19_a_compressed_body_is_refused(anonymous):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = anonymous.raw("POST", f"{CLIENT}/login", content=b"\x1f\x8b\x08\x00", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["errcode"].startswith("M_")


def test_h21_a_body_too_large_is_refused_before_it_is_sent(connection, alice):
    connection.send(
        f"POST {CLIENT}/createRoom HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n"
        "Content-Length: 900000000\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = connection.answer()
    assert answer.status == 413, answer.body
    assert answer.json()["errcode"] == "M_TOO_LARGE"


def test_h23_a_trailer_is_no_header(connection, alice):
    connection.send(
        f"POST {CLIENT}/createRoom HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        f"Trailer: Authorization\r\n\r\n2\r\n{{}}\r\n0\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
    )
    refused(connection.answer(), 400, 401)


# ── Targets ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bad", ["%", "%zz", "%4", "%00", "a%00b", "%c0%af", "%ed%a0%80", "%ff", "%f5%80%80%80"])
def test_h15_bad_percent_encoding_in_a_path_is_refused(connection, alice, bad):
    connection.send(get(f"{CLIENT}/profile/%40{bad}:localhost/displayname", f"Authorization: Bearer {alice.token}"))
    answer = connection.answer()
    assert answer.status == 400, answer.body
    assert answer.json()["errcode"] == "M_INVALID_PARAM"


@pytest.mark.parametrize("bad", ["%00", "%c0%af", "%ed%a0%80", "%ff"])
def test_h15_bad_percent_encoding_in_a_query_is_refused(connection, alice, bad):
    connection.send(get(f"{CLIENT}/sync?since={bad}", f"Authorization: Bearer {alice.token}"))
    answer = connection.answer()
    assert answer.status == 400, answer.body
    assert answer.json()["errcode"] == "M_INVALID_PARAM"


@pytest.mark.parametrize("path", ["/../../etc/passwd", "//etc/passwd", "/_matrix/../x", "/_matrix/client/./versions", "*", "x"])
def test_h15_odd_targets_are_refused(connection, path):
    connection.send(get(path))
    refused(connection.answer(), 400, 404)


def test_h15_an_encoded_slash_does_not_part_the_path(alice, room):
    alice.set_state(room, "test.type", {"here": True}, state_key="a/b")
    assert alice.state(room, "test.type", "a/b") == {"here": True}


def test_h25_of_doubled_parameters_the_first_counts(alice, room):
    alice.send_text(room, "one")
    alice.send_text(room, "two")
    answer = alice.raw("GET", f"{CLIENT}/rooms/{room}/messages?dir=b&limit=1&limit=9&dir=f")
    assert [event["content"].get("body") for event in answer.json()["chunk"]] == ["two"]


@pytest.mark.parametrize("token", ["x", "s", "0", "-1", "9" * 30, "a_b_c", "é", "x" * 5000, "%", "' OR 1=1 --"])
def test_s01_a_sync_token_that_is_none_is_refused(alice, token):
    alice.get(f"{CLIENT}/sync", query={"since": token}, expect=400)


# ── Lines ─────────────────────────────────────────────────────────────────────────────────────────


def test_h29_line_ends_in_values_stay_in_the_values(alice, room, homeserver):
    """Neither an answer's head nor a log line can be written by a user."""
    start = homeserver.log_size()
    nasty = "x\r\nSet-Cookie: a=b\r\n\r\n<p>\x1b[31m"
    alice.put(f"{CLIENT}/profile/{{}}/displayname", alice.user_id, body={"displayname": nasty})
    alice.leave(room, body={"reason": nasty})
    answer = alice.raw("GET", f"{CLIENT}/directory/room/{quote('#' + nasty + ':localhost')}")
    assert answer.status_code in (400, 404)
    assert "set-cookie" not in answer.headers
    written = homeserver.log(start)
    assert "\nSet-Cookie" not in written
    assert "\x1b" not in written


def test_h29_a_header_from_the_client_is_no_header_of_ours(connection):
    connection.send(get(VERSIONS, "X-Request-ID: " + "x" * 300 + "\x1b[31m"))
    answer = connection.answer()
    assert answer.status in (200, 400)
    assert "\x1b" not in str(answer.headers)


# ── Patience ──────────────────────────────────────────────────────────────────────────────────────


def test_half_a_request_holds_nobody_up(homeserver, alice):
    halves = [Connection(homeserver) for _ in range(50)]
    for half in halves:
        half.send(f"POST {CLIENT}/createRoom HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{")
    started = time.monotonic()
    alice.get(WHOAMI)
    assert time.monotonic() - started < TOO_LONG_SECONDS / 2
    for half in halves:
        half.close()


def test_a_client_that_goes_away_mid_answer_does_no_harm(homeserver, alice, room):
    for _ in range(20):
        alice.send_text(room, unique("x" * 3000))
    for _ in range(50):
        connection = Connection(homeserver)
        path = f"{CLIENT}/rooms/{room}/messages?dir=b&limit=100"
        connection.send(get(path, f"Authorization: Bearer {alice.token}"))
        connection.close()
