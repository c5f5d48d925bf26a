"""Snapshots: small, bounded, versioned and total to read."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core import snapshots
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import ContextMark
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.imu import ImuSamples
from contracts.vocabulary import Activity, ActivitySource, Placement
from tests.analytics.core.bodies import START_NS, Hold, focus_table, plan, samples_of

T4, L5 = Placement.T4, Placement.L5
CONFIG = PipelineConfig(
    placements=(T4, L5), calibrations=(plan((2, 12), None),), focus_table=focus_table()
)


def fed(seconds: int, repeats: int = 1) -> Pipeline:
    """A pipeline after some time, the same minutes over and over, with a half second waiting."""
    pipeline = Pipeline(CONFIG)
    piece = {p: samples_of([Hold(seconds // 2), Hold(seconds // 2, 25, -3)], p) for p in (T4, L5)}
    for repeat in range(repeats):
        for p, s in piece.items():
            shifted = s.utc_ns + repeat * seconds * 10**9
            pipeline.update(p, ImuSamples(shifted, s.si, s.rate_hz))
    end_ns = START_NS + repeats * seconds * 10**9
    for p, s in piece.items():
        half = s.utc_ns[:25] - START_NS + end_ns
        pipeline.update(p, ImuSamples(half, s.si[:25], s.rate_hz))
    return pipeline


def test_a_days_snapshot_is_no_larger_than_a_minutes() -> None:
    minute, day = len(fed(60).snapshot()), len(fed(480, repeats=180).snapshot())
    assert day < minute + 200
    assert day < 10_000


def test_restored_and_snapshotted_again_it_is_the_same_bytes() -> None:
    pipeline = fed(60)
    pipeline.mark(
        ContextMark(
            activity=Activity.TYPING, source=ActivitySource.AGENT, start_ns=START_NS + 10**12
        )
    )
    data = pipeline.snapshot()
    assert Pipeline.restore(data, CONFIG).snapshot() == data


def test_a_placement_more_or_less_since_goes_on() -> None:
    data = fed(60).snapshot()
    more = PipelineConfig(placements=(T4, L5, Placement.C7), calibrations=CONFIG.calibrations)
    fewer = PipelineConfig(placements=(T4,), calibrations=CONFIG.calibrations)
    assert Pipeline.restore(data, more).counters[Placement.C7].samples_in == 0
    restored = Pipeline.restore(data, fewer)
    later = samples_of([Hold(5)], T4, start_ns=START_NS + 61 * 10**9)
    output = restored.update(T4, later)
    assert len(output.frames) == 6
    assert not np.isnan(output.frames.thorax_flexion_deg).any()


def test_another_version_is_named() -> None:
    whole = msgspec.msgpack.decode(fed(10).snapshot())
    whole["version"] = 99
    with pytest.raises(DecodeError) as refused:
        Pipeline.restore(msgspec.msgpack.encode(whole), CONFIG)
    assert refused.value.reason is Reason.BAD_VERSION


def test_a_snapshot_of_the_version_before_is_read_and_goes_on() -> None:
    whole = msgspec.msgpack.decode(fed(60).snapshot())
    whole["version"] = 2
    for later in ("kept_run_s", "given_s", "sequels"):
        del whole["state"]["nudges"][later]
    restored = Pipeline.restore(msgspec.msgpack.encode(whole), CONFIG)
    assert restored.snapshot() == fed(60).snapshot()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        Pipeline.restore(data, CONFIG)


@given(st.integers(0, 5000), st.integers(1, 255))
def test_a_damaged_snapshot_is_read_or_refused(at: int, flip: int) -> None:
    damaged = bytearray(SNAPSHOT)
    damaged[at % len(damaged)] ^= flip
    with suppress(DecodeError):
        assert Pipeline.restore(bytes(damaged), CONFIG).config is CONFIG


SNAPSHOT = fed(20).snapshot()


@pytest.mark.parametrize(
    "stage", ["_joiner", "_activities", "_episodes", "_nudges", "_rollups", "_calibrations"]
)
def test_every_stage_resumes_from_plain_values(stage: str) -> None:
    state = getattr(fed(60), stage).state()
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    fresh = getattr(Pipeline(CONFIG), stage)
    fresh.load(plain, CONFIG.placements) if stage == "_calibrations" else fresh.load(plain)
    assert msgspec.msgpack.encode(fresh.state()) == msgspec.msgpack.encode(state)


def test_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOT_BYTES", 1000)
    with pytest.raises(InvariantError, match="too long"):
        fed(10).snapshot()
    with pytest.raises(DecodeError) as refused:
        Pipeline.restore(b"x" * 1001, CONFIG)
    assert refused.value.reason is Reason.TOO_LONG
