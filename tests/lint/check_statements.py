"""Every SQL statement is in the list of storage/statements.h, so that a test prepares all of them."""

import re
from pathlib import Path

from sources import files, report, text

DEFINITION = re.compile(r"^(?:static )?const struct db_statement (\w+)(?:\[\w*\])? = \{", re.MULTILINE)
REGISTRATION = re.compile(r"^STATEMENT_TABLE(?:_OF_ONE)?\((\w+)(?:, (\w+))?\);", re.MULTILINE)
LISTED = re.compile(r"^    X\((\w+)\)", re.MULTILINE)
LIST = Path("storage/statements.h")

listed = set(LISTED.findall(text(LIST)))
problems = []
for path in files(".c", folders=["storage"]):
    source = text(path)
    registered = {variable or table: table for table, variable in REGISTRATION.findall(source)}
    for variable in DEFINITION.findall(source):
        if variable not in registered:
            problems.append(f"{path}: add STATEMENT_TABLE({path.stem}, {variable}); below the table ({LIST})")
        elif registered[variable] not in listed:
            problems.append(f"{LIST}: add X({registered[variable]}) to the list")
report(problems)
