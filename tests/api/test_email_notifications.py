"""Notifications by e-mail, through a real SMTP server (pusher.yaml, kind email)."""

import re
import time

import pytest
from client import CLIENT, PATIENCE_SECONDS, Client
from homeserver import launch, running
from invariants import connect
from mail_server import MailServer
from test_email_validation import add_address, fresh_address

pytestmark = pytest.mark.own_server


@pytest.fixture(scope="module")
def mail_server():
    server = MailServer().start()
    yield server
    server.stop()


def mail_settings(mail_server):
    return {
        "smtp_url": mail_server.url,
        "from": "Messagerie <matrix@example.org>",
        "notification_delay_seconds": 1,
        "notification_interval_seconds": 1,
    }


@pytest.fixture(scope="module")
def server(mail_server):
    with running(launch("beffroi", mail=mail_settings(mail_server))) as server:
        yield server


@pytest.fixture
def anonymous(server):
    return Client(server.base_url)


@pytest.fixture
def address(anonymous, mail_server, bob):
    """Of bob, who wants mails in French."""
    address = fresh_address()
    add_address(anonymous, mail_server, bob, address)
    set_pusher(bob, address)
    return address


def set_pusher(user, address, expect=200, **changes):
    body = {
        "kind": "email",
        "app_id": "m.email",
        "pushkey": address,
        "app_display_name": "Mail",
        "device_display_name": address,
        "lang": "fr-FR",
        "data": {},
        **changes,
    }
    return user.post(f"{CLIENT}/pushers/set", body=body, expect=expect)


def test_what_is_unread_comes_in_one_mail(server, alice, bob, room, address, mail_server):
    before = len(mail_server.mails_to(address))
    alice.put(f"{CLIENT}/rooms/{{}}/state/m.room.name", room, body={"name": "Archives <b>"})
    with connect(server) as database:
        # No mail becomes due before this is read, however long that takes.
        database.execute("SELECT FROM pushers WHERE pushkey = %s FOR NO KEY UPDATE", [address])
        alice.send_text(room, "read already")
        last = alice.send_text(room, "read too")
        bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, last)
    alice.send_text(room, "first <script>\u202e")
    alice.send(room, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"})
    mail = mail_server.wait_for(address, before + 1)
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "sur localhost" in mail["Subject"] and "non lu" in mail["Subject"]
    assert "Archives <b>" in text and "first <script>" in text and "read already" not in text
    assert "Archives &lt;b&gt;" in html and "first &lt;script&gt;" in html and "<script" not in html
    assert "\u202e" not in text
    told = text
    if "Message chiffr" not in told:  # the second message came into the next mail
        told = mail_server.text_to(address, before + 2)
    assert "Message chiffré" in told and "read too" not in told


def test_nothing_is_lost_when_the_server_is_killed(server, alice, bob, room, address, mail_server):
    before = len(mail_server.mails_to(address))
    alice.send_text(room, "before the crash")
    server.kill()
    server.start()
    assert "before the crash" in mail_server.text_to(address, before + 1)


def test_one_click_ends_the_mails(anonymous, alice, bob, room, address, mail_server):
    before = len(mail_server.mails_to(address))
    alice.send_text(room, "once")
    mail = mail_server.wait_for(address, before + 1)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<https://localhost(/_beffroi/unsubscribe\S+)>", mail["List-Unsubscribe"].replace("\n ", "")).group(1)
    assert link in mail.get_body(("plain",)).get_content()
    page = anonymous.raw("GET", link)
    assert page.status_code == 200 and '<form id="form" method="post"' in page.text
    assert len(bob.get(f"{CLIENT}/pushers")["pushers"]) == 1
    assert anonymous.raw("POST", link[:-3] + "AAA").status_code == 404
    assert anonymous.raw("POST", link).status_code == 200
    assert bob.get(f"{CLIENT}/pushers")["pushers"] == []
    assert anonymous.raw("POST", link).status_code == 404


def test_nobody_has_mails_sent_to_others(alice, bob, address):
    assert set_pusher(alice, address, expect=400)["errcode"] == "M_INVALID_PARAM"
    assert set_pusher(alice, "nobody@example.org", expect=400)["errcode"] == "M_INVALID_PARAM"
    assert len(bob.get(f"{CLIENT}/pushers")["pushers"]) == 1


def test_a_refused_address_loses_its_pusher(alice, bob, room, address, mail_server):
    mail_server.box.refused.add(address)
    alice.send_text(room, "nobody reads this")
    give_up = time.monotonic() + PATIENCE_SECONDS
    while bob.get(f"{CLIENT}/pushers")["pushers"]:
        assert time.monotonic() < give_up, "the pusher stays"
        time.sleep(0.1)


def test_mails_may_be_told_to_say_nothing_of_what_was_written(mail_server):
    mail = {**mail_settings(mail_server), "notification_details": False}
    with running(launch("beffroi", mail=mail)) as server:
        anonymous = Client(server.base_url)
        alice, bob = (anonymous.register(name) for name in ("alice", "bob"))
        address = fresh_address()
        add_address(anonymous, mail_server, bob, address)
        set_pusher(bob, address)
        room = alice.create_room(name="Personnel matters", invite=[bob.user_id])
        bob.join(room)
        before = len(mail_server.mails_to(address))
        alice.send_text(room, "Only between us")
        mail = mail_server.wait_for(address, before + 1)
    parts = [mail["Subject"], *(mail.get_body((kind,)).get_content() for kind in ("plain", "html"))]
    assert all("non lu" in part for part in parts)
    for secret in ("Only between us", "Personnel matters", alice.user_id[1:]):
        assert not any(secret in part for part in parts)
