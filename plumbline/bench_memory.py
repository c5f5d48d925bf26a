"""Benchmark: what a live wearer costs analytics, in memory and in processor time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from plumbline.bench_crowd import Crowd
from plumbline.bench_site import SITE, BenchSite, Publisher, own_data, used, wait_until
from plumbline.fleet import KIT, now_ns, whole_second_before
from store import open_series

WEARERS: Final = 200
#: Half of it to settle: a calibration is taken, buffers have their size.
SECONDS: Final = 90
TARGET_KB: Final = 50.0
ASK_S: Final = 0.01
_MARGIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Live:
    memory_mb: float
    cpu_ms_a_second: float


def measure_memory(folder: Path, wearers: int = WEARERS, seconds: int = SECONDS) -> dict[str, Any]:
    """Resident memory of the analytics process with one live wearer and with many.

    Live: each second's messages, one a sensor, come when the second before is in the store.
    """
    with BenchSite(folder) as site:
        alone = _live(site, 1, seconds)
        many = _live(site, wearers, seconds)
        broker = site.broker_name
    each_kb = (many.memory_mb - alone.memory_mb) * 1024 / (wearers - 1)
    return {
        "wearers": wearers,
        "seconds": seconds,
        "broker": broker,
        "analytics MB": {"with 1 wearer": alone.memory_mb, f"with {wearers}": many.memory_mb},
        "analytics CPU ms a second": {
            "with 1 wearer": alone.cpu_ms_a_second,
            f"with {wearers}": many.cpu_ms_a_second,
        },
        "CPU ms a wearer-second": many.cpu_ms_a_second / wearers,
        "kB a live wearer": {"more": each_kb, "wanted at most": TARGET_KB},
    }


def _live(site: BenchSite, wearers: int, seconds: int) -> _Live:
    crowd = Crowd(wearers, seconds, whole_second_before(now_ns(), seconds + _MARGIN_S), SITE)
    data = site.folder / f"data-{wearers}"
    data.mkdir()
    settings = own_data(data)
    crowd.enrol(settings.people_url)
    pid = site.start_analytics(data)
    publisher = Publisher(site.port)
    store = open_series(settings.series_url, read_only=True)
    settled = seconds // 2
    before = used(pid)
    try:
        for second, messages in enumerate(crowd.by_second()):
            if second == settled:
                before = used(pid)
            publisher.publish(messages)
            wait_until(
                lambda seq=second + 1: (  # type: ignore[misc]
                    sum(row.stored_seq == seq for row in store.health()) == wearers * len(KIT)
                ),
                f"second {second} is stored",
                ASK_S,
            )
        after = used(pid)
    finally:
        publisher.close()
        store.close()
        site.stop("analytics")
    return _Live(after.now_mb, (after.cpu_s - before.cpu_s) * 1e3 / (seconds - settled))
