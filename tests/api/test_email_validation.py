"""E-mail addresses: what administrative_contact.yaml, registration.yaml and password_management.yaml say about
them, with a real mail server."""

import re

import pytest
from client import CLIENT, PASSWORD, Client, unique
from homeserver import SHARED_SECRET, launch, running
from mail_server import MailServer

REGISTER = f"{CLIENT}/register"
THREEPIDS = f"{CLIENT}/account/3pid"
CHANGE = f"{CLIENT}/account/password"
NEW_PASSWORD = "another horse, another battery"


@pytest.fixture(scope="module")
def mail_server():
    server = MailServer().start()
    yield server
    server.stop()


def serve(kind, mail_server, **registration):
    if kind != "beffroi":
        pytest.skip("settings of our own server")
    server = launch(
        kind,
        registration={"mode": "open", "shared_secret": SHARED_SECRET, **registration},
        mail={"smtp_url": mail_server.url, "from": "Messagerie d’État <matrix@example.org>"},
    )
    with running(server):
        yield Client(server.base_url)


@pytest.fixture(scope="module")
def client(homeserver_kind, mail_server):
    yield from serve(homeserver_kind, mail_server)


@pytest.fixture(scope="module")
def strict(homeserver_kind, mail_server):
    rules = {"require_email": True, "email_domains": ["gouv.example"]}
    yield from serve(homeserver_kind, mail_server, **rules)


def fresh_address(domain="example.org"):
    return f"{unique('anna')}@{domain}"


def ask(client, path, address, expect=200, **fields):
    body = {"client_secret": unique("secret"), "email": address, "send_attempt": 1, **fields}
    answer = client.post(f"{path}/email/requestToken", body=body, expect=expect)
    return {"sid": answer.get("sid"), "client_secret": body["client_secret"], "errcode": answer.get("errcode")}


def credentials(asked):
    return {"sid": asked["sid"], "client_secret": asked["client_secret"]}


def follow(client, link):
    page = client.raw("GET", link)
    assert page.status_code == 200 and '<form id="form" method="post"' in page.text
    return client.raw("POST", link)


def email_auth(asked, session):
    return {"type": "m.login.email.identity", "threepid_creds": credentials(asked), "session": session}


def add_address(client, mail_server, user, address):
    asked = ask(client, THREEPIDS, address)
    assert follow(client, mail_server.link_to(address)).status_code == 200
    body = {**credentials(asked), "auth": user.password_auth()}
    assert user.post(f"{THREEPIDS}/add", body=body) == {}


# ── Adding an address to an account ───────────────────────────────────────────────────────────────


@pytest.fixture
def anna(client):
    username = unique("anna")
    auth = {"type": "m.login.dummy"}
    return client.signed_in(
        client.post(REGISTER, body={"username": username, "password": PASSWORD, "auth": auth})
    )


def test_an_address_is_added_after_its_owner_confirms(client, mail_server, anna):
    address = fresh_address()
    asked = ask(client, THREEPIDS, address.replace("anna", "Anna"))
    body = {**credentials(asked), "auth": anna.password_auth()}
    answer = anna.post(f"{THREEPIDS}/add", body=body, expect=403)
    assert answer["errcode"] == "M_THREEPID_AUTH_FAILED"

    mail = mail_server.wait_for(address)
    assert mail["To"] == address and mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "Messagerie d’État <matrix@example.org>"
    text = mail_server.text_to(address)
    assert "Pour la confirmer" in text and "To confirm it" in text and "https://localhost/" in text

    link = mail_server.link_to(address)
    # A scanner that opens the link confirms nothing.
    assert client.raw("GET", link).status_code == 200
    assert anna.post(f"{THREEPIDS}/add", body=body, expect=403)["errcode"] == "M_THREEPID_AUTH_FAILED"
    done = follow(client, link)
    assert done.status_code == 200 and "Address confirmed" in done.text
    assert anna.post(f"{THREEPIDS}/add", body=body) == {}

    (threepid,) = anna.get(THREEPIDS)["threepids"]
    assert threepid["medium"] == "email" and threepid["address"] == address
    assert 0 < threepid["validated_at"] <= threepid["added_at"]
    # A proof counts once.
    assert anna.post(f"{THREEPIDS}/add", body=body, expect=403)["errcode"] == "M_THREEPID_AUTH_FAILED"


def test_adding_an_address_needs_the_password(client, mail_server, anna):
    address = fresh_address()
    asked = ask(client, THREEPIDS, address)
    follow(client, mail_server.link_to(address))
    challenge = anna.post(f"{THREEPIDS}/add", body=credentials(asked), expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.password"]}]
    anna.post(f"{THREEPIDS}/add", body={"auth": anna.password_auth(challenge["session"])})
    assert anna.get(THREEPIDS)["threepids"]


def test_the_secret_of_the_client_is_needed(client, mail_server, anna):
    address = fresh_address()
    asked = ask(client, THREEPIDS, address)
    follow(client, mail_server.link_to(address))
    body = {"sid": asked["sid"], "client_secret": "guessed", "auth": anna.password_auth()}
    assert anna.post(f"{THREEPIDS}/add", body=body, expect=403)["errcode"] == "M_THREEPID_AUTH_FAILED"


def test_an_address_of_another_account_is_told_to_its_owner_only(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    for path in (THREEPIDS, REGISTER):
        before = len(mail_server.mails_to(address))
        assert ask(client, path, address)["sid"]
        text = mail_server.text_to(address, before + 1)
        assert "already belongs to an account" in text and "_beffroi" not in text


def test_an_address_is_logged_in_with_and_deleted(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    identifier = {"type": "m.id.thirdparty", "medium": "email", "address": address.upper()}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    assert client.post(f"{CLIENT}/login", body=body)["user_id"] == anna.user_id
    body = {"medium": "email", "address": address.upper()}
    assert anna.post(f"{THREEPIDS}/delete", body=body) == {"id_server_unbind_result": "no-support"}
    assert anna.get(THREEPIDS)["threepids"] == []
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    client.post(f"{CLIENT}/login", body=body, expect=403)


def test_the_capability_says_that_addresses_can_change(anna):
    capabilities = anna.get(f"{CLIENT}/capabilities")["capabilities"]
    assert capabilities["m.3pid_changes"] == {"enabled": True}


# ── Requests for mails ────────────────────────────────────────────────────────────────────────────


def test_an_attempt_sends_one_mail_and_the_next_attempt_another(client, mail_server):
    address, secret = fresh_address(), unique("secret")
    first = ask(client, THREEPIDS, address, client_secret=secret)
    again = ask(client, THREEPIDS, address, client_secret=secret)
    assert again["sid"] == first["sid"] and len(mail_server.mails_to(address)) == 1
    second = ask(client, THREEPIDS, address, client_secret=secret, send_attempt=2)
    assert second["sid"] == first["sid"]
    assert follow(client, mail_server.link_to(address, 2)).status_code == 200


def test_nobodys_mailbox_is_filled(client, mail_server):
    address, secret = fresh_address(), unique("secret")
    for attempt in range(1, 6):
        ask(client, THREEPIDS, address, client_secret=secret, send_attempt=attempt)
    body = {"client_secret": secret, "email": address, "send_attempt": 6}
    answer = client.post(f"{THREEPIDS}/email/requestToken", body=body, expect=429)
    assert answer["errcode"] == "M_LIMIT_EXCEEDED" and answer["retry_after_ms"] > 0
    for _ in range(5):
        ask(client, THREEPIDS, address)
    assert ask(client, THREEPIDS, address, expect=429)["errcode"] == "M_LIMIT_EXCEEDED"
    assert len(mail_server.mails_to(address)) == 10


def test_an_address_that_the_mail_server_refuses_is_told(client, mail_server):
    address = fresh_address()
    mail_server.box.refused.add(address)
    assert ask(client, THREEPIDS, address, expect=400)["errcode"] == "M_INVALID_PARAM"
    # The attempt sent nothing, so that it may be repeated.
    mail_server.box.refused.remove(address)
    ask(client, THREEPIDS, address)
    mail_server.wait_for(address)


@pytest.mark.parametrize(
    "address",
    [
        "a@evil.example@gouv.example",
        '"a@gouv.example"@evil.example',
        "a@gouv.example.",
        "a@gouv.example\u0000@evil.example",
        "a@gоuv.example",  # a Cyrillic o
        "a(comment)@gouv.example",
        "a b@gouv.example",
        "a@gouv",
        "@gouv.example",
        "a@",
        ".a@gouv.example",
        "a..b@gouv.example",
        "a@-gouv.example",
        "a@gouv.example>\r\nRCPT TO:<b@evil.example",
        "a" * 300 + "@gouv.example",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(client, address):
    errcode = ask(client, REGISTER, address, expect=400)["errcode"]
    assert errcode == ("M_BAD_JSON" if "\0" in address else "M_INVALID_PARAM")


@pytest.mark.parametrize(
    "fields, errcode",
    [
        ({"client_secret": ""}, "M_INVALID_PARAM"),
        ({"client_secret": "a/b"}, "M_INVALID_PARAM"),
        ({"client_secret": "x" * 256}, "M_INVALID_PARAM"),
        ({"client_secret": 7}, "M_BAD_JSON"),
        ({"send_attempt": "1"}, "M_BAD_JSON"),
        ({"send_attempt": 0}, "M_INVALID_PARAM"),
        ({"next_link": "javascript:alert(1)"}, "M_INVALID_PARAM"),
        ({"email": None}, "M_BAD_JSON"),
    ],
)
def test_parameters_are_checked(client, fields, errcode):
    assert ask(client, THREEPIDS, fresh_address(), expect=400, **fields)["errcode"] in (errcode, "M_MISSING_PARAM")


def test_phone_numbers_are_not_supported(client, anna):
    body = {"client_secret": "s", "country": "FR", "phone_number": "0123456789", "send_attempt": 1}
    for path in (THREEPIDS, CHANGE, REGISTER):
        answer = client.post(f"{path}/msisdn/requestToken", body=body, expect=400)
        assert answer["errcode"] == "M_THREEPID_MEDIUM_NOT_SUPPORTED"
    auth = {"type": "m.login.msisdn", "threepid_creds": {"sid": "s", "client_secret": "s"}}
    answer = anna.post(CHANGE, body={"new_password": NEW_PASSWORD, "auth": auth}, expect=401)
    assert answer["errcode"] == "M_THREEPID_MEDIUM_NOT_SUPPORTED"


def test_without_a_mail_server_there_is_no_validation(anonymous, alice):
    for path in (THREEPIDS, CHANGE, REGISTER):
        answer = ask(anonymous, path, fresh_address(), expect=400)
        assert answer["errcode"] == "M_THREEPID_MEDIUM_NOT_SUPPORTED"
    assert alice.get(f"{CLIENT}/capabilities")["capabilities"]["m.3pid_changes"] == {"enabled": False}


# ── The page ──────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_link_says_so(client, mail_server):
    address = fresh_address()
    ask(client, THREEPIDS, address)
    link = mail_server.link_to(address)
    for wrong in (link[:-1] + "!", "/_beffroi/email?sid=x&token=y", "/_beffroi/email"):
        answer = client.raw("POST", wrong)
        assert answer.status_code == 404 and "too old" in answer.text
    assert client.raw("POST", link, headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_next_link_is_shown_with_its_host_and_never_followed(client, mail_server):
    address = fresh_address()
    ask(client, THREEPIDS, address, next_link='https://chat.example/#/"><b>register')
    done = follow(client, mail_server.link_to(address))
    assert done.status_code == 200 and "Continue at chat.example" in done.text
    assert 'href="https://chat.example/#/&quot;&gt;&lt;b&gt;register"' in done.text


# ── Registration ──────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_optional_when_nothing_asks_for_it(client, mail_server):
    body = {"username": unique("new"), "password": PASSWORD}
    challenge = client.post(REGISTER, body=body, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.dummy"]}, {"stages": ["m.login.email.identity"]}]
    address = fresh_address()
    asked = ask(client, REGISTER, address)
    auth = email_auth(asked, challenge["session"])
    # Clients try until the link has been followed.
    answer = client.post(REGISTER, body={**body, "auth": auth}, expect=401)
    assert answer["errcode"] == "M_THREEPID_AUTH_FAILED" and answer["session"] == challenge["session"]
    follow(client, mail_server.link_to(address))
    new = client.signed_in(client.post(REGISTER, body={**body, "auth": auth}))
    assert [threepid["address"] for threepid in new.get(THREEPIDS)["threepids"]] == [address]


def test_accounts_are_for_addresses_of_some_domains(strict, mail_server):
    challenge = strict.post(REGISTER, body={"password": PASSWORD}, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.email.identity"]}]
    for address in (fresh_address("evil.example"), fresh_address("sub.gouv.example")):
        assert ask(strict, REGISTER, address, expect=403)["errcode"] == "M_THREEPID_DENIED"
    address = fresh_address("GOUV.example")
    asked = ask(strict, REGISTER, address)
    follow(strict, mail_server.link_to(address.lower()))
    strict.post(REGISTER, body={"auth": email_auth(asked, challenge["session"])})


def test_the_address_of_a_registration_can_be_taken_only_once(client, mail_server):
    address = fresh_address()
    asked = [ask(client, REGISTER, address, client_secret=unique("s")) for _ in range(2)]
    for one, mail in zip(asked, mail_server.mails_to(address), strict=True):
        text = mail.get_body(("plain",)).get_content()
        follow(client, text[text.index("/_beffroi") :].split()[0])
        one["session"] = client.post(REGISTER, body={"password": PASSWORD}, expect=401)["session"]
    client.post(REGISTER, body={"auth": email_auth(asked[0], asked[0]["session"])})
    answer = client.post(REGISTER, body={"auth": email_auth(asked[1], asked[1]["session"])}, expect=400)
    assert answer["errcode"] == "M_THREEPID_IN_USE"


# ── Forgotten passwords ───────────────────────────────────────────────────────────────────────────


def test_a_forgotten_password_is_replaced_by_mail(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    challenge = client.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.email.identity"]}]
    asked = ask(client, CHANGE, address)
    auth = email_auth(asked, challenge["session"])
    assert client.post(CHANGE, body={"auth": auth}, expect=401)["errcode"] == "M_THREEPID_AUTH_FAILED"
    text = mail_server.text_to(address, 2)
    assert "new password" in text and "nouveau mot de passe" in text
    follow(client, mail_server.link_to(address, 2))
    assert client.post(CHANGE, body={"auth": auth}) == {}
    assert anna.get(f"{CLIENT}/account/whoami", expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    client.login(anna.user_id, NEW_PASSWORD)


def test_an_unknown_address_is_answered_like_a_known_one(client, mail_server):
    address = fresh_address()
    assert ask(client, CHANGE, address)["sid"]
    text = mail_server.text_to(address)
    assert "no account has it" in text and "_beffroi" not in text


def test_a_click_for_an_account_does_not_choose_a_password(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    other = fresh_address()
    asked = ask(client, THREEPIDS, other)
    follow(client, mail_server.link_to(other))
    session = client.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)["session"]
    answer = client.post(CHANGE, body={"auth": email_auth(asked, session)}, expect=401)
    assert answer["errcode"] == "M_THREEPID_AUTH_FAILED"


def test_the_address_of_another_account_proves_nothing(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    auth = {"type": "m.login.dummy"}
    body = {"username": unique("bert"), "password": PASSWORD, "auth": auth}
    bert = client.signed_in(client.post(REGISTER, body=body))
    asked = ask(client, CHANGE, address)
    follow(client, mail_server.link_to(address, 2))
    session = bert.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)["session"]
    answer = bert.post(CHANGE, body={"auth": email_auth(asked, session)}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


# ── The stage on its page, for clients that do not know it ────────────────────────────────────────


def submit(client, page, **fields):
    """The form of the page, with what it carries on unseen."""
    action = re.search(r'<form[^>]* action="([^"]+)"', page.text).group(1).replace("&amp;", "&")
    unseen = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return client.http.post(action, data={**dict(unseen), **fields})


def begin_page(client, session, **headers):
    path = f"{CLIENT}/auth/m.login.email.identity/fallback/web"
    return client.raw("GET", path, query={"session": session}, headers=headers)


def test_an_address_is_confirmed_through_the_page_of_the_stage(strict, mail_server):
    body = {"username": unique("anna"), "password": PASSWORD}
    session = strict.post(REGISTER, body=body, expect=401)["session"]
    page = begin_page(strict, session)
    assert page.status_code == 200 and 'type="email" required autocomplete="email"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    address = fresh_address("gouv.example")
    sent = submit(strict, page, address=address)
    assert sent.status_code == 200 and "Follow the link" in sent.text
    early = submit(strict, sent)
    assert early.status_code == 401 and "not confirmed yet" in early.text and 'class="error"' in early.text
    follow(strict, mail_server.link_to(address))
    done = submit(strict, early)
    assert done.status_code == 200 and "/_beffroi/static/uia.js" in done.text
    anna = strict.signed_in(strict.post(REGISTER, body={"auth": {"session": session}}))
    assert [t["address"] for t in anna.get(THREEPIDS)["threepids"]] == [address]


def test_the_page_serves_for_a_forgotten_password(client, mail_server, anna):
    address = fresh_address()
    add_address(client, mail_server, anna, address)
    session = client.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)["session"]
    sent = submit(client, begin_page(client, session), address=address)
    follow(client, mail_server.link_to(address, 2))
    assert submit(client, sent).status_code == 200
    client.post(CHANGE, body={"auth": {"session": session}})
    client.login(anna.user_id, NEW_PASSWORD)


@pytest.mark.parametrize("address", ["anna@elsewhere.example", "<script>", ""])
def test_an_address_that_gets_no_mail_is_told_on_the_page(strict, address):
    session = strict.post(REGISTER, body={"username": unique("anna"), "password": PASSWORD}, expect=401)["session"]
    page = begin_page(strict, session, **{"Accept-Language": "fr"})
    assert "Adresse e-mail" in page.text
    answer = submit(strict, page, address=address)
    assert answer.status_code in (400, 401) and 'class="error"' in answer.text and "<script>" not in answer.text


def test_the_page_of_an_expired_session_sends_no_mail(strict, mail_server):
    address = fresh_address("gouv.example")
    answer = submit(strict, begin_page(strict, "gone"), address=address)
    assert answer.status_code == 404 and "expired" in answer.text
    assert mail_server.mails_to(address) == []


# ── Identity servers ──────────────────────────────────────────────────────────────────────────────


def test_no_identity_server_is_used_unless_switched_on(anna):
    bind = {"client_secret": "s", "id_server": "id.example", "id_access_token": "t", "sid": "1"}
    assert anna.post(f"{THREEPIDS}/bind", body=bind, expect=400)["errcode"] == "M_SERVER_NOT_TRUSTED"
    answer = anna.post(THREEPIDS, body={"three_pid_creds": bind}, expect=400)
    assert answer["errcode"] == "M_SERVER_NOT_TRUSTED"
    for missing in bind:
        body = {name: value for name, value in bind.items() if name != missing}
        assert anna.post(f"{THREEPIDS}/bind", body=body, expect=400)["errcode"] == "M_MISSING_PARAM"
    body = {"medium": "email", "address": "anna@example.org"}
    assert anna.post(f"{THREEPIDS}/unbind", body=body) == {"id_server_unbind_result": "no-support"}
