"""Single sign-on and OAuth 2.0, which this server has not (sso_login_redirect.yaml, oauth_server_metadata.yaml)."""

import pytest
from client import CLIENT

PATHS = [f"{CLIENT}/login/sso/redirect", f"{CLIENT}/login/sso/redirect/provider", f"{CLIENT}/login/cas/redirect"]


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_that_is_sent_to_a_provider_reads_that_there_is_none(anonymous, path):
    query = {"redirectUrl": "https://client.example/<script>"}
    answer = anonymous.raw("GET", path, query=query, headers={"Accept-Language": "fr"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert '<html lang="fr">' in answer.text and "ne propose pas" in answer.text
    assert "client.example" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
def test_where_to_return_to_must_be_said(anonymous, path):
    assert anonymous.get(path, expect=400)["errcode"] == "M_MISSING_PARAM"


def test_the_log_in_flows_name_no_provider(anonymous):
    flows = {flow["type"] for flow in anonymous.get(f"{CLIENT}/login")["flows"]}
    assert "m.login.password" in flows
    assert not flows & {"m.login.sso", "m.login.cas"}


def test_clients_learn_that_the_legacy_authentication_is_in_use(anonymous):
    answer = anonymous.get("/_matrix/client/v1/auth_metadata", expect=404)
    assert answer["errcode"] == "M_UNRECOGNIZED"
