"""A Matrix server made for tests: real keys, real TLS, and any bytes that a test wants it to send.

    peer = Peer(authority)
    room = peer.join(server, room_id, "@mallory")
    event = room.event("m.room.message", {"body": "hello"})
    peer.send(server, [event])

It answers what other servers ask from the events it knows; `peer.answers[path prefix] = function` replaces an
answer: status and an object, bytes, or a function that writes to the connection itself. Everything it was sent is in
`peer.transactions`.
"""

import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import re
import ssl
import threading
import time
import uuid
from urllib.parse import parse_qs, quote, unquote, urlparse

import httpx
import nacl.signing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homeserver import free_port
from traffic import OURS, is_ours, note_peer

FEDERATION = "/_matrix/federation"

# One for all: each new one reads the authorities of the system, which takes longer than most requests. A connection
# serves one request, as servers under test come and go.
HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))

# ── Certificates ──────────────────────────────────────────────────────────────────────────────────────


class Authority:
    """A certificate authority that only the servers of one test run trust."""

    def __init__(self, directory):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests only")])
        self.certificate = self._sign(self.name, self.key.public_key(), is_authority=True)
        self.directory = directory
        self.ca_file = directory / "authority.pem"
        self.ca_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, is_authority=False, names=(), days=2, signed_by=None):
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signed_by else self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signed_by or self.key, hashes.SHA256())

    def issue(self, name, address="127.0.0.1", hosts=("localhost",), days=2, is_self_signed=False):
        """Paths of a certificate and its key. `days`: until it expires."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        names = [x509.DNSName(host) for host in hosts]
        if address:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        signed_by = key if is_self_signed else None
        certificate = self._sign(subject, key.public_key(), names=names, days=days, signed_by=signed_by)
        certificate_file = self.directory / f"{name}.pem"
        key_file = self.directory / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate_file, key_file


# ── Canonical JSON, hashes, signatures ────────────────────────────────────────────────────────────────


def canonical(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def unpadded(data, urlsafe=False):
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(data).rstrip(b"=").decode()


KEPT = {
    "event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures",
    "depth", "prev_events", "auth_events", "origin_server_ts",
}  # fmt: skip
KEPT_CONTENT = {
    "m.room.member": {"membership", "join_authorised_via_users_server"},
    "m.room.join_rules": {"join_rule", "allow"},
    "m.room.power_levels": {
        "ban", "events", "events_default", "kick", "redact", "state_default", "users",
        "users_default",
    },  # fmt: skip
    "m.room.history_visibility": {"history_visibility"},
}


def redacted(event, version):
    """The redaction algorithm, as far as room versions differ in what the tests send: m.room.aliases has no case, and
    nobody has restricted joins before version 9. What is no event is left as it is, for it is signed as well."""
    new = int(version) >= 11
    kept = KEPT if new else KEPT | {"prev_state", "origin", "membership"}
    copy = {key: value for key, value in event.items() if key in kept}
    content = event.get("content", {})
    if not isinstance(content, dict) or not isinstance(event.get("type"), str):
        return copy
    if event["type"] == "m.room.create":
        allowed = set(content) if new else {"creator"}
    else:
        allowed = KEPT_CONTENT.get(event["type"], set())
        if new and event["type"] == "m.room.power_levels":
            allowed = allowed | {"invite"}
        if new and event["type"] == "m.room.redaction":
            allowed = {"redacts"}
    copy["content"] = {key: value for key, value in content.items() if key in allowed}
    return copy


def without(event, *names):
    return {key: value for key, value in event.items() if key not in names}


def content_hash(event):
    plain = without(event, "unsigned", "signatures", "hashes")
    return unpadded(hashlib.sha256(canonical(plain)).digest())


def reference_hash(event, version):
    return hashlib.sha256(canonical(without(redacted(event, version), "signatures", "unsigned"))).digest()


def names_itself(version):
    """Whether events say their own ID, as they like."""
    return int(version) < 3


def event_id_of(event, version):
    if names_itself(version):
        return event.get("event_id")
    return "$" + unpadded(reference_hash(event, version), urlsafe=int(version) > 3)


def linked(links):
    """The IDs in `prev_events` or `auth_events` of any room version."""
    return [link if isinstance(link, str) else link[0] for link in links]


class Key:
    def __init__(self, name="ed25519:test", seed=None):
        self.name = name
        self.signing = nacl.signing.SigningKey(seed) if seed else nacl.signing.SigningKey.generate()

    def public(self):
        return unpadded(bytes(self.signing.verify_key))

    def signature(self, value):
        return unpadded(self.signing.sign(canonical(value)).signature)


# ── Rooms as a peer sees them ─────────────────────────────────────────────────────────────────────────


class PeerRoom:
    """What the peer knows of a room; `state` is by (type, state_key)."""

    def __init__(self, peer, room_id, version, user_id):
        self.peer = peer
        self.room_id = room_id
        self.version = version
        self.user_id = user_id
        self.state = {}
        self.extremities = []
        self.depth = 0

    def learn(self, event):
        event_id = event_id_of(event, self.version)
        self.peer.events[event_id] = event
        self.peer.rooms_of_events[event_id] = self
        if event.get("state_key") is not None:
            self.state[(event["type"], event["state_key"])] = event_id
        return event_id

    def auth_events(self, event_type, sender, state_key=None, content=None):
        wanted = [("m.room.power_levels", ""), ("m.room.member", sender)]
        if int(self.version) < 12:
            wanted.append(("m.room.create", ""))
        if event_type == "m.room.member":
            if (content or {}).get("membership") in ("join", "invite", "knock"):
                wanted.append(("m.room.join_rules", ""))
            wanted.append(("m.room.member", state_key))
        ids = []
        for key in wanted:
            if key in self.state and self.state[key] not in ids:
                ids.append(self.state[key])
        return ids

    def links(self, ids):
        """As they stand in an event of this room."""
        if not names_itself(self.version):
            return list(ids)
        known = self.peer.events
        hashes = {i: unpadded(reference_hash(known[i], self.version)) if i in known else "" for i in ids}
        return [[event_id, {"sha256": hashes[event_id]}] for event_id in ids]

    def event(self, event_type, content, state_key=None, *, learn=True, **changes):
        """A signed event upon what the peer last saw. `changes` replace members before it is signed, those that link
        events by their IDs; a value of ... removes one."""
        sender = changes.pop("sender", self.user_id)
        allowed_by = self.auth_events(event_type, sender, state_key, content)
        event = {
            "type": event_type,
            "room_id": self.room_id,
            "sender": sender,
            "content": content,
            "origin_server_ts": int(time.time() * 1000),
            "depth": self.depth + 1,
            "prev_events": self.links(changes.pop("prev_events", self.extremities)),
            "auth_events": self.links(changes.pop("auth_events", allowed_by)),
        }
        if names_itself(self.version):
            event["event_id"] = f"${uuid.uuid4().hex}:{self.peer.name}"
        if state_key is not None:
            event["state_key"] = state_key
        for name, value in changes.items():
            if value is ...:
                event.pop(name, None)
            else:
                event[name] = value
        self.peer.seal(event, self.version)
        if learn:
            event_id = self.learn(event)
            self.extremities = [event_id]
            self.depth = event["depth"]
        return event

    def id_of(self, event):
        return event_id_of(event, self.version)


# ── The server ────────────────────────────────────────────────────────────────────────────────────────


def who_asks(headers):
    """The origin of a signed request; otherwise ours is known by its name."""
    origin = re.search(r'origin="?([^",]+)', headers.get("Authorization") or "")
    return origin.group(1) if origin else OURS if is_ours(headers.get("User-Agent") or "") else ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        peer = self.server.peer
        url = urlparse(self.path)
        path, query = unquote(url.path), parse_qs(url.query)
        peer.requests.append((self.command, self.path))
        status, answer = peer.handle(self.command, path, query, json.loads(body) if body else None)
        if callable(answer):  # it writes what it likes, head and all
            self.close_connection = True
            return answer(self)
        if status == 200:
            peer.answered.append((self.command, self.path, who_asks(self.headers)))
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a connection that the other side gave up


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Peer:
    """`name`, when it is not its address, must lead there; `context` is its TLS."""

    def __init__(self, authority, address="127.0.0.1", port=None, name=None, context=None):
        port = port or free_port()
        self.http_server = Server((address, port), Handler)
        self.http_server.peer = self
        self.name = name or f"{address}:{port}"
        self.address, self.port = address, port
        if context is None:
            context = tls_context(*authority.issue(f"peer-{address}-{port}", address=address))
        self.http_server.socket = context.wrap_socket(
            self.http_server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.key = Key()
        self.events = {}  # event ID -> PDU
        self.rooms_of_events = {}
        self.answers = {}  # path prefix -> function(method, path, query, body) -> (status, object or bytes)
        self.transactions = []
        self.requests = []
        self.answered = []  # what was answered with 200: method, target, who asked
        self.lock = threading.Condition()
        self.txn = 0
        threading.Thread(target=self.http_server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        note_peer(self)
        self.http_server.shutdown()
        self.http_server.server_close()

    def user(self, localpart):
        return f"@{localpart}:{self.name}"

    # ── What it answers ──

    def key_document(self, **changes):
        document = {
            "server_name": self.name,
            "verify_keys": {self.key.name: {"key": self.key.public()}},
            "old_verify_keys": {},
            "valid_until_ts": int(time.time() * 1000) + 3600 * 1000,
            **changes,
        }
        document["signatures"] = {self.name: {self.key.name: self.key.signature(document)}}
        return document

    def state_of(self, event):
        """The events of the state before an event, as far as the peer knows: the newest of each key among its
        ancestors."""
        state, seen, todo = {}, set(), linked(event["prev_events"])
        while todo:
            event_id = todo.pop()
            if event_id in seen or event_id not in self.events:
                continue
            seen.add(event_id)
            known = self.events[event_id]
            todo += linked(known["prev_events"])
            if known.get("state_key") is not None:
                key = (known["type"], known["state_key"])
                if key not in state or self.events[state[key]]["depth"] < known["depth"]:
                    state[key] = event_id
        return list(state.values())

    def chain(self, ids):
        seen, todo = set(), list(ids)
        while todo:
            event_id = todo.pop()
            if event_id in self.events:
                for auth in linked(self.events[event_id]["auth_events"]):
                    if auth not in seen:
                        seen.add(auth)
                        todo.append(auth)
        return [event_id for event_id in seen if event_id in self.events]

    def handle(self, method, path, query, body):
        for prefix, function in list(self.answers.items()):  # a test may add to them meanwhile
            if path.startswith(prefix):
                return function(method, path, query, body)
        if path.startswith("/_matrix/key/v2/server"):
            return 200, self.key_document()
        if path.startswith(f"{FEDERATION}/v1/send/"):
            with self.lock:
                self.transactions.append(body)
                self.lock.notify_all()
            return 200, {"pdus": {}}
        if path.startswith(f"{FEDERATION}/v1/event/"):
            event = self.events.get(path.rsplit("/", 1)[1])
            if event:
                return 200, {"origin": self.name, "origin_server_ts": 1, "pdus": [event]}
        if path.startswith(f"{FEDERATION}/v1/state_ids/"):
            event = self.events.get(query["event_id"][0])
            if event:
                ids = self.state_of(event)
                return 200, {"pdu_ids": ids, "auth_chain_ids": self.chain(ids)}
        if path.startswith(f"{FEDERATION}/v1/state/"):
            event = self.events.get(query["event_id"][0])
            if event:
                ids = self.state_of(event)
                return 200, {
                    "pdus": [self.events[i] for i in ids],
                    "auth_chain": [self.events[i] for i in self.chain(ids)],
                }
        if path.startswith(f"{FEDERATION}/v1/event_auth/"):
            event_id = path.rsplit("/", 1)[1]
            return 200, {"auth_chain": [self.events[i] for i in self.chain([event_id])]}
        if path.startswith(f"{FEDERATION}/v1/get_missing_events/"):
            return 200, {"events": self.between(body)}
        if path.startswith(f"{FEDERATION}/v1/backfill/"):
            return 200, {"origin": self.name, "origin_server_ts": 1, "pdus": self.before(query)}
        return 404, {"errcode": "M_NOT_FOUND", "error": "The peer has nothing of this."}

    def between(self, body):
        stop, found = set(body["earliest_events"]), []
        todo = [p for i in body["latest_events"] for p in linked(self.events.get(i, {}).get("prev_events", []))]
        while todo and len(found) < body.get("limit", 10):
            event_id = todo.pop(0)
            if event_id in stop or event_id not in self.events:
                continue
            stop.add(event_id)
            found.append(self.events[event_id])
            todo += linked(self.events[event_id]["prev_events"])
        return list(reversed(found))

    def before(self, query):
        seen, found, todo = set(), [], list(query["v"])
        while todo and len(found) < int(query["limit"][0]):
            event_id = todo.pop(0)
            if event_id in seen or event_id not in self.events:
                continue
            seen.add(event_id)
            found.append(self.events[event_id])
            todo += linked(self.events[event_id]["prev_events"])
        return found

    # ── What it does ──

    def seal(self, event, version, key=None):
        """Hashes and signs in place."""
        key = key or self.key
        event.setdefault("hashes", {})["sha256"] = content_hash(event)
        plain = without(redacted(event, version), "signatures", "unsigned")
        event.setdefault("signatures", {}).setdefault(self.name, {})[key.name] = key.signature(plain)
        return event

    def authorization(self, method, target, to, content=None, **changes):
        """The header; `changes` replace what is said in it, after the signature was made."""
        signed = {"method": method, "uri": target, "origin": self.name, "destination": to}
        if content is not None:
            signed["content"] = content
        fields = {
            "origin": self.name,
            "destination": to,
            "key": self.key.name,
            "sig": self.key.signature(signed),
            **changes,
        }
        return "X-Matrix " + ",".join(f'{name}="{value}"' for name, value in fields.items())

    def request(self, server, method, path, body=None, *, query="", header=None, expect=None):
        target = path + (f"?{query}" if query else "")
        header = header or self.authorization(method, target, server.server_name, body)
        content = None if body is None else canonical(body)  # as servers do: these bytes are signed
        answer = HTTP.request(
            method, server.base_url + target, content=content,
            headers={"Authorization": header, "Content-Type": "application/json"},
        )  # fmt: skip
        if expect is not None:
            assert answer.status_code == expect, f"{method} {target}: {answer.status_code} {answer.text[:500]}"
        return answer

    def get(self, server, path, query="", expect=200):
        return self.request(server, "GET", path, query=query, expect=expect).json()

    def send(self, server, pdus, edus=(), txn_id=None, expect=200):
        """One transaction; its answer."""
        self.txn += 1
        body = {
            "origin": self.name,
            "origin_server_ts": int(time.time() * 1000),
            "pdus": list(pdus),
            "edus": list(edus),
        }
        path = f"{FEDERATION}/v1/send/{txn_id or self.txn}"
        return self.request(server, "PUT", path, body, expect=expect).json()

    def make(self, server, what, room_id, user_id, expect=200):
        versions = "&".join(f"ver={n}" for n in range(1, 13))
        path = f"{FEDERATION}/v1/make_{what}/{quote(room_id, safe='')}/{quote(user_id, safe='')}"
        return self.get(server, path, versions, expect)

    def join(self, server, room_id, localpart, **query):
        """make_join and send_join; the room as the answer shows it."""
        user_id = self.user(localpart)
        template = self.make(server, "join", room_id, user_id)
        version = template["room_version"]
        event = template["event"]
        event["origin_server_ts"] = int(time.time() * 1000)
        self.seal(event, version)
        event_id = event_id_of(event, version)
        path = f"{FEDERATION}/v2/send_join/{quote(room_id, safe='')}/{quote(event_id, safe='')}"
        text = "&".join(f"{name}={value}" for name, value in query.items())
        answer = self.request(server, "PUT", path, event, query=text, expect=200).json()
        room = PeerRoom(self, room_id, version, user_id)
        for known in answer["auth_chain"] + answer["state"]:
            room.learn(known)
        room.state = {(e["type"], e["state_key"]): event_id_of(e, version) for e in answer["state"]}
        room.learn(answer["event"])
        room.extremities = [event_id]
        room.depth = answer["event"]["depth"]
        room.answer = answer
        return room

    def wait_for_transaction(self, matches, seconds=60):
        """The first element of a received transaction's `pdus` or `edus` for which `matches` is true."""
        give_up = time.monotonic() + seconds
        with self.lock:
            while True:
                for transaction in self.transactions:
                    for element in transaction.get("pdus", []) + transaction.get("edus", []):
                        if matches(element):
                            return element
                if not self.lock.wait(max(0, give_up - time.monotonic())):
                    raise AssertionError(f"nothing of the kind came in {seconds} s: {self.transactions}")
