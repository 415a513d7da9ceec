"""Functions up to 70 lines and 6 parameters, files up to 600 lines, no goto, no open ends.

Relies on what clang-format guarantees: the braces of a function body stand alone in column one.
"""

import re

from sources import files, line_of, report, text, without_comments

LINES_PER_FUNCTION = 70
LINES_PER_FILE = 600
PARAMETERS = 6

# One table of all endpoints is long by design.
LONG_FILES = {"homeserver/server/routes.c"}

# Callbacks whose parameters a library decides.
FOREIGN_SIGNATURES = {"on_request", "tls_identity_retrieve"}

FORBIDDEN = {
    r"\bgoto\b": "goto: use TRY, SCOPED and small functions",
    r"\b(?:alloca|setjmp|longjmp)\b": "alloca and setjmp are not used here",
}
OPEN_ENDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!.*#\d)")


def functions(source):
    """(name, parameters, first line, last line) of each function defined in the source."""
    for match in re.finditer(r"^\{$.*?^\}$", source, re.MULTILINE | re.DOTALL):
        head = re.search(r"(?:\A|[;}/\n]\n|\n\n)((?:[^\n]+\n)+)\Z", source[: match.start()])
        signature = head.group(1) if head else ""
        named = re.search(r"(\w+)\(", signature)
        if named:
            first = line_of(source, match.start() - len(signature))
            yield named.group(1), parameters(signature[named.end() :]), first, line_of(source, match.end())


def parameters(signature_tail):
    """How many parameters stand between the opening parenthesis (already consumed) and its partner."""
    depth, commas, inside = 1, 0, ""
    for character in signature_tail:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            break
        commas += character == "," and depth == 1
        inside += character
    return 0 if inside.strip() in ("", "void") else commas + 1


def check_c(path, full):
    source = without_comments(full)
    in_tests = str(path).startswith("tests/")
    for name, count, first, last in functions(source):
        if last - first + 1 > LINES_PER_FUNCTION:
            yield f"{path}:{first}: {name} has {last - first + 1} lines (at most {LINES_PER_FUNCTION})"
        if count > PARAMETERS and name not in FOREIGN_SIGNATURES:
            yield f"{path}:{first}: {name} has {count} parameters (at most {PARAMETERS})"
    for pattern, why in FORBIDDEN.items():
        for match in re.finditer(pattern, source):
            if not in_tests:
                yield f"{path}:{line_of(source, match.start())}: {why}"


def check_file(path):
    full = text(path)
    lines = full.count("\n")
    if lines > LINES_PER_FILE and str(path) not in LONG_FILES:
        yield f"{path}: {lines} lines (at most {LINES_PER_FILE})"
    if path.suffix in (".c", ".h"):
        yield from check_c(path, full)
    for number, line in enumerate(full.splitlines(), 1):
        if OPEN_ENDS.search(line) and path.parts[:2] != ("tests", "lint"):
            yield f"{path}:{number}: an open end without an issue number: {line.strip()}"


report([problem for path in files(".c", ".h", ".py", ".mjs", ".sql") for problem in check_file(path)])
