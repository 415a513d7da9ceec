"""The program on the command line, as an administrator meets it. Nothing here needs a server."""

import os
import pathlib
import re
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("BEFFROI_BINARY", str(ROOT / "build" / "beffroi"))

DONE, FAILED, BAD_USAGE, BAD_CONFIG = range(4)


def beffroi(*arguments, directory=None, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BEFFROI_")}
    return subprocess.run(
        [BINARY, *arguments],
        cwd=directory,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def all_commands():
    overview = beffroi("--help").stdout
    return re.findall(r"^  ([a-z-]+(?: [a-z-]+)?)  +\S", overview.split("`beffroi COMMAND")[0], re.MULTILINE)


@pytest.fixture
def configured(tmp_path):
    """A folder with a configuration that keeps its data beside it."""
    made = beffroi("generate-config", "--server-name", "example.org", "--set", "data_directory=data")
    assert made.returncode == DONE
    (tmp_path / "beffroi.yaml").write_text(made.stdout)
    return tmp_path


def test_help_names_commands_files_environment_and_exit_status():
    result = beffroi("--help")
    assert result.returncode == DONE
    for word in ["serve", "user create", "BEFFROI_CONFIG", "/etc/beffroi/beffroi.yaml", "Exit status"]:
        assert word in result.stdout


def test_every_command_explains_itself():
    commands = all_commands()
    assert len(commands) >= 8
    for command in commands:
        result = beffroi(*command.split(), "--help")
        assert result.returncode == DONE, command
        assert result.stdout.startswith(f"beffroi {command}: ")
        assert f"Usage: beffroi {command}" in result.stdout
        assert beffroi("help", *command.split()).stdout == result.stdout


def test_help_fits_on_a_narrow_screen():
    for arguments in [[], *(command.split() for command in all_commands())]:
        for line in beffroi(*arguments, "--help").stdout.splitlines():
            assert len(line) <= 90, line


def test_version_names_the_program_and_the_specification():
    result = beffroi("--version")
    assert result.returncode == DONE
    assert re.match(r"beffroi \d+\.\d+\.\d+\nMatrix v1\.\d+, room versions 1 to 12", result.stdout)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["sevre"], "Did you mean `beffroi serve`?"),
        (["user", "craet", "anna"], "Did you mean `beffroi user create`?"),
        (["banana"], "`beffroi --help` lists all"),
        (["check-config", "--confg", "x"], "Did you mean --config?"),
        (["check-config", "--config"], "--config needs a value"),
        (["check-config", "--banana"], "beffroi check-config --help"),
        (["check-config", "a", "b"], '"b" is one argument too many'),
        (["user", "create"], "NAME is missing"),
    ],
)
def test_a_mistyped_command_line_is_explained(arguments, message):
    result = beffroi(*arguments)
    assert result.returncode == BAD_USAGE
    assert message in result.stderr
    assert result.stdout == ""


def test_without_a_command_the_overview_is_shown():
    result = beffroi()
    assert result.returncode == BAD_USAGE
    assert "Usage: beffroi COMMAND" in result.stdout


def test_a_generated_configuration_has_no_mistakes(configured):
    result = beffroi("check-config", directory=configured)
    assert (result.returncode, result.stderr) == (DONE, "")
    assert result.stdout == "beffroi.yaml: no mistakes found.\n"


def test_check_config_names_file_line_and_key(tmp_path):
    (tmp_path / "wrong.yaml").write_text("domains:\n  - name: example.org\nlog:\n  level: noisy\nlogg: {}\n")
    result = beffroi("check-config", "wrong.yaml", directory=tmp_path)
    assert result.returncode == BAD_CONFIG
    assert 'wrong.yaml, line 4: log.level: "noisy" is not one of' in result.stderr
    assert 'wrong.yaml, line 5: logg: there is no such setting. Did you mean "log"?' in result.stderr


def test_the_environment_overrides_the_file(configured):
    result = beffroi("check-config", directory=configured, BEFFROI__log__level="noisy")
    assert result.returncode == BAD_CONFIG
    assert "environment variable BEFFROI__log__level" in result.stderr
    shown = beffroi("generate-config", "--config", "beffroi.yaml", directory=configured, BEFFROI__log__level="debug")
    assert "\n  level: debug\n" in shown.stdout


def test_a_configuration_is_found_by_option_variable_and_folder(configured, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = str(configured / "beffroi.yaml")
    assert beffroi("check-config", directory=elsewhere).returncode == BAD_CONFIG
    assert beffroi("check-config", "--config", path, directory=elsewhere).returncode == DONE
    assert beffroi("check-config", directory=elsewhere, BEFFROI_CONFIG=path).returncode == DONE


def test_generate_key_makes_a_private_file_and_never_overwrites_it(configured):
    first = beffroi("generate-key", directory=configured)
    assert first.returncode == DONE
    key = configured / "data" / "signing-example.org.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    text = key.read_text()
    assert re.fullmatch(r"ed25519 a_\w+ [A-Za-z0-9+/]{43}\n", text)
    assert "stays as it is" in beffroi("generate-key", directory=configured).stdout
    assert beffroi("generate-key", str(key), directory=configured).returncode == FAILED
    assert key.read_text() == text
    assert text.split()[2] not in first.stdout + first.stderr


def test_check_config_can_look_at_the_keys_too(configured):
    result = beffroi("check-config", "--keys", directory=configured)
    assert result.returncode == BAD_CONFIG
    assert "beffroi generate-key" in result.stderr
    beffroi("generate-key", directory=configured)
    assert beffroi("check-config", "--keys", directory=configured).returncode == DONE


def test_a_full_disk_is_no_success():
    with open("/dev/full", "w") as full:
        result = subprocess.run([BINARY, "generate-config"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == FAILED
    assert "could not be written" in result.stderr
