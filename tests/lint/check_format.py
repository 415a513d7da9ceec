"""clang-format decides the layout of every C file."""

import subprocess
import sys

from sources import ROOT, files, report

command = [sys.argv[1], "--dry-run", "-Werror", "--ferror-limit=1", *map(str, files(".c", ".h"))]
result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
report([line + " (clang-format -i)" for line in result.stderr.splitlines() if "error:" in line])
