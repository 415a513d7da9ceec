"""codespell over code, comments and documents."""

import subprocess
import sys

from sources import ROOT, files, report

# Words that codespell takes for mistakes, in lower case.
IGNORED = ["te", "ot", "nd", "pres", "crate", "hist", "fo", "ro", "ans"]
IGNORED += ["authentification", "connexion", "mot", "adresse"]  # French, in the pages for people

documents = [path.relative_to(ROOT) for path in ROOT.glob("*.md")]
names = [*files(".c", ".h", ".md", ".sql", ".yaml", ".py", ".mjs"), *documents]
result = subprocess.run(
    [sys.argv[1], "-L", ",".join(IGNORED), *map(str, names)], cwd=ROOT, capture_output=True, text=True
)
report(result.stdout.splitlines())
