"""capabilities.yaml: GET /capabilities."""

from client import CLIENT

CAPABILITIES = f"{CLIENT}/capabilities"


def test_what_this_server_can_do_is_told(alice):
    capabilities = alice.get(CAPABILITIES)["capabilities"]
    versions = capabilities["m.room_versions"]
    assert versions["default"] in versions["available"]
    assert {versions["available"].pop(f"org.matrix.msc3757.{n}") for n in (10, 11)} == {"unstable"}
    assert versions["available"] == {str(number): "stable" for number in range(1, 13)}
    for name in ("m.change_password", "m.set_displayname", "m.set_avatar_url", "m.profile_fields", "uk.tcpip.msc4133.profile_fields"):
        assert capabilities[name]["enabled"] is True
    assert capabilities["m.get_login_token"]["enabled"] is True


def test_it_is_told_to_users_only(anonymous):
    assert anonymous.get(CAPABILITIES, expect=401)["errcode"] == "M_MISSING_TOKEN"
