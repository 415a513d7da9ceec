"""Third-party networks, of which there are none without application services (third_party_lookup.yaml)."""

import pytest
from client import CLIENT


def test_there_are_no_networks(alice):
    assert alice.get(f"{CLIENT}/thirdparty/protocols") == {}


@pytest.mark.parametrize("kind", ["protocol", "location", "user"])
def test_unknown_networks_are_not_found(alice, kind):
    assert alice.get(f"{CLIENT}/thirdparty/{kind}/irc", expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.mark.parametrize(("kind", "parameter"), [("location", "alias"), ("user", "userid")])
def test_nothing_is_known_of_other_networks(alice, kind, parameter):
    assert alice.get(f"{CLIENT}/thirdparty/{kind}", query={parameter: "#x:localhost"}) == []
    alice.get(f"{CLIENT}/thirdparty/{kind}", expect=400)
