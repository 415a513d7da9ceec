"""A random room as servers that do not hear each other make it: events on any earlier ones, by several users of a
peer. All follows from the generator of random numbers.

Whether each event is really allowed where it stands is not looked at: what comes of it is for the server to say, and
for `beffroi verify-room` to say again.
"""

BRANCHES_MAX = 4


class RandomRoom:
    """Makes events into `room` (a PeerRoom), in `order`: parents first."""

    def __init__(self, room, users, rng):
        self.room = room
        self.users = users
        self.rng = rng
        self.order = []
        self.states = {}  # event ID -> what its maker takes for the state after it
        self.tips = list(room.extremities)
        for event_id in self.tips:
            self.states[event_id] = dict(room.state)

    def guess_state(self, prev_events):
        """Not state resolution: the deepest event of each key. Good enough to choose auth events by."""
        state = {}
        for event_id in prev_events:
            for key, value in self.states[event_id].items():
                if key not in state or self.depth(value) > self.depth(state[key]):
                    state[key] = value
        return state

    def depth(self, event_id):
        return self.room.peer.events[event_id]["depth"]

    def choose_prev_events(self):
        names = list(self.states)
        chosen = self.rng.sample(self.tips, min(len(self.tips), self.rng.choice([1, 1, 1, 2, 3])))
        if self.rng.random() < 0.15:
            chosen = [self.rng.choice(names[-12:])]  # a fork from further back
        return chosen

    def choose_content(self, state):
        """(type, state key, content) of something that happens in rooms."""
        rng, other = self.rng, self.rng.choice(self.users)
        levels = self.room.peer.events[state[("m.room.power_levels", "")]]["content"]
        choices = [
            (5, ("m.room.message", None, {"body": str(rng.random())})),
            (3, ("m.room.topic", "", {"topic": str(rng.random())})),
            (2, ("m.room.member", other, {"membership": rng.choice(["leave", "ban", "leave"])})),
            (3, ("m.room.member", None, {"membership": rng.choice(["join", "join", "leave"])})),
            (1, ("m.room.join_rules", "", {"join_rule": rng.choice(["public", "public", "invite"])})),
            (2, ("m.room.power_levels", "", {
                **levels, "users": {**levels["users"], other: rng.choice([0, 50, 50, 75, 100])},
            })),
        ]  # fmt: skip
        return rng.choices([c for _, c in choices], [w for w, _ in choices])[0]

    def is_plausible(self, state, sender, event_type, state_key, content):
        """A short form of the auth rules."""
        pdus = self.room.peer.events

        def membership(user):
            event_id = state.get(("m.room.member", user))
            return pdus[event_id]["content"]["membership"] if event_id else "leave"

        levels = pdus[state[("m.room.power_levels", "")]]["content"]
        power = levels["users"].get(sender, 0)
        if event_type == "m.room.member" and state_key == sender:
            rules = pdus[state[("m.room.join_rules", "")]]["content"]["join_rule"]
            now = membership(sender)
            return now == "join" or (now != "ban" and rules == "public" and content["membership"] == "join")
        if membership(sender) != "join":
            return False
        if event_type == "m.room.member":
            return power >= 50 and power > levels["users"].get(state_key, 0)
        if event_type == "m.room.power_levels":
            changed = [u for u in self.users if content["users"].get(u, 0) != levels["users"].get(u, 0)]
            values = [c["users"].get(u, 0) for u in changed for c in (content, levels)]
            own = [levels["users"].get(u, 0) for u in changed if u != sender]
            return power >= 50 and all(v <= power for v in values) and all(v < power for v in own)
        return power >= (50 if state_key is not None else 0)

    def choose_event(self, state):
        """Mostly something that is allowed, as far as its maker can tell."""
        for _ in range(30):
            sender = self.rng.choice(self.users)
            event_type, state_key, content = self.choose_content(state)
            if event_type == "m.room.member" and state_key is None:
                state_key = sender
            allowed = self.is_plausible(state, sender, event_type, state_key, content)
            if allowed or self.rng.random() < 0.02:
                break
        return allowed, sender, event_type, state_key, content

    def step(self):
        room = self.room
        prev_events = self.choose_prev_events()
        state = self.guess_state(prev_events)
        allowed, sender, event_type, state_key, content = self.choose_event(state)
        room.state = state
        event = room.event(
            event_type, content, state_key, sender=sender, prev_events=prev_events, learn=False,
            depth=1 + max(self.depth(i) for i in prev_events), origin_server_ts=1700000000000 + len(self.order),
        )  # fmt: skip
        event_id = room.id_of(event)
        room.peer.events[event_id] = event
        room.peer.rooms_of_events[event_id] = room
        self.states[event_id] = dict(state)
        if allowed and state_key is not None:
            self.states[event_id][(event_type, state_key)] = event_id
        self.order.append(event)
        self.tips = [i for i in self.tips if i not in prev_events] + [event_id]
        self.tips = self.tips[-BRANCHES_MAX:]
        return event
