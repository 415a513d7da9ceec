"""Rendezvous sessions, by which a new device is signed in with a code (MSC4108)."""

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
from client import CLIENT, Client
from homeserver import launch

RENDEZVOUS = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous"
TEXT = {"Content-Type": "text/plain"}


def create(client, text="hello", **headers):
    return client.raw("POST", RENDEZVOUS, content=text.encode(), headers={**TEXT, **headers})


def session_of(answer):
    """The path of a new session."""
    assert answer.status_code == 201, answer.text
    url = urlsplit(answer.json()["url"])
    assert url.scheme == "https" and url.path.startswith(RENDEZVOUS + "/")
    return url.path


def write(client, path, text, etag, **headers):
    return client.raw("PUT", path, content=text.encode(), headers={**TEXT, "If-Match": etag, **headers})


def read(client, path, seen=None):
    return client.raw("GET", path, headers={"If-None-Match": seen} if seen else {})


def assert_error(answer, status, errcode):
    assert (answer.status_code, answer.json()["errcode"]) == (status, errcode)


def assert_common_headers(answer):
    headers = answer.headers
    assert headers["etag"].startswith('"') and headers["etag"].endswith('"')
    assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")
    modified, expires = (parsedate_to_datetime(headers[name]) for name in ("last-modified", "expires"))
    assert 60 <= (expires - modified).total_seconds() <= 3600 or answer.status_code != 201


def test_two_devices_without_tokens_write_to_each_other_by_turns(anonymous):
    created = create(anonymous, "from a")
    path = session_of(created)
    assert_common_headers(created)

    first = read(anonymous, path)
    assert (first.status_code, first.text, first.headers["content-type"]) == (200, "from a", "text/plain")
    assert first.headers["etag"] == created.headers["etag"]
    assert_common_headers(first)

    written = write(anonymous, path, "from b", first.headers["etag"])
    assert (written.status_code, written.content) == (202, b"")
    assert written.headers["etag"] != first.headers["etag"]
    assert_common_headers(written)
    assert read(anonymous, path, first.headers["etag"]).text == "from b"


def test_what_was_seen_already_is_not_told_again(anonymous):
    created = create(anonymous)
    path = session_of(created)
    for seen in (created.headers["etag"], "W/" + created.headers["etag"]):
        answer = read(anonymous, path, seen)
        assert (answer.status_code, answer.content) == (304, b"")
        assert_common_headers(answer)
    # The same text is another state: somebody wrote.
    written = write(anonymous, path, "hello", created.headers["etag"])
    assert read(anonymous, path, created.headers["etag"]).status_code == 200
    assert read(anonymous, path, written.headers["etag"]).status_code == 304


def test_only_who_has_seen_the_newest_text_may_write(anonymous):
    created = create(anonymous)
    path = session_of(created)
    newest = write(anonymous, path, "newer", created.headers["etag"]).headers["etag"]

    answer = write(anonymous, path, "too late", created.headers["etag"])
    assert_error(answer, 412, "M_UNKNOWN")
    assert answer.json()["org.matrix.msc4108.errcode"] == "M_CONCURRENT_WRITE"
    assert answer.headers["etag"] == newest
    assert_common_headers(answer)
    assert read(anonymous, path).text == "newer"


def test_of_many_who_write_at_once_one_wins(anonymous):
    created = create(anonymous)
    path, etag = session_of(created), created.headers["etag"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: write(anonymous, path, f"writer {n}", etag), range(16)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == 1 and statuses.count(412) == 15
    assert read(anonymous, path).text == f"writer {statuses.index(202)}"


def test_a_session_can_be_ended(anonymous):
    created = create(anonymous)
    path = session_of(created)
    answer = anonymous.raw("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (
        read(anonymous, path),
        write(anonymous, path, "x", created.headers["etag"]),
        anonymous.raw("DELETE", path),
        read(anonymous, RENDEZVOUS + "/unknown"),
    ):
        assert_error(gone, 404, "M_NOT_FOUND")


def test_payloads_are_small_plain_texts(anonymous):
    path = session_of(create(anonymous, ""))
    answer = read(anonymous, path)
    assert answer.content == b""
    etag = write(anonymous, path, "x" * 4096, answer.headers["etag"], **{"Content-Type": "text/plain; charset=utf-8"}).headers["etag"]
    for large in (4097, 200000):
        assert_error(write(anonymous, path, "x" * large, etag), 413, "M_TOO_LARGE")
        assert_error(create(anonymous, "x" * large), 413, "M_TOO_LARGE")
    assert len(read(anonymous, path).content) == 4096

    for wrong in ("application/json", "text/plainer", "text/html"):
        assert_error(create(anonymous, "<b>", **{"Content-Type": wrong}), 400, "M_INVALID_PARAM")
        assert_error(write(anonymous, path, "<b>", etag, **{"Content-Type": wrong}), 400, "M_INVALID_PARAM")
    assert_error(anonymous.raw("POST", RENDEZVOUS, content=b"x"), 400, "M_MISSING_PARAM")
    assert_error(anonymous.raw("PUT", path, content=b"x", headers={"If-Match": etag}), 400, "M_MISSING_PARAM")


@pytest.mark.parametrize("etag", ["abc", '"', 'W/"abc"', '"a", "b"', "*", ""])
def test_writing_asks_for_one_strong_tag(anonymous, etag):
    path = session_of(create(anonymous))
    assert_error(write(anonymous, path, "x", etag), 400, "M_INVALID_PARAM")
    assert_error(anonymous.raw("PUT", path, content=b"x", headers=TEXT), 400, "M_MISSING_PARAM")


def test_browsers_may_use_it_from_any_page_and_never_show_it_as_one(anonymous):
    created = create(anonymous)
    answer = read(anonymous, session_of(created))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    for response in (created, answer, anonymous.raw("OPTIONS", session_of(created))):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "ETag" in response.headers["access-control-expose-headers"]
        for header in ("If-Match", "If-None-Match", "Content-Type"):
            assert header in response.headers["access-control-allow-headers"]


def test_a_session_outlives_a_restart_of_the_server(private_server):
    client = Client(private_server.base_url)
    created = create(client, "still here")
    private_server.stop()
    private_server.start()
    assert read(client, session_of(created)).text == "still here"


def test_it_is_told_among_the_versions_and_can_be_switched_off(anonymous, homeserver_kind):
    assert anonymous.get("/_matrix/client/versions")["unstable_features"]["org.matrix.msc4108"] is True
    server = launch(homeserver_kind, encryption={"qr_login": False})
    try:
        client = Client(server.start().base_url)
        assert "org.matrix.msc4108" not in client.get("/_matrix/client/versions")["unstable_features"]
        for answer in (create(client), read(client, RENDEZVOUS + "/x"), client.raw("DELETE", RENDEZVOUS + "/x")):
            assert_error(answer, 404, "M_UNRECOGNIZED")
        assert client.register("anna").get(f"{CLIENT}/account/whoami")
        server.shut_down_and_check()
    finally:
        server.remove()


def test_an_address_makes_few_sessions_at_once(homeserver_kind):
    limits = {"enabled": True, "login": {"per_second": 0.001, "burst": 5}}
    server = launch(homeserver_kind, rate_limits=limits)
    try:
        client = Client(server.start().base_url)
        paths = [session_of(create(client)) for _ in range(5)]
        refused = create(client)
        assert_error(refused, 429, "M_LIMIT_EXCEEDED")
        assert refused.json()["retry_after_ms"] > 0
        assert [read(client, path).status_code for path in paths] == [200] * 5
        server.shut_down_and_check()
    finally:
        server.remove()
