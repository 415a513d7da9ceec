"""registration.yaml: POST /register, GET /register/available."""

import concurrent.futures

import pytest
from client import CLIENT, PASSWORD, Client, unique
from homeserver import SHARED_SECRET, launch, running

REGISTER = f"{CLIENT}/register"
AVAILABLE = f"{CLIENT}/register/available"
DUMMY = {"type": "m.login.dummy"}


def wish(**fields):
    return {"username": unique("new"), "password": PASSWORD, **fields}


def test_a_first_request_is_always_challenged(anonymous):
    challenge = anonymous.post(REGISTER, body=wish(), expect=401)
    assert challenge["session"]
    assert challenge["flows"] == [{"stages": ["m.login.dummy"]}]
    assert challenge["params"] == {}
    assert challenge["completed"] == []
    assert "errcode" not in challenge


def test_the_body_may_be_sent_again_or_left_out(anonymous):
    for resend in (True, False):
        body = wish(device_id="PHONE", initial_device_display_name="My phone")
        session = anonymous.post(REGISTER, body=body, expect=401)["session"]
        auth = {"auth": {**DUMMY, "session": session}}
        answer = anonymous.post(REGISTER, body={**body, **auth} if resend else auth)
        assert answer["user_id"].startswith(f"@{body['username']}:")
        client = anonymous.signed_in(answer)
        assert client.get(f"{CLIENT}/devices/PHONE")["display_name"] == "My phone"
        assert client.login(client.user_id).user_id == client.user_id


def test_capitals_become_small_letters(anonymous):
    name = unique("Mixed-Case")
    answer = anonymous.post(REGISTER, body=wish(username=name, auth=DUMMY))
    assert answer["user_id"].startswith(f"@{name.lower()}:")


def test_without_a_name_one_is_made(anonymous):
    answer = anonymous.post(REGISTER, body={"password": PASSWORD, "auth": DUMMY})
    assert len(answer["user_id"]) > 5


def test_login_can_be_left_out(anonymous):
    answer = anonymous.post(REGISTER, body=wish(inhibit_login=True, auth=DUMMY))
    assert "access_token" not in answer and "device_id" not in answer
    anonymous.login(answer["user_id"])


@pytest.mark.parametrize("sign", [".", "_", "=", "-", "/", "+", "3"])
def test_every_sign_of_the_grammar_is_allowed(anonymous, sign):
    name = unique("sign") + sign + "end"
    assert name in anonymous.post(REGISTER, body=wish(username=name, auth=DUMMY))["user_id"]


@pytest.mark.parametrize(
    "name",
    ["", "_bridge", "@anna", "anna:example.org", "an na", "ann\u00e4", "anna\u0000b", "x" * 255, "a\n"],
)
def test_names_outside_the_grammar_are_refused_before_any_stage(anonymous, name):
    errcode = anonymous.post(REGISTER, body=wish(username=name), expect=400)["errcode"]
    assert errcode in ("M_INVALID_USERNAME", "M_BAD_JSON" if "\0" in name else "M_INVALID_USERNAME")


def test_a_taken_name_is_refused_before_any_stage(anonymous, alice):
    name = alice.user_id[1:].split(":")[0]
    for username in (name, name.upper()):
        answer = anonymous.post(REGISTER, body=wish(username=username), expect=400)
        assert answer["errcode"] == "M_USER_IN_USE"
        query = {"username": username}
        assert anonymous.get(AVAILABLE, query=query, expect=400)["errcode"] == "M_USER_IN_USE"


def test_availability_is_told(anonymous):
    assert anonymous.get(AVAILABLE, query={"username": unique("free")}) == {"available": True}
    assert anonymous.get(AVAILABLE, query={"username": "a b"}, expect=400)["errcode"] == "M_INVALID_USERNAME"
    assert anonymous.get(AVAILABLE, expect=400)["errcode"] == "M_MISSING_PARAM"


def test_a_weak_or_missing_password_is_refused(anonymous):
    assert anonymous.post(REGISTER, body=wish(password="short"), expect=400)["errcode"] == "M_WEAK_PASSWORD"
    body = {"username": unique("new"), "auth": DUMMY}
    assert anonymous.post(REGISTER, body=body, expect=400)["errcode"] == "M_MISSING_PARAM"


def test_one_name_is_given_once_however_many_ask(anonymous):
    body = wish(auth=DUMMY)

    def attempt(_):
        client = Client(anonymous.base_url)
        return client.http.post(REGISTER, json=body).status_code

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(attempt, range(4)))
    assert sorted(statuses).count(200) == 1, statuses


def test_guests_get_a_name_and_a_device_of_the_servers_choice(anonymous):
    body = {"username": "ignored", "device_id": "IGNORED", "initial_device_display_name": "A visit"}
    answer = anonymous.post(REGISTER, body=body, query={"kind": "guest"})
    assert "ignored" not in answer["user_id"] and answer["device_id"] != "IGNORED"
    guest = anonymous.signed_in(answer)
    assert guest.get(f"{CLIENT}/account/whoami")["is_guest"] is True
    assert guest.get(f"{CLIENT}/devices")["devices"][0]["display_name"] == "A visit"
    answer = guest.get(f"{CLIENT}/capabilities", expect=403)
    assert answer["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"


def test_another_kind_of_account_does_not_exist(anonymous):
    anonymous.post(REGISTER, body=wish(), query={"kind": "robot"}, expect=400)


# ── Other modes ───────────────────────────────────────────────────────────────────────────────────


def serve(homeserver_kind, **registration):
    if homeserver_kind != "beffroi":
        pytest.skip("settings of our own server")
    server = launch(homeserver_kind, registration={"shared_secret": SHARED_SECRET, **registration})
    with running(server):
        yield Client(server.base_url)


@pytest.fixture(scope="module")
def with_tokens(homeserver_kind):
    terms = {"terms_url": "https://example.org/terms", "terms_version": "7"}
    yield from serve(homeserver_kind, mode="token", **terms)


@pytest.fixture(scope="module")
def closed(homeserver_kind):
    yield from serve(homeserver_kind, mode="closed")


@pytest.fixture(scope="module")
def admin(with_tokens):
    return with_tokens.register_admin()


def stage(client, session, **auth):
    return client.http.post(REGISTER, json={"auth": {"session": session, **auth}})


def make_token(admin, **fields):
    return admin.post("/_synapse/admin/v1/registration_tokens/new", body=fields)["token"]


@pytest.mark.own_server
def test_a_token_alone_is_followed_by_the_dummy(homeserver_kind):
    for server in serve(homeserver_kind, mode="token"):
        body = wish()
        challenge = server.post(REGISTER, body=body, expect=401)
        assert challenge["flows"] == [{"stages": ["m.login.registration_token", "m.login.dummy"]}]
        session = challenge["session"]
        token = make_token(server.register_admin())
        assert stage(server, session, type="m.login.registration_token", token=token).status_code == 401
        assert stage(server, session, type="m.login.dummy").json()["user_id"].startswith(f"@{body['username']}:")


@pytest.mark.own_server
def test_tokens_and_terms_are_stages_in_order(with_tokens, admin):
    token = make_token(admin, uses_allowed=1)
    body = wish()
    challenge = with_tokens.post(REGISTER, body=body, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.registration_token", "m.login.terms"]}]
    policy = challenge["params"]["m.login.terms"]["policies"]["terms_of_service"]
    assert policy["version"] == "7" and policy["fr"]["url"] == "https://example.org/terms"

    session = challenge["session"]
    answer = stage(with_tokens, session, type="m.login.terms")
    assert answer.status_code == 401 and answer.json()["completed"] == []
    answer = stage(with_tokens, session, type="m.login.registration_token", token="wrong")
    assert answer.status_code == 401 and answer.json()["errcode"] == "M_UNAUTHORIZED"
    answer = stage(with_tokens, session, type="m.login.registration_token", token=token)
    assert answer.status_code == 401
    assert answer.json()["completed"] == ["m.login.registration_token"]
    # Another wish is refused now: what was proven was proven for the first one.
    other = {**wish(), "auth": {"type": "m.login.terms", "session": session}}
    assert with_tokens.post(REGISTER, body=other, expect=403)["errcode"] == "M_FORBIDDEN"
    answer = stage(with_tokens, session, type="m.login.terms")
    assert answer.status_code == 200, answer.text
    assert answer.json()["user_id"].startswith(f"@{body['username']}:")


@pytest.mark.own_server
def test_a_token_for_one_is_used_by_exactly_one(with_tokens, admin):
    token = make_token(admin, uses_allowed=1)

    def ready(_):
        client = Client(with_tokens.base_url)
        session = client.post(REGISTER, body=wish(), expect=401)["session"]
        stage(client, session, type="m.login.registration_token", token=token)
        return client, session

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = list(pool.map(ready, range(4)))
        answers = list(pool.map(lambda one: stage(*one, type="m.login.terms"), waiting))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
    seen = admin.get("/_synapse/admin/v1/registration_tokens/{}", token)
    assert (seen["completed"], seen["uses_allowed"]) == (1, 1)


@pytest.mark.own_server
def test_a_session_serves_the_request_it_was_begun_for(with_tokens):
    session = with_tokens.post(REGISTER, body=wish(), expect=401)["session"]
    admin = with_tokens.register_admin()
    body = {"auth": {"type": "m.login.password", "session": session}}
    path = "/_matrix/client/v1/login/get_token"
    assert admin.post(path, body=body, expect=403)["errcode"] == "M_FORBIDDEN"


@pytest.mark.own_server
def test_a_closed_server_registers_nobody(closed):
    assert closed.post(REGISTER, body=wish(auth=DUMMY), expect=403)["errcode"] == "M_FORBIDDEN"
    guest = closed.post(REGISTER, query={"kind": "guest"}, expect=403)
    assert guest["errcode"] == "M_FORBIDDEN"
    # Programs with the secret still do.
    closed.register_admin().get(f"{CLIENT}/account/whoami")
