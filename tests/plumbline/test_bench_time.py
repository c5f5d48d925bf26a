"""The benchmark of times at a tiny size, and the simulation that it measures against."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from plumbline.bench_time import CASES, WANTED_P99_MS, WANTED_WITHIN, measure_time
from plumbline.timed_sensors import U32, Delays, LinkModel, notifications, unwrap

MS = 1_000_000
S = 1_000_000_000


def test_every_kind_of_sensor_and_every_trouble_is_measured() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {name.split(",")[0] for name in names} == {
        "native",
        "DOT",
        "Movesense",
        "WitMotion",
        "Thingy:52",
    }
    for case in CASES:
        assert abs(case.drift_ppm) >= (20_000 if not case.clock_unit_us else 100)


def test_figures_are_over_all_seeds() -> None:
    cases = tuple(case for case in CASES if case.name in ("native", "DOT"))
    figures = measure_time(seconds=65.0, seeds=(1, 2), cases=cases)
    assert figures["wanted"] == {"error p99 ms": WANTED_P99_MS, "within the bound": WANTED_WITHIN}
    for case in cases:
        assert figures[case.name]["batches"] > 20
        assert figures[case.name]["error p50 ms"] <= figures[case.name]["error p99 ms"]


def test_a_link_delays_by_its_floor_at_least_and_keeps_the_order() -> None:
    delays = Delays(LinkModel(3.0, 20.0, 30.0, 1.0), Random(5), 0)
    sent = range(0, 60 * S, 7 * MS)
    arrivals = [delays.arrival_ns(at_ns) for at_ns in sent]
    assert all(late >= at_ns + 3 * MS for at_ns, late in zip(sent, arrivals, strict=True))
    assert arrivals == sorted(arrivals)
    stalled = [late - at_ns > 25 * MS for at_ns, late in zip(sent, arrivals, strict=True)]
    assert 0.02 < sum(stalled) / len(stalled) < 0.6


@pytest.mark.parametrize("unit_us", [1, 1000])
def test_the_simulated_clock_wraps_and_is_unwrapped(unit_us: int) -> None:
    before_us = (U32 - 5) * unit_us
    assert unwrap(before_us, 3, unit_us) == (U32 + 3) * unit_us
    assert unwrap(before_us, U32 - 2, unit_us) == (U32 - 2) * unit_us
    wrapping = replace(CASES[6], seconds=120.0, clock_unit_us=unit_us, a_packet=1)
    wrapping = replace(wrapping, first_device_us=(U32 - 1) * unit_us)
    times = [one.device_us or 0 for _, one, _ in notifications(wrapping, Random(1))]
    assert times == sorted(times)
    assert times[-1] > U32 * unit_us
