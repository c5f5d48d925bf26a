"""What other processes do to a store while a test looks on. Light to import: each starts anew."""

from __future__ import annotations

import os
import resource
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier, Event
from typing import Final

import numpy as np

from contracts.errors import DiskError
from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from store import open_registry, open_series
from store.ports import Commit, StreamKey, Wearer, WearerRows

EVER: Final = (0, 2**63 - 1)
FIRST_S: Final = 1_577_836_800
SNAPSHOT_REPEATS: Final = 3000
KEY: Final = StreamKey("gw", "s1", "box")


def frames_from(start_s: int, count: int, *, samples: int = 100) -> FrameBlock:
    """Plain frames of ``count`` seconds."""
    whole = np.full(count, 1, np.uint8)
    angle_deg = np.round(np.sin(np.arange(count) / 60) * 20, 2)
    empty = np.full(count, np.nan)
    return FrameBlock(
        start_ns=(start_s + np.arange(count, dtype=np.int64)) * NS_PER_S,
        posture=whole,
        activity=whole,
        activity_source=whole,
        confidence=np.full(count, 0.87),
        quality=np.zeros(count, np.uint8),
        samples=np.full(count, samples, np.int32),
        missing=np.zeros(count, np.uint8),
        suspect=np.zeros(count, np.uint8),
        thorax_flexion_deg=angle_deg,
        pelvis_flexion_deg=np.round(angle_deg / 3, 2),
        trunk_flexion_deg=np.round(angle_deg - np.round(angle_deg / 3, 2), 2),
        lateral_deg=np.round(angle_deg / 7, 2),
        head_flexion_deg=empty,
        lower_thoracic_deg=empty,
    )


def commit_for_ever(url: str, started: Event) -> None:
    """Commit until killed; each commit's number is its cursor and its snapshot."""
    store = open_series(url)
    for number in range(1_000_000):
        store.commit(numbered(number))
        started.set()


def numbered(number: int) -> Commit:
    """One of a row of commits."""
    frames = frames_from(FIRST_S + number * 40, 40)
    rows = [WearerRows("a", frames, snapshot=snapshot(number)), WearerRows("b", frames)]
    return Commit(rows, {KEY: number + 1})


def snapshot(number: int) -> bytes:
    """The snapshot of that commit."""
    return str(number).encode() * SNAPSHOT_REPEATS


def claim_for_ever(url: str, claimed: Event) -> None:
    """Claim the store and hold on to it until killed."""
    store = open_series(url)
    store.claim()
    claimed.set()
    time.sleep(600)


def write_on_a_full_disk(url: str, answer: Connection) -> None:
    """Commit until the file may not grow, then with room again; answers what was seen."""
    store = open_series(url)
    store.commit(Commit([WearerRows("w", frames_from(FIRST_S, 100))], {KEY: 1}))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        store.commit(Commit([WearerRows("w", frames_from(FIRST_S, 50_000))], {KEY: 2}))
    except DiskError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        left = len(store.frames("w", *EVER)), store.checkpoint().cursors[KEY]
        store.commit(Commit([WearerRows("w", frames_from(FIRST_S, 5_000))]))
        answer.send((error.reason, error.fault, left, len(store.frames("w", *EVER))))
    store.close()


def open_series_at_once(url: str, gate: Barrier) -> None:
    """Open with the others and write."""
    gate.wait(60)
    store = open_series(url)
    store.commit(Commit([WearerRows(str(os.getpid()), frames_from(FIRST_S, 3))]))
    store.close()


def open_registry_at_once(url: str, gate: Barrier, name: str) -> None:
    """Open with the others and write."""
    gate.wait(60)
    registry = open_registry(url)
    registry.put_wearer(Wearer(name, name))
    registry.close()
