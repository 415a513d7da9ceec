"""Which endpoints between servers our server answered, and which it called, while the federation tests ran.

Every server of the tests notes at its end, in the file that BEFFROI_TRAFFIC names, what it answered with 200 and to whom:
ours by its access log, Synapse by its own, peers (peer.py) by themselves. After the tests

    /usr/bin/python3 tests/federation/traffic.py FILE

prints for each endpoint who called ours and whom ours called, and fails when one of routes.c was never answered, or never
called by us without a reason being known here. `script/test federation` does so.
"""

import collections
import os
import pathlib
import re
import sys
from urllib.parse import urlparse

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "lint"), str(TESTS / "support")]

from check_routes import ROUTES, routed_endpoints  # noqa: E402
from homeserver import Beffroi  # noqa: E402
from sources import without_comments  # noqa: E402

OURS, SYNAPSE, PEER, SOMEBODY = "ours", "Synapse", "a peer", "anybody"

# What is not in routes.c: policy servers are no homeservers.
CALLED_ONLY = ["POST /_matrix/policy/v1/sign"]

V1 = "/_matrix/federation/v1"
NEVER_ANSWERED = {
    f"GET {V1}/query/{{queryType}}": "the specification names two types, which have endpoints of their own",
}
NEVER_CALLED = {
    **NEVER_ANSWERED,
    f"PUT {V1}/send_join/{{roomId}}/{{eventId}}": "left the specification with v1.18; v2 is what everybody has",
    f"PUT {V1}/send_leave/{{roomId}}/{{eventId}}": "left the specification with v1.18; v2 is what everybody has",
    f"PUT {V1}/invite/{{roomId}}/{{eventId}}": "rooms of versions 1 and 2; who hosts these has had v2 for years",
    f"PUT {V1}/3pid/onbind": "identity servers call it (tests/clients/test_identity_server.py: a real Sydent)",
    f"POST {V1}/3pid/onbind": "how Sydent spells it",
    f"GET {V1}/openid/userinfo": "who is shown a user's token calls it: widgets and identity servers, not homeservers",
    f"GET {V1}/publicRooms": "the POST asks for the same and takes a filter",
    f"GET {V1}/media/thumbnail/{{mediaId}}": "pictures are fetched whole and made small here, in every size from one call",
    "GET /_matrix/key/v2/query/{serverName}": "the POST asks a notary for several keys at once",
}


def endpoints():
    rows = routed_endpoints(without_comments(ROUTES.read_text(encoding="utf-8")))
    served = [name for name, row in rows if row["handler"].startswith("federation_")]
    return served, served + CALLED_ONLY


def pattern_of(endpoint):
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(endpoint)) + "$")


BEFFROI_LINE = re.compile(r'"(GET|PUT|POST) (/\S+) status=200 .* user=(\S+) request=')
SYNAPSE_LINE = re.compile(r' - \{(\S*)\} Processed request: .* 200 "(GET|PUT|POST) (\S+) HTTP/[\d.]+" "([^"]*)"')


def is_ours(user_agent):
    return user_agent.startswith("Beffroi/")


def answers_of_beffroi(log):
    """(method, target, who asked) of each request; nobody when it was not signed."""
    for method, target, user in BEFFROI_LINE.findall(log):
        yield method, target, "" if user == "-" or user.startswith("@") else user


def answers_of_synapse(log):
    for origin, method, target, agent in SYNAPSE_LINE.findall(log):
        yield method, target, OURS if is_ours(agent) else origin


def note(kind, server_name, answers):
    """Adds to the file in one write: several processes of tests share it."""
    if "BEFFROI_TRAFFIC" not in os.environ:
        return
    patterns = [(endpoint, pattern_of(endpoint)) for endpoint in endpoints()[1]]
    lines = {f"name\t{kind}\t{server_name}\n"}
    for method, target, caller in answers:
        call = f"{method} {urlparse(target).path}"
        # The first that matches, as in the route tree: what is literal is before what is a parameter.
        endpoint = next((name for name, pattern in patterns if pattern.match(call)), None)
        if endpoint:
            lines.add(f"{endpoint}\t{kind}\t{caller}\n")
    with open(os.environ["BEFFROI_TRAFFIC"], "ab", buffering=0) as file:
        file.write("".join(sorted(lines)).encode())


def note_server(server):
    answers_of = answers_of_beffroi if isinstance(server, Beffroi) else answers_of_synapse
    note(OURS if isinstance(server, Beffroi) else SYNAPSE, server.server_name, answers_of(server.log()))


def note_peer(peer):
    note(PEER, peer.name, peer.answered)


def read(path):
    """By endpoint: who called ours, whom ours called."""
    kinds, calls = {OURS: OURS, "": SOMEBODY}, set()
    for line in pathlib.Path(path).read_text().splitlines():
        first, kind, name = line.split("\t")
        if first == "name":
            kinds[name] = kind
        else:
            calls.add((first, kind, name))
    callers, called = collections.defaultdict(set), collections.defaultdict(set)
    for endpoint, answered_by, caller in calls:
        asked_by = kinds.get(caller, SOMEBODY)
        if answered_by == OURS:
            callers[endpoint].add(asked_by)
        if asked_by == OURS:
            called[endpoint].add(answered_by)
    return callers, called


def complaints(callers, called):
    served, all_endpoints = endpoints()
    for endpoint in served:
        if not callers[endpoint] and endpoint not in NEVER_ANSWERED:
            yield f"{endpoint}: no test had it answered"
    for endpoint in all_endpoints:
        if not called[endpoint] and endpoint not in NEVER_CALLED:
            yield f"{endpoint}: ours never called it"
        if called[endpoint] and endpoint in NEVER_CALLED:
            yield f"{endpoint}: ours does call it"


def main(path):
    callers, called = read(path)
    print("| endpoint | ours was called by | ours called |\n|---|---|---|")
    for endpoint in endpoints()[1]:
        why = NEVER_CALLED.get(endpoint, "")
        columns = [", ".join(sorted(who[endpoint], reverse=True)) for who in (callers, called)]
        print(f"| `{endpoint}` | {columns[0]} | {columns[1] or why} |")
    found = list(complaints(callers, called))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
