"""A disk with no room at all, a real one: what the gateway says when it starts on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import DiskError, Reason
from device_gateway.outbox import Outbox
from tests.device_gateway.samples import append

SIZE_BYTES = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "none", str(tmp_path)]
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("Mounting a small disk needs root.")
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("This machine lets nobody mount a tmpfs.")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast


def test_a_full_disk_is_called_full_at_the_start_too(small_disk: Path) -> None:
    path = small_disk / "outbox.db"
    with Outbox(path, cap_bytes=2**30) as outbox:
        outbox.write([append(outbox)])
    ballast = fill(small_disk)
    with pytest.raises(DiskError) as refused:
        Outbox(path, cap_bytes=2**30)
    assert refused.value.reason is Reason.DISK_FULL
    ballast.unlink()
    with Outbox(path, cap_bytes=2**30) as outbox:
        assert outbox.state("S").last_seq == 1
