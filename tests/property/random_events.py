"""Random events of all room versions, as JSON text. The same seed gives the same events."""

import json
import random
import struct

VERSIONS = [str(number) for number in range(1, 13)]
LOOSE_VERSIONS = VERSIONS[:5]

CONTENT = {
    "m.room.member": ["membership", "join_authorised_via_users_server", "third_party_invite", "displayname"],
    "m.room.create": ["creator", "room_version", "predecessor", "m.federate", "additional_creators"],
    "m.room.join_rules": ["join_rule", "allow"],
    "m.room.power_levels": ["ban", "events", "events_default", "invite", "kick", "notifications", "redact"]
    + ["state_default", "users", "users_default"],
    "m.room.aliases": ["aliases", "alias"],
    "m.room.history_visibility": ["history_visibility"],
    "m.room.redaction": ["redacts", "reason"],
    "m.room.message": ["body", "msgtype"],
}
EXTRA_TOP_LEVEL = ["origin", "membership", "prev_state", "redacts", "replaces_state", "zz", "é"]
TEXTS = ["", "a", "text", "é", "😀", "\u0000", "\n\t\"\\/", "\x7f", "\u001f\b\f\r", "Ａ", "日本", "\u2028", "a" * 70]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return self.random.choice(TEXTS) + self.random.choice(TEXTS)

    def key(self):
        return self.text().replace("\u0000", "_")

    def float(self):
        choice = self.random.randrange(4)
        if choice == 0:
            value = struct.unpack("<d", self.random.randbytes(8))[0]
            return value if abs(value) < 1e308 else 0.5  # neither NaN nor infinity
        if choice == 1:
            return self.random.choice([-1, 1]) * 2.0 ** self.random.randrange(-1074, 1000)
        if choice == 2:
            return float(f"{self.random.randrange(1000)}e{self.random.randrange(-30, 30)}")
        return self.random.uniform(-100, 100)

    def number(self, loose):
        if loose and self.random.randrange(3) == 0:
            return self.float()
        bits = self.random.choice([3, 20, 63 if loose else 53])
        return self.random.choice([-1, 1]) * self.random.randrange(2**bits)

    def value(self, loose, depth=3):
        choice = self.random.randrange(6 if depth > 0 else 4)
        if choice == 0:
            return self.random.choice([True, False, None])
        if choice in (1, 2):
            return self.number(loose)
        if choice == 3:
            return self.text()
        if choice == 4:
            return [self.value(loose, depth - 1) for _ in range(self.random.randrange(4))]
        return {self.key(): self.value(loose, depth - 1) for _ in range(self.random.randrange(5))}

    def content(self, event_type, loose):
        content = {}
        for name in CONTENT[event_type] + [self.key()]:
            if self.random.randrange(3) > 0:
                content[name] = self.value(loose)
        if self.random.randrange(2) == 0 and event_type == "m.room.member":
            invite = {"display_name": self.text(), "signed": self.value(loose), "x": 1}
            self.drop_some(invite, 3)
            content["third_party_invite"] = invite
        return content

    def drop_some(self, members, one_in):
        for name in list(members):
            if self.random.randrange(one_in) == 0:
                del members[name]

    def links(self, version):
        ids = [f"$link{self.random.randrange(1000)}:x" for _ in range(self.random.randrange(4))]
        if version in ("1", "2"):
            return [[event_id, {"sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}] for event_id in ids]
        return ids

    def event(self, version):
        loose = version in LOOSE_VERSIONS
        event_type = self.random.choice(list(CONTENT))
        event = {
            "type": event_type,
            "room_id": "!room:example.org" if version != "12" else "!" + "A" * 43,
            "sender": f"@user{self.random.randrange(9)}:example.org",
            "content": self.content(event_type, loose),
            "depth": self.random.randrange(2**20),
            "origin_server_ts": self.random.randrange(2**41),
            "prev_events": self.links(version),
            "auth_events": self.links(version),
            "hashes": {"sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
            "signatures": {"example.org": {"ed25519:a": "sig"}},
        }
        if version in ("1", "2"):
            event["event_id"] = f"$id{self.random.randrange(2**30)}:example.org"
        if event_type != "m.room.message":
            event["state_key"] = self.random.choice(["", "@user:example.org", self.text()])
        if event_type == "m.room.create" and version == "12":
            event["state_key"] = ""
            del event["room_id"]
        if self.random.randrange(2) == 0:
            event["unsigned"] = {"age": 5, "x": self.text()}
        for name in EXTRA_TOP_LEVEL:
            if self.random.randrange(5) == 0:
                event[name] = self.value(loose)
        return event

    def question(self):
        version = self.random.choice(VERSIONS)
        event = list(self.event(version).items())
        self.random.shuffle(event)
        text = json.dumps(
            dict(event),
            ensure_ascii=self.random.randrange(2) == 0,
            indent=self.random.choice([None, None, 1]),
        )
        return {"version": version, "input": text}


def questions(seed, count):
    generator = Generator(seed)
    return [generator.question() for _ in range(count)]
