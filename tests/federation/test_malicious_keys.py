"""Signing keys that do not hold (FK)."""

import concurrent.futures

import pytest
from peer import FEDERATION, Peer

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


@pytest.mark.parametrize(
    "change",
    [{"server_name": "other.example"}, {"valid_until_ts": 1}, {"valid_until_ts": -5}, {"verify_keys": {}}],
    ids=["other name", "expired", "negative", "empty"],
)
def test_fk_01_key_documents_that_do_not_hold(server, authority, room_id, change):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, liar.key_document(**change))
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


def test_fk_05_garbage_instead_of_keys(server, authority, room_id):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, b"[" * 100000)
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


@pytest.mark.parametrize("valid_until", [2**63, 2**70, 1e300, "soon", None], ids=str)
def test_fk_03_impossible_times_of_validity(server, authority, room_id, valid_until):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, liar.key_document(valid_until_ts=valid_until))
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


def test_fk_11_many_requests_of_a_new_server_fetch_its_keys_once(server, peer, room_id):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: peer.get(server, f"{FEDERATION}/v1/publicRooms"), range(24)))
    assert len(answers) == 24
    assert len([path for _, path in peer.requests if path.startswith("/_matrix/key/")]) == 1
