"""The list of attacks and bad input (tests/federation/security-cases.md) names tests that are there."""

import re

from sources import ROOT, report

LIST = ROOT / "tests/federation/security-cases.md"

text = LIST.read_text()
paths = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "tests/unit").rglob("test_*.c")]
files = {path.name for path in paths} | {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.*")}
tests = {name for path in paths for name in re.findall(r"^(?:static void|def) (\w+)\(", path.read_text(), re.M)}
named = re.findall(r"`([\w./]+)`", text)
report(
    [f"{LIST.name}: there is no {name}" for name in named if name not in tests | files]
    + ([] if named else [f"{LIST.name}: names no tests"])
)
