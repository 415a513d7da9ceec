"""Filters (filter.yaml): storing them and reading them back."""

import pytest
from client import CLIENT

FILTER = f"{CLIENT}/user/{{}}/filter"


def test_a_filter_is_stored_and_read_back(alice):
    definition = {"room": {"timeline": {"limit": 10, "types": ["m.room.*"]}}, "event_format": "client"}
    filter_id = alice.post(FILTER, alice.user_id, body=definition)["filter_id"]
    assert not filter_id.startswith("{")
    assert alice.get(FILTER + "/{}", alice.user_id, filter_id) == definition
    assert alice.post(FILTER, alice.user_id, body=definition)["filter_id"] == filter_id


def test_filters_of_others_are_closed(alice, bob):
    """S-03"""
    filter_id = alice.post(FILTER, alice.user_id, body={"room": {"rooms": []}})["filter_id"]
    bob.get(FILTER + "/{}", alice.user_id, filter_id, expect=403)
    bob.post(FILTER, alice.user_id, body={}, expect=403)
    assert bob.get(FILTER + "/{}", bob.user_id, filter_id, expect=404)["errcode"] == "M_NOT_FOUND"
    alice.get(FILTER + "/{}", alice.user_id, "nonsense", expect=404)


@pytest.mark.parametrize(
    "definition",
    [
        {"presence": "not_an_object"},
        {"room": {"timeline": "not_an_object"}},
        {"room": {"timeline": {"rooms": "not_a_list"}}},
        {"room": {"timeline": {"types": [1]}}},
        {"room": {"timeline": {"rooms": ["not_a_room_id"]}}},
        {"room": {"timeline": {"senders": ["not_a_sender_id"]}}},
        {"room": {"state": {"lazy_load_members": "yes"}}},
        {"event_fields": 7},
    ],
)
def test_malformed_filters_are_refused(alice, definition):
    """S-03"""
    assert alice.post(FILTER, alice.user_id, body=definition, expect=400)["errcode"].startswith("M_")


def test_huge_filters_are_refused(alice):
    """S-03"""
    senders = [f"@user{number}:example.org" for number in range(20000)]
    alice.post(FILTER, alice.user_id, body={"room": {"timeline": {"senders": senders}}}, expect=413)
    alice.post(FILTER, alice.user_id, body={"room": {"timeline": {"senders": ["@a:b"] * 1001}}}, expect=413)
    alice.post(FILTER, alice.user_id, body={"room": {"timeline": {"limit": 10**9}}})
