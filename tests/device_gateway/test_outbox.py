from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DiskError, InvariantError, Reason
from contracts.gatt import Position
from contracts.messages import MAX_BATCH_SAMPLES, ImuMessage
from device_gateway.batches import Append, SensorState
from device_gateway.outbox import Outbox
from tests.device_gateway.samples import append, batch

CAP = 2**26
REPOSITORY = Path(__file__).resolve().parents[2]


def opened(path: Path, *, cap_bytes: int = CAP, keep: str | None = None) -> Outbox:
    return Outbox(path / "outbox.db", cap_bytes=cap_bytes, keep=keep)


def read_all(outbox: Outbox, sensor: str = "S", after: int = 0) -> list[ImuMessage]:
    rows = outbox.read(sensor, after, max_bytes=2**30, max_batches=10**6)
    messages = [ImuMessage.decode(payload, now_ns=None) for _, payload in rows]
    assert [seq for seq, _ in rows] == [message.seq for message in messages]
    return messages


def test_batches_get_numbers_without_gaps_from_1(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox, batches=3), append(outbox, sensor="T")])
        outbox.write([append(outbox)])
        messages = read_all(outbox)
        assert [message.seq for message in messages] == [1, 2, 3, 4]
        assert [message.seq for message in read_all(outbox, "T")] == [1]
        assert {message.outbox for message in messages} == {outbox.outbox_id}
        assert [m.t0_ns for m in messages] == [batch(10 * i, 10).t0_ns for i in range(4)]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        made = append(outbox, batches=2)
        outbox.write([made], {})
        outbox.write([], {"S": 1})
        name, state = outbox.outbox_id, outbox.state("S")
    with opened(tmp_path) as outbox:
        assert outbox.outbox_id == name
        assert outbox.state("S") == state
        assert state == SensorState("S", 2, 1, Position(1, 20), False, made.clock, 20, 0)
        assert [message.seq for message in read_all(outbox)] == [2]


def test_two_outboxes_have_different_names(tmp_path: Path) -> None:
    with Outbox(tmp_path / "a", cap_bytes=CAP) as a, Outbox(tmp_path / "b", cap_bytes=CAP) as b:
        assert a.outbox_id != b.outbox_id


def test_what_is_stored_is_forgotten_and_numbers_go_on(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox, batches=3)])
        outbox.write([append(outbox)], {"S": 3})
        assert [message.seq for message in read_all(outbox)] == [4]
        outbox.write([], {"S": 4})
        assert outbox.used_bytes == 0
        assert outbox.write([append(outbox)])["S"].last_seq == 5


@pytest.mark.parametrize("seq", [0, 4, 10**9])
def test_what_cannot_be_stored_is_not_forgotten(tmp_path: Path, seq: int) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox, batches=3)])
        outbox.write([], {"S": seq, "unknown": 7})
        assert len(read_all(outbox)) == 3


def test_reading_is_limited(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox, batches=10, count=100)])
        assert len(outbox.read("S", 2, max_bytes=3000, max_batches=100)) == 2
        assert len(outbox.read("S", 2, max_bytes=1, max_batches=100)) == 1
        assert len(outbox.read("S", 2, max_bytes=10**9, max_batches=3)) == 3
        assert outbox.read("nobody", 0, max_bytes=100, max_batches=10) == []


def test_the_cap_is_noticed_also_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, cap_bytes=30_000) as outbox:
        outbox.write([append(outbox, batches=2, count=1000)])
        assert outbox.fits(5_000)
        assert not outbox.fits(12_000)
        assert not outbox.roomy
    with opened(tmp_path, cap_bytes=30_000) as outbox:
        assert not outbox.fits(12_000)
        outbox.write([], {"S": 1})
        assert outbox.roomy
        outbox.write([], {"S": 2})
        assert outbox.fits(10**9)  # or a large group would never get in


def test_a_second_gateway_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        with pytest.raises(DiskError, match="Another gateway"):
            opened(tmp_path)
        outbox.write([append(outbox)])
    with opened(tmp_path) as outbox:
        assert outbox.state("S").last_seq == 1


def test_an_error_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox)])
        before, used = outbox.state("S"), outbox.used_bytes
        too_long = batch(0, MAX_BATCH_SAMPLES + 1)
        bad = Append("S", [batch(10, 5), too_long], Position(1, 15), False, append(outbox).clock)
        with pytest.raises(InvariantError):
            outbox.write([append(outbox), bad], {"S": 1})
        assert (outbox.state("S"), outbox.used_bytes) == (before, used)
        assert len(read_all(outbox)) == 1


def test_a_sensor_whose_first_commit_failed_does_not_take_anothers_number(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        clock = append(outbox).clock
        too_long = batch(0, MAX_BATCH_SAMPLES + 1)
        with pytest.raises(InvariantError):
            outbox.write([Append("S", [too_long], Position(1, 15), False, clock)])
        outbox.write([append(outbox, sensor="T")])
        outbox.write([append(outbox, batches=2)])
        outbox.write([append(outbox), append(outbox, sensor="T")], {"T": 1})
        assert [message.seq for message in read_all(outbox)] == [1, 2, 3]
        assert [message.seq for message in read_all(outbox, "T")] == [2]


def test_a_full_disk_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox)])
        (pages,) = outbox._db.execute("PRAGMA page_count").fetchone()
        outbox._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        before = outbox.state("S")
        with pytest.raises(DiskError) as raised:
            outbox.write([append(outbox, batches=20, count=3000)])
        assert raised.value.reason is Reason.DISK_FULL
        assert outbox.state("S") == before
        assert len(read_all(outbox)) == 1
        outbox._db.execute("PRAGMA max_page_count = 1000000")
        outbox.write([append(outbox, batches=20, count=3000)])
        assert [message.seq for message in read_all(outbox)] == list(range(1, 22))


def test_a_folder_that_may_not_be_written() -> None:
    with pytest.raises(DiskError) as raised:
        Outbox(Path("/sys/outbox.db"), cap_bytes=CAP)
    assert raised.value.reason is Reason.DISK_READ_ONLY


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be opened"):
        Outbox(tmp_path / "file" / "outbox.db", cap_bytes=CAP)


def test_a_read_only_database_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox._db.execute("PRAGMA query_only = 1")
        with pytest.raises(DiskError) as raised:
            outbox.write([append(outbox)])
        assert raised.value.reason is Reason.DISK_READ_ONLY


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database at all" * 300)
    with pytest.raises(DiskError, match="damaged"):
        opened(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DiskError) as raised:
        opened(tmp_path)
    assert raised.value.reason is Reason.BAD_VERSION


def test_killed_in_the_middle_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    told_seq = 0
    for commits in (3, 11, 20):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.device_gateway.outbox_filler", str(path)],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        )
        assert process.stdout is not None
        for _ in range(commits):
            told_seq, told_samples = map(int, process.stdout.readline().split())
        process.kill()
        process.wait()
        process.stdout.close()
        with Outbox(path, cap_bytes=CAP) as outbox:
            state = outbox.state("S")
            messages = read_all(outbox)
            assert state.last_seq >= told_seq
            assert state.received >= told_samples
            assert [m.seq for m in messages] == list(range(1, state.last_seq + 1))
            values = [v for m in messages for v in m.raw()[:, 0].tolist()]
            assert values == [i % 30_000 for i in range(state.received)]
            assert state.position == Position(1, state.received)


def test_a_recording_outlives_what_is_stored(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.write([append(outbox, batches=2)])
    with opened(tmp_path, keep="a") as outbox:
        outbox.write([append(outbox, batches=3)], {"S": 2})
        outbox.write([], {"S": 5})
        assert [message.seq for message in outbox.kept("S")] == [3, 4, 5]
    with opened(tmp_path, keep="a") as outbox:
        outbox.write([append(outbox)])
        assert [message.seq for message in outbox.kept("S")] == [3, 4, 5, 6]
        assert list(outbox.kept("nobody")) == []
    with opened(tmp_path, keep="b") as outbox:
        outbox.write([append(outbox), append(outbox, sensor="T")])
        assert [message.seq for message in outbox.kept("S")] == [7]
        assert [message.seq for message in outbox.kept("T")] == [1]
        assert [message.seq for message in read_all(outbox, after=5)] == [6, 7]
    with opened(tmp_path) as outbox:
        outbox.write([], {"S": 7, "T": 1})
        assert outbox.used_bytes == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["S", "T"]), st.integers(0, 3), st.integers(0, 40), st.booleans()
        ),
        max_size=30,
    )
)
@settings(max_examples=30)  # each is a file of its own, with its fsyncs
def test_any_history_leaves_exactly_what_is_not_stored(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("outbox")
    outbox = opened(path)
    try:
        for sensor, batches, stored, restart in steps:
            outbox.write(
                [append(outbox, sensor=sensor, batches=batches, count=3)], {sensor: stored}
            )
            if restart:
                outbox.close()
                outbox = opened(path)
            total = 0
            for state in outbox.sensors():
                messages = read_all(outbox, state.sensor)
                wanted = range(state.stored_seq + 1, state.last_seq + 1)
                assert [message.seq for message in messages] == list(wanted)
                assert state.waiting_batches == len(messages)
                total += sum(len(message.encode()) for message in messages)
            assert outbox.used_bytes == total
    finally:
        outbox.close()


@pytest.mark.parametrize("statement", ["CREATE TABLE sensor (x)", "PRAGMA user_version = 1"])
def test_a_database_of_something_else_is_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "o.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(statement)
    with pytest.raises(DiskError, match="something else"):
        Outbox(path, cap_bytes=2**20)
