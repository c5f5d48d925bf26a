"""Benchmark: many sensors at once, the gateway against a bare bleak loop that only counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contracts.vocabulary import Placement
from plumbline.bench_air import RATE_HZ, serial_numbers
from plumbline.bench_site import SITE, BenchSite, used, wait_until
from plumbline.fleet import now_ns
from plumbline.procfs import Usage
from plumbline.stats import read_stats
from store import open_registry
from store.ports import Assignment, Wearer

#: How many sensors, and for which share of the time that is asked for: the largest for all of it.
RUNS: Final = ((1, 0.2), (10, 0.2), (30, 1.0))
USUAL_S: Final = 600.0
LIMIT: Final = 1.5
#: Links are made one after the other; what waited in the logs meanwhile has come in after this.
SETTLE_S: Final = 5.0
LEAST_S: Final = 30.0
_LOOK_S: Final = 0.2
Figures = dict[str, Any]


def measure_sensors(folder: Path, seconds: float = USUAL_S) -> Figures:
    """CPU and memory of the gateway with 1, 10 and 30 sensors at 200 Hz, and whether any sample is lost."""
    figures: Figures = {"rate Hz": RATE_HZ}
    for sensors, share in RUNS:
        place = folder / str(sensors)
        place.mkdir()
        figures[f"{sensors} sensors"] = _compared(place, sensors, max(LEAST_S, share * seconds))
    return figures


def _compared(folder: Path, sensors: int, seconds: float) -> Figures:
    bare = _measured(folder / "bare", sensors, seconds, _start_bare)
    ours = _measured(folder / "gateway", sensors, seconds, _start_gateway)
    return {
        "seconds": seconds,
        "gateway": ours,
        "bare loop": bare,
        "CPU against bare": ours["CPU %"] / bare["CPU %"],
        "wanted at most": LIMIT,
    }


def _measured(
    folder: Path, sensors: int, seconds: float, start: Callable[[BenchSite, str, int], int]
) -> Figures:
    """A process that reads ``sensors`` for ``seconds``; then the sensors stop, and all must be there."""
    folder.mkdir()
    with BenchSite(folder) as site:
        _enrol(folder, sensors)
        site.start_analytics(folder)
        site.start("air", ("plumbline.bench_air", str(sensors), str(seconds)))
        address = str(read_stats(site.stats("air"))["listen"])
        pid = start(site, address, sensors)
        reader = site.stats("reader")
        wait_until(lambda: _received(reader)[1] == sensors, "every sensor is read", _LOOK_S)
        time.sleep(SETTLE_S)
        before, began_s = used(pid), time.monotonic()
        time.sleep(seconds - 2 * SETTLE_S)
        after, took_s = used(pid), time.monotonic() - began_s
        wait_until(lambda: _ended(site.stats("air")), "the sensors have stopped", _LOOK_S)
        recorded = _recorded(site.stats("air"))
        wait_until(lambda: _received(reader)[0] >= recorded, "every sample is there", _LOOK_S)
        return _figures(before, after, took_s) | {
            "samples": recorded,
            "lost": recorded - _received(reader)[0],
        }


def _figures(before: Usage, after: Usage, seconds: float) -> Figures:
    return {
        "CPU %": 100.0 * (after.cpu_s - before.cpu_s) / seconds,
        "MB at the start": before.now_mb,
        "MB at the end": after.now_mb,
    }


def _start_bare(site: BenchSite, address: str, sensors: int) -> int:
    return site.start("reader", ("plumbline.bench_bare", address, str(sensors)))


def _start_gateway(site: BenchSite, address: str, sensors: int) -> int:
    settings = {
        "--radio": address,
        "--max-links": sensors,
        "--data-dir": site.folder,
        "--site": SITE,
        "--broker-port": site.port,
    }
    arguments = [str(word) for pair in settings.items() for word in pair]
    return site.start("reader", ("plumbline", "gateway", *arguments))


def _enrol(folder: Path, sensors: int) -> None:
    """A wearer for every two sensors, so that analytics takes what they say."""
    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    try:
        for number, serial in enumerate(serial_numbers(sensors)):
            wearer = f"wearer-{number // 2}"
            registry.put_wearer(Wearer(wearer, wearer, simulated=True))
            place = (Placement.T4, Placement.L5)[number % 2]
            registry.assign(Assignment(serial, wearer, place, now_ns()))
    finally:
        registry.close()


def _received(stats: Path) -> tuple[int, int]:
    """Samples received, and of how many sensors there are any."""
    counts = [s["received"] for s in read_stats(stats).get("sensors", {}).values()]
    return sum(counts), sum(count > 0 for count in counts)


def _recorded(stats: Path) -> int:
    return sum(s["recorded"] for s in read_stats(stats)["sensors"].values())


def _ended(stats: Path) -> bool:
    return all(s["ended"] for s in read_stats(stats)["sensors"].values())
