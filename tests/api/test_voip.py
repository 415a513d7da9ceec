"""TURN credentials (voip.yaml)."""

from client import CLIENT


def test_without_a_turn_server_there_are_no_credentials(alice, anonymous):
    assert alice.get(f"{CLIENT}/voip/turnServer") == {}
    anonymous.get(f"{CLIENT}/voip/turnServer", expect=401)
