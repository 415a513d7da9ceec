"""`beffroi verify-room` over a room that two servers share: both find it sound, with each other's keys."""

from two_sides import sees, verify


def test_both_servers_find_a_shared_room_sound(server, other_server, alice, bob, shared_room):
    for speaker, listener in ((alice, bob), (bob, alice)):
        for number in range(3):
            sees(listener, shared_room, speaker.send_text(shared_room, f"message {number}"))
    # verify-room is a command of ours: a Synapse is checked by what it sent us.
    for side in (side for side in (server, other_server) if hasattr(side, "binary")):
        result = verify(side, shared_room)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "0 signed with keys that are not known here" in result.stdout
        assert "compared with the server's" in result.stdout
