"""A sliding sync client (MSC4186): one connection of a device, and what it has learned from it."""

PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"

ALL = {"ranges": [[0, 9999]], "timeline_limit": 10, "required_state": [["*", "*"]]}
EXTENSIONS = {
    "to_device": {"enabled": True},
    "e2ee": {"enabled": True},
    "account_data": {"enabled": True},
    "receipts": {"enabled": True},
    "typing": {"enabled": True},
}


class Sliding:
    def __init__(self, client, conn_id=None, **body):
        self.client = client
        self.body = {"lists": {"all": ALL}, **body}
        if conn_id is not None:
            self.body["conn_id"] = conn_id
        self.pos = None

    def ask(self, timeout_ms=0, expect=200, pos=None, **changes):
        """One request from where the last answer ended (or from `pos`); the position moves on."""
        self.body.update(changes)
        query = {"timeout": timeout_ms}
        pos = pos or self.pos
        if pos is not None:
            query["pos"] = pos
        answer = self.client.post(PATH, body=self.body, query=query, expect=expect)
        if expect == 200:
            self.pos = answer["pos"]
        return answer

    def acknowledge(self, answer):
        """To-device messages that this client has taken."""
        since = answer["extensions"]["to_device"]["next_batch"]
        self.body["extensions"] = {
            **self.body["extensions"],
            "to_device": {"enabled": True, "since": since},
        }


def told_events(answer, room):
    return [event["event_id"] for event in answer["rooms"].get(room, {}).get("timeline", [])]


def told_state(answer, room):
    state = answer["rooms"].get(room, {}).get("required_state", [])
    return {(event["type"], event["state_key"]): event for event in state}
