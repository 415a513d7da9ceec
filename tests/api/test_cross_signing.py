"""Cross-signing keys and signatures: who may replace them, and who sees what (cross_signing.yaml)."""

import copy

import pytest
from client import CLIENT
from device import CrossSigning, Device, SigningKey, claim_key, query_keys, upload_keys

UPLOAD = f"{CLIENT}/keys/device_signing/upload"
SIGNATURES = f"{CLIENT}/keys/signatures/upload"


@pytest.fixture
def signing(alice):
    """Alice's cross-signing keys, uploaded."""
    keys = CrossSigning(alice)
    alice.post(UPLOAD, body=keys.body())
    return keys


def keys_of(client, user_id):
    """What `client` sees of a user: device keys by ID and the three cross-signing keys."""
    answer = query_keys(client, user_id)
    crossed = {
        usage: answer[f"{usage}_keys"].get(user_id) for usage in ("master", "self_signing", "user_signing")
    }
    return answer["device_keys"][user_id], crossed


def test_the_keys_are_seen_by_all_but_the_user_signing_key(alice, bob, signing):
    own = {usage: signing.document(usage) for usage in CrossSigning.USAGES}
    assert keys_of(alice, alice.user_id)[1] == own
    assert keys_of(bob, alice.user_id)[1] == {**own, "user_signing": None}


def test_the_first_upload_and_the_same_again_need_no_password(alice, signing):
    for body in (signing.body(), {"self_signing_key": signing.document("self_signing")}):
        alice.post(UPLOAD, body=body)


def test_other_keys_need_the_password(alice, bob, signing):
    newer = CrossSigning(alice)
    challenge = alice.post(UPLOAD, body=newer.body(), expect=401)
    assert {"stages": ["m.login.password"]} in challenge["flows"]
    single = {"self_signing_key": signing.sign("master", CrossSigning(alice).document("self_signing"))}
    alice.post(UPLOAD, body=single, expect=401)
    assert keys_of(bob, alice.user_id)[1]["master"] == signing.document("master")

    alice.post(UPLOAD, body={**newer.body(), "auth": alice.password_auth(challenge["session"])})
    assert keys_of(bob, alice.user_id)[1]["master"] == newer.document("master")


def test_a_new_master_key_ends_what_the_old_one_vouched_for(alice, bob, signing):
    device = Device(alice)
    device.upload(alice)
    signed = signing.sign("self_signing", device.keys())
    assert alice.post(SIGNATURES, body={alice.user_id: {alice.device_id: signed}}) == {"failures": {}}
    newer = CrossSigning(alice)
    alice.post(UPLOAD, body={"master_key": newer.document("master"), "auth": alice.password_auth()})
    devices, crossed = keys_of(alice, alice.user_id)
    assert crossed == {"master": newer.document("master"), "self_signing": None, "user_signing": None}
    assert devices[alice.device_id]["signatures"] == device.keys()["signatures"]


def test_keys_must_be_signed_by_the_master_key(alice):
    keys = CrossSigning(alice)
    body = {**keys.body(), "self_signing_key": CrossSigning(alice).document("self_signing")}
    assert alice.post(UPLOAD, body=body, expect=400)["errcode"] == "M_INVALID_SIGNATURE"
    body = {"self_signing_key": keys.document("self_signing")}
    assert alice.post(UPLOAD, body=body, expect=400)["errcode"] == "M_MISSING_PARAM"
    assert keys_of(alice, alice.user_id)[1]["master"] is None


def test_keys_of_others_and_other_shapes_are_refused(alice, bob):
    assert alice.post(UPLOAD, body=CrossSigning(bob).body(), expect=400)["errcode"] == "M_INVALID_PARAM"
    for body in ({"master_key": []}, {"master_key": {"user_id": alice.user_id}}):
        assert alice.post(UPLOAD, body=body, expect=400)["errcode"] == "M_BAD_JSON"


def test_no_device_is_called_like_a_key(alice, signing):
    public = signing.keys["self_signing"].public
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": alice.user_id}}
    body.update(password=alice.password_auth()["password"], device_id=public)
    alice.post(f"{CLIENT}/login", body=body, expect=400)

    newer = CrossSigning(alice)
    alice.login(alice.user_id, device_id=newer.keys["self_signing"].public)
    error = alice.post(UPLOAD, body={**newer.body(), "auth": alice.password_auth()}, expect=403)
    assert error["errcode"] == "M_FORBIDDEN"


def test_a_device_is_signed_by_the_self_signing_key(alice, bob, room, signing):
    device = Device(alice)
    device.upload(alice)
    bob.sync()
    signed = signing.sign("self_signing", device.keys())
    assert alice.post(SIGNATURES, body={alice.user_id: {alice.device_id: signed}}) == {"failures": {}}
    bob.sync_until(lambda answer: alice.user_id in answer.get("device_lists", {}).get("changed", []))
    seen = keys_of(bob, alice.user_id)[0][alice.device_id]
    assert seen["signatures"] == signed["signatures"] and len(seen["signatures"][alice.user_id]) == 2


def test_the_master_key_is_signed_by_a_device(alice, bob, signing):
    device = Device(alice)
    device.upload(alice)
    master = signing.document("master")
    public = signing.keys["master"].public
    signed = device.sign(copy.deepcopy(master))
    assert alice.post(SIGNATURES, body={alice.user_id: {public: signed}}) == {"failures": {}}
    assert keys_of(bob, alice.user_id)[1]["master"]["signatures"] == signed["signatures"]


def test_whom_a_user_trusts_is_seen_by_the_user_alone(alice, bob, carol, room, signing):
    other = CrossSigning(bob)
    bob.post(UPLOAD, body=other.body())
    alice.sync()
    public = other.keys["master"].public
    signed = signing.sign("user_signing", other.document("master"))
    assert alice.post(SIGNATURES, body={bob.user_id: {public: signed}}) == {"failures": {}}
    # The signer's other devices hear of it.
    alice.sync_until(lambda answer: bob.user_id in answer.get("device_lists", {}).get("changed", []))
    assert keys_of(alice, bob.user_id)[1]["master"]["signatures"] == signed["signatures"]
    for client in (bob, carol):
        assert "signatures" not in keys_of(client, bob.user_id)[1]["master"]


def test_each_bad_signature_is_a_failure_of_its_own(alice, bob, signing):
    device = Device(alice)
    device.upload(alice)
    bob.post(UPLOAD, body=CrossSigning(bob).body())
    good = signing.sign("self_signing", device.keys())
    forged = signing.sign("master", signing.document("master"))
    body = {
        alice.user_id: {
            alice.device_id: good,
            "UNKNOWN": good,
            signing.keys["master"].public: forged,
        },
        bob.user_id: {"nokey": good},
        "@far:unreachable.invalid": {"key": good},
    }
    failures = alice.post(SIGNATURES, body=body)["failures"]
    assert failures[alice.user_id].keys() == {"UNKNOWN", signing.keys["master"].public}
    assert failures[alice.user_id]["UNKNOWN"]["errcode"] == "M_NOT_FOUND"
    assert failures[bob.user_id]["nokey"]["errcode"] == "M_NOT_FOUND"
    assert failures["@far:unreachable.invalid"]["key"]["errcode"] == "M_NOT_FOUND"

    wrong = SigningKey().sign(device.keys(), alice.user_id, signing.keys["self_signing"].public)
    changed = signing.sign("self_signing", {**device.keys(), "algorithms": []})
    for document, code in ((wrong, "M_INVALID_SIGNATURE"), (changed, "M_INVALID_PARAM"), (7, "M_BAD_JSON")):
        answer = alice.post(SIGNATURES, body={alice.user_id: {alice.device_id: document}})
        assert answer["failures"][alice.user_id][alice.device_id]["errcode"] == code


def test_a_deactivated_user_has_no_keys(alice, bob, room, signing):
    device = Device(alice)
    device.upload(alice, 2)
    upload_keys(alice, fallback_keys=device.fallback_key())
    bob.sync()
    alice.post(f"{CLIENT}/account/deactivate", body={"auth": alice.password_auth()})
    assert keys_of(bob, alice.user_id) == (
        {},
        {"master": None, "self_signing": None, "user_signing": None},
    )
    assert claim_key(bob, alice.user_id, alice.device_id) is None
