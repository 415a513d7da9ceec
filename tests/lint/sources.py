"""What all checks share: the project's files, and how a check reports."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ["homeserver", "federation", "storage", "migrations", "config", "tests"]


def files(*suffixes, folders=FOLDERS):
    """All files with one of the suffixes, as paths relative to the root, sorted."""
    found = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and not {"node_modules", "__pycache__"} & set(path.parts):
                found.append(path.relative_to(ROOT))
    return sorted(found)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def without_comments(source):
    """C source with comments blanked; strings and line numbers stay."""
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*'

    def blank(match):
        token = match.group()
        return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token

    return re.sub(pattern, blank, source, flags=re.DOTALL)


def line_of(source, offset):
    return source.count("\n", 0, offset) + 1


def report(problems):
    """Prints what was found and ends the program; call it last."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problem(s)")
    sys.exit(1 if problems else 0)
