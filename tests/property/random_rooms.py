"""Random rooms and events, made with Synapse's event class; everything follows from the generator
of random numbers that is handed in."""

import json

from synapse import event_auth
from synapse.api.errors import AuthError, SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_dict


def domain(user_id):
    return user_id.split(":", 1)[1]


class Room:
    """A random room: a DAG of events, each with the state after it."""

    def __init__(self, version, rng):
        self.version = KNOWN_ROOM_VERSIONS[version]
        # Those of proposals are made like the version that they build on.
        self.id = version.rsplit(".", 1)[-1]
        self.has_owned_state = "msc3757" in version
        self.rng = rng
        self.events = {}
        self.order = []
        self.after = {}
        self.number = 0
        self.users = ["@%s:%s" % (n, rng.choice(["one", "one", "two", "three"]))
                      for n in "abcdefg"[: rng.randint(3, 7)]]
        self.creator = self.users[0]
        self.lies = rng.random() < 0.4
        self.members_bias = rng.random()

    # Making events.

    def links(self, ids):
        if self.id in ("1", "2"):
            return [[i, {"sha256": "x"}] for i in ids]
        return list(ids)

    def build(self, sender, kind, state_key, content, prev, auth, rejected=False, **extra):
        self.number += 1
        depth = 1 + max((self.events[p].depth for p in prev), default=0)
        if self.lies and self.rng.random() < 0.1:
            depth = self.rng.randint(1, 12)
        pdu = {
            "type": kind, "sender": sender, "content": content, "room_id": "!r:one",
            "origin_server_ts": self.rng.randint(1, 1 + self.number),
            "depth": depth, "prev_events": self.links(prev), "auth_events": self.links(auth),
            "hashes": {"sha256": str(self.number)}, "signatures": {}, "unsigned": {},
        }
        pdu.update(extra)
        if self.id == "12":
            pdu["room_id"] = self.room_id
        if state_key is not None:
            pdu["state_key"] = state_key
        if kind == "m.room.create" and self.id == "12":
            del pdu["room_id"]
        if self.id in ("1", "2"):
            pdu["event_id"] = "$%d-%d:%s" % (self.rng.randint(0, 9), self.number,
                                             domain(sender))
        return make_event_from_dict(pdu, self.version, {}, "rejected" if rejected else None)

    room_id = "!r:one"
    is_closed = False

    def auth_ids(self, event, state):
        keys = event_auth.auth_types_for_event(self.version, event)
        ids = [state[key] for key in sorted(keys) if key in state]
        if self.id == "12":
            ids = [i for i in ids if self.events[i].type != "m.room.create"]
        return ids

    def draft(self, sender, kind, state_key, content, prev, state, **extra):
        rng_state, number = self.rng.getstate(), self.number
        bare = self.build(sender, kind, state_key, content, prev, [], **extra)
        self.rng.setstate(rng_state)
        self.number = number
        auth = self.auth_ids(bare, state)
        if self.lies and auth and self.rng.random() < 0.05:
            dropped = self.rng.choice(auth)
            if self.events[dropped].type != "m.room.create":
                auth.remove(dropped)
        if self.lies and auth and self.rng.random() < 0.1:
            self.make_stale(auth)
        return self.build(sender, kind, state_key, content, prev, auth, **extra)

    def make_stale(self, auth):
        """Cites an event by which the room has moved on."""
        place = self.rng.randrange(len(auth))
        cited = self.events[auth[place]]
        others = [i for i in self.order if self.events[i].type == cited.type
                  and self.events[i].get_state_key() == cited.get_state_key()]
        auth[place] = self.rng.choice(others)

    def is_acceptable(self, event, state):
        try:
            event_auth.check_state_dependent_auth_rules(
                event, [self.events[i] for i in state.values()])
            return True
        except AuthError:
            # Some servers let events pass that others refuse.
            return self.lies and self.rng.random() < 0.05
        except SynapseError:
            # Wrong in any state: Synapse does not expect to meet it in a resolution.
            return False

    def accept(self, event, state):
        self.events[event.event_id] = event
        self.order.append(event.event_id)
        self.after[event.event_id] = dict(state)
        if event.is_state():
            self.after[event.event_id][(event.type, event.state_key)] = event.event_id

    def start(self):
        content = {"room_version": self.version.identifier}
        if self.id not in ("11", "12"):
            content["creator"] = self.creator
        if self.id == "12" and self.rng.random() < 0.4:
            content["additional_creators"] = self.rng.sample(self.users[1:], 1)
        self.is_closed = self.rng.random() < 0.1
        if self.is_closed:
            content["m.federate"] = False
        create = self.build(self.creator, "m.room.create", "", content, [], [])
        if self.id == "12":
            self.room_id = create.room_id
        self.accept(create, {})
        self.step(self.creator, "m.room.member", self.creator, {"membership": "join"}, force=True)
        if self.rng.random() < 0.9:
            self.step(self.creator, "m.room.power_levels", "", self.power_levels({}))
        if self.rng.random() < 0.9:
            rule = self.rng.choice(["public", "public", "public", "invite", "restricted", "knock"])
            self.step(self.creator, "m.room.join_rules", "", {"join_rule": rule})

    # What happens in the room.

    def merged_state(self, prev):
        state = {}
        for event_id in prev:
            for key, value in self.after[event_id].items():
                if key not in state or self.rng.random() < 0.5:
                    state[key] = value
        return state

    def choose_prev(self):
        if self.rng.random() < 0.75:
            return [self.order[-1]]
        recent = self.order[-8:] if self.rng.random() < 0.8 else self.order
        return self.rng.sample(recent, min(len(recent), self.rng.choice([1, 1, 1, 2, 3])))

    def step(self, sender, kind, state_key, content, force=False, **extra):
        prev = [self.order[-1]] if force else self.choose_prev()
        state = self.merged_state(prev)
        event = self.draft(sender, kind, state_key, content, prev, state, **extra)
        if event.event_id in self.events:
            return
        if self.is_acceptable(event, state):
            self.accept(event, state)

    def level(self):
        value = self.rng.choice([0, 0, 10, 50, 50, 60, 75, 99, 100, 100, 101])
        if int(self.id) < 10 and self.rng.random() < 0.1:
            return self.rng.choice(["%d", " +%d ", "00%d"]) % value
        return value

    def power_levels(self, old):
        rng = self.rng
        content = json.loads(json.dumps(old))
        content.setdefault("users", {})
        if not old and self.id != "12":
            content["users"][self.creator] = 100
        for _ in range(rng.randint(1, 2)):
            choice = rng.random()
            if choice < 0.6:
                user = rng.choice(self.users)
                if self.id != "12" or user != self.creator or rng.random() < 0.1:
                    content["users"][user] = self.level()
                if rng.random() < 0.15:
                    content["users"].pop(user, None)
            elif choice < 0.8:
                content[rng.choice(["ban", "kick", "invite", "redact", "users_default",
                                    "events_default", "state_default"])] = self.level()
            else:
                group = rng.choice(["events", "events", "notifications"])
                kind = rng.choice(["m.room.topic", "m.room.power_levels", "m.room.join_rules",
                                   "m.room.name", "room"])
                content.setdefault(group, {})[kind] = self.level()
        return content

    def some_user(self):
        return self.rng.choice(self.users)

    def do_membership(self):
        sender, target = self.some_user(), self.some_user()
        kind = self.rng.choice(["join", "join", "join", "leave", "ban", "invite", "kick", "knock",
                                "unban"])
        content = {"membership": kind if kind not in ("kick", "unban") else "leave"}
        if kind in ("join", "leave", "knock"):
            target = sender
        if self.is_closed and domain(target) != domain(self.creator):
            target = sender  # see known_difference()
        if kind == "join" and self.rng.random() < 0.3:
            content["join_authorised_via_users_server"] = self.some_user()
        if kind == "invite" and self.rng.random() < 0.05:
            content["third_party_invite"] = {"display_name": "x", "signed": {
                "mxid": target, "token": "t", "signatures": {}}}
        self.step(sender, "m.room.member", target, content)

    def do_power(self):
        current = self.after[self.order[-1]].get(("m.room.power_levels", ""))
        old = self.events[current].get_dict()["content"] if current else {}
        sender = self.creator if self.rng.random() < 0.4 else self.some_user()
        self.step(sender, "m.room.power_levels", "", self.power_levels(old))

    def do_rules(self):
        rule = self.rng.choice(["public", "invite", "restricted", "knock", "knock_restricted",
                                "private"])
        sender = self.creator if self.rng.random() < 0.6 else self.some_user()
        self.step(sender, "m.room.join_rules", "", {"join_rule": rule})

    def do_other(self):
        kind, key = self.rng.choice([
            ("m.room.topic", ""), ("m.room.name", ""), ("m.room.third_party_invite", "t"),
            ("m.room.aliases", "one"), ("org.x", "@a:one"), ("m.text", None)])
        self.step(self.some_user(), kind, key, {"n": self.number})

    def grow(self, steps):
        self.start()
        for _ in range(steps):
            choice = self.rng.random()
            if choice < 0.35 + 0.3 * self.members_bias:
                self.do_membership()
            elif choice < 0.75:
                self.do_power()
            elif choice < 0.85:
                self.do_rules()
            else:
                self.do_other()

    def state_sets(self):
        rng = self.rng
        recent = self.order[-10:] if rng.random() < 0.7 else self.order
        sets = [dict(self.after[rng.choice(recent)]) for _ in range(rng.choice([2, 2, 2, 3, 4]))]
        for state in sets:
            if self.lies and rng.random() < 0.1 and len(state) > 1:
                key = rng.choice(sorted(state))
                if key[0] != "m.room.create":
                    del state[key]
        return sets

    def forget_some(self, sets):
        """Events that are in no state set may be missing at a server."""
        in_sets = {i for state in sets for i in state.values()}
        for event_id in self.order:
            event = self.events[event_id]
            if (event_id not in in_sets and event.type != "m.room.create"
                    and self.rng.random() < 0.03):
                del self.events[event_id]


def random_content(room, rng):
    return rng.choice([
        lambda: {}, lambda: {"n": 1},
        lambda: {"membership": rng.choice(["join", "leave", "invite", "ban", "knock", "x"])},
        lambda: {"join_rule": "public"}, lambda: room.power_levels({}),
        lambda: {"users": {rng.choice(room.users + ["x", "@x", "@:one"]): rng.choice([1, "1", 0])}},
        lambda: {"ban": rng.choice([1, 60, 1000])},
        lambda: {"room_version": rng.choice(["1", "9", "12", "x"])},
    ])()


def random_event(room, prev, state):
    rng = room.rng
    kind = rng.choice(["m.room.member"] * 6 + ["m.room.power_levels"] * 4 + [
        "m.room.create", "m.room.join_rules", "m.room.third_party_invite", "m.room.aliases",
        "m.room.redaction", "m.room.topic", "m.text", "org.x"])
    sender, target = room.some_user(), room.some_user()
    if rng.random() < 0.3:
        sender = room.creator
    content, key, extra = random_content(room, rng), "", {}
    if kind == "m.room.member":
        key = target if rng.random() < 0.5 else sender
        content = {"membership": rng.choice(["join", "join", "leave", "ban", "invite", "knock",
                                             "x"])}
        if rng.random() < 0.3:
            content["join_authorised_via_users_server"] = room.some_user()
        if rng.random() < 0.1:
            content["third_party_invite"] = rng.choice([{}, {"signed": {
                "mxid": target, "token": "t", "signatures": {}}}])
    elif kind == "m.room.power_levels":
        current = state.get(("m.room.power_levels", ""))
        old = room.events[current].get_dict()["content"] if current else {}
        content = room.power_levels(old) if rng.random() < 0.8 else content
        key = "" if rng.random() < 0.98 else "x"
    elif kind == "m.room.redaction":
        key = None
        target_id = rng.choice(room.order) if room.id in ("1", "2") else "$x"
        if room.id in ("11", "12"):
            content = {"redacts": target_id}
        else:
            extra = {"redacts": target_id}
    elif kind == "m.text":
        key = None
    elif kind != "m.room.create":
        key = rng.choice(["", "", sender, target, "one", "two", "@", "t"])
        if room.has_owned_state and rng.random() < 0.5:
            # Synapse looks at lengths elsewhere.
            key += rng.choice(["_", "_x:@_y", "x", ":1_", "@"])
    if kind == "m.room.create":
        prev = prev if rng.random() < 0.5 else []
    room.lies = False
    if kind == "m.room.member" and "third_party_invite" in content and \
            "signed" not in content["third_party_invite"]:
        return room.build(sender, kind, key, content, prev, [], **extra)
    return room.draft(sender, kind, key, content, prev, state, **extra)
