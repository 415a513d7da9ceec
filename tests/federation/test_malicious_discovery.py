"""Server discovery, DNS and TLS (N): a server in a namespace whose whole internet is made by these tests."""

import concurrent.futures
import json
import ssl
import time
import warnings

import hostile
import pytest
from client import Client, unique
from internet import NXDOMAIN, SERVFAIL, Internet, Site, answer_to, wire_value
from malice import federates_with_a_good_peer
from peer import FEDERATION, Peer, quote, tls_context

PROFILE = f"{FEDERATION}/v1/query/profile"
REACHED = {"displayname": "reached"}
SERVED = hostile.text(json.dumps(REACHED), "application/json")
WEB, MATRIX, HONEST, PRIVATE, TLS = range(1, 6)


@pytest.fixture(scope="module")
def net(authority):
    with Internet(authority) as net:
        net.server = net.start_server()
        yield net
        net.server.shut_down_and_check()


@pytest.fixture(scope="module")
def user(net):
    return Client(net.server.base_url).register("alice")


@pytest.fixture(scope="module")
def honest(authority, net):
    peer = Peer(authority, address=net.place(HONEST))
    yield peer
    peer.close()


@pytest.fixture(autouse=True)
def others_do_not_suffer(net, user, honest):
    yield
    room_id = user.create_room(preset="public_chat", room_version="11")
    federates_with_a_good_peer(net.server, user, room_id, honest)


@pytest.fixture(scope="module")
def matrix(authority, net):
    """A server for all names below web.test, found by SRV."""
    context = tls_context(*authority.issue("matrix", address=None, hosts=["*.web.test", "matrix.test"]))
    peer = Peer(authority, address=net.place(MATRIX), name="matrix.test", context=context)
    peer.answers[PROFILE] = lambda *_: (200, REACHED)
    net.names["matrix.test"] = {"A": [net.place(MATRIX)]}
    yield peer
    peer.close()


def found_by_srv(net, matrix, name):
    net.names[f"_matrix-fed._tcp.{name}"] = {"SRV": [(0, 0, matrix.port, "matrix.test")]}


def look_up(user, name):
    """The status of asking for somebody's profile there."""
    answer = user.raw("GET", f"/_matrix/client/v3/profile/{quote('@somebody:' + name)}")
    assert answer.status_code != 200 or answer.json() == REACHED
    return answer.status_code


def look_up_all(user, names):
    """Side by side: name -> (status, seconds)."""

    def timed(name):
        client = Client(user.base_url, user.token, user.user_id)
        began = time.monotonic()
        return look_up(client, name), time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(timed, names), strict=True))


# ── Well-known ──


def delegation(target, *headers):
    body = json.dumps({"m.server": target}).encode()

    def write(handler):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), b"".join(headers))
        handler.wfile.write(head + body)

    return write


def status(code):
    return lambda handler: handler.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % code)


def after_redirects(count, target):
    """`count` times elsewhere, and then a delegation."""

    def write(handler):
        host, path = handler.case
        step = int(path.rsplit("/", 1)[1]) + 1 if path.startswith("/step/") else 1
        handle = delegation(target) if step > count else hostile.redirect(f"https://{host}/step/{step}")
        handle(handler)

    return write


NOWHERE = "nowhere.test:1"
BROKEN = {
    "loop": lambda handler: hostile.redirect(f"https://{handler.case[0]}/.well-known/matrix/server")(handler),
    "six": after_redirects(6, NOWHERE),
    "plain": lambda handler: hostile.redirect(f"http://{handler.case[0]}:443/x")(handler),
    "file": hostile.redirect("file:///etc/hostname"),
    "gopher": hostile.redirect("gopher://matrix.test:70/"),
    "endless": hostile.endless_body,
    "endless-head": hostile.endless_head,
    "bomb": hostile.gzip_bomb,
    "short": hostile.too_short,
    "404": status(404),
    "500": status(500),
    **{f"body-{number}": hostile.text(body) for number, body in enumerate(hostile.NOT_JSON.values())},
    **{
        f"target-{number}": delegation(target)
        for number, target in enumerate(
            [None, 5, "", [], "a b", "https://matrix.test", "matrix.test/x", "me@matrix.test", "x" * 300, "[::1", "a:70000",
             "matrix.test:1\r\nX: y", "\0"]
        )
    },
}  # fmt: skip


@pytest.fixture
def web(authority, net):
    """Serves the well-known file of every name below web.test, as `web.cases[first label]` says."""

    def serve(host, path, handler):
        handler.case = (host, path)
        site.cases[host.split(".")[0]](handler)

    context = tls_context(*authority.issue("web", address=None, hosts=["*.web.test"]))
    site = Site(net.place(WEB), 443, context, serve)
    site.cases = {}
    yield site
    site.close()


def well_known_calls(web, name):
    return [path for host, path in web.calls if host == name and path == "/.well-known/matrix/server"]


def test_n_01_well_known_files_that_are_none(net, user, matrix, web):
    """The next step of discovery is taken, and for a while nobody asks for the file again."""
    web.cases = {**BROKEN, "five": after_redirects(5, f"matrix.test:{matrix.port}")}
    names = [f"{case}.web.test" for case in web.cases]
    for name in names:
        net.names[name] = {"A": [net.place(WEB)]}
        if name != "five.web.test":
            found_by_srv(net, matrix, name)
    before = net.server.resident_bytes()
    results = look_up_all(user, names)
    assert {name: result for name, (result, _) in results.items() if result != 200} == {}
    assert {name: seconds for name, (_, seconds) in results.items() if seconds > 20} == {}
    assert net.server.resident_bytes() - before < 128 << 20
    calls = len(web.calls)
    assert all(look_up(user, name) == 200 for name in names)
    assert len(web.calls) == calls
    assert len(well_known_calls(web, "loop.web.test")) <= 6


def test_n_03_the_age_of_a_well_known_file_is_bounded_below(net, user, matrix, web):
    for number, age in enumerate([b"max-age=0", b"no-store", b"max-age=-1", b"max-age=x", b"max-age=99999999999999999999"]):
        name = f"age-{number}.web.test"
        net.names[name] = {"A": [net.place(WEB)]}
        web.cases[f"age-{number}"] = delegation(f"matrix.test:{matrix.port}", b"Cache-Control: " + age + b"\r\n")
        assert [look_up(user, name) for _ in range(3)] == [200] * 3
        assert len(well_known_calls(web, name)) == 1


# ── Addresses ──


def reconfigure(net, **federation):
    server = net.server
    server.settings["federation"].update(federation)
    server.prepare()
    server.reload()


@pytest.fixture
def private_addresses_are_refused(net):
    reconfigure(net, allow_private_addresses=False)
    yield
    reconfigure(net, allow_private_addresses=True)


def test_n_05_no_packet_goes_to_a_private_address(request, authority, net, user, honest):
    """Whatever a name, a delegation or an SRV record leads there, and for whatever purpose."""
    address = net.place(PRIVATE)
    context = tls_context(*authority.issue("private", address=address, hosts=["private.test"]))
    sites = [Site(address, port, context, lambda _host, _path, handler: SERVED(handler)) for port in (443, 8448)]
    net.names["private.test"] = {"A": [address]}
    net.names["mapped.test"] = {"AAAA": [f"::ffff:{address}"]}
    net.names["translated.test"] = {"AAAA": [f"64:ff9b::{address}"]}
    net.names["here.test"] = {"A": ["127.0.0.1", "0.0.0.0"], "AAAA": ["::1", "::"]}
    net.names["unnamed.test"] = {}
    net.names["_matrix-fed._tcp.unnamed.test"] = {"SRV": [(0, 0, 8448, address)]}
    net.names["_matrix._tcp.unnamed.test"] = {"SRV": [(0, 0, 8448, "private.test")]}
    names = ["private.test", "mapped.test", "translated.test", "here.test", "unnamed.test", address, f"{address}:8448",
             "127.0.0.1", f"[::ffff:{address}]", "[::1]:8448"]  # fmt: skip
    try:
        request.getfixturevalue("private_addresses_are_refused")
        results = look_up_all(user, names)
        assert {name: result for name, (result, _) in results.items() if result not in (404, 502, 504)} == {}
        for name in names:
            header = honest.authorization("GET", PROFILE, net.server.server_name, origin=name)
            assert honest.request(net.server, "GET", PROFILE, header=header).status_code == 401
        name = quote("private.test")
        user.join("!room:private.test", query={"via": "private.test"}, expect=502)
        user.raw("GET", f"/_matrix/client/v1/media/download/{name}/abc")
        user.raw("GET", f"/_matrix/client/v3/publicRooms?server={name}")
        user.raw("POST", "/_matrix/client/v3/keys/query", content=b'{"device_keys":{"@a:private.test":[]}}')
        user.raw("GET", f"/_matrix/client/v3/directory/room/{quote('#a:private.test')}")
        assert [site.connections for site in sites] == [0, 0]
        reconfigure(net, allow_private_addresses=True)
        assert look_up_all(user, ["private.test:8448"])["private.test:8448"][0] == 200
        assert sites[1].connections == 1
    finally:
        for site in sites:
            site.close()


# ── TLS ──


@pytest.fixture
def tls_site(authority, net):
    """Makes a site on a port of its own: `tls_site(name, hosts=…)` is the server name that leads there."""
    sites = []

    def make(host, context=None, **certificate):
        context = context or tls_context(*authority.issue(certificate.pop("name", unique("site")), **certificate))
        peer = Peer(authority)  # only for its port
        peer.close()
        site = Site(net.place(TLS), peer.port, context, lambda _host, _path, handler: SERVED(handler))
        net.names[host] = {"A": [net.place(TLS)]}
        site.name = f"{host}:{peer.port}"
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


def old_tls(authority, host, version):
    context = tls_context(*authority.issue(unique("old"), address=None, hosts=[host]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_n_07_certificates_that_do_not_hold(authority, net, user, tls_site):
    address = net.place(TLS)
    good = tls_site("good.tls.test", address=None, hosts=["good.tls.test"])
    literal = tls_site(address, address=address, hosts=[])
    wildcard = tls_site("one.tls.test", address=None, hosts=["*.tls.test"])
    bad = {
        "expired": tls_site("expired.tls.test", address=None, hosts=["expired.tls.test"], days=-1),
        "self-signed": tls_site("self.tls.test", address=None, hosts=["self.tls.test"], is_self_signed=True),
        "another name": tls_site("other.tls.test", address=None, hosts=["good.tls.test"]),
        "only a common name": tls_site("cn.tls.test", name="cn.tls.test", address=None, hosts=[]),
        "a wildcard over two labels": tls_site("a.b.tls.test", address=None, hosts=["*.tls.test"]),
        "a wildcard within": tls_site("x.wild.test", address=None, hosts=["x.*.test"]),
        "an address as a name": tls_site(address, address=None, hosts=[address]),
        "an address as a common name": tls_site(address, name=address, address=None, hosts=[]),
        "the name with an end": tls_site("nul.tls.test", address=None, hosts=["nul.tls.test.evil.test"]),
        "TLS 1.0": tls_site("old.tls.test", context=old_tls(authority, "old.tls.test", ssl.TLSVersion.TLSv1)),
        "TLS 1.1": tls_site("older.tls.test", context=old_tls(authority, "older.tls.test", ssl.TLSVersion.TLSv1_1)),
    }
    for site in (good, literal, wildcard):
        assert look_up(user, site.name) == 200
    assert (good.indications, literal.indications) == (["good.tls.test"], [None])
    results = look_up_all(user, [site.name for site in bad.values()])
    assert {what: results[site.name][0] for what, site in bad.items() if results[site.name][0] != 502} == {}
    assert [site.calls for site in bad.values()] == [[]] * len(bad)


def test_n_07_the_certificate_is_that_of_the_delegated_name(net, user, web, tls_site):
    right = tls_site("right.tls.test", address=None, hosts=["right.tls.test"])
    wrong = tls_site("wrong.tls.test", address=None, hosts=["*.web.test"])
    for case, site, expected in (("right", right, 200), ("wrong", wrong, 502)):
        net.names[f"{case}.web.test"] = {"A": [net.place(WEB)]}
        web.cases[case] = delegation(site.name)
        assert look_up(user, f"{case}.web.test") == expected
    assert [host for host, _ in right.calls] == [right.name] and wrong.calls == []


def test_n_07_the_certificate_behind_srv_is_that_of_the_name(net, user, tls_site):
    for host, hosts, expected in (("srv.test", ["srv.test"], 200), ("srv2.test", ["target.test"], 502)):
        site = tls_site("target.test", address=None, hosts=hosts)
        net.names[host] = {}
        net.names[f"_matrix-fed._tcp.{host}"] = {"SRV": [(0, 0, int(site.name.split(":")[1]), "target.test")]}
        assert look_up(user, host) == expected
        assert [name for name, _ in site.calls] == ([host] if expected == 200 else [])


# ── DNS ──


def truncated(query, kind, is_tcp):
    return None if is_tcp else answer_to(query, [], flags=0x8600)


def wrong_id(query, kind, is_tcp):
    answer = bytearray(answer_to(query, [], code=NXDOMAIN))
    answer[0] ^= 0xFF
    return bytes(answer)


def itself(query, kind, is_tcp):
    """An alias of itself, whatever was asked."""
    end = query.index(b"\0", 12) + 5
    record = b"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
    return query[:2] + b"\x84\x80\0\1\0\1\0\0\0\0" + query[12:end] + record


def many(net, matrix):
    """More records than fit into a datagram, all of the right server."""
    targets = {"SRV": wire_value("SRV", (0, 0, matrix.port, "matrix.test")), "A": wire_value("A", net.place(WEB))}

    def answer(query, kind, is_tcp):
        records = [targets[kind]] * 2000 if kind in targets else []
        return answer_to(query, records) if is_tcp else answer_to(query, [], flags=0x8600)

    return answer


LIARS = {
    "servfail": lambda query, kind, is_tcp: answer_to(query, [], code=SERVFAIL),
    "refused": lambda query, kind, is_tcp: answer_to(query, [], code=5),
    "silent": lambda query, kind, is_tcp: None,
    "truncated": truncated,
    "wrong-id": wrong_id,
    "garbage": lambda query, kind, is_tcp: query[:2] + b"\xff" * 40,
    "itself": itself,
    "half": lambda query, kind, is_tcp: answer_to(query, [b"\0" * 6])[:-3],
    "no-room": lambda query, kind, is_tcp: answer_to(query, [b"\0"]),
}


def lie(net, name, answer):
    for prefix in ("", "_matrix-fed._tcp.", "_matrix._tcp."):
        net.names[prefix + name] = answer


def test_n_09_name_servers_that_lie_or_are_silent_hold_up_nobody(net, user, matrix, web):
    """Beside them, a well-known file that comes a byte a second (N-01): all of these take their time at once."""
    for case, answer in LIARS.items():
        lie(net, f"{case}.lie.test", answer)
    lie(net, "many.web.test", many(net, matrix))
    net.names["drip.web.test"] = {"A": [net.place(WEB)]}
    found_by_srv(net, matrix, "drip.web.test")
    web.cases = {"many": status(404), "drip": hostile.drip(40), "good": status(404)}
    net.names["good.web.test"] = {"A": [net.place(WEB)]}
    found_by_srv(net, matrix, "good.web.test")

    names = [f"{case}.lie.test" for case in LIARS] + ["many.web.test", "drip.web.test"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(look_up_all, user, names)
        began = time.monotonic()
        assert look_up(user, "good.web.test") == 200
        assert time.monotonic() - began < 6
        results = slow.result()
    assert {name: result for name, (result, _) in results.items() if result == 200}.keys() == {
        "many.web.test", "drip.web.test",
    }  # fmt: skip
    assert {name: seconds for name, (_, seconds) in results.items() if seconds > 25} == {}
    # Who does not answer one question is not asked the next.
    assert ("_matrix-fed._tcp.silent.lie.test", "SRV") in net.name_server.asked
    assert ("_matrix._tcp.silent.lie.test", "SRV") not in net.name_server.asked
    # For a while, which grows, nobody asks again.
    asked = len(net.name_server.asked)
    assert {look_up(user, "servfail.lie.test") for _ in range(10)} == {502}
    assert net.name_server.asked[asked:].count(("_matrix-fed._tcp.servfail.lie.test", "SRV")) <= 4


def test_n_09_services_that_are_none(net, user):
    for port, target in ((0, "private.test"), (8448, ""), (8448, "a b"), (8448, "a:1:b"), (8448, "[x"), (8448, "x" * 63)):
        name = f"{unique('service')}.test"
        net.names[name] = {}
        net.names[f"_matrix-fed._tcp.{name}"] = {"SRV": [(0, 0, port, target)]}
        assert look_up(user, name) == 502
