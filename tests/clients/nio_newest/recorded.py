"""matrix-nio with a memory: which of its requests were answered with success. Runs in a Python of its own."""

import asyncio
import contextvars
import inspect
import itertools
import json

import nio

PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 60

succeeded = set()
_depth = contextvars.ContextVar("depth", default=0)
_numbers = itertools.count(1)
FEATURES = {}


def feature(function):
    FEATURES[function.__name__] = function
    return function


class Refused(AssertionError):
    """The server answered a request of a feature itself (not one that nio makes on the way) with an error."""

    def __init__(self, method, response):
        super().__init__(f"{method}: {response}")
        self.errcode = getattr(response, "status_code", None)


def check(name, answer):
    bad = [part for part in (answer if isinstance(answer, (tuple, list)) else [answer]) if isinstance(part, nio.ErrorResponse)]
    if not bad:
        succeeded.add(name)
    elif _depth.get() == 1:
        raise Refused(name, bad[0])
    return answer


def recorded(name, method):
    async def call(*arguments, **options):
        token = _depth.set(_depth.get() + 1)
        try:
            return check(name, await method(*arguments, **options))
        finally:
            _depth.reset(token)

    async def walk(*arguments, **options):
        async for item in method(*arguments, **options):
            yield item
        succeeded.add(name)

    return walk if inspect.isasyncgenfunction(inspect.unwrap(method)) else call


def requests_of(cls):
    """The public coroutines and asynchronous generators: what of nio's client can talk to a server. The rest is local."""
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    members = inspect.getmembers(cls, callable)
    return {name: f for name, f in members if not name.startswith("_") and any(kind(inspect.unwrap(f)) for kind in kinds)}


REQUESTS = requests_of(nio.AsyncClient)
Client = type("Client", (nio.AsyncClient,), {name: recorded(name, f) for name, f in REQUESTS.items()})


def unique(word):
    return f"nio-{word}-{next(_numbers)}"


async def refused(errcode, awaitable):
    try:
        answer = await awaitable
    except Refused as error:
        assert error.errcode == errcode, str(error)
        return
    raise AssertionError(f"expected {errcode}, got {answer}")


class Server:
    """Where the features act, and who they are there."""

    def __init__(self, settings):
        vars(self).update(settings)
        self.clients = []

    def client(self, username="", **options):
        made = Client(options.pop("base_url", self.base_url), username, **options)
        self.clients.append(made)
        return made

    async def user(self, word="user", **options):
        """A fresh account, signed in on its first device."""
        client = self.client(**options)
        await client.register(unique(word), PASSWORD)
        return client

    async def device_of(self, client, **options):
        """Another device of the same account."""
        other = self.client(client.user_id, **options)
        await other.login(PASSWORD)
        return other

    async def raw(self, client, method, path, body=None):
        """What nio has no method for."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {client.access_token}"}
        answer = await client.send(method, path, None if body is None else json.dumps(body), headers)
        assert answer.status == 200, f"{method} {path}: {await answer.text()}"
        return await answer.json()

    async def close(self):
        for client in self.clients:
            await client.close()


async def until(what, client, look):
    """Syncs until `look(answer)` is true of one answer, and returns that."""

    async def attempt():
        while not (result := look(await client.sync(timeout=5000))):
            pass
        return result

    try:
        return await asyncio.wait_for(attempt(), PATIENCE_SECONDS)
    except asyncio.TimeoutError:
        raise AssertionError(f"gave up waiting for {what}") from None


def timeline(answer, room_id):
    room = answer.rooms.join.get(room_id)
    return room.timeline.events if room else []
