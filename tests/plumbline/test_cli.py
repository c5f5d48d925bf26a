"""The command line: help everywhere, clear words and exit statuses, no traceback for a user."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import InvariantError, Reason, StoreError
from plumbline import cli
from plumbline.settings_page import rows

COMMANDS = (
    *("demo", "sim", "gateway", "analytics", "dashboard"),
    *(
        "account",
        "broker",
        "analyze",
        "validate",
        "fit",
        "bench",
        "doctor",
        "erase",
        "export",
        "forget",
        "health",
        "init",
        "pair",
        "receipt",
        "record",
        "replay",
        "scan",
        "settings",
    ),
)


def plumbline(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command run as a user would run it."""
    environment = {name: value for name, value in os.environ.items() if "PLUMBLINE" not in name}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent.parent)
    return subprocess.run(
        [sys.executable, "-m", "plumbline", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=environment,
    )


def refused(status: int, *arguments: str, cwd: Path | None = None) -> str:
    """What a command said when it refused, which must be without a traceback."""
    done = plumbline(*arguments, cwd=cwd)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("plumbline: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([command, "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    said = capsys.readouterr().out
    assert all(command in said for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["sim", "--nope"], ["sim", "--seed", "x"], ["demo", "--hours", "99"], ["analyze"]],
)
def test_a_wrong_command_line_is_the_users_fault(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 64
    assert capsys.readouterr().err.startswith("plumbline: ")


def test_an_error_of_ours_ends_with_its_own_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError(Reason.STORE_UNREACHABLE, "It is away.", hint="Wait.")

    monkeypatch.setattr(cli, "app", refuse)
    assert cli.run(["demo"]) == 74
    assert capsys.readouterr().err == "plumbline: It is away.\n  Wait.\n"


@pytest.mark.parametrize(("debug", "traced"), [(False, False), (True, True)])
def test_an_unexpected_error_shows_its_traceback_only_when_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debug: bool,
    traced: bool,
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(cli, "app", break_down)
    assert cli.run(["demo"], debug=debug) == InvariantError("x").exit_status
    assert ("Traceback" in capsys.readouterr().err) is traced


def test_settings_are_printed_for_people_and_programs(tmp_path: Path) -> None:
    (tmp_path / "plumbline.toml").write_text('site = "clinic-7"\n', encoding="utf-8")
    found = json.loads(plumbline("settings", "--json", cwd=tmp_path).stdout)
    assert found["site"] == "clinic-7"
    assert set(found) == {row.name for row in rows()}
    assert "clinic-7" in plumbline("settings", cwd=tmp_path).stdout


def test_the_doctor_says_how_to_mend_what_is_missing(tmp_path: Path) -> None:
    done = plumbline(
        *("doctor", "--json", "--radio", "tcp:127.0.0.1:9", "--broker-port", "9"), cwd=tmp_path
    )
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 71
    assert findings["python"]["ok"]
    assert findings["store"]["ok"]
    assert not any(tmp_path.iterdir())
    for what in ("bluetooth", "broker"):
        assert not findings[what]["ok"]
        assert findings[what]["mend"]


def test_no_recording(tmp_path: Path) -> None:
    for command in (("demo", "--headless", "--recording"), ("analyze",), ("sim", "--recording")):
        said = refused(64, *command, str(tmp_path), cwd=tmp_path)
        assert "is not a recording" in said
        assert "recording.json" in said
    assert not any(tmp_path.iterdir())


def test_the_dashboards_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in ("demo", "dashboard"):
            said = refused(71, command, "--dashboard-port", port, cwd=tmp_path)
            assert f"Port {port}" in said
            assert "--dashboard-port" in said


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    said = refused(71, "demo", "--headless", "--data", str(tmp_path / "data"))
    assert "--data" in said


def test_a_kept_recording_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "recording.json").write_text("{}", encoding="utf-8")
    said = refused(64, "demo", "--headless", "--keep", str(tmp_path), cwd=tmp_path)
    assert "already holds a recording" in said


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another demo" in refused(64, "demo", "--headless", "--data", str(tmp_path))


def test_a_flag_given_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--recording", "a", "--headless", "--recording=b"]) == 64
    assert "--recording is given twice" in capsys.readouterr().err


def test_a_wrong_flag_names_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["analyze"])
    assert "`plumbline analyze --help`" in capsys.readouterr().err


def test_a_variable_that_is_no_setting_is_said(tmp_path: Path) -> None:
    environment = os.environ | {"PLUMBLINE_BROKR_PORT": "1", "PLUMBLINE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "plumbline", "settings", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "PLUMBLINE_BROKR_PORT is no setting" in done.stderr
    assert "Did you mean PLUMBLINE_BROKER_PORT?" in done.stderr
    assert "PLUMBLINE_DATA " not in done.stderr


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    for command in ("gateway", "analytics"):
        said = refused(64, command, "--broker-tls-ca", "absent.pem", cwd=tmp_path)
        assert "absent.pem" in said
        assert "--broker-tls-ca" in said


def test_an_address_that_no_store_has(tmp_path: Path) -> None:
    refused(64, "dashboard", "--store-url", "cassette:1", cwd=tmp_path)
