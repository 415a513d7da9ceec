"""What orchestrators and browsers ask of any path."""

import httpx


def test_a_running_server_is_live_and_ready(homeserver):
    for path in ("/health/live", "/health/ready"):
        answer = httpx.get(homeserver.base_url + path)
        assert answer.status_code == 200, path
        assert "status" in answer.json()


def test_apis_that_a_listener_does_not_have_are_not_there(homeserver):
    answer = httpx.get(f"{homeserver.base_url}/metrics")
    assert answer.status_code == 404
    assert answer.json()["errcode"] == "M_UNRECOGNIZED"


def test_request_ids_come_back(homeserver):
    answer = httpx.get(f"{homeserver.base_url}/_matrix/client/versions", headers={"X-Request-ID": "trace-7"})
    assert answer.headers["X-Request-ID"] == "trace-7"


def test_every_version_since_1_1_is_spoken(homeserver):
    versions = httpx.get(f"{homeserver.base_url}/_matrix/client/versions").json()["versions"]
    assert {f"v1.{minor}" for minor in range(1, 20)} <= set(versions)
