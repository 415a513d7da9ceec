"""The load generator, each scenario in miniature: that it runs and what it counts, never how fast."""

import json
import subprocess

import pytest

SMALL = {
    "send": ["--users", "4", "--rooms", "2", "--count", "40", "--state-percent", "5"],
    "fanout": ["--members", "5", "--count", "3"],
    "initial-sync": ["--users", "3", "--rooms", "2", "--history", "3"],
    "idle": ["--connections", "8", "--users", "2", "--seconds", "1"],
    "login": ["--users", "2", "--count", "6", "--connections", "2"],
}
COUNTS = {"send": 40, "time to each": 15, "timeline 10, all members": 3, "initial sync": 8, "login": 6}
EXPECTED = {
    "send": "send",
    "fanout": "time to each",
    "initial-sync": "timeline 10, all members",
    "idle": "initial sync",
    "login": "login",
}


def bench(homeserver, *arguments):
    return subprocess.run(
        [homeserver.binary, "bench", *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("scenario", SMALL)
def test_a_scenario_reports_what_it_did(homeserver, tmp_path, scenario):
    path = tmp_path / "figures.json"
    result = bench(homeserver, scenario, "--url", homeserver.base_url, "--json", str(path), *SMALL[scenario])
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(path.read_text())
    assert report["scenario"] == scenario
    measured = report["results"][EXPECTED[scenario]]
    assert measured["errors"] == 0
    assert measured["count"] == COUNTS[EXPECTED[scenario]]
    assert 0 < measured["p50_us"] <= measured["p99_us"] <= measured["max_us"]
    assert EXPECTED[scenario] in result.stdout


def test_the_server_and_its_database_are_found_and_measured(homeserver, tmp_path):
    path = tmp_path / "figures.json"
    result = bench(homeserver, "send", "--url", homeserver.base_url, "--json", str(path), *SMALL["send"])
    assert result.returncode == 0, result.stderr
    figures = json.loads(path.read_text())["figures"]
    assert figures["server memory"]["value"] > 1
    assert figures["postgres memory"]["value"] > 1


def test_a_wrong_command_line_is_explained(homeserver):
    result = bench(homeserver, "sned")
    assert result.returncode == 2
    assert 'no scenario "sned"' in result.stderr
    assert bench(homeserver, "send", "--users", "many").returncode == 2
    assert bench(homeserver, "send", "--url", "ftp://example.org").returncode == 2


def test_help_names_every_scenario(homeserver):
    result = bench(homeserver, "--help")
    assert result.returncode == 0
    for scenario in SMALL:
        assert f"  {scenario}" in result.stdout
