"""matrix-nio and matrix-js-sdk through a colleague's first day, each pair of them in one room."""

import pytest
from actors import ACTORS
from client import PASSWORD, unique
from pictures import decoded, encoded, photo

PAIRS = [(host, guest) for host in ACTORS for guest in ACTORS]


@pytest.fixture
def new_actor(homeserver):
    """Makes an actor with a fresh account, logged out and in again, its sync running."""
    actors = []

    def make(kind):
        actor = ACTORS[kind](homeserver.base_url)
        actors.append(actor)
        username = unique(kind.replace("matrix-", ""))
        registered = actor.register(username, PASSWORD)
        assert registered == f"@{username}:{homeserver.server_name}"
        assert actor.login(username, PASSWORD) == registered
        actor.start()
        return actor

    yield make
    for actor in actors:
        actor.close()


def meet(host, guest):
    """The host makes a room, invites the guest, who hears of it by sync and joins."""
    room_id = host.create_room("Bureau 12")
    host.invite(room_id, guest.user_id)
    guest.wait_for_invite(room_id)
    guest.join(room_id)
    return room_id


@pytest.mark.parametrize("host_kind, guest_kind", PAIRS)
def test_two_clients_write_to_each_other(new_actor, host_kind, guest_kind):
    host, guest = new_actor(host_kind), new_actor(guest_kind)
    room_id = meet(host, guest)

    said = []
    for number in range(6):
        speaker, listener = (host, guest) if number % 2 == 0 else (guest, host)
        text = f"message {number}: déjà reçu ? 🦉"
        event_id = speaker.send_text(room_id, text)
        assert listener.wait_for_text(room_id, text) == event_id
        said.append(text)

    for actor in (host, guest):
        actor.wait_for_text(room_id, said[-1])
        assert actor.texts_back_to_start(room_id) == said


@pytest.mark.parametrize("host_kind, guest_kind", PAIRS)
def test_a_redaction_reaches_the_other_client(new_actor, host_kind, guest_kind):
    host, guest = new_actor(host_kind), new_actor(guest_kind)
    room_id = meet(host, guest)

    event_id = host.send_text(room_id, "sent by mistake")
    for actor in (host, guest):
        actor.wait_for_text(room_id, "sent by mistake")
    host.redact(room_id, event_id)

    for actor in (host, guest):
        actor.wait_for_redaction(room_id, event_id)
        # What is read anew is redacted too.
        assert actor.texts_back_to_start(room_id) == [None]


@pytest.mark.parametrize("host_kind, guest_kind", PAIRS)
def test_profile_and_receipt_reach_the_other_client(new_actor, host_kind, guest_kind):
    host, guest = new_actor(host_kind), new_actor(guest_kind)
    guest.set_display_name("Éloïse Dupont")
    assert host.display_name(guest.user_id) == "Éloïse Dupont"

    room_id = meet(host, guest)
    event_id = host.send_text(room_id, "please read")
    guest.wait_for_text(room_id, "please read")
    guest.read(room_id, event_id)
    host.wait_for_receipt(room_id, event_id, guest.user_id)


@pytest.mark.parametrize("host_kind, guest_kind", PAIRS)
def test_pictures_and_their_thumbnails_arrive(new_actor, host_kind, guest_kind):
    host, guest = new_actor(host_kind), new_actor(guest_kind)
    room_id = meet(host, guest)
    for sender, reader, size in ((host, guest, 400), (guest, host, 500)):
        picture, thumbnail = (encoded(photo(width, width), "PNG") for width in (size, size // 10))
        name = f"été {size}.png"
        sender.send_picture(room_id, name, picture, thumbnail)
        whole, by_sender, by_server = reader.read_picture(room_id, name)
        assert whole == picture and by_sender == thumbnail
        assert decoded(by_server).size == (32, 32)


@pytest.mark.parametrize("kind", ACTORS)
def test_logout_ends_the_token(new_actor, kind):
    actor = new_actor(kind)
    assert actor.token_works()
    actor.logout()
    assert not actor.token_works()
