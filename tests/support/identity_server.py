"""An identity server in the hands of a test: a recorder that answers as the identity service API says."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

API = "/_matrix/identity/v2"
ADDRESS, PEPPER, TOKEN = "zoe@example.org", "matrixrocks", "sometoken"


def unpadded(raw):
    return base64.b64encode(raw).decode().rstrip("=")


class IdentityServer:
    def __init__(self, recorder):
        self.recorder, self.name = recorder, recorder.url.removeprefix("https://")
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.public_key = unpadded(self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        recorder.answer(f"{API}/hash_details", body={"lookup_pepper": PEPPER, "algorithms": ["none", "sha256"]})
        self.knows({})
        self.key_is_valid(True)
        recorder.answer(f"{API}/pubkey/ed25519", body={"public_key": self.public_key})
        url = f"{recorder.url}{API}/pubkey/isvalid"
        keys = [{"public_key": self.public_key, "key_validity_url": url}]
        stored = {"token": TOKEN, "public_keys": keys, "display_name": "z...@e..."}
        recorder.answer(f"{API}/store-invite", body=stored)

    def knows(self, users):
        self.recorder.answer(f"{API}/lookup", body={"mappings": {self.hash(a): u for a, u in users.items()}})

    def key_is_valid(self, valid):
        self.recorder.answer(f"{API}/pubkey/isvalid", body={"valid": valid})

    def hash(self, address):
        digest = hashlib.sha256(f"{address} email {PEPPER}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def invite(self, **changes):
        return {
            "id_server": self.name, "id_access_token": "of-the-user", "medium": "email", "address": ADDRESS, **changes
        }

    def proof(self, sender, mxid):
        signed = {"mxid": mxid, "sender": sender, "token": TOKEN}
        text = json.dumps({"mxid": mxid, "token": TOKEN}, sort_keys=True, separators=(",", ":"))
        signature = unpadded(self.key.sign(text.encode()))
        return {**signed, "signatures": {self.name: {"ed25519:0": signature}}}
