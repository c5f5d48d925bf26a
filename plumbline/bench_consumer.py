"""Benchmark: the live consumer against a bare subscriber of the same messages on the same broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

from contracts import topics
from contracts.errors import PlumblineError, Reason
from plumbline.bench_crowd import Crowd, Message
from plumbline.bench_ratio import Cost, compared, cpu_ratio, in_turn, wall_ratio
from plumbline.bench_site import (
    SITE,
    BenchSite,
    Publisher,
    hold,
    let_go,
    own_data,
    used,
    wait_until,
)
from plumbline.fleet import now_ns, whole_second_before
from plumbline.stats import read_stats
from store import open_series

WEARERS: Final = 50
SECONDS: Final = 300
REPEATS: Final = 5
TARGET: Final = 0.6
#: So often the store is asked whether all is in it: often enough for the figure, too seldom to weigh.
ASK_S: Final = 0.02
MARGIN_S: Final = 5.0


def measure_consumer(
    folder: Path, wearers: int = WEARERS, seconds: int = SECONDS, repeats: int = REPEATS
) -> dict[str, Any]:
    """From the first message to the last frame in the store, and to the last message counted.

    All messages wait in the broker before either may begin: the process is held while they are
    published. The embedded broker does not queue, so there they are published meanwhile.
    """
    start_ns = whole_second_before(now_ns(), seconds + MARGIN_S)
    crowd = Crowd(wearers, seconds, start_ns, SITE)
    messages = list(chain.from_iterable(crowd.by_second()))
    count = len(messages)
    with BenchSite(folder) as site:
        runs = _Runs(site, crowd, messages)
        pairs = in_turn(runs.analytics, runs.bare, repeats)
        broker = site.broker_name
    return {
        "wearers": wearers,
        "messages": count,
        "broker": broker,
        **compared(pairs, "analytics", "bare subscriber"),
        "analytics CPU us a message": min(a.cpu_s for a, _ in pairs) / count * 1e6,
        "bare subscriber CPU us a message": min(b.cpu_s for _, b in pairs) / count * 1e6,
        "analytics messages per s": count / min(a.wall_s for a, _ in pairs),
        "bare subscriber messages per s": count / min(b.wall_s for _, b in pairs),
        "CPU time as a multiple of bare": cpu_ratio(pairs),
        "speed as a part of bare": wall_ratio(pairs) | {"wanted at least": TARGET},
    }


class _Runs:
    """Runs of either consumer on one broker, each from nothing."""

    def __init__(self, site: BenchSite, crowd: Crowd, messages: Sequence[Message]) -> None:
        self._site = site
        self._crowd = crowd
        self._messages = messages
        self._number = 0

    def analytics(self) -> Cost:
        """Analytics on a new store, until everything is in it."""
        self._number += 1
        data = self._site.folder / f"data-{self._number}"
        data.mkdir()
        settings = own_data(data)
        self._crowd.enrol(settings.people_url)
        pid = self._site.start_analytics(data)
        store = open_series(settings.series_url, read_only=True)

        def done() -> bool:
            rows = store.health()
            return sum(row.stored_seq == self._crowd.seconds for row in rows) == 2 * len(
                self._crowd.names
            )

        try:
            cost = self._timed(pid, lambda: wait_until(done, "all is in the store", ASK_S))
            self._check(sum(found.frames for found in store.wearers()))
        finally:
            store.close()
            self._site.stop("analytics")
        return cost

    def bare(self) -> Cost:
        """A subscriber that counts."""
        topic, count = topics.imu(SITE, "+", "+"), str(len(self._messages))
        module = ("plumbline.bench_subscriber", str(self._site.port), topic, count)
        pid = self._site.start("subscriber", module)

        def done() -> bool:
            return bool(read_stats(self._site.stats("subscriber")).get("messages"))

        try:
            return self._timed(pid, lambda: wait_until(done, "all messages are counted"))
        finally:
            self._site.stop("subscriber")

    def _timed(self, pid: int, wait: Callable[[], None]) -> Cost:
        publisher = Publisher(self._site.port)
        publishing = threading.Thread(target=publisher.publish, args=(self._messages,))
        if self._site.mosquitto:
            hold(pid)
            publisher.publish(self._messages)
        before, began_s = used(pid), time.perf_counter()
        if self._site.mosquitto:
            let_go(pid)
        else:
            publishing.start()
        wait()
        cost = Cost(time.perf_counter() - began_s, used(pid).cpu_s - before.cpu_s)
        publisher.close()
        return cost

    def _check(self, frames: int) -> None:
        """Each wearer's last second is still open; all others must be frames."""
        wanted = self._crowd.wearers * (self._crowd.seconds - 1)
        if frames != wanted:
            raise PlumblineError(
                Reason.INCOMPLETE, f"The benchmark stored {frames} frames and not {wanted}."
            )
