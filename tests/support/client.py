"""A Matrix client over plain HTTP, for what tests say in the words of the specification.

    alice = homeserver_client.register("alice")
    room_id = alice.create_room(invite=[bob.user_id])
    event_id = alice.send_text(room_id, "good morning")
    bob.sync_until(lambda answer: event_id in event_ids(answer, room_id))

`call` asserts the expected status and returns the body; a different status fails the test with the whole
exchange in its message. Paths are written as in the specification, with the values beside them:

    alice.get("/_matrix/client/v3/rooms/{}/event/{}", room_id, event_id, expect=404)
"""

import hmac
import itertools
import json
import os
import time
from urllib.parse import quote as percent_encode

import httpx

CLIENT = "/_matrix/client/v3"
PASSWORD = "correct horse battery staple"
# The longest a test waits for something to arrive by sync.
PATIENCE_SECONDS = 60

_numbers = itertools.count(1)


def unique(word):
    """A localpart or transaction ID that no other test uses, also not one in another process."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


def quote(value):
    """One path segment."""
    return percent_encode(str(value), safe="")


def wait_until(holds):
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class Client:
    """One logged-in device; `token` None before that."""

    def __init__(self, base_url, token=None, user_id=None, device_id=None):
        self.base_url = base_url
        self.token = token
        self.user_id = user_id
        self.device_id = device_id
        self.since = None
        self.http = httpx.Client(base_url=base_url, timeout=PATIENCE_SECONDS + 30)

    # ── Requests ──────────────────────────────────────────────────────────────────────────────────

    def raw(self, method, path, *, content=None, headers=None, query=None):
        """The exchange as it is, whatever the status."""
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.http.request(
            method, path, content=content, headers={**own, **(headers or {})}, params=query
        )

    def call(self, method, path, *values, body=None, expect=200, query=None):
        path = path.format(*(quote(value) for value in values))
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        answer = self.raw(method, path, content=content, headers=headers, query=query)
        assert answer.status_code == expect, (
            f"{method} {path} {query or ''} {body if body is not None else ''}\n"
            f"answered {answer.status_code} instead of {expect}: {answer.text[:2000]}"
        )
        return answer.json() if answer.content else None

    def get(self, path, *values, **options):
        return self.call("GET", path, *values, **options)

    def put(self, path, *values, body=None, **options):
        return self.call("PUT", path, *values, body={} if body is None else body, **options)

    def post(self, path, *values, body=None, **options):
        return self.call("POST", path, *values, body={} if body is None else body, **options)

    def delete(self, path, *values, **options):
        return self.call("DELETE", path, *values, **options)

    # ── Accounts ──────────────────────────────────────────────────────────────────────────────────

    def register(self, word="user", password=PASSWORD, **fields):
        """A new account and its first device, as another client; this one stays as it is."""
        body = {"username": unique(word), "password": password, **fields}
        challenge = self.post(f"{CLIENT}/register", body=body, expect=401)
        assert {"stages": ["m.login.dummy"]} in challenge["flows"], challenge
        body["auth"] = {"type": "m.login.dummy", "session": challenge["session"]}
        return self.signed_in(self.post(f"{CLIENT}/register", body=body))

    def register_admin(self, word="admin", secret="only for tests"):
        """An administrator, by the secret that tests/support/homeserver.py configures."""
        nonce = self.get("/_synapse/admin/v1/register")["nonce"]
        username = unique(word)
        text = "\0".join([nonce, username, PASSWORD, "admin"])
        body = {
            "nonce": nonce,
            "username": username,
            "password": PASSWORD,
            "admin": True,
            "mac": hmac.new(secret.encode(), text.encode(), "sha1").hexdigest(),
        }
        return self.signed_in(self.post("/_synapse/admin/v1/register", body=body))

    def login(self, user, password=PASSWORD, **fields):
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
            **fields,
        }
        return self.signed_in(self.post(f"{CLIENT}/login", body=body))

    def signed_in(self, answer):
        return Client(self.base_url, answer["access_token"], answer["user_id"], answer["device_id"])

    def second_device(self):
        return self.login(self.user_id)

    def password_auth(self, session=None):
        """The `auth` member that passes user-interactive authentication by password."""
        identifier = {"type": "m.id.user", "user": self.user_id}
        auth = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
        return {**auth, "session": session} if session else auth

    # ── Rooms ─────────────────────────────────────────────────────────────────────────────────────

    def create_room(self, **body):
        return self.post(f"{CLIENT}/createRoom", body=body)["room_id"]

    def join(self, room, **options):
        return self.post(f"{CLIENT}/join/{{}}", room, **options)

    def leave(self, room_id, **options):
        return self.post(f"{CLIENT}/rooms/{{}}/leave", room_id, **options)

    def invite(self, room_id, user_id, **options):
        return self.post(f"{CLIENT}/rooms/{{}}/invite", room_id, body={"user_id": user_id}, **options)

    def send(self, room_id, event_type, content, txn_id=None):
        path = f"{CLIENT}/rooms/{{}}/send/{{}}/{{}}"
        answer = self.put(path, room_id, event_type, txn_id or unique("txn"), body=content)
        return answer["event_id"]

    def send_text(self, room_id, text, txn_id=None):
        return self.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text}, txn_id)

    def set_state(self, room_id, event_type, content, state_key=""):
        path = f"{CLIENT}/rooms/{{}}/state/{{}}/{{}}"
        return self.put(path, room_id, event_type, state_key, body=content)["event_id"]

    def state(self, room_id, event_type, state_key="", **options):
        path = f"{CLIENT}/rooms/{{}}/state/{{}}/{{}}"
        return self.get(path, room_id, event_type, state_key, **options)

    def event(self, room_id, event_id, **options):
        return self.get(f"{CLIENT}/rooms/{{}}/event/{{}}", room_id, event_id, **options)

    def redact(self, room_id, event_id, **body):
        path = f"{CLIENT}/rooms/{{}}/redact/{{}}/{{}}"
        return self.put(path, room_id, event_id, unique("txn"), body=body)["event_id"]

    def messages(self, room_id, direction="b", **query):
        query = {"dir": direction, **{name.rstrip("_"): value for name, value in query.items()}}
        return self.get(f"{CLIENT}/rooms/{{}}/messages", room_id, query=query)

    def all_messages(self, room_id, direction="f", limit=100):
        """Every event of the room that this client may see, page by page to the end."""
        events, page_start = [], None
        while True:
            start = {} if page_start is None else {"from_": page_start}
            page = self.messages(room_id, direction, limit=limit, **start)
            events += page["chunk"]
            if "end" not in page:
                return events
            assert page["end"] != page_start, "the end of a page is its own start"
            page_start = page["end"]

    # ── Sync ──────────────────────────────────────────────────────────────────────────────────────

    def sync(self, timeout_ms=0, **query):
        """One /sync from where the last one ended."""
        if self.since is not None:
            query.setdefault("since", self.since)
        query = {name: json.dumps(v) if isinstance(v, (dict, bool)) else v for name, v in query.items()}
        answer = self.get(f"{CLIENT}/sync", query={"timeout": timeout_ms, **query})
        self.since = answer["next_batch"]
        return answer

    def sync_until(self, arrived, **query):
        """Syncs until `arrived(answer)` is true of one answer; returns its result."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        answer = {}
        while time.monotonic() < give_up:
            answer = self.sync(timeout_ms=10000, **query)
            result = arrived(answer)
            if result:
                return result
        raise AssertionError(f"did not arrive in {PATIENCE_SECONDS} s; the last sync said {answer}")


def joined_room(answer, room_id):
    """The joined room's part of a sync answer, or an empty one."""
    return answer.get("rooms", {}).get("join", {}).get(room_id, {})


def timeline(answer, room_id):
    return joined_room(answer, room_id).get("timeline", {}).get("events", [])


def event_ids(answer, room_id):
    return [event["event_id"] for event in timeline(answer, room_id)]


def invited_to(room_id):
    """For sync_until: the stripped state of an invitation to the room."""
    return lambda answer: (
        answer.get("rooms", {}).get("invite", {}).get(room_id, {}).get("invite_state", {}).get("events")
    )
