"""Writes a C file with the text of the given migrations: embed.py OUTPUT.c NNNN_name.sql..."""

import pathlib
import re
import sys


def characters(content):
    """The bytes as C numbers: a string literal of this length would not be portable."""
    signed = [str(byte if byte < 128 else byte - 256) for byte in content] + ["0"]
    lines = [",".join(signed[start : start + 24]) for start in range(0, len(signed), 24)]
    return ",\n".join(lines)


def check_complete(paths):
    """meson.build lists its files by name; one that was forgotten would never run."""
    for path in {sibling for path in paths for sibling in path.parent.glob("*.sql")} - set(paths):
        sys.exit(f"{path}: list this file in migrations/meson.build")


def main(output, *names):
    paths = [pathlib.Path(name).resolve() for name in names]
    check_complete(paths)
    arrays, rows, numbers = [], [], set()
    for path in sorted(paths, key=lambda path: path.name):
        match = re.fullmatch(r"(\d{4})_[a-z0-9_]+", path.stem)
        if match is None:
            sys.exit(f"{path}: a migration is called NNNN_words_in_lower_case.sql")
        number = int(match[1])
        if number in numbers:
            sys.exit(f"{path}: there is another migration with the number {match[1]}")
        numbers.add(number)
        arrays.append(f"static const char sql_{match[1]}[] = {{\n{characters(path.read_bytes())}}};\n")
        rows.append(f'    {{{number}, "{path.stem}", sql_{match[1]}}},\n')
    pathlib.Path(output).write_text(
        '#include "migrations/migrations.h"\n\n'
        + "\n".join(arrays)
        + f"\nconst struct migration migrations[] = {{\n{''.join(rows)}}};\n"
        + f"const size_t migration_count = {len(rows)};\n"
    )


main(*sys.argv[1:])
