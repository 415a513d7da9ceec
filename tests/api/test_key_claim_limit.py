"""Claims of one device's keys are limited per claimant, so that nobody uses up what others need."""

import pytest
from client import CLIENT, Client
from device import Device, claim_key
from homeserver import launch, running


@pytest.fixture
def strict_server(homeserver_kind):
    """One with its rate limits, wide enough for all but claims."""
    wide = {"per_second": 1000, "burst": 1000}
    limits = {"enabled": True, "registration": wide, "login": wide, "other": wide}
    server = launch(homeserver_kind, rate_limits=limits)
    with running(server):
        yield server


def test_claims_of_one_device_are_limited_for_each_claimant(strict_server):
    anonymous = Client(strict_server.base_url)
    alice, bob, carol = (anonymous.register(name) for name in ("alice", "bob", "carol"))
    second = alice.second_device()
    keys = Device(alice).upload(alice, 60)
    other_keys = Device(second).upload(second, 1)
    claims = [claim_key(bob, alice.user_id, alice.device_id) for _ in range(50)]
    assert claims == [{name: keys[name]} for name in list(keys)[:50]]

    body = {"one_time_keys": {alice.user_id: {alice.device_id: "signed_curve25519"}}}
    refused = bob.post(f"{CLIENT}/keys/claim", body=body, expect=429)
    assert refused["errcode"] == "M_LIMIT_EXCEEDED" and refused["retry_after_ms"] > 0
    # Other devices and other claimants have a budget of their own.
    assert claim_key(bob, alice.user_id, second.device_id) == other_keys
    assert claim_key(carol, alice.user_id, alice.device_id) is not None
