"""Account commands against a server that runs, and without one."""

import re
import subprocess

import httpx
import pytest

from client import CLIENT, unique

DONE, FAILED = 0, 1


def tool(server, *arguments, stdin=""):
    """A command with the server's configuration, as an administrator runs it beside the server."""
    return subprocess.run(
        [server.binary, *arguments, "--config", str(server.config)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def create(server, *arguments, stdin=""):
    name = unique("person")
    result = tool(server, "user", "create", name, *arguments, stdin=stdin)
    assert result.returncode == DONE, result.stderr
    return name, re.search(r"^password: (\S+)$", result.stdout, re.MULTILINE)


def log_in(server, name, password):
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": password}
    return httpx.post(f"{server.base_url}{CLIENT}/login", json=body, timeout=30)


def whoami(server, token):
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{server.base_url}{CLIENT}/account/whoami", headers=headers, timeout=30).status_code


def test_a_made_account_logs_in_with_the_printed_password(homeserver):
    name, password = create(homeserver, "--generate-password")
    answer = log_in(homeserver, name, password[1])
    assert answer.status_code == 200, answer.text
    assert answer.json()["user_id"] == f"@{name}:{homeserver.server_name}"


def test_a_password_is_read_from_standard_input(homeserver):
    name, printed = create(homeserver, stdin="my own password\n")
    assert printed is None
    assert log_in(homeserver, name, "my own password").status_code == 200
    assert log_in(homeserver, name, "another password").status_code == 403


@pytest.mark.parametrize(
    "name, stdin, message",
    [
        ("Anna Maria", "long enough\n", "A user name consists of"),
        ("anna", "short\n", "password"),
        ("anna", "", "No password was given"),
        ("@anna:elsewhere.example", "long enough\n", '"elsewhere.example" is not hosted here'),
    ],
)
def test_an_account_that_can_not_be_made_is_explained(homeserver, name, stdin, message):
    result = tool(homeserver, "user", "create", name, stdin=stdin)
    assert result.returncode == FAILED
    assert message in result.stderr
    assert result.stdout == ""


def test_a_taken_name_is_refused(homeserver):
    name, _ = create(homeserver, "--generate-password")
    again = tool(homeserver, "user", "create", name, "--generate-password")
    assert (again.returncode, again.stdout) == (FAILED, "")
    assert "taken" in again.stderr


def test_a_new_password_ends_the_sessions(homeserver):
    name, password = create(homeserver, "--generate-password")
    token = log_in(homeserver, name, password[1]).json()["access_token"]
    result = tool(homeserver, "user", "set-password", name, stdin="an entirely new one\n")
    assert result.returncode == DONE, result.stderr
    assert log_in(homeserver, name, password[1]).status_code == 403
    assert log_in(homeserver, name, "an entirely new one").status_code == 200
    # What another process ends, the server may believe for a second (token_cache.h).
    statuses = (whoami(homeserver, token) for _ in range(10_000))
    assert next(status for status in statuses if status != 200) == 401


def test_a_deactivated_account_is_gone_for_good(homeserver, alice):
    name, password = create(homeserver, "--generate-password")
    login = log_in(homeserver, name, password[1]).json()
    room_id = alice.create_room(preset="public_chat")
    headers = {"Authorization": f"Bearer {login['access_token']}"}
    join = httpx.post(f"{homeserver.base_url}{CLIENT}/join/{room_id}", json={}, headers=headers, timeout=30)
    assert join.status_code == 200, join.text

    result = tool(homeserver, "user", "deactivate", name, "--yes")
    assert result.returncode == DONE, result.stderr
    assert log_in(homeserver, name, password[1]).status_code == 403
    # The server hears of it by a notification of the database.
    path = f"{CLIENT}/rooms/{{}}/state/m.room.member/{{}}"
    memberships = (alice.get(path, room_id, login["user_id"])["membership"] for _ in range(10_000))
    assert "leave" in memberships
    again = tool(homeserver, "user", "create", name, "--generate-password")
    assert again.returncode == FAILED
    assert name not in tool(homeserver, "user", "list").stdout
    assert name in tool(homeserver, "user", "list", "--deactivated").stdout


def test_list_finds_accounts_by_pattern_and_role(homeserver):
    name, _ = create(homeserver, "--generate-password", "--admin")
    other, _ = create(homeserver, "--generate-password")
    assert re.search(rf"^\d{{4}}-\d\d-\d\d  @{name}:\S+  administrator$", tool(homeserver, "user", "list").stdout, re.M)
    admins = tool(homeserver, "user", "list", "--admins").stdout
    assert name in admins and other not in admins
    found = tool(homeserver, "user", "list", f"@{other}:*").stdout
    assert other in found and name not in found
    assert tool(homeserver, "user", "list", "@nobody-at-all:*").stdout == ""


@pytest.mark.own_server
def test_accounts_are_made_without_a_running_server(private_server):
    assert private_server.stop() == 0
    name, password = create(private_server, "--generate-password")
    private_server.start()
    assert log_in(private_server, name, password[1]).status_code == 200
