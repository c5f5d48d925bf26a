"""A disk that is full to the last page is emptied again by what analytics has stored."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import DiskError, Reason
from device_gateway.outbox import Outbox
from device_gateway.reserve import Reserve
from tests.device_gateway.samples import append

DISK_BYTES = 24 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_full_to_the_last_page_empties_itself(small_disk: Path) -> None:
    filler = small_disk / "somebody-else"
    with Outbox(small_disk / "outbox.db", cap_bytes=2**30) as outbox:
        with pytest.raises(DiskError) as raised, filler.open("wb", buffering=0) as file:
            for _ in range(1000):
                outbox.write([append(outbox, batches=20, count=1000)])
                file.write(bytes(1000))
        assert raised.value.reason is Reason.DISK_FULL
        with filler.open("ab", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while file.write(bytes(4096)):
                pass
        state = outbox.state("S")

        with pytest.raises(DiskError):
            outbox.write([append(outbox, batches=20, count=1000)])
        assert outbox.state("S") == state

        changed = outbox.write([], {"S": state.last_seq - 5})
        assert changed["S"].stored_seq == state.last_seq - 5
        for _ in range(3):  # the pages that were freed hold new batches
            outbox.write([append(outbox, batches=10, count=1000)])
        rows = outbox.read("S", 0, max_bytes=2**30, max_batches=10**6)
        first = state.last_seq - 4
        assert [seq for seq, _ in rows] == list(range(first, first + 5 + 30))


def test_the_reserve_is_kept_back_and_taken_again(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "r", size=5000)
    reserve.hold()
    assert reserve.held
    assert reserve.path.stat().st_size == 5000
    reserve.release()
    assert not reserve.held
    assert not reserve.path.exists()


def test_without_room_nothing_is_held_and_nothing_left(small_disk: Path) -> None:
    reserve = Reserve(small_disk / "r", size=2 * DISK_BYTES)
    reserve.hold()
    assert not reserve.held
    assert list(small_disk.iterdir()) == []
