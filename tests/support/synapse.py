"""Synapse, the reference homeserver: tests that pass against it are known to be right.

It runs from a virtual environment with the versions of synapse-requirements.txt, made on first use in
BEFFROI_TEST_CACHE (default: build-test/cache). Run as a program it serves until Ctrl-C:

    /usr/bin/python3 tests/support/synapse.py
"""

import fcntl
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

from homeserver import ROOT, Homeserver

REQUIREMENTS = pathlib.Path(__file__).with_name("synapse-requirements.txt")


def cache_directory():
    return pathlib.Path(os.environ.get("BEFFROI_TEST_CACHE", ROOT / "build-test" / "cache"))


def virtual_environment(requirements=REQUIREMENTS, name="synapse"):
    """The Python of a virtual environment that has the requirements; made when it is missing or out of date."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    directory = cache_directory() / f"{name}-{digest}"
    ready = directory / "ready"
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Several tests may want it at the same moment: one makes it, the others wait.
    with open(directory.parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            subprocess.run(["/usr/bin/python3", "-m", "venv", directory], check=True)
            pip = [directory / "bin" / "pip", "install", "--quiet", "--requirement", requirements]
            subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
            ready.touch()
    return directory / "bin" / "python"


class Synapse(Homeserver):
    """A Synapse on SQLite with open registration and no rate limits."""

    requirements = REQUIREMENTS

    # What the configuration can switch off only by very high figures.
    UNLIMITED = {"per_second": 1000000, "burst_count": 1000000}

    def rate_limits(self):
        names = ["message", "registration", "admin_redaction", "3pid_validation", "presence", "report"]
        limits = {f"rc_{name}": self.UNLIMITED for name in names}
        limits["rc_registration_token_validity"] = self.UNLIMITED
        limits["rc_login"] = {
            kind: self.UNLIMITED for kind in ("address", "account", "failed_attempts")
        }
        limits["rc_joins"] = {kind: self.UNLIMITED for kind in ("local", "remote")}
        limits["rc_joins_per_room"] = self.UNLIMITED
        limits["rc_invites"] = {
            kind: self.UNLIMITED for kind in ("per_room", "per_user", "per_issuer")
        }
        limits["rc_key_requests"] = self.UNLIMITED
        limits["rc_delayed_event_mgmt"] = self.UNLIMITED
        limits["rc_federation"] = {
            "window_size": 1000, "sleep_limit": 100000, "reject_limit": 100000, "concurrent": 100
        }
        return limits

    def settings(self):
        return {
            "server_name": self.server_name,
            "pid_file": str(self.directory / "synapse.pid"),
            "listeners": [
                {
                    "port": self.port,
                    "type": "http",
                    "tls": False,
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client", "federation"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.directory / "synapse.db")}},
            "media_store_path": str(self.directory / "media"),
            "signing_key_path": str(self.directory / "signing.key"),
            "trusted_key_servers": [],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "report_stats": False,
            "macaroon_secret_key": "tests",
            "form_secret": "tests",
            "bcrypt_rounds": 4,
            "caches": {"global_factor": 2},
            "federation_ip_range_blacklist": [],
            "federation_verify_certificates": False,
            "suppress_key_server_warning": True,
            "log_config": str(self.directory / "log.yaml"),
            "presence": {"enabled": True},
            "experimental_features": {"msc4155_enabled": True},
            **self.rate_limits(),
        }

    def prepare(self):
        self.python = virtual_environment(self.requirements)
        (self.directory / "homeserver.yaml").write_text(json.dumps(self.settings(), indent=2))
        handlers = {"console": {"class": "logging.StreamHandler"}}
        root = {"level": "WARNING", "handlers": ["console"]}
        access = {"synapse.access": {"level": "INFO"}}
        log = {"version": 1, "handlers": handlers, "root": root, "loggers": access, "disable_existing_loggers": False}
        (self.directory / "log.yaml").write_text(json.dumps(log))
        arguments = ["--config-path", self.directory / "homeserver.yaml", "--generate-keys"]
        subprocess.run(
            [self.python, "-m", "synapse.app.homeserver", *arguments], check=True, capture_output=True
        )
        return self

    def command(self):
        return [
            str(self.python),
            "-m",
            "synapse.app.homeserver",
            "--config-path",
            str(self.directory / "homeserver.yaml"),
        ]


def main():
    server = Synapse().prepare().start()
    print(server.base_url, flush=True)
    try:
        while server.is_running():
            time.sleep(1)
    except KeyboardInterrupt:
        server.stop()
    server.remove()


if __name__ == "__main__":
    sys.exit(main())
