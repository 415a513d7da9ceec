"""Two real Matrix clients behind one set of verbs: matrix-nio (Python) and matrix-js-sdk (Node.js).

Each actor is one user on one device, synchronous to the test. The clients do what they do for people:
they keep a sync running, build their own room state and apply redactions and receipts themselves.
"""

import asyncio
import base64
import io
import json
import pathlib
import subprocess

import nio

from node_project import node_project

PATIENCE_SECONDS = 60
JS = pathlib.Path(__file__).parent / "js"


class NioActor:
    """matrix-nio. Its answers are typed; an answer of an error type fails the test."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.loop = asyncio.new_event_loop()
        self.client = None
        self.texts = {}
        self.pictures = {}

    def run(self, awaitable):
        answer = self.loop.run_until_complete(awaitable)
        assert not isinstance(answer, nio.ErrorResponse), str(answer)
        return answer

    def new_client(self, username):
        return self.loop.run_until_complete(self.make_client(username))

    async def make_client(self, username):
        client = nio.AsyncClient(self.base_url, username)
        client.add_event_callback(self.heard_text, nio.RoomMessageText)
        client.add_event_callback(self.heard_picture, nio.RoomMessageImage)
        return client

    async def heard_text(self, room, event):
        self.texts[room.room_id, event.body] = event.event_id

    async def heard_picture(self, room, event):
        self.pictures[room.room_id, event.body] = event.source["content"]

    def register(self, username, password):
        client = self.new_client(username)
        self.signed_in(client, self.run(client.register(username, password)))
        return self.user_id

    def login(self, username, password):
        client = self.new_client(username)
        self.signed_in(client, self.run(client.login(password)))
        return self.user_id

    def signed_in(self, client, answer):
        self.stop()
        self.client = client
        self.user_id = answer.user_id

    def start(self):
        self.sync()

    def sync(self):
        return self.run(self.client.sync(timeout=10000, full_state=self.client.next_batch is None))

    def until(self, what, look):
        async def attempt():
            while not (result := look()):
                answer = await self.client.sync(timeout=5000)
                assert isinstance(answer, nio.SyncResponse), str(answer)
            return result

        try:
            return self.loop.run_until_complete(asyncio.wait_for(attempt(), PATIENCE_SECONDS))
        except asyncio.TimeoutError:
            raise AssertionError(f"gave up waiting for {what}") from None

    def create_room(self, name):
        preset = nio.RoomPreset.private_chat
        room_id = self.run(self.client.room_create(name=name, preset=preset)).room_id
        self.until("the new room", lambda: room_id in self.client.rooms)
        return room_id

    def invite(self, room_id, user_id):
        self.run(self.client.room_invite(room_id, user_id))

    def wait_for_invite(self, room_id):
        self.until("the invitation", lambda: room_id in self.client.invited_rooms)

    def join(self, room_id):
        self.run(self.client.join(room_id))
        self.until("the joined room", lambda: room_id in self.client.rooms)

    def send_text(self, room_id, text):
        content = {"msgtype": "m.text", "body": text}
        return self.run(self.client.room_send(room_id, "m.room.message", content)).event_id

    def wait_for_text(self, room_id, text):
        return self.until(f'"{text}"', lambda: self.texts.get((room_id, text)))

    def texts_back_to_start(self, room_id):
        texts, start = [], self.client.next_batch
        while start:
            page = self.run(self.client.room_messages(room_id, start, limit=3))
            for event in page.chunk:
                if event.source["type"] == "m.room.message":
                    texts.append(event.source["content"].get("body"))
            start = page.end
        return texts[::-1]

    def upload(self, name, content, content_type):
        upload = self.client.upload(io.BytesIO(content), content_type, name, filesize=len(content))
        answer, _ = self.loop.run_until_complete(upload)
        assert isinstance(answer, nio.UploadResponse), str(answer)
        return answer.content_uri

    def download(self, uri, kind="download", query=""):
        """nio's own download() is that of the endpoint without a token, which does not show what is new."""

        async def get():
            path = f"/_matrix/client/v1/media/{kind}/{uri.removeprefix('mxc://')}{query}"
            answer = await self.client.send("GET", path, headers={"Authorization": f"Bearer {self.client.access_token}"})
            assert answer.status == 200, await answer.text()
            return await answer.read()

        return self.loop.run_until_complete(get())

    def send_picture(self, room_id, name, picture, thumbnail):
        """A PNG with a thumbnail that the sender made."""
        url, small = (self.upload(name, content, "image/png") for content in (picture, thumbnail))
        info = {"mimetype": "image/png", "size": len(picture), "thumbnail_url": small}
        content = {"msgtype": "m.image", "body": name, "url": url, "info": info}
        return self.run(self.client.room_send(room_id, "m.room.message", content)).event_id

    def read_picture(self, room_id, name):
        """The picture, the sender's thumbnail, and one of 32 x 32 that the server makes."""
        content = self.until(f'"{name}"', lambda: self.pictures.get((room_id, name)))
        by_server = self.download(content["url"], "thumbnail", "?width=32&height=32&method=crop")
        return self.download(content["url"]), self.download(content["info"]["thumbnail_url"]), by_server

    def redact(self, room_id, event_id):
        self.run(self.client.room_redact(room_id, event_id, reason="a mistake"))

    def wait_for_redaction(self, room_id, event_id):
        redacted = []

        async def heard(room, event):
            redacted.append(event.redacts)

        self.client.add_event_callback(heard, nio.RedactionEvent)
        self.until("the redaction", lambda: event_id in redacted)

    def set_display_name(self, name):
        self.run(self.client.set_displayname(name))

    def display_name(self, user_id):
        return self.run(self.client.get_displayname(user_id)).displayname

    def read(self, room_id, event_id):
        self.run(self.client.room_read_markers(room_id, event_id, event_id))

    def wait_for_receipt(self, room_id, event_id, user_id):
        def read():
            receipt = self.client.rooms[room_id].read_receipts.get(user_id)
            return receipt and receipt.event_id == event_id

        self.until("the read receipt", read)

    def logout(self):
        token = self.client.access_token
        self.run(self.client.logout())
        self.client.access_token = token

    def token_works(self):
        answer = self.loop.run_until_complete(self.client.whoami())
        if isinstance(answer, nio.responses.WhoamiError):
            assert answer.status_code == "M_UNKNOWN_TOKEN", str(answer)
            return False
        return True

    def stop(self):
        if self.client:
            self.loop.run_until_complete(self.client.close())

    def close(self):
        self.stop()
        self.loop.close()


class JsActor:
    """matrix-js-sdk in a Node.js process; every method call is a command to it."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.user_id = None
        self.commands = 0
        self.process = subprocess.Popen(
            ["node", "actor.mjs"],
            cwd=node_project(JS),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, verb, **arguments):
        self.commands += 1
        command = {"id": self.commands, "do": verb, "baseUrl": self.base_url, **arguments}
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the Node.js process ended during {verb}"
        answer = json.loads(line)
        assert answer["id"] == self.commands
        assert "error" not in answer, f"{verb}: {answer['error']}"
        return answer["result"]

    def register(self, username, password):
        self.user_id = self.do("register", username=username, password=password)["user_id"]
        return self.user_id

    def login(self, username, password):
        self.user_id = self.do("login", username=username, password=password)["user_id"]
        return self.user_id

    def start(self, sliding=False):
        """`sliding`: with the library's client of sliding sync."""
        self.do("start", sliding=sliding)

    def create_room(self, name):
        return self.do("create_room", name=name)

    def invite(self, room_id, user_id):
        self.do("invite", room_id=room_id, user_id=user_id)

    def wait_for_invite(self, room_id):
        self.do("wait_for_invite", room_id=room_id)

    def join(self, room_id):
        self.do("join", room_id=room_id)

    def send_text(self, room_id, text):
        return self.do("send_text", room_id=room_id, text=text)

    def wait_for_text(self, room_id, text):
        return self.do("wait_for_text", room_id=room_id, text=text)

    def texts_back_to_start(self, room_id):
        return self.do("texts_back_to_start", room_id=room_id)

    def send_picture(self, room_id, name, picture, thumbnail):
        picture, thumbnail = (base64.b64encode(content).decode() for content in (picture, thumbnail))
        return self.do("send_picture", room_id=room_id, name=name, picture=picture, thumbnail=thumbnail)

    def read_picture(self, room_id, name):
        return tuple(base64.b64decode(content) for content in self.do("read_picture", room_id=room_id, name=name))

    def redact(self, room_id, event_id):
        self.do("redact", room_id=room_id, event_id=event_id)

    def wait_for_redaction(self, room_id, event_id):
        self.do("wait_for_redaction", room_id=room_id, event_id=event_id)

    def set_display_name(self, name):
        self.do("set_display_name", name=name)

    def display_name(self, user_id):
        return self.do("display_name", user_id=user_id)

    def read(self, room_id, event_id):
        self.do("read", room_id=room_id, event_id=event_id)

    def wait_for_receipt(self, room_id, event_id, user_id):
        self.do("wait_for_receipt", room_id=room_id, event_id=event_id, user_id=user_id)

    def logout(self):
        self.do("logout")

    def token_works(self):
        return self.do("token_works")

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


ACTORS = {"matrix-nio": NioActor, "matrix-js-sdk": JsActor}
