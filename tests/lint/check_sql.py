"""SQL stands in statement tables of storage/ and in migrations/, nowhere else, and is never built.

1. A string that is SQL appears only inside a `const struct db_statement` initialiser of storage/, or in
   a macro there: a part that several statements share.
2. A statement has a name that no other has, names its columns (no SELECT *), and its table is const.
"""

import re

from sources import files, line_of, report, text, without_comments

SQL = re.compile(
    r"\s*(?:SELECT\b|INSERT INTO\b|UPDATE \w+|DELETE FROM\b|WITH (?:RECURSIVE )?\w+\b.* AS \(|"
    r"CREATE (?:TABLE|INDEX|UNIQUE)|ALTER TABLE|DROP (?:TABLE|INDEX)|TRUNCATE\b|MERGE INTO\b)"
)
STRINGS = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
STATEMENTS = re.compile(r"struct db_statement\b[^;={]*=\s*\{.*?\};", re.DOTALL)
STATEMENT = re.compile(r'\{\s*"(\w+)",')
MACRO = re.compile(r"^#define (?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)

# How the database layer speaks of itself: schema versions, locks and settings, all constant strings.
INTERNAL = re.compile(r"storage/(?:db|migrate|cluster|embedded)\w*\.c")


def check_file(path, seen):
    source = without_comments(text(path))
    regions = [match.span() for match in STATEMENTS.finditer(source)]
    constant = regions + [match.span() for match in MACRO.finditer(source)]
    for match in STRINGS.finditer(source):
        if not SQL.match(match.group()[1:]):
            continue
        where = f"{path}:{line_of(source, match.start())}"
        if path.parts[0] != "storage":
            yield f"{where}: SQL outside storage/"
        elif not any(start <= match.start() < end for start, end in constant):
            if not INTERNAL.fullmatch(str(path)):
                yield f"{where}: SQL outside a table of struct db_statement"
        if re.search(r"SELECT \*|\.\*", match.group()):
            yield f"{where}: name the columns instead of *"
    for start, end in regions:
        yield from check_statements(path, source, start, end, seen)


def check_statements(path, source, start, end, seen):
    head = source[source.rfind("\n", 0, start) + 1 : source.index("=", start)]
    if "const" not in head:
        yield f"{path}:{line_of(source, start)}: a statement is const"
    for match in STATEMENT.finditer(source, start, end):
        name, where = match.group(1), f"{path}:{line_of(source, match.start())}"
        if name in seen:
            yield f"{where}: statement {name} is named like the one at {seen[name]}"
        seen[name] = where


seen = {}
sources = [path for path in files(".c", ".h") if path.parts[0] != "tests"]
report([problem for path in sources for problem in check_file(path, seen)])
