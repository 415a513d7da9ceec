"""The keys of one encrypting device, made and signed as a client does, with PyNaCl.

    device = Device(alice)
    device.upload(alice, one_time_keys=5)
"""

import base64
import json
import os

import nacl.signing

from client import CLIENT


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def canonical(value):
    """Canonical JSON of what is signed."""
    bare = {name: member for name, member in value.items() if name not in ("signatures", "unsigned")}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class SigningKey:
    def __init__(self):
        self.key = nacl.signing.SigningKey.generate()
        self.public = unpadded(bytes(self.key.verify_key))

    def sign(self, value, user_id, key_id):
        signature = unpadded(self.key.sign(canonical(value)).signature)
        value.setdefault("signatures", {}).setdefault(user_id, {})[f"ed25519:{key_id}"] = signature
        return value


class Device:
    def __init__(self, client):
        self.user_id = client.user_id
        self.device_id = client.device_id
        self.signing_key = SigningKey()
        self.identity_key = unpadded(os.urandom(32))
        self.made = 0

    def sign(self, value):
        return self.signing_key.sign(value, self.user_id, self.device_id)

    def keys(self):
        return self.sign(
            {
                "user_id": self.user_id,
                "device_id": self.device_id,
                "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                "keys": {
                    f"curve25519:{self.device_id}": self.identity_key,
                    f"ed25519:{self.device_id}": self.signing_key.public,
                },
            }
        )

    def one_time_keys(self, count):
        """Names in the order in which they are to be handed out."""
        keys = {}
        for _ in range(count):
            # Not in the order of their names.
            name = f"signed_curve25519:{(self.made * 7919 + 5000) % 10007}"
            self.made += 1
            keys[name] = self.sign({"key": unpadded(os.urandom(32))})
        return keys

    def fallback_key(self):
        self.made += 1
        key = self.sign({"key": unpadded(os.urandom(32)), "fallback": True})
        return {f"signed_curve25519:fallback{self.made}": key}

    def upload(self, client, one_time_keys=0):
        """Device keys and so many one-time keys; those."""
        keys = self.one_time_keys(one_time_keys)
        upload_keys(client, device_keys=self.keys(), one_time_keys=keys)
        return keys


def upload_keys(client, expect=200, **keys):
    return client.post(f"{CLIENT}/keys/upload", body=keys, expect=expect)


def query_keys(client, *user_ids):
    body = {"device_keys": {user_id: [] for user_id in user_ids}}
    return client.post(f"{CLIENT}/keys/query", body=body)


def claim_key(client, user_id, device_id, algorithm="signed_curve25519"):
    """The key as {name: key}, or None when there was none."""
    body = {"one_time_keys": {user_id: {device_id: algorithm}}}
    answer = client.post(f"{CLIENT}/keys/claim", body=body)
    assert answer["failures"] == {}
    return answer["one_time_keys"].get(user_id, {}).get(device_id)


class CrossSigning:
    """A user's three cross-signing keys."""

    USAGES = {"master": "master_key", "self_signing": "self_signing_key", "user_signing": "user_signing_key"}

    def __init__(self, client):
        self.user_id = client.user_id
        self.keys = {usage: SigningKey() for usage in self.USAGES}

    def document(self, usage):
        public = self.keys[usage].public
        document = {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
        return document if usage == "master" else self.sign("master", document)

    def sign(self, usage, document):
        key = self.keys[usage]
        return key.sign(document, self.user_id, key.public)

    def body(self):
        return {member: self.document(usage) for usage, member in self.USAGES.items()}
