"""Spec: MSC4143, where clients find the service for calls."""

from client import CLIENT, Client
from homeserver import launch

PATH = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
FOCI = "org.matrix.msc4143.rtc_foci"


def test_without_a_service_there_is_none(alice, anonymous):
    assert alice.get(PATH) == {"rtc_transports": []}
    assert FOCI not in anonymous.get("/.well-known/matrix/client")
    anonymous.get(PATH, expect=401)


def test_the_configured_service_is_told():
    url = "https://calls.example.org/livekit/jwt"
    server = launch("beffroi", calls={"livekit_service_url": url})
    try:
        server.start()
        anonymous = Client(server.base_url)
        service = {"type": "livekit", "livekit_service_url": url}
        alice, bob = anonymous.register("alice"), anonymous.register("bob")
        assert alice.get(PATH) == {"rtc_transports": [service]}
        room = alice.create_room(invite=[bob.user_id])
        bob.join(room)
        # Everybody may be in a call, and nobody may do more than before.
        bob.set_state(room, "org.matrix.msc3401.call.member", {}, f"_{bob.user_id}_PHONE_m.call")
        bob.put(f"{CLIENT}/rooms/{{}}/state/m.room.topic", room, body={"topic": "x"}, expect=403)
        assert anonymous.get("/.well-known/matrix/client")[FOCI] == [service]
        server.shut_down_and_check()
    finally:
        server.remove()
