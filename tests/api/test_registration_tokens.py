"""registration_tokens.yaml and the administration of registration tokens."""

import pytest
from client import unique

ADMIN = "/_synapse/admin/v1/registration_tokens"
VALIDITY = "/_matrix/client/v1/register/m.login.registration_token/validity"
FAR_FUTURE = 32503680000000


@pytest.fixture
def admin(anonymous):
    return anonymous.register_admin()


def test_a_token_is_made_read_changed_and_deleted(admin):
    name = unique("token")
    made = admin.post(f"{ADMIN}/new", body={"token": name, "uses_allowed": 3})
    assert made == {
        "token": name, "uses_allowed": 3, "completed": 0, "pending": 0, "expiry_time": None
    }  # fmt: skip
    assert admin.get(f"{ADMIN}/{{}}", name) == made
    assert made in admin.get(ADMIN)["registration_tokens"]
    changed = admin.put(f"{ADMIN}/{{}}", name, body={"uses_allowed": None, "expiry_time": FAR_FUTURE})
    assert changed["uses_allowed"] is None and changed["expiry_time"] == FAR_FUTURE
    admin.delete(f"{ADMIN}/{{}}", name)
    assert admin.get(f"{ADMIN}/{{}}", name, expect=404)["errcode"] == "M_NOT_FOUND"


def test_a_token_can_be_left_to_chance(admin):
    assert len(admin.post(f"{ADMIN}/new")["token"]) == 16
    assert len(admin.post(f"{ADMIN}/new", body={"length": 64})["token"]) == 64


@pytest.mark.parametrize(
    "body",
    [
        {"token": ""},
        {"token": "with space"},
        {"token": "x" * 65},
        {"length": 0},
        {"length": 65},
        {"uses_allowed": -1},
        {"uses_allowed": "many"},
        {"expiry_time": 1},
    ],
)
def test_what_is_no_token_is_refused(admin, body):
    assert admin.post(f"{ADMIN}/new", body=body, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_only_administrators_handle_tokens(alice, anonymous):
    assert alice.get(ADMIN, expect=403)["errcode"] == "M_FORBIDDEN"
    assert alice.post(f"{ADMIN}/new", expect=403)["errcode"] == "M_FORBIDDEN"
    assert anonymous.get(ADMIN, expect=401)["errcode"] == "M_MISSING_TOKEN"


def test_where_nobody_registers_with_a_token_none_is_valid(anonymous):
    answer = anonymous.get(VALIDITY, query={"token": "any"}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"
