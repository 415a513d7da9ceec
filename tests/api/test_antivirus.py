"""Viruses: a real ClamAV looks at what is uploaded, and, by the content scanner's API, at what is encrypted."""

import base64
import itertools
import json
import signal
import time

import olm.pk
import pytest
from nio.crypto.attachments import encrypt_attachment

from clamav import EICAR, STREAM_BYTES_MAX, Clamd
from client import Client
from homeserver import launch, running
from media import THUMBNAIL, count_objects, download, split_mxc, upload
from pictures import decoded, encoded, photo

SCANNER = "/_matrix/media_proxy/unstable"
UPLOAD = "/_matrix/media/v3/upload"
_sizes = itertools.count(50 << 20)


class Guarded:
    """A server with ClamAV beside it, whose policy a test may change."""

    def __init__(self, server, clamd):
        self.server, self.clamd = server, clamd
        self.user = Client(server.base_url).register("vera")

    def set(self, **antivirus):
        """Waits until the new configuration is in use, which the size limit shows."""
        size = next(_sizes)
        settings = json.loads(self.server.config.read_text())
        settings["antivirus"] = {"clamd": self.clamd.socket, **antivirus}
        settings["media"] = {"upload_limit_bytes": str(size)}
        self.server.config.write_text(json.dumps(settings))
        self.server.process.send_signal(signal.SIGHUP)
        give_up = time.monotonic() + 60
        while self.user.get("/_matrix/client/v1/media/config")["m.upload.size"] != size:
            assert time.monotonic() < give_up, self.server.log()[-2000:]
            time.sleep(0.02)

    def try_upload(self, content):
        return self.user.raw("POST", UPLOAD, content=content)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    clamd = Clamd(tmp_path_factory.mktemp("clamd")).start()
    try:
        with running(launch("beffroi", antivirus={"clamd": clamd.socket})) as server:
            yield Guarded(server, clamd)
    finally:
        clamd.stop()


@pytest.fixture
def guarded(machine):
    """As it is by default, with ClamAV running."""
    if machine.clamd.process is None:
        machine.clamd.start()
    machine.set()
    return machine


def scan(client, uri):
    return client.get(f"{SCANNER}/scan/{{}}/{{}}", *split_mxc(uri))


def refused(answer, status, reason):
    assert answer.status_code == status, answer.text
    assert answer.json()["reason"] == reason and answer.json()["info"]


# ── What is readable ──────────────────────────────────────────────────────────────────────────────────


def test_a_virus_is_not_taken(guarded):
    before = count_objects(guarded.server)
    answer = guarded.try_upload(EICAR)
    assert answer.status_code == 403 and answer.json()["errcode"] == "M_FORBIDDEN"
    assert "Eicar-Test-Signature" in answer.json()["error"]
    assert count_objects(guarded.server) == before
    uri = guarded.user.post("/_matrix/media/v1/create")["content_uri"]
    path = UPLOAD + "/{}/{}".format(*split_mxc(uri))
    assert guarded.user.raw("PUT", path, content=EICAR).status_code == 403
    assert guarded.user.raw("PUT", path, content=b"harmless").status_code == 200


def test_what_is_clean_is_taken(guarded):
    content = EICAR + b" with something after it"
    uri = upload(guarded.user, content)
    assert download(guarded.user, uri).content == content
    assert scan(guarded.user, uri) == {"clean": True, "info": "File is clean"}


def test_clamd_may_be_reached_by_tcp(guarded):
    guarded.set(clamd=f"127.0.0.1:{guarded.clamd.port}")
    assert guarded.try_upload(EICAR).status_code == 403
    guarded.set(clamd=f"localhost:{guarded.clamd.port}", on_virus="block")
    assert guarded.try_upload(b"fresh by tcp").status_code == 200


def test_a_warning_lets_a_virus_through(guarded):
    guarded.set(on_virus="warn")
    before = guarded.server.log_size()
    uri = upload(guarded.user, EICAR)
    assert download(guarded.user, uri).content == EICAR
    assert "Eicar-Test-Signature" in guarded.server.log(before)
    assert scan(guarded.user, uri)["clean"] is False
    # With the policy of before nobody gets what is there meanwhile.
    guarded.set()
    answer = download(guarded.user, uri, expect=403)
    assert answer.json()["errcode"] == "M_FORBIDDEN"
    answer = guarded.user.raw("GET", THUMBNAIL.format(*split_mxc(uri)), query={"width": 9, "height": 9})
    assert answer.status_code == 403


def test_a_file_is_looked_at_once(guarded):
    uri = upload(guarded.user, b"looked at once")
    guarded.clamd.stop()
    assert download(guarded.user, uri).content == b"looked at once"
    assert upload(guarded.user, b"looked at once")
    assert scan(guarded.user, uri)["clean"] is True
    assert guarded.try_upload(EICAR).status_code == 403, "it was seen before"


def test_old_results_are_good_while_signatures_are_the_same(guarded):
    guarded.set(rescan_seconds="0s")
    content = b"a virus that nobody knows yet"
    uri = upload(guarded.user, content)
    guarded.clamd.stop()
    guarded.clamd.learn("New-Test-Signature", content)
    guarded.clamd.start()
    assert download(guarded.user, uri).content == content, "clamd says the same version, so it is not asked"


@pytest.mark.parametrize("policy, status", [("refuse", 503), ("accept", 200)])
def test_without_clamd_the_policy_decides(guarded, policy, status):
    guarded.set(unscanned=policy)
    guarded.clamd.stop()
    before = guarded.server.log_size()
    answer = guarded.try_upload(f"unscanned {policy}".encode())
    assert answer.status_code == status, answer.text
    said = {"refuse": "A file is refused without", "accept": "A file is accepted without"}[policy]
    assert said in guarded.server.log(before)


def test_what_was_accepted_unseen_is_looked_at_later(guarded):
    content = b"a virus that clamd learns about while it is down"
    guarded.set(unscanned="accept")
    guarded.clamd.stop()
    uri = upload(guarded.user, content)
    assert download(guarded.user, uri).content == content
    guarded.clamd.learn("Late-Test-Signature", content)
    guarded.clamd.start()
    assert "Late-Test-Signature" in download(guarded.user, uri, expect=403).json()["error"]


@pytest.mark.parametrize("policy, status", [("refuse", 503), ("accept", 200)])
def test_what_is_too_large_for_clamd_counts_as_unseen(guarded, policy, status):
    guarded.set(unscanned=policy)
    before = guarded.server.log_size()
    assert guarded.try_upload(policy.encode() * STREAM_BYTES_MAX).status_code == status
    assert "size limit exceeded" in guarded.server.log(before)


# ── The content scanner ───────────────────────────────────────────────────────────────────────────────


def send_encrypted(guarded, content):
    ciphertext, keys = encrypt_attachment(content)
    return {**keys, "url": upload(guarded.user, ciphertext)}


def wrapped(guarded, body, key=None):
    key = key or guarded.user.get(SCANNER + "/public_key")["public_key"]
    text = body if isinstance(body, str) else json.dumps(body)
    message = olm.pk.PkEncryption(key).encrypt(text)
    return {"encrypted_body": {"ciphertext": message.ciphertext, "mac": message.mac, "ephemeral": message.ephemeral_key}}


def ask(guarded, what, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return guarded.user.raw("POST", f"{SCANNER}/{what}", content=content)


@pytest.mark.parametrize("wrap", [False, True], ids=["plain body", "encrypted body"])
def test_encrypted_viruses_are_found(guarded, wrap):
    body = {"file": send_encrypted(guarded, EICAR)}
    if wrap:
        body = wrapped(guarded, body)
    answer = ask(guarded, "scan_encrypted", body)
    assert answer.status_code == 200 and answer.json()["clean"] is False
    assert "Eicar-Test-Signature" in answer.json()["info"]
    refused(ask(guarded, "download_encrypted", body), 403, "MCS_MEDIA_NOT_CLEAN")


@pytest.mark.parametrize("wrap", [False, True], ids=["plain body", "encrypted body"])
def test_encrypted_files_that_are_clean_are_decrypted(guarded, wrap):
    picture = encoded(photo(300, 200), "PNG") + bytes(200000)
    body = {"file": send_encrypted(guarded, picture)}
    if wrap:
        body = wrapped(guarded, body)
    assert ask(guarded, "scan_encrypted", body).json() == {"clean": True, "info": "File is clean"}
    answer = ask(guarded, "download_encrypted", body)
    assert answer.status_code == 200 and answer.content == picture
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    # Known by now: nobody is asked.
    guarded.clamd.stop()
    assert ask(guarded, "scan_encrypted", body).json()["clean"] is True


def test_the_key_is_the_same_after_a_restart(guarded):
    key = guarded.user.get(SCANNER + "/public_key")["public_key"]
    assert len(base64.b64decode(key + "=")) == 32
    guarded.server.kill()
    guarded.server.start()
    assert guarded.user.get(SCANNER + "/public_key")["public_key"] == key


def test_bodies_for_another_key_are_refused(guarded):
    other = base64.b64encode(b"\x09" * 32).decode().rstrip("=")
    body = {"file": send_encrypted(guarded, b"x")}
    refused(ask(guarded, "scan_encrypted", wrapped(guarded, body, other)), 403, "MCS_BAD_DECRYPTION")
    good = wrapped(guarded, body)["encrypted_body"]
    for name, value in [("mac", "AAAAAAAAAAA"), ("mac", ""), ("mac", "A" * 4000), ("ephemeral", "A" * 43), ("ephemeral", "x"),
                        ("ciphertext", "A"), ("ciphertext", "!!!!"), ("ciphertext", ""), ("mac", 5), ("ephemeral", None)]:  # fmt: skip
        answer = ask(guarded, "download_encrypted", {"encrypted_body": {**good, name: value}})
        refused(answer, 403, "MCS_BAD_DECRYPTION")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"file": 5}', b'{"file": {}}', b"\xff"])
def test_bodies_that_say_nothing_are_malformed(guarded, body):
    refused(ask(guarded, "scan_encrypted", body), 400, "MCS_MALFORMED_JSON")


@pytest.mark.parametrize(
    "change",
    [{"v": "v1"}, {"url": "http://a/b"}, {"iv": "AAAA"}, {"hashes": {}}, {"key": {}}, {"hashes": {"sha256": "x"}},
     {"key": {"alg": "A128CTR", "k": "A" * 43}}, {"key": {"alg": "A256CTR", "k": "A" * 42}}],
)  # fmt: skip
def test_files_that_are_described_wrongly_are_malformed(guarded, change):
    file = {**send_encrypted(guarded, b"x"), **change}
    refused(ask(guarded, "scan_encrypted", {"file": file}), 400, "MCS_MALFORMED_JSON")
    refused(ask(guarded, "scan_encrypted", wrapped(guarded, {"file": file})), 400, "MCS_MALFORMED_JSON")


def test_another_file_than_was_told_is_not_decrypted(guarded):
    file = send_encrypted(guarded, b"one")
    file["hashes"] = send_encrypted(guarded, b"other")["hashes"]
    refused(ask(guarded, "download_encrypted", {"file": file}), 400, "MCS_MEDIA_FAILED_TO_DECRYPT")


def test_files_that_are_not_there_are_not_found(guarded):
    file = {**send_encrypted(guarded, b"x"), "url": f"mxc://{guarded.server.server_name}/nothing"}
    refused(ask(guarded, "scan_encrypted", {"file": file}), 404, "M_NOT_FOUND")
    refused(guarded.user.raw("GET", f"{SCANNER}/scan/{guarded.server.server_name}/nothing"), 404, "M_NOT_FOUND")
    file["url"] = "mxc://127.0.0.1:1/somewhere"
    refused(ask(guarded, "scan_encrypted", {"file": file}), 502, "MCS_MEDIA_REQUEST_FAILED")


def test_readable_files_go_through_the_scanner_too(guarded):
    uri = upload(guarded.user, encoded(photo(400, 200), "JPEG"), "image/jpeg", "a.jpg")
    path = "/{}/{}".format(*split_mxc(uri))
    answer = guarded.user.raw("GET", SCANNER + "/download" + path)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    answer = guarded.user.raw("GET", SCANNER + "/thumbnail" + path, query={"width": 96, "height": 96})
    assert decoded(answer.content).size == (96, 48)
    guarded.set(on_virus="warn")
    path = "/{}/{}".format(*split_mxc(upload(guarded.user, EICAR)))
    for what in ("download", "thumbnail"):
        answer = guarded.user.raw("GET", f"{SCANNER}/{what}{path}", query={"width": 96, "height": 96})
        refused(answer, 403, "MCS_MEDIA_NOT_CLEAN")


def test_without_a_token_nothing_new_is_scanned(guarded):
    path = "/{}/{}".format(*split_mxc(upload(guarded.user, b"secret")))
    refused(Client(guarded.server.base_url).raw("GET", SCANNER + "/scan" + path), 404, "M_NOT_FOUND")


def test_without_clamd_there_is_no_scanner(alice):
    assert alice.get(SCANNER + "/public_key", expect=404)["errcode"] == "M_UNRECOGNIZED"
    assert alice.post(SCANNER + "/scan_encrypted", expect=404)["errcode"] == "M_UNRECOGNIZED"
