"""What analytics would write of a crowd: commits of a minute each, of a simulated client's day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import NOTHING
from analytics.desk import SNAPSHOT_VERSION, DeskSnapshot
from analytics.service import load_focus_table
from contracts.records import SensorHealth
from contracts.units import NS_PER_S
from plumbline.bench_crowd import (
    GATEWAY,
    OUTBOX,
    RATE_HZ,
    calibration_at,
    person_samples,
    sensor_of,
)
from plumbline.fleet import KIT
from store.ports import Commit, StreamKey, WearerRows

MINUTE_S: Final = 60
START_NS: Final = 1_700_000_040 * NS_PER_S  # the start of a minute


def minutes_of_rows(minutes: int) -> list[WearerRows]:
    """The rows of one person's first ``minutes``, minute by minute, with the snapshot after each."""
    worn = person_samples(0, minutes * MINUTE_S, START_NS)
    pipeline = Pipeline(
        PipelineConfig(
            KIT, calibrations=(calibration_at(START_NS),), focus_table=load_focus_table()
        )
    )
    a_minute = round(MINUTE_S * RATE_HZ)
    found = []
    for minute in range(minutes):
        output = NOTHING
        for place, samples in worn.items():
            part = samples.slice(minute * a_minute, (minute + 1) * a_minute)
            output += pipeline.update(place, part)
        if minute == minutes - 1:
            output += pipeline.finish()
        snapshot = DeskSnapshot(SNAPSHOT_VERSION, {}, pipeline.snapshot())
        found.append(
            WearerRows(
                "",
                frames=output.frames,
                episodes=output.episodes,
                minutes=output.minutes,
                days=output.days,
                snapshot=msgspec.msgpack.encode(snapshot),
            )
        )
    return found


def commits_of(rows: Sequence[WearerRows], wearers: int) -> Iterator[Commit]:
    """A commit a minute, of ``wearers`` who all move as the one whose rows these are."""
    names = [f"wearer-{number:03d}" for number in range(wearers)]
    for minute, own in enumerate(rows):
        seq = (minute + 1) * MINUTE_S
        keys = [
            StreamKey(GATEWAY, sensor_of(name, place), OUTBOX) for name in names for place in KIT
        ]
        yield Commit(
            [replace(own, wearer=name) for name in names],
            dict.fromkeys(keys, seq),
            [_health(key, seq) for key in keys],
        )


def _health(key: StreamKey, seq: int) -> SensorHealth:
    return SensorHealth(
        gateway=key.gateway,
        sensor=key.sensor,
        at_ns=START_NS + seq * NS_PER_S,
        state="live",
        battery_percent=90,
        received=seq * round(RATE_HZ),
        stored_seq=seq,
        stored_samples=seq * round(RATE_HZ),
        last_sample_ns=START_NS + seq * NS_PER_S,
    )
