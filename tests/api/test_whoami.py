"""whoami.yaml: GET /account/whoami, and what access tokens are."""

from client import CLIENT, Client

WHOAMI = f"{CLIENT}/account/whoami"


def test_a_token_tells_its_user_and_device(alice):
    answer = alice.get(WHOAMI)
    assert answer == {"user_id": alice.user_id, "device_id": alice.device_id, "is_guest": False}


def test_without_a_token_nobody_is_there(anonymous):
    assert anonymous.get(WHOAMI, expect=401)["errcode"] == "M_MISSING_TOKEN"


def test_a_made_up_token_is_unknown(anonymous, alice):
    for token in ("made-up", alice.token + "x", alice.token[:-1], alice.token.swapcase()):
        assert Client(anonymous.base_url, token).get(WHOAMI, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"


def test_the_deprecated_query_parameter_still_counts(anonymous, alice):
    assert anonymous.get(WHOAMI, query={"access_token": alice.token})["user_id"] == alice.user_id


def test_nobody_but_an_application_service_speaks_for_others(alice, bob):
    assert alice.get(WHOAMI, query={"user_id": bob.user_id})["user_id"] == alice.user_id
