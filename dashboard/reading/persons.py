"""A wearer as pages speak of one: from the registry's row, and from when to when there is data."""

from __future__ import annotations

from dashboard.look import clock
from dashboard.reading.queries import Person, Reading
from store.ports import Wearer

_EVER_NS = (0, 2**62)


def person_of(series: Reading, wearer: Wearer) -> Person:
    """The person of a registry's row. Days say since when there is data, the last frame until when."""
    latest = series.latest_frame(wearer.wearer)
    days = series.days(wearer.wearer, *_EVER_NS)
    last_ns = int(latest.start_ns[-1]) if len(latest) else None
    first_ns = days[0].start_ns if days else last_ns
    if last_ns is None and days:
        last_ns = days[-1].start_ns
    return Person(
        wearer=wearer.wearer,
        label=wearer.label or wearer.wearer,
        zone=clock.zone_of(wearer.timezone),
        simulated=wearer.simulated,
        first_ns=first_ns,
        last_ns=last_ns,
    )
