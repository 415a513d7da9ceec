"""Every method of the newest matrix-js-sdk's client, in the features they belong to (js/features_*.mjs)."""

import json
import re
import subprocess
import threading

import httpx
import pytest
from actors import JS
from homeserver import Beffroi, free_port, running
from mail_server import Mailbox, MailServer
from node_project import node_project
from pictures import encoded, photo
from recorder import Recorder
from web_server import WebServer

FEATURES = [
    name for file in sorted(JS.glob("features_*.mjs")) for name in re.findall(r'^feature\("([^"]+)"', file.read_text(), re.M)
]
LIVEKIT = "https://livekit.example.org"

# Requests that are not for our server, or that it refuses as it should.
OTHER_REQUESTS = {
    **dict.fromkeys(
        [
            "getIdentityAccount",
            "getIdentityHashDetails",
            "identityHashedLookup",
            "lookupThreePid",
            "bulkLookupThreePids",
            "registerWithIdentityServer",
            "requestEmailToken",
            "requestMsisdnToken",
            "submitMsisdnToken",
            "submitMsisdnTokenOtherUrl",
            "getTerms",
            "agreeToTerms",
        ],
        "to an identity server",
    ),
    **dict.fromkeys(
        ["bindThreePid", "inviteByEmail", "inviteByThreePid"], "need an identity server: test_identity_server.py"
    ),
    **dict.fromkeys(
        ["requestRegisterMsisdnToken", "requestAdd3pidMsisdnToken", "requestPasswordMsisdnToken"],
        "phone numbers: the feature of e-mail addresses expects that they are refused",
    ),
    **dict.fromkeys(
        ["isSynapseAdministrator", "whoisSynapseUser", "deactivateSynapseUser"], "administration of another server"
    ),
    **dict.fromkeys(["_unstable_getLivekitToken", "_unstable_delegateDelayedLeave"], "draft MSC4195"),
    **dict.fromkeys(["_unstable_sendStickyEvent", "_unstable_sendStickyDelayedEvent"], "draft MSC4354"),
    **dict.fromkeys(["patchExtendedProfile", "setExtendedProfile"], "of a draft of MSC4133, not of the specification"),
    "getAuthMetadata": "404 is right for a server without the OAuth API",
    "unstableCreateFileTree": "gives its maker a power level, which room version 12 forbids (rule 10.4)",
    "createCall": "needs a browser's WebRTC",
    "createGroupCall": "needs a browser's WebRTC",
    "waitUntilRoomReadyForGroupCalls": "needs a browser's WebRTC",
    "waitForClientWellKnown": "asks the domain's web server",
}

# Methods that ask nobody.
LOCAL = {
    "clearStores",
    "getCanResetTimelineCallback",
    "getCasLoginUrl",
    "getClientWellKnown",
    "getDomain",
    "getFallbackAuthUrl",
    "getGroupCallForRoom",
    "getHomeserverUrl",
    "getLivekitServiceURL",
    "getMediaHandler",
    "getRefreshToken",
    "getScheduler",
    "getSessionId",
    "getSsoLoginUrl",
    "getSyncStateData",
    "getTurnServersExpiry",
    "getUseE2eForGroupCall",
    "getUserIdLocalpart",
    "getUsers",
    "hasLazyLoadMembersEnabled",
    "isFallbackICEServerAllowed",
    "setCanResetTimelineCallback",
    "setFallbackICEServerAllowed",
    "setForceTURN",
    "setIdentityServerUrl",
    "setLivekitServiceURL",
    "setNotifTimelineSet",
    "setSupportsCallTransfer",
    "termsUrlForService",
    "unstableGetFileTreeSpace",
}

pytestmark = pytest.mark.own_server


class ClickingMailbox(Mailbox):
    """Somebody who follows the link in each mail at once."""

    base_url = None

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        text = self.mails[-1][1].get_body(("plain",)).get_content()
        link = re.search(r"https://[^/\s]+(/_beffroi/email\S+)", text)
        if link:
            threading.Thread(target=httpx.post, args=(self.base_url + link.group(1),)).start()
        return answer


@pytest.fixture(scope="module")
def mail():
    server = MailServer(ClickingMailbox()).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def web():
    with WebServer() as web:
        web.say("/page", "<html><head><title>The page</title></head></html>")
        yield web


@pytest.fixture(scope="module")
def irc(tmp_path_factory):
    """A bridge to another network, as far as clients ask for it."""
    directory = tmp_path_factory.mktemp("irc")
    with Recorder(directory, free_port()) as bridge:
        third = "/_matrix/app/v1/thirdparty"
        instances = [{"desc": "Town", "network_id": "town", "fields": {}}]
        protocol = {"user_fields": ["nick"], "location_fields": ["channel"], "icon": "mxc://a/b", "field_types": {}}
        bridge.answer(f"{third}/protocol/irc", body={**protocol, "instances": instances})
        place = {"alias": "#irc_town:localhost", "protocol": "irc", "fields": {"channel": "#town"}}
        bridge.answer(f"{third}/location/irc", body=[place])
        bridge.answer(f"{third}/user/irc", body=[{"userid": "@irc_zoe:localhost", "protocol": "irc", "fields": {}}])
        registration = {
            "id": "irc",
            "url": bridge.url,
            "as_token": "as-token-of-the-bridge",
            "hs_token": "hs-token-of-the-bridge",
            "sender_localpart": "irc_bot",
            "namespaces": {"users": [{"exclusive": True, "regex": "@irc_.*"}]},
            "protocols": ["irc"],
        }
        file = directory / "irc.yaml"
        file.write_text(json.dumps(registration))
        yield file


@pytest.fixture(scope="module")
def answers(tmp_path_factory, mail, web, irc):
    """What js/features.mjs says: each feature's error or null, and the methods."""
    picture = tmp_path_factory.mktemp("js") / "picture.png"
    picture.write_bytes(encoded(photo(300, 200), "PNG"))
    server = Beffroi(
        mail={"smtp_url": mail.url, "from": "matrix@example.org"},
        turn={"uris": ["turn:turn.example.org"], "shared_secret": "of the TURN server"},
        calls={"livekit_service_url": LIVEKIT},
        url_previews={"enabled": True, "allow_networks": ["127.0.0.1/32"]},
        appservice_files=[str(irc)],
    ).prepare()
    mail.box.base_url = server.base_url
    with running(server):
        settings = {
            "baseUrl": server.base_url,
            "serverName": server.server_name,
            "picture": str(picture),
            "pageUrl": web.url + "/page",
            "livekitUrl": LIVEKIT,
        }
        command = ["node", "features.mjs", json.dumps(settings)]
        run = subprocess.run(
            command, cwd=node_project(JS), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
        )
        yield [json.loads(line) for line in run.stdout.splitlines()], run.stderr


@pytest.mark.parametrize("feature", FEATURES)
def test_feature(answers, feature):
    lines, stderr = answers
    errors = [line["error"] for line in lines if line.get("feature") == feature]
    assert errors == [None], errors[0] if errors else stderr


def test_every_method_of_the_client_did_what_it_was_asked(answers):
    lines, _ = answers
    methods, succeeded = set(lines[-1]["methods"]), set(lines[-1]["succeeded"])
    assert sorted(methods - succeeded - LOCAL - set(OTHER_REQUESTS)) == []
    # The list is true: what is in it exists, and no feature makes these requests.
    assert sorted((LOCAL | set(OTHER_REQUESTS)) - methods) == []
    assert sorted(set(OTHER_REQUESTS) & succeeded) == []
