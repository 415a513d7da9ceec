"""The pages that stand in for clients: authentication fallback and login fallback."""

import re

import pytest
from client import CLIENT, PASSWORD, Client, unique

REGISTER = f"{CLIENT}/register"
LOGIN_PAGE = "/_matrix/static/client/login/"


def page_path(stage, session):
    return f"{CLIENT}/auth/{stage}/fallback/web?session={session}"


def begin(anonymous):
    body = {"username": unique("page"), "password": PASSWORD}
    return anonymous.post(REGISTER, body=body, expect=401)["session"]


def form_action(page):
    return re.search(r'<form[^>]* action="([^"]+)"', page.text).group(1).replace("&amp;", "&")


def submit(anonymous, action, fields, **headers):
    return anonymous.http.post(action, data=fields, headers=headers)


def test_a_stage_done_on_its_page_counts(anonymous):
    session = begin(anonymous)
    page = anonymous.raw("GET", page_path("m.login.dummy", session))
    assert page.status_code == 200
    done = submit(anonymous, form_action(page), {})
    assert done.status_code == 200
    script = re.search(r'<script src="([^"]+)">', done.text).group(1)
    assert "onAuthDone" in anonymous.raw("GET", script).text
    assert "script-src 'self'" in done.headers["Content-Security-Policy"]
    anonymous.post(REGISTER, body={"auth": {"session": session}})


def test_a_password_is_checked_on_its_page(alice):
    path = f"{CLIENT}/devices/{{}}"
    session = alice.delete(path, "GONE", expect=401)["session"]
    action = form_action(alice.raw("GET", page_path("m.login.password", session)))
    wrong = submit(alice, action, {"user": alice.user_id, "password": "wrong"})
    assert wrong.status_code == 401
    assert 'class="error"' in wrong.text and "is wrong" in wrong.text
    alice.delete(path, "GONE", body={"auth": {"session": session}}, expect=401)
    assert submit(alice, action, {"user": alice.user_id, "password": PASSWORD}).status_code == 200
    alice.delete(path, "GONE", body={"auth": {"session": session}})


def test_the_password_of_another_account_does_not_count(alice, bob):
    session = alice.delete(f"{CLIENT}/devices/{{}}", "GONE", expect=401)["session"]
    action = form_action(alice.raw("GET", page_path("m.login.password", session)))
    answer = submit(alice, action, {"user": bob.user_id, "password": PASSWORD})
    assert answer.status_code == 401


def test_an_expired_session_is_told_so(anonymous):
    action = form_action(anonymous.raw("GET", page_path("m.login.dummy", "gone")))
    answer = submit(anonymous, action, {})
    assert answer.status_code == 404 and "expired" in answer.text


def test_terms_are_accepted_by_ticking_the_box(anonymous):
    session = begin(anonymous)
    action = form_action(anonymous.raw("GET", page_path("m.login.terms", session)))
    assert submit(anonymous, action, {}).status_code == 400
    assert submit(anonymous, action, {"accept": "on"}).status_code == 200


def test_unknown_stages_and_missing_sessions_have_no_page(anonymous):
    answer = anonymous.raw("GET", page_path("m.login.unheard.of", "s"))
    assert answer.status_code == 404
    assert anonymous.raw("GET", f"{CLIENT}/auth/m.login.dummy/fallback/web").status_code == 400


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_is_refused(anonymous, headers):
    action = form_action(anonymous.raw("GET", page_path("m.login.dummy", begin(anonymous))))
    assert submit(anonymous, action, {}, **headers).status_code == 403


def test_text_from_the_address_never_becomes_markup(anonymous):
    page = anonymous.raw("GET", page_path("m.login.dummy", '"><script>alert(1)</script>'))
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "header, language", [("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("de, en;q=0.5", "en"), ("de", "en")]
)
def test_pages_speak_the_language_of_the_browser(anonymous, header, language):
    page = anonymous.raw("GET", LOGIN_PAGE, headers={"Accept-Language": header})
    assert f'<html lang="{language}">' in page.text


def test_the_login_page_can_be_used_by_everybody(anonymous):
    page = anonymous.raw("GET", LOGIN_PAGE)
    assert page.headers["Content-Type"].startswith("text/html")
    # Every field has a label, errors are announced, the page has a title and a main region.
    for field in re.findall(r'<input id="([^"]+)"', page.text):
        assert f'<label for="{field}">' in page.text
    assert 'role="alert"' in page.text and "<title>" in page.text and "<main>" in page.text
    script = re.search(r'<script src="([^"]+)">', page.text).group(1)
    answer = Client(anonymous.base_url).raw("GET", script)
    assert "matrixLogin.onLogin" in answer.text
    assert answer.headers["Content-Type"].startswith("text/javascript")
