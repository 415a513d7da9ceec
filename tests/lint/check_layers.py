"""A folder is a layer and includes point down only (ARCHITECTURE.md).

1. A file includes only files of its own folder or of a lower layer, written from the root.
2. A third-party header appears in the places that own that library, nowhere else.
3. Threads are started in one place, which keeps signals from them.
"""

import re

from sources import files, line_of, report, text, without_comments

# From the bottom up. A file may include what stands on a lower line, and its own folder. Inside the
# services the order is total: each may use those above it here.
LAYERS = [
    ["homeserver/base"],
    ["homeserver/protocol"],
    ["config"],
    ["migrations"],
    ["storage"],
    ["homeserver/call.h", "homeserver/services.h"],
    ["homeserver/net"],
    ["federation/client"],
    ["homeserver/accounts"],
    ["homeserver/encryption"],
    ["homeserver/presence"],
    ["homeserver/directory"],
    ["homeserver/media"],
    ["homeserver/push"],
    ["homeserver/rooms"],
    ["homeserver/sync"],
    ["homeserver/appservice"],
    ["homeserver/identity"],
    ["federation/receiver"],
    ["federation/membership"],
    ["federation/sender"],
    ["homeserver/jobs"],
    ["homeserver/http"],
    [
        "homeserver/client_api",
        "homeserver/admin_api",
        "homeserver/oauth_api",
        "homeserver/web",
        "federation/api",
    ],
    ["homeserver/server"],
    ["homeserver/cli"],
    ["homeserver/main.c"],
    ["tests"],
]

# Header pattern: the folders and files that may include it. Tests may include anything.
THIRD_PARTY = {
    r"libpq-fe\.h|libpq/.*|postgres.*": ["storage/"],
    r"microhttpd\.h": ["homeserver/http/"],
    r"curl/.*|ares.*\.h|ldap\.h": ["homeserver/net/"],
    r"vips/.*|seccomp\.h": ["homeserver/media/thumbnailer/"],
    r"libxml/.*": ["homeserver/media/previewer/"],
    r"(openssl/.*|sodium\.h)": [
        "homeserver/base/aes_ctr.c",
        "homeserver/base/base64.c",
        "homeserver/base/hmac_sha1.c",
        "homeserver/base/map.c",
        "homeserver/base/random.c",
        "homeserver/base/secret.c",
        "homeserver/base/sha1.c",
        "homeserver/base/sha256.c",
        "homeserver/protocol/ed25519.c",
        "homeserver/accounts/password_hash.c",
        "homeserver/cli/self_signed_certificate.c",
        "homeserver/net/certificate_names.c",
    ],
    r"gnutls/.*": ["homeserver/http/"],
    r"pcre2\.h": ["homeserver/appservice/"],
    r"olm/.*": ["homeserver/encryption/olm_keys.c", "homeserver/encryption/pk_message.c"],
    r"jose/.*": ["homeserver/accounts/jwt.c"],
    r"cyaml/.*|yaml\.h": ["config/"],
    r"jansson\.h": ["homeserver/", "federation/", "storage/", "config/"],
}
# jansson is the value type of every layer but the lowest.
WITHOUT_JSON = "homeserver/base/"
THREAD_START = "homeserver/base/thread.c"


def layer_of(path):
    """Position in LAYERS and the folder or file that decided it, or None."""
    best = None
    for rank, members in enumerate(LAYERS):
        for member in members:
            matches = path == member or path.startswith(member + "/")
            if matches and (best is None or len(member) > len(best[1])):
                best = (rank, member)
    return best


def check_own(path, included):
    target = layer_of(included)
    if target is None:
        return f'"{included}" is in no layer: write includes from the root'
    rank, folder = layer_of(path)
    if target[1] != folder and target[0] >= rank:
        return f"{folder} must not include {target[1]} ({included})"
    return None


def check_third_party(path, included):
    if path.startswith("tests/"):
        return None
    if included == "jansson.h" and path.startswith(WITHOUT_JSON):
        return "jansson.h is for the layers above homeserver/base"
    for pattern, owners in THIRD_PARTY.items():
        if re.fullmatch(pattern, included) and not any(path.startswith(owner) for owner in owners):
            return f"<{included}> belongs in {', '.join(owners)}"
    return None


def check_file(path):
    name = str(path)
    if layer_of(name) is None:
        yield f"{name}: no layer for this folder; add it to tests/lint/check_layers.py"
        return
    source = without_comments(text(path))
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', source, re.MULTILINE):
        check = check_own if match.group(1) == '"' else check_third_party
        problem = check(name, match.group(2))
        if problem:
            yield f"{name}:{line_of(source, match.start())}: {problem}"
    if name != THREAD_START and not name.startswith("tests/"):
        for match in re.finditer(r"\bpthread_create\(", source):
            yield f"{name}:{line_of(source, match.start())}: start threads by thread_start() ({THREAD_START})"


report([problem for path in files(".c", ".h") for problem in check_file(path)])
