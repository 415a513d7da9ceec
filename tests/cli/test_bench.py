"""The load generator, each scenario in miniature: that it runs and what it counts, never how fast."""

import json
import subprocess

import pytest

# scenario: its arguments, a result of it, and how many operations that must have (None: as time allows)
SMALL = {
    "send": ("--users 4 --rooms 2 --count 100 --state-percent 5", "send", 100),
    "fanout": ("--members 5 --count 2", "time to each", 10),
    "initial-sync": ("--users 3 --rooms 2 --history 3", "timeline 10, all members", 3),
    "incremental": ("--rooms 5 --count 10", "sync with one message", 10),
    "messages": ("--users 2 --history 20 --page 5", "page of history", 30),
    "search": ("--users 3 --rooms 2 --history 5 --count 10", "a word of every message", 10),
    "join": ("--users 5 --rooms 2", "join", 8),
    "media": ("--users 4 --count 8 --bytes 20000", "download", 40),
    "login": ("--users 2 --count 6 --connections 2", "login", 6),
    "idle": ("--connections 8 --users 2 --seconds 1", "initial sync", 8),
    "morning": ("--users 10 --seconds 2 --rate 600", "all actions", None),
}


def bench(homeserver, *arguments):
    return subprocess.run([homeserver.binary, "bench", *arguments], capture_output=True, text=True, timeout=120)


def run_small(homeserver, path, scenario, *more):
    arguments, *_ = SMALL[scenario]
    result = bench(homeserver, scenario, "--url", homeserver.base_url, "--json", str(path), *arguments.split(), *more)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(path.read_text()), result


def people_did_everything_and_heard_each_other(results):
    """Of 200 actions or so none that is due every tenth time or more often may be missing."""
    assert all(results[name]["count"] > 0 for name in ("send", "typing", "receipt", "read marker"))
    assert results["sign in"]["count"] == results["keys uploaded"]["count"] == results["initial sync"]["count"] == 10
    assert results["message to each sync"]["count"] > 0


@pytest.mark.parametrize("scenario", SMALL)
def test_a_scenario_reports_what_it_did(homeserver, tmp_path, scenario):
    report, result = run_small(homeserver, tmp_path / "figures.json", scenario)
    _, name, count = SMALL[scenario]
    assert report["scenario"] == scenario
    assert sum(each["errors"] for each in report["results"].values()) == 0
    measured = report["results"][name]
    assert measured["count"] == count or (count is None and measured["count"] > 10)
    assert 0 < measured["p50_us"] <= measured["p95_us"] <= measured["p99_us"] <= measured["max_us"]
    assert name in result.stdout
    if scenario == "morning":
        people_did_everything_and_heard_each_other(report["results"])


def test_the_server_and_its_database_are_found_and_measured(homeserver, tmp_path):
    figures = run_small(homeserver, tmp_path / "figures.json", "send")[0]["figures"]
    for name in ("server memory", "postgres memory"):
        assert 1 < figures[name]["value"] <= figures[f"{name}, peak"]["value"]


def test_a_population_is_made_once_and_used_again(homeserver, tmp_path):
    population = tmp_path / "population"
    run_small(homeserver, tmp_path / "figures.json", "incremental", "--population", str(population))
    made = population.read_text()
    again = run_small(homeserver, tmp_path / "figures.json", "incremental", "--population", str(population))[0]
    assert again["results"]["sync with one message"]["count"] == 10
    assert population.read_text() == made
    assert population.stat().st_mode & 0o777 == 0o600
    arguments = ["--url", homeserver.base_url, "--rooms", "6", "--population", str(population)]
    result = bench(homeserver, "incremental", *arguments)
    assert result.returncode == 1
    assert "other sizes" in result.stderr


def test_capacity_says_how_many_people_can_work(homeserver, tmp_path):
    """With so many things to do per person that the search ends soon, however fast the machine is."""
    path = tmp_path / "figures.json"
    arguments = ["--users", "13", "--seconds", "1", "--rate", "30000", "--count", "1", "--json", str(path)]
    result = bench(homeserver, "capacity", "--url", homeserver.base_url, *arguments)
    assert "active users" in result.stdout
    people = json.loads(path.read_text())["figures"]["active users"]["value"]
    assert people == 0 or f"about {people:.0f}" in result.stdout


def test_a_wrong_command_line_is_explained(homeserver):
    result = bench(homeserver, "sned")
    assert result.returncode == 2
    assert 'no scenario "sned"' in result.stderr
    assert bench(homeserver, "send", "--users", "many").returncode == 2
    assert bench(homeserver, "send", "--url", "ftp://example.org").returncode == 2


def test_help_names_every_scenario(homeserver):
    result = bench(homeserver, "--help")
    assert result.returncode == 0
    for scenario in [*SMALL, "capacity"]:
        assert f"  {scenario}" in result.stdout
