"""administrative_contact.yaml: the addresses of an account."""

from client import CLIENT

THREEPIDS = f"{CLIENT}/account/3pid"


def test_a_new_account_has_no_addresses(alice):
    assert alice.get(THREEPIDS) == {"threepids": []}


def test_an_address_that_is_not_there_can_not_be_deleted(alice):
    body = {"medium": "email", "address": "alice@example.org"}
    answer = alice.post(f"{THREEPIDS}/delete", body=body, expect=400)
    assert answer["errcode"] == "M_THREEPID_NOT_FOUND"
    answer = alice.post(f"{THREEPIDS}/delete", body={"medium": "email"}, expect=400)
    assert answer["errcode"] == "M_MISSING_PARAM"


def test_addresses_are_for_their_owner(anonymous):
    assert anonymous.get(THREEPIDS, expect=401)["errcode"] == "M_MISSING_TOKEN"
