"""Packages of npm for tests, installed once per package-lock.json."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from homeserver import ROOT


def node_project(source):
    """The directory with the scripts of `source` and its packages."""
    cache = pathlib.Path(os.environ.get("BEFFROI_TEST_CACHE", ROOT / "build-test" / "cache"))
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:12]
    directory = cache / f"{source.name}-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    # Several tests may want it at the same moment: one installs, the others wait.
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = directory / "ready"
        if not ready.exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, directory)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=directory, check=True, stdin=subprocess.DEVNULL)
            ready.touch()
        for script in source.glob("*.?js"):
            if not (target := directory / script.name).exists() or target.read_bytes() != script.read_bytes():
                shutil.copy(script, target)
    return directory
