"""One installation, several domains (invariant I1): people of each are at home, and share rooms."""

import pytest
from support.client import Client, event_ids
from support.homeserver import launch, running

DOMAINS = ("one.example", "two.example")


@pytest.fixture(scope="module")
def anonymous_of(homeserver_kind):
    """A client that is not logged in, by the domain it was made for."""
    if homeserver_kind != "beffroi":
        pytest.fail("only ours hosts several domains: leave this file out for others")
    server = launch(homeserver_kind, domains=[{"name": name} for name in DOMAINS])

    def client(domain):
        visitor = Client(server.base_url)
        visitor.http.headers["Host"] = domain
        return visitor

    with running(server):
        yield client


def test_an_account_belongs_to_the_domain_it_was_made_at(anonymous_of):
    for domain in DOMAINS:
        user = anonymous_of(domain).register("anna")
        assert user.user_id.endswith(":" + domain)
        assert anonymous_of(domain).login(user.user_id).user_id == user.user_id


def test_the_same_name_at_two_domains_is_two_people(anonymous_of):
    body = {"username": "twin", "password": "correct horse battery staple"}
    users = []
    for domain in DOMAINS:
        visitor = anonymous_of(domain)
        session = visitor.post("/_matrix/client/v3/register", body=body, expect=401)["session"]
        auth = {"type": "m.login.dummy", "session": session}
        users.append(visitor.post("/_matrix/client/v3/register", body={**body, "auth": auth})["user_id"])
    assert users == ["@twin:one.example", "@twin:two.example"]


@pytest.mark.parametrize("version", ["11", "12"])
def test_people_of_two_domains_share_a_room(anonymous_of, version):
    anna, bruno = anonymous_of(DOMAINS[0]).register("anna"), anonymous_of(DOMAINS[1]).register("bruno")
    room_id = anna.create_room(invite=[bruno.user_id], room_version=version)
    bruno.join(room_id)
    sent = bruno.send_text(room_id, "good morning from two")
    anna.sync_until(lambda answer: sent in event_ids(answer, room_id))
    assert anna.event(room_id, sent)["sender"] == bruno.user_id
    # Each domain signs for its own people.
    anna.redact(room_id, anna.send_text(room_id, "mistake"))
    assert {event["sender"] for event in anna.all_messages(room_id)} == {anna.user_id, bruno.user_id}


def test_a_room_that_does_not_federate_is_closed_to_the_other_domain(anonymous_of):
    anna, bruno = anonymous_of(DOMAINS[0]).register("anna"), anonymous_of(DOMAINS[1]).register("bruno")
    room_id = anna.create_room(preset="public_chat", creation_content={"m.federate": False})
    assert bruno.join(room_id, expect=403)["errcode"] == "M_FORBIDDEN"
