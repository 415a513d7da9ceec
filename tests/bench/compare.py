"""Ours against another homeserver, on this machine, each with its own PostgreSQL cluster of the same settings.

Run by script/bench. Every scenario runs against both in turn (A B A B), so that what else the machine does hits both;
the figures are medians. A scenario that fails is reported, and the rest goes on. Standard output is the Markdown of
docs/performance.md; progress goes to standard error.
"""

import argparse
import dataclasses
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

from compare_servers import ROOT, Ours, Theirs, cluster_settings, synapse_version

SCENARIO_SECONDS = 1200  # the longest that one run of one scenario may take


# ── What is read from a report ──────────────────────────────────────────────────────────────────────


def result(name, member, divisor=1):
    return lambda report: report["results"][name][member] / divisor


def p50(name):
    return result(name, "p50_us", 1000)


def figure(*names):
    """The sum of figures."""
    return lambda report: sum(report["figures"][name]["value"] for name in names)


BOTH_CPU = ("server CPU per operation", "postgres CPU per operation")


@dataclasses.dataclass
class Row:
    label: str
    read: object  # of a report; a number
    unit: str
    wanted: str = ""
    more_is_better: bool = False


def cpu_rows(noun, wanted=""):
    return [
        Row(f"… CPU of the server per {noun}", figure("server CPU per operation"), "us"),
        Row(f"… CPU of server and PostgreSQL per {noun}", figure(*BOTH_CPU), "us", wanted),
    ]


@dataclasses.dataclass
class Scenario:
    name: str  # for --only
    title: str
    arguments: str  # of beffroi bench, with {sizes}
    rows: list
    population: str = ""  # scenarios of the same word share one; "": a new one in each run
    rounds: int = 0  # 0: as the options say
    ours_only: bool = False
    disk: bool = False  # measure the database around it
    fresh: bool = False  # the servers start anew before it: memory is measured


FILTERS = ["timeline 1, lazy members", "timeline 5, lazy members", "timeline 20, lazy members", "timeline 10, all members"]

SCENARIOS = [
    Scenario(
        "send-hot", "send, 1 room, 16 senders", "send --users 16 --rooms 1 --count {send}",
        [
            Row("send, 1 room, 16 senders: rate", result("send", "per_second"), "/s", "60x", more_is_better=True),
            Row("… p50", p50("send"), "ms"),
            *cpu_rows("message"),
        ],
        population="hot",
    ),
    Scenario(
        "send", "send, 100 rooms, 100 senders", "send --users 100 --rooms 100 --count {send}",
        [
            Row("send, 100 rooms, 100 senders: rate", result("send", "per_second"), "/s", "100x", more_is_better=True),
            Row("… p50", p50("send"), "ms"),
            *cpu_rows("message"),
        ],
        population="wide",
    ),
    Scenario(
        "send-state", "the same with 1 % state", "send --users 100 --rooms 100 --state-percent 1 --count {send}",
        [Row("… with 1 % state events: rate", result("send", "per_second"), "/s", more_is_better=True), *cpu_rows("event")],
        population="wide",
    ),
    Scenario(
        "send-128", "send, 128 connections", "send --users 128 --rooms 128 --connections 128 --count {send}",
        [
            Row("send, 128 rooms and connections: rate", result("send", "per_second"), "/s", "5,700/s", more_is_better=True),
            *cpu_rows("message", "200 us"),
        ],
        population="very wide", ours_only=True,
    ),
    Scenario(
        "send-single", "send, one at a time", "send --users 1 --rooms 1 --count {single}",
        [Row("send, one at a time: p50", p50("send"), "ms", "2 ms")],
        population="single",
    ),
    Scenario(
        "fanout", "fanout to {members}", "fanout --members {members} --count {fanout}",
        [
            Row("one message to {members} waiting: to the first, p50", p50("time to the first"), "ms"),
            Row("… to the last, p50", p50("time to the last"), "ms", "20x"),
            *cpu_rows("delivery", "50 us"),
        ],
        population="fanout",
    ),
    Scenario(
        "initial-sync", "initial sync of 20 users in 40 rooms", "initial-sync",
        [Row(f"initial sync of 20 users, 40 rooms, {name}: all after", result(name, "seconds"), "s", "50x") for name in FILTERS],
        population="initial",
    ),
    Scenario(
        "incremental", "incremental sync in {rooms} rooms", "incremental --rooms {rooms} --count 100",
        [Row("incremental sync of one message, {rooms} rooms: p50", p50("sync with one message"), "ms")],
        population="incremental",
    ),
    Scenario(
        "incremental-1000", "incremental sync in 1,000 rooms", "incremental --rooms 1000 --count 500",
        [Row("incremental sync of one message, 1,000 rooms: p50", p50("sync with one message"), "ms", "2 ms")],
        population="incremental 1000", ours_only=True,
    ),
    Scenario(
        "messages", "reading back {history} messages", "messages --history {history} --users 4 --count {pages}",
        [
            Row("a page of 50 of {history} messages: p50", p50("page of history"), "ms"),
            Row("… of the oldest quarter: p50", p50("… of the oldest quarter"), "ms"),
        ],
        population="history",
    ),
    Scenario(
        "search", "search", "search --rooms 10 --history {search} --count 60",
        [
            Row("search for a rare word, p50", p50("a rare word"), "ms"),
            Row("search for a word of every message, p50", p50("a word of every message"), "ms"),
        ],
        population="search",
    ),
    Scenario(
        "join", "joins", "join --users {joiners} --rooms 4",
        [Row("joins of local rooms: rate", result("join", "per_second"), "/s", more_is_better=True), *cpu_rows("join")],
    ),
    Scenario(
        "login", "sign-ins", "login",
        [Row("signing in with a password: rate", result("login", "per_second"), "/s", more_is_better=True), *cpu_rows("sign-in")],
        population="logins",
    ),
    Scenario(
        "media", "media", "media --count 40",
        [
            Row("upload of 500 kB files", figure("upload, rate"), "MB/s", more_is_better=True),
            Row("download", figure("download, rate"), "MB/s", more_is_better=True),
            Row("… CPU of the server per MB down", figure("download, server CPU per MB"), "us"),
        ],
        population="media",
    ),
    Scenario(
        "disk", "bytes on disk", "send --users 100 --rooms 100 --count {disk}",
        [Row("bytes on disk per message, all tables and indexes", figure("disk"), "B", "4x")],
        population="wide", rounds=1, disk=True,
    ),
    Scenario(
        "morning", "a Monday morning of {people} users", "morning --users {people} --seconds {working}",
        [
            Row("a Monday morning, {people} users: everybody is in after", figure("everybody is in after"), "s"),
            Row("… then all they do: p50", p50("all actions"), "ms"),
            Row("… p99", result("all actions", "p99_us", 1000), "ms"),
            Row("… message to each sync: p50", p50("message to each sync"), "ms"),
            *cpu_rows("action"),
            Row("… memory of the server afterwards", figure("server memory"), "MiB", "10x"),
            Row("… with all pages that it shares", figure("server memory, with shared pages"), "MiB"),
            Row("… memory of PostgreSQL", figure("postgres memory"), "MiB"),
        ],
        population="people", rounds=1, fresh=True,
    ),
    Scenario(
        "capacity", "capacity", "capacity --users {people} --seconds {level}",
        [Row("active users that this machine serves", figure("active users"), "", more_is_better=True)],
        population="people", rounds=1,
    ),
    Scenario(
        "idle", "idle", "idle --connections {idle}",
        [
            Row("{idle} waiting syncs: memory of the server for each", figure("server memory per wait"), "KiB"),
            Row("… CPU of the server", figure("server CPU"), "%"),
        ],
        rounds=1, fresh=True,
    ),
    Scenario(
        "idle-10000", "idle with 10,000", "idle --connections 10000",
        [
            Row("10,000 waiting syncs: memory of the server for each", figure("server memory per wait"), "KiB", "20 KiB"),
            Row("… CPU of the server", figure("server CPU"), "%", "1 %"),
            Row("… one message reached all after", figure("one message reached all in"), "ms"),
        ],
        rounds=1, ours_only=True, fresh=True,
    ),
]  # fmt: skip

SIZES = {
    "small": {
        "send": 300, "fanout": 5, "single": 50, "members": 50, "rooms": 50, "history": 500, "search": 20, "joiners": 10,
        "disk": 2000, "idle": 200, "people": 40, "working": 10, "level": 4, "join_members": 300,
    },
    "normal": {
        "send": 1000, "fanout": 5, "single": 150, "members": 1000, "rooms": 200, "history": 2000, "search": 100,
        "joiners": 40, "disk": 6000, "idle": 1000, "people": 200, "working": 30, "level": 8, "join_members": 10000,
    },
    "large": {
        "send": 3000, "fanout": 5, "single": 300, "members": 1000, "rooms": 1000, "history": 5000, "search": 250,
        "joiners": 100, "disk": 20000, "idle": 2000, "people": 1000, "working": 60, "level": 15, "join_members": 10000,
    },
}  # fmt: skip

# So many times as often do we what is over in a blink: a rate, or CPU in ticks of 10 ms, wants seconds.
OURS_TIMES = {"send": 20, "fanout": 20}


# ── Running ─────────────────────────────────────────────────────────────────────────────────────────


def say(text):
    print(f"[{datetime.datetime.now():%H:%M:%S}] {text}", file=sys.stderr, flush=True)


def run_once(server, scenario, sizes):
    """The report of one run; None when it failed, which is said."""
    if server.word == "ours":
        sizes = sizes | {name: sizes[name] * times for name, times in OURS_TIMES.items()}
    arguments = scenario.arguments.format(**sizes).split()
    if scenario.population:
        arguments += ["--population", str(server.directory / f"population-{scenario.population.replace(' ', '-')}")]
    began = time.monotonic()
    try:
        if scenario.fresh and server.is_running():
            server.stop()
        if not server.is_running():  # or it ended by itself in another scenario
            server.start()
        before = server.database_bytes() if scenario.disk else 0
        report = server.run_bench(arguments, SCENARIO_SECONDS)
        if scenario.disk:
            each = (server.database_bytes() - before) / report["results"]["send"]["count"]
            report["figures"]["disk"] = {"value": each, "unit": "B"}
    except Exception as error:  # whatever it is, the other scenarios go on
        say(f"{scenario.title.format(**sizes)}, {server.word}: FAILED: {error}")
        return None
    errors = sum(each["errors"] for each in report["results"].values())
    note = f", {errors} errors" if errors else ""
    say(f"{scenario.title.format(**sizes)}, {server.word}: {time.monotonic() - began:.0f} s{note}")
    return report


def value(reports, row):
    """The median of what the runs gave; None when none did."""
    values = []
    for report in reports:
        try:
            values.append(row.read(report))
        except KeyError:
            continue
    return statistics.median(values) if values else None


def number(amount, unit):
    if amount is None:
        return "failed"
    digits = 0 if amount >= 100 or (amount == int(amount) and not unit) else 1 if amount >= 10 else 2
    return f"{amount:,.{digits}f}{'' if unit.startswith('/') else ' '}{unit}".rstrip()


def ratio(row, ours, theirs):
    if not ours or not theirs:
        return ""
    times = ours / theirs if row.more_is_better else theirs / ours
    return f"{times:.0f}x" if times >= 10 else f"{times:.1f}x"


def print_row(label, ours, theirs, times, wanted):
    print(f"| {label} | {ours} | {theirs} | {times} | {wanted} |", flush=True)


def compare_scenario(scenario, ours, theirs, options):
    """Prints its rows; the reports of both."""
    servers = [ours] if scenario.ours_only else [ours, theirs]
    reports = {server.word: [] for server in servers}
    share = (SCENARIOS.index(scenario) + 1) / len(SCENARIOS)
    for number_of_run in range(scenario.rounds or options.rounds):
        if number_of_run > 0 and time.monotonic() - options.began > share * options.minutes * 60:
            say("late: no further round of this")
            break
        for server in servers:
            report = run_once(server, scenario, options.sizes)
            if report is not None:
                reports[server.word].append(report)
    for row in scenario.rows:
        our, their = value(reports["ours"], row), value(reports.get("Synapse", []), row)
        shown = "" if scenario.ours_only else number(their, row.unit)
        print_row(row.label.format(**options.sizes), number(our, row.unit), shown, ratio(row, our, their), row.wanted)
    return reports


JOIN_ROWS = [
    Row("join of a room of another server, {join_members} members: answered after", lambda r: r["join_seconds"], "s", "10x"),
    Row("… the user may write after", lambda r: r["usable_seconds"], "s"),
    Row("… all members are there after", lambda r: r["complete_seconds"], "s"),
    Row("… CPU of the joining server", lambda r: r["joiner_cpu_seconds"], "s"),
    Row("… its peak memory", lambda r: r["joiner_peak_mib"], "MiB"),
]  # fmt: skip


def compare_remote_join(options):
    """A third server of ours has the room; ours and Synapse join it in the same run."""
    members = options.sizes["join_members"]
    command = ["/usr/bin/python3", str(ROOT / "tests" / "bench" / "join_room.py"), "--json", "--against-synapse"]
    command += ["--members", str(members), "--state", str(2 * members)]
    began = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=SCENARIO_SECONDS)
        figures = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        say(f"join of a room of another server: FAILED: {error}")
        return None
    say(f"join of a room of another server: {time.monotonic() - began:.0f} s")
    for row in JOIN_ROWS:
        our, their = (row.read(figures[word]) if word in figures else None for word in ("ours", "synapse"))
        label = row.label.format(join_members=f"{members:,}")
        print_row(label, number(our, row.unit), number(their, row.unit), ratio(row, our, their), row.wanted)
    return figures


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(models)} x {models[0] if models else 'unknown'}, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}"


def print_head(options, ours, words):
    postgres = ours.database().execute("SHOW server_version").fetchone()[0].split()[0]
    today = datetime.date.today().isoformat()
    print(f"    {' '.join(words)}\n")
    print(f"{today}, {machine()}, PostgreSQL {postgres}, Synapse {synapse_version()} (one process, default caches);")
    print("both on clusters of the same settings, durable, presence and rate limits off; medians. Of messages ours had to send")
    print(f"{OURS_TIMES['send']} times as many, and to fan out {OURS_TIMES['fanout']} times, so that each worked for seconds.\n")
    print("| | ours | Synapse | ratio | wanted |\n|---|---|---|---|---|", flush=True)


def compare(options):
    everything = {}
    ours = Ours().prepare().start()
    theirs = Theirs(cluster_settings(ours))
    try:
        theirs.prepare().start()
        print_head(options, ours, ["script/bench", *sys.argv[1:]])
        for scenario in SCENARIOS:
            if not options.only or scenario.name in options.only:
                everything[scenario.name] = compare_scenario(scenario, ours, theirs, options)
    finally:
        theirs.remove()
        ours.stop()
        ours.remove()
    if not options.only or "remote-join" in options.only:
        everything["remote-join"] = compare_remote_join(options)
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.")
    if options.json:
        options.json.write(json.dumps({"machine": machine(), "sizes": options.sizes, "scenarios": everything}))


def parse():
    names = [*(scenario.name for scenario in SCENARIOS), "remote-join"]
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measures ours against another homeserver: Markdown on standard output, progress on standard error.",
        epilog=f"Scenarios: {', '.join(names)}. With --size small it takes about 10 minutes, normal 35, large more than an hour.",
    )
    parser.add_argument("--against", choices=["synapse"], required=True, help="installed from PyPI on first use")
    parser.add_argument("--size", choices=SIZES, default="normal", help="how much of everything (normal)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each short scenario, in turn (2)")
    parser.add_argument("--minutes", type=int, default=35, help="when it takes longer, further rounds are left out (35)")
    parser.add_argument("--only", metavar="NAME,…", help="these scenarios only, separated by commas")
    parser.add_argument("--count", type=int, help="messages per run of send, instead of the size's; ours sends 20 times as many")
    parser.add_argument("--json", type=argparse.FileType("w"), metavar="FILE", help="all reports, for programs")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else []
    unknown = set(options.only) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    options.began = time.monotonic()
    options.sizes = dict(SIZES[options.size])
    if options.count:
        options.sizes["send"] = options.count
    options.sizes["pages"] = 4 * (options.sizes["history"] // 50 + 1)
    return options


if __name__ == "__main__":
    compare(parse())
