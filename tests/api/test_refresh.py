"""refresh.yaml: POST /refresh."""

import concurrent.futures

import pytest
from client import CLIENT, PASSWORD, Client

REFRESH = f"{CLIENT}/refresh"
WHOAMI = f"{CLIENT}/account/whoami"


@pytest.fixture
def session(anonymous, alice):
    """A session that can be refreshed."""
    identifier = {"type": "m.id.user", "user": alice.user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    return anonymous.post(f"{CLIENT}/login", body={**body, "refresh_token": True})


def refresh(anonymous, token, **options):
    return anonymous.post(REFRESH, body={"refresh_token": token}, **options)


def whoami(anonymous, token, **options):
    return Client(anonymous.base_url, token).get(WHOAMI, **options)


def test_only_who_asks_gets_tokens_that_expire(session):
    assert session["refresh_token"]
    assert session["expires_in_ms"] > 0


def test_refreshing_gives_new_tokens_for_the_same_device(anonymous, session):
    new = refresh(anonymous, session["refresh_token"])
    assert new["access_token"] != session["access_token"]
    assert new["refresh_token"] != session["refresh_token"]
    assert new["expires_in_ms"] > 0
    assert whoami(anonymous, new["access_token"])["device_id"] == session["device_id"]
    # The first use of the new token ended the old one.
    whoami(anonymous, session["access_token"], expect=401)


def test_a_lost_answer_can_be_asked_for_again(anonymous, session):
    refresh(anonymous, session["refresh_token"])
    whoami(anonymous, session["access_token"])
    new = refresh(anonymous, session["refresh_token"])
    whoami(anonymous, new["access_token"])


def test_a_replayed_token_ends_the_session(anonymous, session):
    new = refresh(anonymous, session["refresh_token"])
    whoami(anonymous, new["access_token"])
    answer = refresh(anonymous, session["refresh_token"], expect=401)
    assert answer["errcode"] == "M_UNKNOWN_TOKEN"
    assert answer["soft_logout"] is True
    whoami(anonymous, new["access_token"], expect=401)
    refresh(anonymous, new["refresh_token"], expect=401)


def test_parallel_refreshes_leave_one_chain(anonymous, session):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(anonymous, session["refresh_token"]), range(8)))
    valid = [answer for answer in answers if is_valid(anonymous, answer["access_token"])]
    assert len(valid) == 1


def is_valid(anonymous, token):
    answer = Client(anonymous.base_url, token).raw("GET", WHOAMI)
    return answer.status_code == 200


def test_what_is_no_refresh_token_is_refused(anonymous, session):
    assert refresh(anonymous, "no", expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    assert refresh(anonymous, session["access_token"], expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    assert anonymous.post(REFRESH, expect=400)["errcode"] == "M_MISSING_PARAM"
    whoami(anonymous, session["refresh_token"], expect=401)


def test_after_a_logout_nothing_is_refreshed(anonymous, session):
    Client(anonymous.base_url, session["access_token"]).post(f"{CLIENT}/logout")
    refresh(anonymous, session["refresh_token"], expect=401)


def test_registration_gives_refresh_tokens_too(anonymous):
    from client import unique

    body = {"username": unique("ref"), "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    answer = anonymous.post(f"{CLIENT}/register", body={**body, "refresh_token": True})
    refresh(anonymous, answer["refresh_token"])
