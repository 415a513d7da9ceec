"""Two independent crypto stacks in one encrypted room: matrix-nio on libolm, matrix-js-sdk on the Rust crypto."""

import nio
import pytest
from client import unique
from crypto_devices import JsDevice, NioDevice, introduce

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
STACKS = ["libolm", "Rust"]
PAIRS = [(first, second) for first in STACKS for second in STACKS]


@pytest.fixture
def device_of(homeserver, tmp_path):
    """Makes a new encrypting device of a user."""
    devices = []

    def make(client, stack, **options):
        if stack == "libolm":
            store = tmp_path / f"store-{len(devices)}"
            store.mkdir()
            device = NioDevice(homeserver.base_url, client.user_id, store)
        else:
            device = JsDevice(homeserver.base_url, client.user_id, **options)
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.close()


@pytest.fixture
def encrypted_room(alice, bob):
    room_id = alice.create_room(preset="private_chat", invite=[bob.user_id], initial_state=[ENCRYPTED])
    bob.join(room_id)
    return room_id


def session_of(client, room_id, event_id):
    """The Megolm session with which an event was encrypted, as anybody can see it."""
    event = client.event(room_id, event_id)
    assert event["type"] == "m.room.encrypted"
    return event["content"]["session_id"]


@pytest.mark.parametrize("one, other", PAIRS)
def test_messages_decrypt_both_ways(alice, bob, device_of, encrypted_room, one, other):
    first, second = device_of(alice, one), device_of(bob, other)
    introduce([first, second])
    for number in range(6):
        speaker, listener = (first, second) if number % 2 == 0 else (second, first)
        event_id = speaker.send(encrypted_room, f"secret {number} 🦉")
        assert listener.wait_for(encrypted_room, f"secret {number} 🦉") == event_id
        assert alice.event(encrypted_room, event_id)["type"] == "m.room.encrypted"


def test_ten_devices_of_three_users_read_each_other(alice, bob, carol, device_of, encrypted_room):
    alice.invite(encrypted_room, carol.user_id)
    carol.join(encrypted_room)
    owners = [alice, bob, carol, alice, bob, carol, alice, bob, carol, alice]
    devices = [device_of(owner, STACKS[number % 2]) for number, owner in enumerate(owners)]
    introduce(devices)
    for number, speaker in enumerate(devices):
        speaker.send(encrypted_room, f"number {number} speaks")
    for listener in devices:
        for number in range(len(devices)):
            listener.wait_for(encrypted_room, f"number {number} speaks")


@pytest.mark.parametrize("speaking, coming", PAIRS)
def test_a_device_comes_and_goes(alice, bob, device_of, encrypted_room, speaking, coming):
    """A new login reads what is sent from then on; one that logged out is encrypted for no more."""
    speaker, listener = device_of(alice, speaking), device_of(bob, coming)
    introduce([speaker, listener])
    first = speaker.send(encrypted_room, "before")
    listener.wait_for(encrypted_room, "before")

    again = device_of(bob, coming)
    introduce([speaker, again])
    speaker.send(encrypted_room, "for both")
    again.wait_for(encrypted_room, "for both")
    listener.wait_for(encrypted_room, "for both")

    listener.logout()
    speaker.forget(listener)
    last = speaker.send(encrypted_room, "after")
    again.wait_for(encrypted_room, "after")
    assert session_of(alice, encrypted_room, last) != session_of(alice, encrypted_room, first)


@pytest.mark.parametrize("stack", STACKS)
def test_keys_rotate_when_somebody_leaves(alice, bob, carol, device_of, encrypted_room, stack):
    alice.invite(encrypted_room, carol.user_id)
    carol.join(encrypted_room)
    speaker, leaver = device_of(alice, stack), device_of(carol, "libolm")
    others = [device_of(bob, other) for other in STACKS]
    introduce([speaker, leaver, *others])
    before = speaker.send(encrypted_room, "all of us")
    for device in (leaver, *others):
        device.wait_for(encrypted_room, "all of us")

    carol.leave(encrypted_room)
    speaker.wait_for_departure(encrypted_room, carol.user_id)
    after = speaker.send(encrypted_room, "without carol")
    for device in others:
        device.wait_for(encrypted_room, "without carol")
    assert session_of(alice, encrypted_room, before) != session_of(alice, encrypted_room, after)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("stack", STACKS)
def test_a_device_that_was_away_reads_all_of_it(alice, bob, device_of, encrypted_room, stack, full):
    """1,000 messages of both stacks, and no key is lost."""
    count = 1000 if full else 200
    speakers, listener = [device_of(alice, other) for other in STACKS], device_of(bob, stack)
    introduce([*speakers, listener])
    speakers[0].send(encrypted_room, "hello")
    listener.wait_for(encrypted_room, "hello")
    listener.go_away()

    texts = [f"message {number}" for number in range(count)]
    for number, text in enumerate(texts):
        speakers[number % 2].send_at_once(encrypted_room, text)
    listener.come_back()
    listener.wait_for(encrypted_room, texts[-1])
    assert listener.read_back(encrypted_room, "message ") == texts


@pytest.mark.parametrize("stack", STACKS)
def test_after_logout_and_login_again_messages_flow(alice, bob, device_of, encrypted_room, stack):
    speaker, first = device_of(alice, "Rust" if stack == "libolm" else "libolm"), device_of(bob, stack)
    introduce([speaker, first])
    for turn in range(3):
        bobs = device_of(bob, stack)
        introduce([speaker, bobs])
        speaker.send(encrypted_room, f"question {turn}")
        bobs.wait_for(encrypted_room, f"question {turn}")
        bobs.send(encrypted_room, f"answer {turn}")
        speaker.wait_for(encrypted_room, f"answer {turn}")
        bobs.logout()
        speaker.forget(bobs)


@pytest.mark.parametrize("one, other", PAIRS)
def test_an_encrypted_attachment_and_its_thumbnail_are_read_by_the_other(alice, bob, device_of, encrypted_room, one, other):
    sender, reader = device_of(alice, one), device_of(bob, other)
    introduce([sender, reader])
    sender.send(encrypted_room, "a file follows")
    contents = ["The déjà vu is confidential.\n" * 5000, "small, and as confidential"]
    event_id = sender.send_file(encrypted_room, "report.txt", *contents)
    assert reader.wait_for(encrypted_room, "report.txt") == event_id
    assert reader.read_file(encrypted_room, event_id) == contents


# ── Verification, cross-signing, backup ──────────────────────────────────────────────────────────────


def test_two_devices_verify_each_other_by_emoji_with_libolm(alice, bob, device_of, encrypted_room):
    one, other = device_of(alice, "libolm"), device_of(bob, "libolm")
    introduce([one, other])
    one.start_sas(other)
    other.accept_sas()
    one.last_heard(nio.KeyVerificationAccept)
    assert other.sas_emoji() == one.sas_emoji()
    for device in (one, other):
        device.confirm_sas()
    one.wait_for_verification(other)
    other.wait_for_verification(one)


@pytest.mark.parametrize("asking", STACKS)
def test_the_two_stacks_verify_each_other_by_emoji(alice, bob, device_of, encrypted_room, asking):
    nios, browser = device_of(alice, "libolm"), device_of(bob, "Rust")
    introduce([nios, browser])
    addressed = {"user_id": alice.user_id, "device_id": nios.device_id}
    assert not browser.do("device_trust", **addressed)["localVerified"]
    if asking == "Rust":
        transaction = browser.do("request_verification", **addressed)
        nios.accept_request(browser, transaction)
        browser.do("start_sas")
        nios.accept_sas()
    else:
        transaction = unique("verification")
        nios.request_sas(browser, transaction)
        browser.do("accept_verification")
        nios.start_requested_sas(browser, transaction)
        browser.do("join_sas")

    shown = nios.sas_emoji()
    assert len(shown) == 7 and browser.do("sas_emoji") == shown
    nios.confirm_sas()
    browser.do("confirm_sas")
    nios.finish_sas(browser, transaction)
    browser.do("wait_for_verification")
    assert browser.do("device_trust", **addressed)["localVerified"]


def compare_emoji(one, other):
    """One asks, the other accepts, both see the same emoji and say so."""
    one.do("request_verification", user_id=other.user_id, device_id=other.device_id)
    other.do("accept_verification")
    one.do("start_sas")
    other.do("join_sas")
    shown = one.do("sas_emoji")
    assert len(shown) == 7 and other.do("sas_emoji") == shown
    for device in (one, other):
        device.do("confirm_sas")
    for device in (one, other):
        device.do("wait_for_verification")


def test_cross_signing_is_set_up_and_a_new_device_is_verified(alice, bob, device_of, encrypted_room):
    """Alice's second device is signed after a verification by emoji; Bob, who verified her, trusts it by that alone."""
    first, bobs = device_of(alice, "Rust"), device_of(bob, "Rust")
    first.do("set_up_cross_signing")
    bobs.do("set_up_cross_signing")
    introduce([first, bobs])
    compare_emoji(bobs, first)

    second = device_of(alice, "Rust")
    introduce([first, second, bobs])
    address = {"user_id": alice.user_id, "device_id": second.device_id}
    assert not bobs.do("device_trust", **address)["crossSigningVerified"]
    compare_emoji(first, second)
    for device in (first, bobs):
        device.do("wait_for_cross_signed", **address)
    assert bobs.do("device_trust", **address)["signedByOwner"]


@pytest.mark.parametrize("speaking", STACKS)
def test_a_backup_is_restored_on_a_fresh_device(alice, bob, device_of, encrypted_room, speaking):
    first, speaker = device_of(bob, "Rust"), device_of(alice, speaking)
    introduce([first, speaker])
    first.do("set_up_cross_signing")
    recovery_key = first.do("set_up_secret_storage")
    texts = [f"kept {number}" for number in range(3)]
    for text in texts:
        speaker.send(encrypted_room, text)
        first.wait_for(encrypted_room, text)
    first.do("wait_for_backup", count=1)
    first.logout()

    fresh = device_of(bob, "Rust", recovery_key=recovery_key)
    fresh.do("take_secrets_from_storage")
    assert fresh.do("restore_backup") == {"imported": 1, "total": 1}
    assert fresh.read_back(encrypted_room, "kept ") == texts


@pytest.mark.parametrize("speaking", STACKS)
def test_a_dehydrated_device_receives_keys_while_nobody_is_logged_in(alice, bob, device_of, encrypted_room, speaking):
    first, speaker = device_of(bob, "Rust"), device_of(alice, speaking)
    first.do("set_up_cross_signing")
    recovery_key = first.do("set_up_secret_storage")
    first.do("dehydrate")
    introduce([speaker, first])
    first.logout()
    speaker.forget(first)
    speaker.send(encrypted_room, "while you were out")

    fresh = device_of(bob, "Rust", recovery_key=recovery_key)
    fresh.do("take_secrets_from_storage")
    fresh.do("dehydrate")  # picks up the one that is there first
    assert fresh.read_back(encrypted_room, "while you were out") == ["while you were out"]
