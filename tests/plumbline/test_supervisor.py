"""Children: started again when they die, given up when they keep dying, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DiskError, PlumblineError, Reason
from plumbline.supervisor import (
    MAX_BACKOFF_S,
    MAX_RESTARTS,
    RESTART_WINDOW_S,
    ChildSpec,
    RestartPolicy,
    Supervisor,
    log_tail,
)

REPORTING = """
import os, sys, time, json, pathlib
path = pathlib.Path(sys.argv[1])
path.write_text(json.dumps({"pid": os.getpid()}))
from plumbline.lifeline import hold_to_parent
hold_to_parent()
time.sleep(600)
"""
FAILING = "import sys; print('no such thing', file=sys.stderr); sys.exit(int(sys.argv[2]))"


def wait_until(condition: Callable[[], object], what: str, limit_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, f"timed out waiting for {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def spec(folder: Path, code: str = REPORTING, *more: str, name: str = "child") -> ChildSpec:
    stats = folder / f"{name}.json"
    command = (sys.executable, "-c", code, str(stats), *more)
    return ChildSpec(name, command, folder / f"{name}.log", stats)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=40).map(sorted))
def test_the_policy_never_waits_longer_than_its_cap(deaths_s: list[float]) -> None:
    policy = RestartPolicy()
    for index, death_s in enumerate(deaths_s):
        restart_s = policy.died(death_s)
        recent = sum(1 for d in deaths_s[: index + 1] if death_s - d < RESTART_WINDOW_S)
        assert (restart_s is None) == (recent > MAX_RESTARTS)
        if restart_s is not None:
            assert death_s < restart_s <= death_s + MAX_BACKOFF_S


def test_the_first_restart_comes_at_once_and_later_ones_wait() -> None:
    policy = RestartPolicy()
    waits_s = [policy.died(now_s) for now_s in (0.0, 0.0, 0.0, 0.0, 0.0)]
    assert waits_s == [0.1, 0.4, pytest.approx(1.6), 5.0, 5.0]
    assert policy.died(0.0) is None
    assert policy.died(RESTART_WINDOW_S * 3) is not None


@pytest.mark.parametrize(("limit", "window_s"), [(0, 1.0), (1, 0.0)])
def test_a_policy_checks_its_parameters(limit: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="restarts"):
        RestartPolicy(limit, window_s)


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    changes: list[int] = []
    supervisor = Supervisor(lambda: changes.append(1))
    try:
        supervisor.start(spec(tmp_path))
        supervisor.wait_ready("child", cancelled=lambda: False)
        first = supervisor.pids()["child"]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not alive(first), "the child's death")

        def restarted() -> bool:
            supervisor.poll(time.monotonic())
            return supervisor.restarts()["child"] == 1

        wait_until(restarted, "the restart")
        supervisor.wait_ready("child", cancelled=lambda: False)
        second = supervisor.pids()["child"]
        assert second != first
        assert alive(second)
        assert len(changes) == 2
    finally:
        supervisor.close()
    assert not alive(second)


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    supervisor = Supervisor()
    try:
        supervisor.start(spec(tmp_path, FAILING, "71"))
        with pytest.raises(PlumblineError, match="status 71: no such thing") as caught:
            supervisor.wait_ready("child", cancelled=lambda: False)
    finally:
        supervisor.close()
    assert caught.value.reason is Reason.CHILD_DIED
    assert caught.value.exit_status == 71


def test_a_child_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    supervisor = Supervisor()
    now_s = 0.0
    try:
        supervisor.start(spec(tmp_path, FAILING, "1"))

        def dies_again() -> bool:
            nonlocal now_s
            now_s += 0.5  # a clock of our own: death after death within the window
            supervisor.poll(now_s)
            return False

        with pytest.raises(PlumblineError, match="no such thing"):
            wait_until(dies_again, "giving up")
        assert supervisor.restarts()["child"] == MAX_RESTARTS
    finally:
        supervisor.close()


def test_a_user_error_is_not_tried_again(tmp_path: Path) -> None:
    supervisor = Supervisor()
    try:
        supervisor.start(spec(tmp_path, FAILING, "64"))
        with pytest.raises(PlumblineError, match="status 64"):
            wait_until(lambda: supervisor.poll(0.0), "the death to be seen")
        assert supervisor.restarts()["child"] == 0
    finally:
        supervisor.close()


def test_waiting_for_a_child_can_be_cancelled(tmp_path: Path) -> None:
    supervisor = Supervisor()
    try:
        supervisor.start(spec(tmp_path, "import time; time.sleep(600)"))
        supervisor.wait_ready("child", cancelled=lambda: True)
    finally:
        supervisor.close()


def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent_code = f"""
import sys, time, pathlib
sys.path.insert(0, {str(Path.cwd())!r})
from plumbline.supervisor import ChildSpec, Supervisor
folder = pathlib.Path(sys.argv[1])
supervisor = Supervisor()
supervisor.start(ChildSpec("child", (sys.executable, "-c", {REPORTING!r}, str(folder / "child.json")),
    folder / "child.log", folder / "child.json"))
supervisor.wait_ready("child", cancelled=lambda: False)
(folder / "pid").write_text(str(supervisor.pids()["child"]))
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", parent_code, str(tmp_path)]) as parent:
        try:
            pid_file = tmp_path / "pid"
            wait_until(lambda: pid_file.is_file() and pid_file.read_text(), "the child's start")
            child = int(pid_file.read_text())
            assert alive(child)
        finally:
            parent.kill()
    wait_until(lambda: not alive(child), "the child to follow its parent")


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    supervisor = Supervisor()
    child = spec(tmp_path)
    (tmp_path / "child.log").mkdir()
    try:
        with pytest.raises(DiskError, match=r"child\.log"):
            supervisor.start(child)
    finally:
        supervisor.close()


def test_the_tail_of_a_log_is_its_last_line_that_says_something(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    assert log_tail(path) == ""
    path.write_text("first\n" * 2000 + "last\n\n  \n", encoding="utf-8")
    assert log_tail(path) == "last"
