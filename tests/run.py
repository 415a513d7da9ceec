"""Runs the test groups for script/test (whose --help is the manual) and counts what they say."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-test"
BUILD_TSAN = ROOT / "build-tsan"
BUILD_FUZZ = ROOT / "build-fuzz"
BUILD_COVERAGE = ROOT / "build-coverage"
BUILD_LOAD = ROOT / "build-load"
LOGS = BUILD / "logs"

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/lsan.supp:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/support/tsan.supp:halt_on_error=1:second_deadlock_stack=1",
}


# Of homeserver/protocol, in per cent: what conventions promise.
LINES_COVERED_MIN, BRANCHES_COVERED_MIN = 95, 90

# Executions of a fuzz target, from its corpus and always the same seed.
FUZZ_RUNS = 20000
FUZZ_RUNS_OF_SLOW_ONES = {"fuzz_state_resolution": 2000}
FUZZ_SECONDS_FULL = 60


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures


@dataclass
class Group:
    """A named set of tests. `needs` is the path without which the group does not exist."""

    name: str
    lane: int
    run: object
    needs: str = ""


def command(arguments, log, **environment):
    """Runs a command with its output in a log file; its exit status. Never reads stdin."""
    with open(log, "ab") as file:
        file.write(("$ " + " ".join(map(str, arguments)) + "\n").encode())
        file.flush()
        return subprocess.run(
            [str(argument) for argument in arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **SANITIZER_OPTIONS, **environment},
        ).returncode


def set_up(directory, sanitizers, log, *more, **environment):
    if (directory / "build.ninja").exists():
        return True
    shutil.rmtree(directory / "meson-private", ignore_errors=True)
    # Which warnings gcc finds depends on the sanitizers: the first build is the one that insists.
    strict = "true" if directory == BUILD else "false"
    options = [f"-Db_sanitize={sanitizers}", f"-Dwerror={strict}"]
    return command(["meson", "setup", directory, *options, *more], log, **environment) == 0


def compile_targets(directory, log, *targets):
    return command(["ninja", "-C", directory, *targets], log) == 0


def count_meson(directory, suite, log, wrapper=(), **environment):
    """Runs one meson suite. TAP lines count one by one, other tests as one each."""
    base = f"testlog-{suite}"
    results = directory / "meson-logs" / f"{base}.json"
    results.unlink(missing_ok=True)
    command(
        [*wrapper, "meson", "test", "-C", directory, "--no-rebuild", "--suite", suite]
        + ["--logbase", base, "--print-errorlogs"],
        log,
        **environment,
    )
    outcome = Outcome()
    for line in results.read_text().splitlines() if results.exists() else []:
        count_meson_test(json.loads(line), outcome)
    return outcome


def count_meson_test(test, outcome):
    lines = test.get("stdout", "").splitlines()
    good = [line for line in lines if re.match(r"ok \d", line)]
    bad = [line for line in lines if re.match(r"not ok \d", line)]
    skipped = [line for line in good if re.search(r"# skip", line, re.IGNORECASE)]
    outcome.passed += len(good) - len(skipped)
    outcome.skipped += len(skipped)
    for line in bad:
        outcome.fail(f"{test['name']}: {line}")
    if test["result"] == "SKIP" and not skipped:
        outcome.skipped += 1
    elif test["result"] not in ("OK", "SKIP") and not bad:
        outcome.fail(f"{test['name']}: {test['result']} (status {test.get('returncode')})")
    elif test["result"] == "OK" and not good:
        outcome.passed += 1


def count_pytest(name, paths, log, full, wrapper=(), **environment):
    results = LOGS / f"{name}.xml"
    results.unlink(missing_ok=True)
    arguments = [*wrapper, "/usr/bin/python3", "-m", "pytest", "-q", "-rfEs", "--color=no"]
    arguments += [f"--junitxml={results}", *paths] + (["--full"] if full else [])
    status = command(arguments, log, PYTHONDONTWRITEBYTECODE="1", **environment)
    outcome = Outcome()
    for case in xml.parse(results).iter("testcase") if results.exists() else []:
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.fail(f"{case.get('classname')}::{case.get('name')}")
        elif case.find("skipped") is not None:
            outcome.skipped += 1
        else:
            outcome.passed += 1
    if status not in (0, 1, 5):  # 5: no tests were collected, which counts as failed anyway
        outcome.fail(f"pytest ended with status {status}")
    elif status == 1 and not outcome.failed:
        outcome.fail("pytest reported errors outside the tests")
    return outcome


def meson_suite(suite):
    """With --full tests/storage/plan_population.c makes 1,000 rooms x 1,000 members."""
    return lambda log, full: count_meson(BUILD, suite, log, **({"BEFFROI_TEST_FULL": "1"} if full else {}))


# Two files at a time: a test waits for its server as much as the other way round. Each of the two has servers of its own.
SIDE_BY_SIDE = ["-n", "2", "--dist", "loadfile"]


def pytest_folder(name):
    return lambda log, full: count_pytest(
        name, [f"tests/{name}", *SIDE_BY_SIDE], log, full, BEFFROI_BINARY=str(BUILD / "beffroi")
    )


def run_federation(log, full):
    """The folder, and then whether any test had each endpoint answered and called."""
    traffic = LOGS / "federation-traffic.txt"
    traffic.write_text("")
    outcome = count_pytest(
        "federation", ["tests/federation", *SIDE_BY_SIDE], log, full,
        BEFFROI_BINARY=str(BUILD / "beffroi"), BEFFROI_TRAFFIC=str(traffic),
    )  # fmt: skip
    if command(["/usr/bin/python3", "tests/federation/traffic.py", traffic], log) == 0:
        outcome.passed += 1
    else:
        outcome.fail("every endpoint between servers is answered and called, or it is known why not")
    return outcome


def introspect(directory, what):
    arguments = ["meson", "introspect", f"--{what}", directory]
    return json.loads(subprocess.run(arguments, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)


def tests_of_suite(directory, suite):
    return [
        test
        for test in introspect(directory, "tests")
        if any(name.endswith(f":{suite}") for name in test["suite"])
    ]


def programs_of(directory, tests):
    """What to build for these tests: the programs that they depend on."""
    files = {target["id"]: target["filename"] for target in introspect(directory, "targets")}
    return sorted(
        {str(pathlib.Path(file).relative_to(directory)) for test in tests for target in test["depends"] for file in files[target]}
    )


def run_tsan(log, full):
    """The concurrent parts once more under the thread sanitizer: its own build, only those tests."""
    outcome = Outcome()
    if not set_up(BUILD_TSAN, "thread", log) or not compile_targets(
        BUILD_TSAN, log, "beffroi", *programs_of(BUILD_TSAN, tests_of_suite(BUILD_TSAN, "concurrent"))
    ):
        outcome.fail("the build with -fsanitize=thread")
        return outcome
    # The thread sanitizer of gcc 12 cannot place its shadow memory under strong randomisation.
    wrapper = ["setarch", "-R"]
    if subprocess.run([*wrapper, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        wrapper = []
    outcome.add(count_meson(BUILD_TSAN, "concurrent", log, wrapper))
    files = ["tests/api/test_message_flood.py", "tests/api/test_long_poll.py"]
    server = str(BUILD_TSAN / "beffroi")
    outcome.add(count_pytest("tsan", files, log, False, wrapper, BEFFROI_BINARY=server))
    return outcome


def run_clients(log, full):
    """With --full the encrypted load, 100,000 messages, goes to a release build: sanitizers would take hours."""
    load = "tests/clients/test_encrypted_load.py"
    paths = ["tests/clients", f"--ignore={load}"] if full else ["tests/clients"]
    outcome = count_pytest("clients", [*paths, *SIDE_BY_SIDE], log, full, BEFFROI_BINARY=str(BUILD / "beffroi"))
    if not full:
        return outcome
    if set_up(BUILD_LOAD, "none", log, "--buildtype=release") and compile_targets(
        BUILD_LOAD, log, "beffroi", "tests/support/olm_load"
    ):
        outcome.add(count_pytest("load", [load], log, full, BEFFROI_BINARY=str(BUILD_LOAD / "beffroi")))
    else:
        outcome.fail("the release build")
    return outcome


def run_browser(log, full):
    """Hydrogen in Chromium, with --full Cinny as well; their steps count as tests."""
    outcome = Outcome()
    clients = {"hydrogen": []}
    if full:
        clients["cinny"] = ["--cinny", os.environ.get("BEFFROI_CINNY", "https://github.com/cinnyapp/cinny")]
    for name, options in clients.items():
        arguments = ["/usr/bin/python3", "tests/browser/run.py", *options, BUILD / "screenshots" / name]
        if command(arguments, log, BEFFROI_BINARY=str(BUILD / "beffroi")) != 0:
            outcome.fail(f"{name}; screenshots are in build-test/screenshots/{name}")
    outcome.passed = len(re.findall(r"^ok ", log.read_text(), re.MULTILINE))
    return outcome


def run_property(log, full):
    """The suite; with --full 20,000 rooms per algorithm of state resolution instead of 200."""
    outcome = count_meson(BUILD, "property", log)
    if full:
        oracle = BUILD / "tests" / "property" / "oracle_rules"
        arguments = ["/usr/bin/python3", "tests/property/run_rules.py", "--oracle", oracle, "--count", "20000"]
        if command(arguments, log) == 0:
            outcome.passed += 1
        else:
            outcome.fail("20,000 random rooms against Synapse")
    return outcome


def run_fuzz(log, full):
    """Every libFuzzer target for a fixed number of executions; with --full for a minute each."""
    outcome = Outcome()
    options = ["-Dfuzz=true", "-Db_lundef=false"]
    if not set_up(BUILD_FUZZ, "address,undefined", log, *options, CC="clang"):
        outcome.fail("the build for fuzzing")
        return outcome
    targets = {test["name"]: test["cmd"][-1] for test in tests_of_suite(BUILD_FUZZ, "fuzz-corpus")}
    if not compile_targets(BUILD_FUZZ, log, *(f"tests/fuzz/{name}" for name in targets)):
        outcome.fail("the build for fuzzing")
        return outcome
    for name, corpus in targets.items():
        runs = FUZZ_RUNS_OF_SLOW_ONES.get(name, FUZZ_RUNS)
        limit = f"-max_total_time={FUZZ_SECONDS_FULL}" if full else f"-runs={runs}"
        found = LOGS / f"{name}-found"
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir()
        program = BUILD_FUZZ / "tests" / "fuzz" / name
        arguments = [program, limit, "-seed=1", "-max_len=4096", "-verbosity=0"]
        arguments += [f"-artifact_prefix={LOGS}/{name}-", found, corpus]
        if command(arguments, log) == 0:
            outcome.passed += 1
        else:
            outcome.fail(f"{name}: see {log.relative_to(ROOT)}, the input is beside it")
    return outcome


def run_coverage(log, full):
    """How much of homeserver/protocol its unit tests and the corpora reach."""
    outcome = Outcome()
    options = ["-Db_coverage=true", "-Doptimization=0"]
    if not set_up(BUILD_COVERAGE, "none", log, *options):
        outcome.fail("the build for coverage")
        return outcome
    tests = [test for test in tests_of_suite(BUILD_COVERAGE, "unit") if test["name"].startswith("protocol_")]
    tests += tests_of_suite(BUILD_COVERAGE, "fuzz-corpus")
    if not compile_targets(BUILD_COVERAGE, log, *programs_of(BUILD_COVERAGE, tests)):
        outcome.fail("the build for coverage")
        return outcome
    for old in BUILD_COVERAGE.rglob("*.gcda"):
        old.unlink()
    names = [test["name"] for test in tests]
    if command(["meson", "test", "-C", BUILD_COVERAGE, "--no-rebuild", *names], log) != 0:
        outcome.fail("the tests without sanitizers")
    gcovr = ["gcovr", "--root", ROOT, "--filter", "homeserver/protocol/"]
    gcovr += [f"--fail-under-line={LINES_COVERED_MIN}", f"--fail-under-branch={BRANCHES_COVERED_MIN}"]
    status = command([*gcovr, "--print-summary", BUILD_COVERAGE / "homeserver" / "protocol"], log)
    for flag, what in ((2, f"{LINES_COVERED_MIN} % of lines"), (4, f"{BRANCHES_COVERED_MIN} % of branches")):
        if status & ~6 or status & flag:
            outcome.fail(f"{what} of homeserver/protocol are covered")
        else:
            outcome.passed += 1
    return outcome


# Lane 0 keeps one core busy with compilers and C tests, lane 1 the other with Python clients.
GROUPS = [
    Group("lint", 0, meson_suite("lint")),
    Group("unit", 0, meson_suite("unit")),
    Group("storage", 0, meson_suite("storage"), needs="tests/storage/meson.build"),
    Group("property", 0, run_property, needs="tests/property/meson.build"),
    Group("fuzz-corpus", 0, meson_suite("fuzz-corpus"), needs="tests/fuzz/meson.build"),
    Group("fuzz", 0, run_fuzz, needs="tests/fuzz/meson.build"),
    Group("coverage", 0, run_coverage),
    Group("tsan", 0, run_tsan),
    Group("cli", 1, pytest_folder("cli")),
    Group("api", 1, pytest_folder("api")),
    Group("clients", 1, run_clients),
    Group("federation", 1, run_federation, needs="tests/federation"),
    Group("browser", 1, run_browser),
]


def say(text, lock=threading.Lock()):
    with lock:
        print(text, flush=True)


def run_group(group, full):
    log = LOGS / f"{group.name}.log"
    log.unlink(missing_ok=True)
    started = time.monotonic()
    try:
        outcome = group.run(log, full)
    except Exception as error:  # one broken group must not hide the others
        outcome = Outcome()
        outcome.fail(f"the group itself: {error!r}")
    if outcome.passed + outcome.failed == 0:
        outcome.fail("no test ran")
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    seconds = time.monotonic() - started
    lines = [f"{group.name:12} {outcome.passed} ok, {outcome.failed} wrong{skipped} ({seconds:.0f} s)"]
    lines += [f"    {failure}" for failure in outcome.failures]
    if outcome.failed and log.exists():
        lines.append(f"  the end of {log.relative_to(ROOT)}:")
        lines += ["  | " + line for line in log.read_text(errors="replace").splitlines()[-80:]]
    say("\n".join(lines))
    return outcome


def run_lanes(groups, full):
    outcomes = []

    def run_lane(lane):
        for group in groups:
            if group.lane == lane:
                outcomes.append(run_group(group, full))

    lanes = [threading.Thread(target=run_lane, args=(lane,)) for lane in (0, 1)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    return outcomes


def parse_arguments():
    parser = argparse.ArgumentParser(prog="script/test", add_help=False)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    known = [group for group in GROUPS if not group.needs or (ROOT / group.needs).exists()]
    unknown = set(options.groups) - {group.name for group in known}
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))} (script/test --list)")
    chosen = [group for group in known if not options.groups or group.name in options.groups]
    return options, chosen


def main():
    options, groups = parse_arguments()
    if options.list:
        print(*(group.name for group in groups), sep="\n")
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    log = LOGS / "build.log"
    log.unlink(missing_ok=True)
    say("Building with address and undefined behaviour sanitizers…")
    if not set_up(BUILD, "address,undefined", log) or not compile_targets(BUILD, log):
        say("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
        say("The build failed.\n0 passed, 1 failed")
        return 1
    say(f"{'build':12} done ({time.monotonic() - started:.0f} s)")
    outcomes = run_lanes(groups, options.full)
    say(f"all in {time.monotonic() - started:.0f} s")
    failed = sum(outcome.failed for outcome in outcomes)
    say(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
