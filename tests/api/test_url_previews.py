"""authed-content-repo.yaml, content-repo.yaml: preview_url, with a web server on a loopback address."""

import json
import socket
import threading

import pytest

from client import Client
from homeserver import launch
from media import count_objects, download
from pictures import encoded, photo
from web_server import WebServer

PREVIEW = "/_matrix/client/v1/media/preview_url"
OLD_PREVIEW = "/_matrix/media/v3/preview_url"
PICTURE = encoded(photo(120, 80), "PNG")


def run_server(previews, **settings):
    server = launch("beffroi", url_previews={"enabled": True, **previews}, **settings)
    try:
        yield server.start()
        server.shut_down_and_check()
    finally:
        server.remove()


@pytest.fixture(scope="module")
def server():
    """May call 127.0.0.1, as an administration may allow its own intranet."""
    yield from run_server({"allow_networks": ["127.0.0.1/32"], "deny": ["*://*/secret*"], "accept_language": "fr"})


@pytest.fixture(scope="module")
def strict_server():
    """As it is installed, but for being switched on."""
    limits = {"enabled": True, "media": {"per_second": 0.01, "burst": 50}}
    yield from run_server({}, rate_limits=limits)


@pytest.fixture(scope="module")
def paula(server):
    return Client(server.base_url).register("paula")


@pytest.fixture(scope="module")
def strict(strict_server):
    return Client(strict_server.base_url).register("strict")


@pytest.fixture
def web():
    with WebServer() as server:
        yield server


@pytest.fixture
def neighbour():
    """Another machine of our network, which nobody allowed."""
    with WebServer("127.0.0.2") as server:
        yield server


def preview(client, url, expect=200, path=PREVIEW, **query):
    return client.get(path, query={"url": url, **query}, expect=expect)


def assert_refused(server, client, url):
    """Because of its address. Users are not told more than that it failed: else they could explore our network."""
    before = server.log_size()
    answer = preview(client, url, expect=502)
    assert answer == {"errcode": "M_UNKNOWN", "error": "Another server failed to answer."}
    assert "not of the public internet" in server.log(before)


# ── What a page says ──────────────────────────────────────────────────────────────────────────────────


def test_previews_are_off_unless_switched_on(alice, web):
    for path in (PREVIEW, OLD_PREVIEW):
        answer = preview(alice, web.say("/", "<title>x</title>"), expect=404, path=path)
        assert answer["errcode"] == "M_UNRECOGNIZED"
    assert web.connections == 0


def test_a_preview_needs_a_user(server, web):
    answer = preview(Client(server.base_url), web.url, expect=401)
    assert answer["errcode"] == "M_MISSING_TOKEN" and web.connections == 0


@pytest.mark.parametrize("path", [PREVIEW, OLD_PREVIEW])
def test_open_graph_is_passed_on_and_the_picture_is_ours(server, paula, web, path):
    web.say("/pictures/a.png", PICTURE, Content_Type="image/png")
    url = web.say(
        "/page",
        """<html prefix="og: http://ogp.me/ns#"><head><title>no</title>
        <meta property="og:title" content="Fêtes &amp; marchés"><meta property="og:type" content="article">
        <meta property="og:url" content="http://example.org/"><meta property="og:site_name" content="Mairie">
        <meta property="og:description" content="  Tout
          le  programme "><meta property="og:image" content="pictures/a.png">
        <meta property="og:image:width" content="9999"></head><body></body>""",
    )
    answer = preview(paula, url, path=path)
    image = answer.pop("og:image")
    assert answer == {
        "og:title": "Fêtes & marchés",
        "og:type": "article",
        "og:url": "http://example.org/",
        "og:site_name": "Mairie",
        "og:description": "Tout le programme",
        "og:image:type": "image/png",
        "og:image:width": 120,
        "og:image:height": 80,
        "matrix:image:size": len(PICTURE),
    }
    assert image.startswith(f"mxc://{server.server_name}/")
    shown = download(paula, image)
    assert shown.content == PICTURE and shown.headers["content-type"] == "image/png"
    assert web.headers[0]["Accept-Language"] == "fr"
    assert "Authorization" not in web.headers[0] and "Cookie" not in web.headers[0]


def test_title_and_description_stand_in(paula, web):
    url = web.say(
        "/",
        """<head><title> A plain
        page </title><meta name="description" content="What it is about"></head>
        <script>document.write("<meta property='og:title' content='from a script'>")</script>""",
    )
    assert preview(paula, url) == {"og:title": "A plain page", "og:description": "What it is about"}


def test_the_first_real_paragraph_stands_in_for_a_description(paula, web):
    text = "The council met on Monday and decided about <b>the bridge</b> over the river. "
    url = web.say("/", f"<title>News</title><p>Menu</p><div><p>{text * 20}</p><p>{'other ' * 30}</p></div>")
    answer = preview(paula, url)["og:description"]
    assert answer.startswith("The council met on Monday and decided about the bridge over the river. The council")
    assert 300 < len(answer) <= 400


@pytest.mark.parametrize("told, declared", [("windows-1252", ""), ("", "windows-1252"), ("ISO-8859-15", "utf-8"), ("utf-8", "x")])
def test_pages_of_any_encoding_are_read(paula, web, told, declared):
    encoding = told or declared
    page = f'<head><meta charset="{declared}"><title>Œuvre à 5 €</title></head>'.encode(
        {"windows-1252": "cp1252", "ISO-8859-15": "iso8859-15"}.get(encoding, encoding)
    )
    kind = "text/html" + (f"; charset={told}" if told else "")
    assert preview(paula, web.say("/", page, Content_Type=kind)) == {"og:title": "Œuvre à 5 €"}


def test_a_page_tells_where_its_addresses_start(paula, web):
    web.say("/deep/down/a.png", PICTURE, Content_Type="image/png")
    url = web.say("/", '<base href="/deep/down/"><title>x</title><link rel="image_src" href="a.png">')
    assert preview(paula, url)["og:image:width"] == 120


def test_what_the_page_leaves_out_oembed_may_tell(paula, web):
    web.say("/thumbnail", PICTURE, Content_Type="image/png")
    embed = {"version": "1.0", "type": "video", "title": "A film", "provider_name": "Films",
             "thumbnail_url": web.url + "/thumbnail", "html": "<script>alert(1)</script>"}  # fmt: skip
    web.say("/embed?x=1", json.dumps(embed).encode(), Content_Type="application/json")
    url = web.say("/", '<link rel="alternate" type="application/json+oembed" href="/embed?x=1">')
    answer = preview(paula, url)
    assert answer["og:title"] == "A film" and answer["og:site_name"] == "Films"
    assert answer["og:image:width"] == 120 and "alert" not in json.dumps(answer)


def test_an_address_may_be_a_picture(paula, web):
    answer = preview(paula, web.say("/a", PICTURE, Content_Type="image/png"))
    assert answer["og:image:type"] == "image/png" and answer["og:image"].startswith("mxc://")


@pytest.mark.parametrize(
    "kind, body", [("application/pdf", b"%PDF"), ("text/html", b""), ("image/svg+xml", b"<svg/>"), ("image/png", b"GIF?")]
)
def test_what_says_nothing_has_an_empty_preview(server, paula, web, kind, body):
    before = count_objects(server)
    assert preview(paula, web.say("/", body, Content_Type=kind)) == {}
    assert count_objects(server) == before


def test_a_picture_that_can_not_be_had_is_left_out(paula, web):
    url = web.say("/", '<title>x</title><meta property="og:image" content="/gone.png">')
    assert preview(paula, url) == {"og:title": "x"}


def test_redirects_are_followed_a_few_times(paula, web):
    web.say("/end", "<title>here</title>")
    for n in range(8):
        web.say(f"/{n}", b"", 302, Location=f"/{n + 1}" if n < 7 else "/end")
    assert preview(paula, web.url + "/3") == {"og:title": "here"}
    assert preview(paula, web.url + "/0", expect=502)["errcode"] == "M_UNKNOWN"
    assert web.count("/7") == 1


# ── Once a day ────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_is_made_once_a_day(server, paula, web):
    web.say("/a.png", PICTURE + b"once", Content_Type="image/png")
    url = web.say("/", '<title>x</title><meta property="og:image" content="/a.png">')
    first = preview(paula, url)
    other = Client(server.base_url).register("other")
    assert preview(other, url + "#part") == first
    assert preview(other, url, ts=0) == first, "a newer one than asked for is fine"
    assert web.requests == ["/", "/a.png"]


def test_many_who_ask_at_once_share_one_call(server, paula, web):
    asked = threading.Event()
    others = [Client(server.base_url, paula.token) for _ in range(6)]

    def page(_):
        asked.wait(30)
        yield b"<title>slow</title>"

    url = web.say("/", page, Content_Type="text/html")
    answers = []
    threads = [threading.Thread(target=lambda c=c: answers.append(preview(c, url))) for c in others]
    for thread in threads:
        thread.start()
    asked.set()
    for thread in threads:
        thread.join()
    assert answers == [{"og:title": "slow"}] * 6 and web.count("/") == 1


def test_a_failure_is_not_tried_again_at_once(paula, web):
    url = web.say("/", "broken", 500)
    for _ in range(3):
        assert preview(paula, url, expect=502)["errcode"] == "M_UNKNOWN"
    assert web.count("/") == 1


def test_previews_are_rate_limited(strict_server):
    client = Client(strict_server.base_url).register("eager")
    for _ in range(50):
        preview(client, "ftp://example.org/", expect=400)
    answer = preview(client, "ftp://example.org/", expect=429)
    assert answer["errcode"] == "M_LIMIT_EXCEEDED" and answer["retry_after_ms"] > 0


# ── What must not happen ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)", "http://",
     "http://user:password@127.0.0.1/", "http://[::1", "mxc://a/b", "//127.0.0.1/"],
)  # fmt: skip
def test_only_web_addresses_are_called(paula, url):
    assert preview(paula, url, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_the_address_must_be_given(paula):
    assert paula.get(PREVIEW, expect=400)["errcode"] == "M_MISSING_PARAM"


HOSTS = ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "0", "0.0.0.0",
         "[::1]", "[::ffff:127.0.0.1]", "[::]"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_our_own_machine_is_never_called(strict_server, strict, web, host):
    assert_refused(strict_server, strict, f"http://{host}:{web.port}/")
    assert web.connections == 0


def test_a_name_that_leads_into_our_network_is_refused(strict_server, strict):
    """This machine's own name, which resolves to what other machines of the network know it by."""
    name = socket.gethostname()
    with WebServer("0.0.0.0") as web:
        assert_refused(strict_server, strict, f"http://{name}:{web.port}/")
        assert web.connections == 0


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]",
             "[64:ff9b::a00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"]  # fmt: skip
)
def test_networks_that_are_not_public_are_never_called(strict_server, strict, host):
    assert_refused(strict_server, strict, f"http://{host}/latest/meta-data/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_else(server, paula, web, neighbour, status):
    url = web.say("/", b"", status, Location=neighbour.say("/", "<title>inside</title>"))
    assert_refused(server, paula, url)
    assert web.count("/") == 1 and neighbour.connections == 0


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/", ""])
def test_a_redirect_leads_to_web_addresses_only(paula, web, location):
    assert preview(paula, web.say("/", b"", 302, Location=location), expect=502)["errcode"] == "M_UNKNOWN"


def test_neither_picture_nor_oembed_lead_elsewhere(paula, web, neighbour):
    picture = neighbour.say("/a.png", PICTURE, Content_Type="image/png")
    embed = neighbour.say("/embed", b'{"title":"inside"}', Content_Type="application/json")
    url = web.say(
        "/",
        f"""<title>x</title><meta property="og:image" content="{picture}">
        <link rel="alternate" type="application/json+oembed" href="{embed}">""",
    )
    assert preview(paula, url) == {"og:title": "x"}
    assert neighbour.connections == 0


def test_denied_addresses_are_not_called(paula, web):
    secret = web.say("/secret/page", "<title>hidden</title>")
    assert preview(paula, secret, expect=403)["errcode"] == "M_FORBIDDEN"
    assert preview(paula, secret.replace("secret", "SECRET"), expect=403)["errcode"] == "M_FORBIDDEN"
    assert web.connections == 0
    assert preview(paula, web.say("/", b"", 302, Location="/secret/page"), expect=403)["errcode"] == "M_FORBIDDEN"
    assert web.count("/secret/page") == 0


def endless(piece):
    def body(web):
        while not web.stopping.is_set():
            yield piece

    return body


def test_of_an_endless_page_the_beginning_is_read(paula, web):
    def body(web):
        yield b"<title>begins well</title>"
        yield from endless(b"x" * 65536)(web)

    assert preview(paula, web.say("/", body, Content_Type="text/html"))["og:title"] == "begins well"
    assert web.cut_off.wait(30)


@pytest.mark.parametrize("kind", ["image/png", "application/pdf"])
def test_endless_files_are_not_taken(server, paula, web, kind):
    before = count_objects(server)
    url = web.say("/", endless(b"x" * 65536), Content_Type=kind)
    answer = preview(paula, url, expect=502 if kind == "image/png" else 200)
    assert answer == {} or answer["errcode"] == "M_TOO_LARGE"
    assert web.cut_off.wait(30)
    assert count_objects(server) == before


@pytest.mark.parametrize(
    "page",
    ["<b>" * 300000 + "<title>x", "<meta property='og:title' content='" + "y" * 900000 + "'>",
     "".join(f"<meta property='og:a{n}' content='x'>" for n in range(20000)), "<p>" + "<i>" * 100000 + "</p>" * 100000,
     "&" * 900000, "<a " + "b=c " * 200000 + ">", "<!--" * 200000],
    ids=["deep", "long", "many", "unbalanced", "entities", "attributes", "comments"],
)  # fmt: skip
def test_a_hostile_page_ends_in_the_previewer(paula, web, page):
    answer = preview(paula, web.say("/", page))
    assert len(answer) <= 64 and all(len(value) <= 2048 for value in answer.values())
    assert preview(paula, web.say("/after", "<title>still here</title>")) == {"og:title": "still here"}
