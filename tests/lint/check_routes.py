"""The route table says about each endpoint what the specification says.

Compares homeserver/server/routes.c with tests/vectors/endpoints.tsv: method, path, who may call, rate limit,
deprecation, and the handler's name (a prefix and the operationId). What is not built yet stands in
endpoints-not-built.txt, which may only shrink: `check_routes.py --update` takes out what is built by now.
"""

import csv
import pathlib
import re
import sys

from sources import ROOT, line_of, report, without_comments

ROUTES = ROOT / "homeserver" / "server" / "routes.c"
ENDPOINTS = ROOT / "tests" / "vectors" / "endpoints.tsv"
NOT_BUILT = pathlib.Path(__file__).with_name("endpoints-not-built.txt")

ROW = re.compile(
    r'\{\s*(GET|PUT|POST|DELETE|OPTIONS|HEAD),\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*([\w |]+?),?\s*\}'
)

# The table's word for who may call: the rows' words for it.
ACCESS = {
    "none": {"ANYONE", "OPTIONAL_USER"},
    "guest-ok": {"GUEST"},
    "access-token": {"USER", "ADMIN"},
    "access-token-or-appservice": {"USER"},
    "appservice-token": {"APPSERVICE"},
    "X-Matrix": {"SERVER"},
    "signature": {"ANYONE"},
}

# Where we differ on purpose: "METHOD path": (access, why).
DIFFERENT_ACCESS = {
    "GET /_matrix/client/v1/room_summary/{roomIdOrAlias}": (
        "OPTIONAL_USER",
        "the text allows callers without a token for rooms that anyone may see",
    ),
    "POST /_matrix/client/v3/join/{roomIdOrAlias}": (
        "GUEST",
        "the other way to join is for guests, and clients (matrix-js-sdk) know only this one",
    ),
    "GET /_matrix/client/versions": ("OPTIONAL_USER", "a token may switch on features of its user"),
}

# Paths that the specification does not have: ours, Synapse's, and unstable ones that clients use. (Sydent says
# POST to onbind where the specification says PUT; both are there.)
BEYOND_THE_SPECIFICATION = re.compile(
    r"/_matrix/federation/v1/3pid/onbind$|/_synapse/|/_beffroi/|/health/|/metrics$|/_matrix/(client|federation|media|media_proxy|key)/unstable/|/_matrix/(client|media)/r0/|/$|/_matrix/client/v3/pushrules(/global)?$"
)


def specified_endpoints():
    endpoints = {}
    with ENDPOINTS.open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            ours = row["api"] in ("client", "server") and re.match(r"/(_matrix|\.well-known)/", row["path"])
            if ours and not row["path"].startswith("/_matrix/policy/") and row["method"] != "OPTIONS":
                endpoints[f"{row['method']} {row['path']}"] = row
    return endpoints


def routed_endpoints(source):
    for match in ROW.finditer(source):
        method, path, handler, access, limit, body, flags = match.groups()
        row = {"handler": handler, "access": access, "limit": limit, "body": body, "flags": flags}
        yield f"{method} {path.replace('...}', '}')}", row | {"line": line_of(source, match.start())}


def compare(name, specified, row):
    allowed = ACCESS[specified["auth"]]
    if name in DIFFERENT_ACCESS:
        allowed = allowed | {DIFFERENT_ACCESS[name][0]}
    if row["access"] not in allowed:
        yield f"access is {row['access']}, the specification says {specified['auth']}"
    if specified["rate_limited"] == "y" and row["limit"] == "LIMIT_NONE":
        yield "no rate limit, the specification asks for one"
    if (specified["deprecated"] == "y") != ("DEPRECATED" in row["flags"]):
        yield f"DEPRECATED does not match the specification's '{specified['deprecated']}'"
    operation = specified["operationId"]
    named = row["handler"].split("_", 1)[-1].replace("_", "")
    if operation.isalnum() and named != operation.lower():
        yield f"handler {row['handler']} is not named after the operation {operation}"


def check(routed, specified, not_built):
    for name, row in routed.items():
        where = f"{ROUTES.relative_to(ROOT)}:{row['line']}: {name}"
        if name in specified:
            for problem in compare(name, specified[name], row):
                yield f"{where}: {problem}"
        elif not BEYOND_THE_SPECIFICATION.match(name.split(" ", 1)[1]):
            yield f"{where}: not in the specification"
        if name in not_built:
            yield f"{where}: built, but listed in {NOT_BUILT.name}: run tests/lint/check_routes.py --update"
    for name in sorted(set(specified) - set(routed) - not_built):
        yield f"{name}: neither routed nor listed in {NOT_BUILT.name}"
    for name in sorted(not_built - set(specified)):
        yield f"{NOT_BUILT.name}: {name}: no such endpoint"


def main():
    specified = specified_endpoints()
    source = without_comments(ROUTES.read_text(encoding="utf-8")) if ROUTES.exists() else ""
    routed, doubled = {}, []
    for name, row in routed_endpoints(source):
        if name in routed:
            doubled.append(f"{ROUTES.relative_to(ROOT)}:{row['line']}: {name} stands here a second time")
        routed[name] = row
    not_built = set(NOT_BUILT.read_text(encoding="utf-8").splitlines())
    if "--update" in sys.argv:
        NOT_BUILT.write_text("".join(f"{name}\n" for name in sorted(not_built - set(routed))), encoding="utf-8")
        return
    report(doubled + list(check(routed, specified, not_built)))


if __name__ == "__main__":
    main()
