"""Encrypting devices behind one set of verbs: matrix-nio on libolm, and matrix-js-sdk on the Rust crypto in WebAssembly.

Each is a new device of an account that exists, synchronous to the test. A message that can not be decrypted fails it,
unless it was sent before the device was made: nobody encrypted it for that.
"""

import asyncio
import io
import time

import httpx
import nio
from actors import PATIENCE_SECONDS, JsActor
from client import PASSWORD
from nio.crypto.attachments import decrypt_attachment
from nio.crypto.sas import Sas
from nio.event_builders import ToDeviceMessage


class NioDevice:
    """matrix-nio, with its own store of keys. It syncs only while a verb runs."""

    stack = "libolm"

    def __init__(self, base_url, user_id, store):
        self.loop = asyncio.new_event_loop()
        self.texts = {}
        self.files = {}
        self.made_ts = 0
        self.undecryptable = []
        self.heard = []
        self.client = self.loop.run_until_complete(self.make_client(base_url, user_id, store))
        self.run(self.client.login(PASSWORD))
        self.user_id, self.device_id = user_id, self.client.device_id
        self.settle()
        self.made_ts = time.time() * 1000
        self.undecryptable.clear()

    async def make_client(self, base_url, user_id, store):
        config = nio.AsyncClientConfig(encryption_enabled=True)
        client = nio.AsyncClient(base_url, user_id, store_path=str(store), config=config)
        client.add_event_callback(self.heard_text, nio.RoomMessageText)
        client.add_event_callback(self.heard_file, nio.RoomEncryptedFile)
        client.add_event_callback(self.could_not_decrypt, nio.MegolmEvent)
        client.add_to_device_callback(self.heard_verification, nio.KeyVerificationEvent)
        return client

    async def heard_text(self, room, event):
        self.texts[event.body] = event

    async def heard_file(self, room, event):
        self.texts[event.body] = event
        self.files[event.event_id] = event

    async def could_not_decrypt(self, room, event):
        if event.server_timestamp >= self.made_ts:
            self.undecryptable.append(event.event_id)

    async def heard_verification(self, event):
        self.heard.append(event)

    def run(self, awaitable):
        answer = self.loop.run_until_complete(awaitable)
        assert not isinstance(answer, nio.ErrorResponse), str(answer)
        return answer

    def settle(self, timeout_ms=0):
        """One sync and what a client does after it: uploads its keys, asks for those of others."""
        client = self.client
        self.run(client.sync(timeout=timeout_ms))
        if client.should_upload_keys:
            self.run(client.keys_upload())
        if client.should_query_keys:
            self.run(client.keys_query())
        self.run(client.send_to_device_messages()) if client.outgoing_to_device_messages else None

    def until(self, what, look):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not (result := look()):
            assert time.monotonic() < give_up, f"gave up waiting for {what}; undecryptable: {self.undecryptable}"
            self.settle(timeout_ms=500)
        return result

    def learn(self, device):
        """Waits until this device would encrypt for the other one."""
        self.until(device.device_id, lambda: device.device_id in self.client.device_store[device.user_id])

    def forget(self, device):
        """Waits until it would not any more."""

        def is_gone():
            known = self.client.device_store[device.user_id].get(device.device_id)
            return known is None or known.deleted

        self.until(f"the end of {device.device_id}", is_gone)

    def send(self, room_id, text):
        self.settle()
        return self.send_at_once(room_id, text)

    def send_at_once(self, room_id, text):
        content = {"msgtype": "m.text", "body": text}
        options = {"ignore_unverified_devices": True}
        return self.run(self.client.room_send(room_id, "m.room.message", content, **options)).event_id

    def wait_for(self, room_id, text):
        event = self.until(repr(text), lambda: self.texts.get(text))
        assert event.decrypted
        assert self.undecryptable == []
        return event.event_id

    def upload_encrypted(self, name, data):
        """What an event says about the file."""
        options = {"content_type": "application/octet-stream", "filename": name, "encrypt": True}
        answer, keys = self.loop.run_until_complete(self.client.upload(io.BytesIO(data), filesize=len(data), **options))
        assert isinstance(answer, nio.UploadResponse), str(answer)
        return {**keys, "url": answer.content_uri}

    def send_file(self, room_id, name, text, thumbnail):
        self.settle()
        file, small = self.upload_encrypted(name, text.encode()), self.upload_encrypted(name, thumbnail.encode())
        info = {"mimetype": "text/plain", "thumbnail_file": small}
        content = {"msgtype": "m.file", "body": name, "file": file, "info": info}
        options = {"ignore_unverified_devices": True}
        return self.run(self.client.room_send(room_id, "m.room.message", content, **options)).event_id

    def download_encrypted(self, file):
        url = f"{self.client.homeserver}/_matrix/client/v1/media/download/{file['url'].removeprefix('mxc://')}"
        headers = {"Authorization": f"Bearer {self.client.access_token}"}
        answer = httpx.get(url, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return decrypt_attachment(answer.content, file["key"]["k"], file["hashes"]["sha256"], file["iv"]).decode()

    def read_file(self, room_id, event_id):
        """The file and its thumbnail."""
        content = self.files[event_id].source["content"]
        return [self.download_encrypted(file) for file in (content["file"], content["info"]["thumbnail_file"])]

    def wait_for_departure(self, room_id, user_id):
        self.until(f"{user_id} to leave", lambda: user_id not in self.client.rooms[room_id].users)

    def read_back(self, room_id, text):
        """All texts that begin like this, back to the start of the room, oldest first."""
        texts, start = [], self.client.next_batch
        while start:
            page = self.run(self.client.room_messages(room_id, start, limit=250))
            for event in page.chunk:
                assert not isinstance(event, nio.MegolmEvent) or event.server_timestamp < self.made_ts, str(event)
                if isinstance(event, nio.RoomMessageText) and event.body.startswith(text):
                    texts.append(event.body)
            start = page.end
        return texts[::-1]

    def go_away(self):
        """No sync from here on; it does none by itself."""

    def come_back(self):
        self.settle()

    def logout(self):
        self.run(self.client.logout())

    def close(self):
        self.loop.run_until_complete(self.client.close())
        self.loop.close()

    # Verification by comparing emoji. nio knows the form without a request; request_sas, accept_request,
    # start_requested_sas and finish_sas say what the form in use has beside it.

    def tell(self, device, step, transaction, **content):
        content = {"transaction_id": transaction, **content}
        message = ToDeviceMessage(f"m.key.verification.{step}", device.user_id, device.device_id, content)
        self.run(self.client.to_device(message))

    def request_sas(self, device, transaction):
        self.learn(device)
        now_ms = int(time.time() * 1000)
        self.tell(device, "request", transaction, from_device=self.device_id, methods=["m.sas.v1"], timestamp=now_ms)

    def accept_request(self, device, transaction):
        self.learn(device)
        self.tell(device, "ready", transaction, from_device=self.device_id, methods=["m.sas.v1"])

    def start_requested_sas(self, device, transaction):
        other = self.client.device_store[device.user_id][device.device_id]
        fingerprint = self.client.olm.account.identity_keys["ed25519"]
        sas = Sas(self.user_id, self.device_id, fingerprint, other, transaction)
        self.client.olm.key_verifications[transaction] = sas
        self.run(self.client.to_device(sas.start_verification()))

    def finish_sas(self, device, transaction):
        self.wait_for_verification(device)
        self.tell(device, "done", transaction)

    def last_heard(self, kind):
        return self.until(kind.__name__, lambda: next((e for e in self.heard if isinstance(e, kind)), None))

    def start_sas(self, device):
        self.learn(device)
        self.run(self.client.start_key_verification(self.client.device_store[device.user_id][device.device_id]))

    def accept_sas(self):
        start = self.last_heard(nio.KeyVerificationStart)
        self.run(self.client.accept_key_verification(start.transaction_id))

    def sas_emoji(self):
        transaction = self.last_heard(nio.KeyVerificationKey).transaction_id
        return [symbol for symbol, _ in self.client.key_verifications[transaction].get_emoji()]

    def confirm_sas(self):
        self.run(self.client.confirm_short_auth_string(self.heard[0].transaction_id))

    def wait_for_verification(self, device):
        self.last_heard(nio.KeyVerificationMac)
        other = self.client.device_store[device.user_id][device.device_id]
        self.until("the verified device", lambda: self.client.olm.is_device_verified(other))


class JsDevice(JsActor):
    """matrix-js-sdk. It syncs by itself all the time."""

    stack = "Rust"

    def __init__(self, base_url, user_id, recovery_key=None):
        super().__init__(base_url)
        signed_in = self.do("login", username=user_id, password=PASSWORD)
        self.user_id, self.device_id = signed_in["user_id"], signed_in["device_id"]
        self.do("start", crypto=True, recovery_key=recovery_key)
        self.made_ts = time.time() * 1000

    def learn(self, device):
        self.do("wait_for_device", user_id=device.user_id, device_id=device.device_id)

    def forget(self, device):
        self.do("wait_for_device", user_id=device.user_id, device_id=device.device_id, gone=True)

    def send(self, room_id, text):
        self.do("wait_for_encryption", room_id=room_id)
        return self.send_text(room_id, text)

    send_at_once = send

    def wait_for(self, room_id, text):
        event_id = self.wait_for_text(room_id, text)
        assert self.do("undecryptable", room_id=room_id, since_ts=self.made_ts) == []
        return event_id

    def send_file(self, room_id, name, text, thumbnail):
        return self.do("send_file", room_id=room_id, name=name, text=text, thumbnail=thumbnail)

    def read_file(self, room_id, event_id):
        return self.do("read_file", room_id=room_id, event_id=event_id)

    def wait_for_departure(self, room_id, user_id):
        self.do("wait_for_departure", room_id=room_id, user_id=user_id)

    def read_back(self, room_id, text):
        return self.do("read_back", room_id=room_id, text=text)

    def go_away(self):
        self.do("lose_network")

    def come_back(self):
        self.do("find_network")


def introduce(devices):
    """Afterwards each would encrypt for all of them."""
    for device in devices:
        for other in devices:
            if other is not device:
                device.learn(other)
