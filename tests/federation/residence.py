"""A room that a peer has and others join."""

import threading
import time

from client import unique
from peer import FEDERATION, PeerRoom


class Residence:
    """A room of the peer's: charlie made it, derek is in it."""

    def __init__(self, peer, levels=None, version="11", **also):
        self.peer, self.version = peer, version
        self.charlie, self.derek = peer.user("charlie"), peer.user("derek")
        self.room = PeerRoom(peer, f"!{unique('room')}:{peer.name}", self.version, self.charlie)
        self.servers = [peer.name]
        self.omits = True  # members, from the answer to a join
        self.told = threading.Event()  # what the test waits for before members are told
        self.asked = threading.Event()
        users = {self.charlie: 100, **(levels(peer) if levels else {})}
        creator = {"creator": self.charlie} if int(version) < 11 else {}
        self.room.event("m.room.create", {"room_version": self.version, **creator}, "")
        self.member("charlie", "join")
        self.room.event("m.room.power_levels", {"users": users}, "")
        self.room.event("m.room.join_rules", {"join_rule": "public"}, "")
        self.room.event("m.room.history_visibility", {"history_visibility": "shared"}, "")
        for localpart, membership in (also or {"derek": "join"}).items():
            self.member(localpart, "join")
            if membership != "join":
                self.member(localpart, membership)
        peer.answers[f"{FEDERATION}/v1/make_join/"] = self.make_join
        peer.answers[f"{FEDERATION}/v2/send_join/"] = self.send_join
        peer.answers[f"{FEDERATION}/v1/state_ids/"] = self.state_ids

    @property
    def id(self):
        return self.room.room_id

    def member(self, localpart, membership, **changes):
        user_id = self.peer.user(localpart)
        return self.room.event(
            "m.room.member", {"membership": membership}, user_id, **{"sender": user_id, **changes}
        )

    def make_join(self, method, path, query, body):
        user_id = path.rsplit("/", 1)[1]
        content = {"membership": "join"}
        event = {
            "type": "m.room.member", "room_id": self.id, "sender": user_id, "state_key": user_id,
            "content": content, "origin_server_ts": int(time.time() * 1000), "depth": self.room.depth + 1,
            "prev_events": self.room.links(self.room.extremities),
            "auth_events": self.room.links(self.room.auth_events("m.room.member", user_id, user_id, content)),
        }  # fmt: skip
        return 200, {"room_version": self.version, "event": event}

    def send_join(self, method, path, query, body):
        assert query["omit_members"] == ["true"]
        state = [i for (kind, _), i in self.room.state.items() if kind != "m.room.member" or not self.omits]
        event_id = self.room.learn(body)
        chain = [i for i in self.peer.chain([*state, event_id]) if i not in state]
        self.room.extremities, self.room.depth = [event_id], body["depth"]
        return 200, {
            "event": body,
            "state": [self.peer.events[i] for i in state],
            "auth_chain": [self.peer.events[i] for i in chain],
            **({"members_omitted": True, "servers_in_room": self.servers} if self.omits else {}),
        }

    def state_ids(self, method, path, query, body):
        self.asked.set()
        assert self.told.wait(120)
        ids = self.peer.state_of(self.peer.events[query["event_id"][0]])
        return 200, {"pdu_ids": ids, "auth_chain_ids": self.peer.chain(ids)}

    def coming_of(self, user_id):
        """The ID of the event by which a user joined, whatever became of them."""
        return next(
            event_id for event_id, event in self.room.peer.events.items()
            if event["type"] == "m.room.member" and event["state_key"] == user_id
            and event["content"]["membership"] == "join"
        )  # fmt: skip

    def says(self, text, sender, **changes):
        return self.room.event("m.room.message", {"msgtype": "m.text", "body": text}, sender=sender, **changes)
