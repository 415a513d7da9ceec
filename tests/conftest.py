"""Fixtures of all Python tests: a running server, users, and the server's log beside each failure.

    homeserver       the server all tests of the run share
    private_server   one of its own for a test that kills it or wants other settings
    anonymous        a client of the shared server that is not logged in
    alice, bob, …    fresh accounts on the shared server, new for each test
"""

import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

from client import Client  # noqa: E402
from homeserver import Homeserver, launch, remove_fresh_cluster, running  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the sizes of the specification")
    parser.addoption(
        "--homeserver",
        choices=["beffroi", "synapse"],
        default="beffroi",
        help="synapse: run the tests against the reference, to check the tests",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "own_server: does not use the shared server")
    # A thousand waiting clients are a thousand sockets on both sides.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_unconfigure():
    remove_fresh_cluster()  # processes that run side by side end without their exit functions


@pytest.fixture(scope="session")
def full(request):
    """True when the sizes of the specification are asked for (script/test --full)."""
    return request.config.getoption("--full")


@pytest.fixture(scope="session")
def homeserver_kind(request):
    return request.config.getoption("--homeserver")


@pytest.fixture(scope="session")
def homeserver(homeserver_kind):
    with running(launch(homeserver_kind)) as server:
        yield server


@pytest.fixture
def private_server(homeserver_kind):
    with running(launch(homeserver_kind)) as server:
        yield server


@pytest.fixture
def anonymous(homeserver):
    return Client(homeserver.base_url)


@pytest.fixture
def alice(anonymous):
    return anonymous.register("alice")


@pytest.fixture
def bob(anonymous):
    return anonymous.register("bob")


@pytest.fixture
def carol(anonymous):
    return anonymous.register("carol")


@pytest.fixture
def room(alice, bob):
    """A room that alice made and bob joined."""
    room_id = alice.create_room(preset="private_chat", invite=[bob.user_id])
    bob.join(room_id)
    return room_id


def servers_of(item):
    return [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Homeserver)]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    item.log_starts = {}
    yield
    item.log_starts = {id(server): server.log_size() for server in servers_of(item)}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure carries what the server wrote during the test."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for server in servers_of(item):
        log = server.log(getattr(item, "log_starts", {}).get(id(server), 0))
        report.sections.append(("server log", log[-8000:]))
