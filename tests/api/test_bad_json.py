"""J-*: bodies that are not JSON, not the JSON of Matrix, or too much of it; and odd ones that are fine."""

import json
import time

import pytest
from client import CLIENT, Client, unique
from raw_http import Connection

TOO_LONG_SECONDS = 5


@pytest.fixture
def put(alice, room):
    """Sends a raw body as the content of an event; the answer."""

    def send(content, headers=None):
        path = f"{CLIENT}/rooms/{room}/send/test.thing/{unique('txn')}"
        return alice.raw("PUT", path, content=content, headers=headers)

    return send


@pytest.fixture
def nothing_stored(alice, room):
    """Fails the test when the room got an event during it."""
    alice.sync()
    yield
    assert room not in alice.sync().get("rooms", {}).get("join", {}), "refused, but stored"


def refused(answer, status, *errcodes):
    assert answer.status_code == status, answer.text[:500]
    assert answer.json()["errcode"] in errcodes, answer.text[:500]


NOT_JSON = {
    "nothing": b"",
    "blanks": b" \n",
    "a word": b"hello",
    "an open object": b'{"body": "x"',
    "trailing garbage": b'{"body": "x"} x',
    "two values": b'{"body": "x"}{}',
    "a comment": b'{"body": "x" /* why */}',
    "a trailing comma": b'{"body": "x",}',
    "single quotes": b"{'body': 'x'}",
    "an unquoted key": b'{body: "x"}',
    "a raw line feed in a string": b'{"body": "x\ny"}',
    "a raw tab in a string": b'{"body": "x\ty"}',
    "an unknown escape": b'{"body": "\\x41"}',
    "a cut escape": b'{"body": "\\u00"}',
    "a byte order mark": b'\xef\xbb\xbf{"body": "x"}',
    "UTF-16": '{"body": "x"}'.encode("utf-16"),
    "UTF-16 without mark": '{"body": "x"}'.encode("utf-16-le"),
    "UTF-32": '{"body": "x"}'.encode("utf-32"),
    "Latin-1": '{"body": "é"}'.encode("latin-1"),
    "an overlong NUL": b'{"body": "\xc0\x80"}',
    "a raw surrogate": b'{"body": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"body": "\xf4\x90\x80\x80"}',
    "a raw NUL": b'{"body": "x\x00y"}',
    "NaN": b'{"n": NaN}',
    "Infinity": b'{"n": Infinity}',
    "-Infinity": b'{"n": -Infinity}',
    "a leading zero": b'{"n": 01}',
    "no digit before the point": b'{"n": .5}',
    "no digit after the point": b'{"n": 1.}',
    "a plus sign": b'{"n": +1}',
    "hexadecimal": b'{"n": 0x1}',
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(put, nothing_stored, content):
    refused(put(content), 400, "M_NOT_JSON")


# Well-formed by the grammar of JSON, and still not what a body or an event may be.
BAD_JSON = {
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "a key twice": b'{"body": "x", "body": "y"}',
    "a key twice, once escaped": b'{"body": "x", "bod\\u0079": "y"}',
    "a key twice inside": b'{"body": "x", "inner": [{"a": 1, "a": 1}]}',
    "a float": b'{"body": "x", "n": 1.5}',
    "an exponent": b'{"body": "x", "n": 1e3}',
    "2^53": b'{"body": "x", "n": 9007199254740992}',
    "-2^53": b'{"body": "x", "n": -9007199254740992}',
    "2^63": b'{"body": "x", "n": 9223372036854775808}',
    "a number of 400 digits": b'{"body": "x", "n": ' + b"9" * 400 + b"}",
}


@pytest.mark.parametrize("content", BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_no_event_can_hold_is_refused(put, nothing_stored, content):
    refused(put(content), 400, "M_BAD_JSON")


# A lone surrogate has no UTF-8: some parsers refuse the text, others the value.
@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800"])
def test_lone_surrogates_are_refused(put, nothing_stored, escape):
    refused(put(b'{"body": "' + escape.encode() + b'"}'), 400, "M_NOT_JSON", "M_BAD_JSON")


DEEP = {
    "100,000 open arrays": b"[" * 100_000,
    "100,000 open objects": b'{"a":' * 100_000,
    "3,000 arrays in an object": b'{"a":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "100,000 arrays in an object": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("content", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused_quickly(put, nothing_stored, content):
    started = time.monotonic()
    refused(put(content), 400, "M_BAD_JSON", "M_NOT_JSON")
    assert time.monotonic() - started < TOO_LONG_SECONDS


LARGE = {
    "a string of 10 MB": b'{"body": "' + b"\\u0041" * 1_700_000 + b'"}',
    "a key of 2 MB": b'{"' + b"k" * 2_000_000 + b'": 1}',
    "a number of 2 MB": b'{"n": ' + b"9" * 2_000_000 + b"}",
    "a million members": b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}",
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
def test_a_body_over_the_limit_is_refused_quickly(homeserver, alice, room, nothing_stored, content):
    started = time.monotonic()
    connection = Connection(homeserver)
    path = f"{CLIENT}/rooms/{room}/send/test.thing/{unique('txn')}"
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n"
    connection.send(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    # The answer comes while the body is still on its way, and ends it.
    answer = connection.answer()
    assert answer and answer.status == 413
    assert answer.json()["errcode"] == "M_TOO_LARGE"
    assert time.monotonic() - started < TOO_LONG_SECONDS
    connection.close()


def test_a_number_of_900_kb_is_refused_in_linear_time(put, nothing_stored):
    started = time.monotonic()
    answer = put(b'{"n": ' + b"9" * 900_000 + b"}")
    assert answer.status_code in (400, 413), answer.text[:500]
    assert time.monotonic() - started < TOO_LONG_SECONDS


def test_an_event_over_64_kib_is_too_large(put, nothing_stored):
    refused(put(json.dumps({"body": "x" * 65_536}).encode()), 413, "M_TOO_LARGE")


ODD_BUT_FINE = {
    "NUL": {"body": "a\u0000b"},
    "an empty key": {"": "x"},
    "every control character": {"body": "".join(map(chr, range(1, 32)))},
    "DEL and C1": {"body": "\x7f\x80\x9f"},
    "quotes and slashes": {"body": "\"\\/'<>&"},
    "line and paragraph separators": {"body": "\u2028\u2029"},
    "noncharacters": {"body": "\ufffe\uffff\U0001fffe"},
    "beyond the basic plane": {"body": "🦉𝄞"},
    "a combining sequence, not normalised": {"body": "e\u0301 é"},
    "escaped keys": {'"\\\n\t': {"/": []}},
    "the largest integers": {"n": [2**53 - 1, -(2**53) + 1, 0, -1]},
    "50 levels": json.loads('{"a":' * 25 + "[" * 25 + "]" * 25 + "}" * 25),
    "empty things": {"a": {}, "b": [], "c": "", "d": None, "e": False},
}


@pytest.mark.parametrize("content", ODD_BUT_FINE.values(), ids=ODD_BUT_FINE)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "raw"])
def test_odd_content_comes_back_as_it_was_sent(put, alice, bob, room, content, ascii_only):
    bob.sync()
    answer = put(json.dumps(content, ensure_ascii=ascii_only).encode())
    assert answer.status_code == 200, answer.text
    event_id = answer.json()["event_id"]

    assert alice.event(room, event_id)["content"] == content
    heard = bob.sync_until(lambda news: news["rooms"]["join"][room]["timeline"]["events"])
    assert heard[-1]["content"] == content


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "x", ""])
def test_the_content_type_of_a_body_does_not_matter(put, type_):
    assert put(b'{"body": "x"}', {"Content-Type": type_}).status_code == 200


def test_a_bad_token_counts_before_bad_json(homeserver):
    stranger = Client(homeserver.base_url, token="nobody")
    answer = stranger.raw("POST", f"{CLIENT}/createRoom", content=b"{")
    refused(answer, 401, "M_UNKNOWN_TOKEN")


# The same at doors that are open to strangers.
@pytest.mark.parametrize("path", ["login", "register"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"1"])
def test_doors_without_token_refuse_bad_json(anonymous, path, content):
    answer = anonymous.raw("POST", f"{CLIENT}/{path}", content=content)
    refused(answer, 400, "M_NOT_JSON", "M_BAD_JSON")
