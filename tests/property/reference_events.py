"""Answers the questions of oracle_events.c with Synapse's code; runs in Synapse's environment."""

import hashlib
import json
import sys

from canonicaljson import encode_canonical_json
from signedjson.key import decode_signing_key_base64
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import compute_content_hash, compute_event_reference_hash, compute_event_signature
from synapse.events import make_event_from_dict
from synapse.events.utils import prune_event
from unpaddedbase64 import encode_base64

# The seed of the appendix "Cryptographic Test Vectors".
KEY = decode_signing_key_base64("ed25519", "1", "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1")


def hash_content(event):
    try:
        return compute_content_hash(event, hashlib.sha256)[1]
    except TypeError:  # newer versions have no choice of algorithm
        return compute_content_hash(event)[1]


def answer(question):
    event = json.loads(question["input"])
    version = KNOWN_ROOM_VERSIONS.get(question["version"])
    if version is None:
        return {"unknown_version": question["version"]}
    parsed = make_event_from_dict(event, version)
    signatures = compute_event_signature(version, event, "domain", KEY)
    redacted = dict(prune_event(parsed).get_pdu_json())
    redacted.pop("unsigned", None)  # local annotations, which Synapse keeps there
    return {
        "redacted": encode_canonical_json(redacted).decode(),
        "content_hash": encode_base64(hash_content(event)),
        "reference_hash": encode_base64(compute_event_reference_hash(parsed)[1]),
        "event_id": parsed.event_id,
        "signature": signatures["domain"]["ed25519:1"],
    }


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {"error": repr(error)}
    print(json.dumps(result, sort_keys=True))
