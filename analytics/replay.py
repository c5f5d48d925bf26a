"""What days would look like at another mark: stored frames, told again by one angle.

A replay covers whole days of the wearer's zone: those that the interval touches, so that they compare with
the days in the store. It is read in pieces, one a step, so that live work goes on in between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Final

from analytics.core.threshold import ThresholdReplay
from analytics.core.zones import day_of, zone_of
from contracts.errands import ReplayDay, ReplayResult, ReplayWish
from contracts.errors import Reason, SettingError
from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from store.ports import Registry, SeriesStore, Wearer

#: Frames that are read and told in one step: 20 minutes.
STEP_NS: Final = 1200 * NS_PER_S


def replay(
    wearer: str, wish: ReplayWish, *, series: SeriesStore, registry: Registry
) -> Generator[bool, None, ReplayResult]:
    """The steps of a replay; each gives that the next may follow at once.

    SettingError for a wearer that there is none of; StoreError where the stores fail.
    """
    person = _wearer(registry, wearer)
    settings = registry.settings(wearer)
    own_deg = settings.rounded_warn_deg
    yield True
    days_ns = list(_days_ns(person.timezone, wish.start_ns, wish.end_ns))
    start_ns, end_ns = days_ns[0][0], days_ns[-1][1]
    told = {day.start_ns: day for day in series.days(wearer, start_ns, end_ns)}
    yield True
    replays = [ThresholdReplay(deg, settings, person.timezone) for deg in (wish.mark_deg, own_deg)]
    for day_ns, until_ns in days_ns:
        if day_ns not in told:
            continue  # a day without a row has no frames
        for from_ns in range(day_ns, until_ns, STEP_NS):
            frames = series.frames(wearer, from_ns, min(from_ns + STEP_NS, until_ns))
            for one in replays:
                one.update(frames)
            yield True
    wished, own = ({day.start_ns: day for day in one.days()} for one in replays)
    return ReplayResult(
        mark_deg=wish.mark_deg,
        own_mark_deg=own_deg,
        wished=tuple(_day(start, wished.get(start)) for start in sorted(told)),
        own=tuple(_day(start, own.get(start)) for start in sorted(told)),
        told=tuple(_day(start, told[start]) for start in sorted(told)),
    )


def finish(steps: Generator[bool, None, ReplayResult], seen: Callable[[], None]) -> ReplayResult:
    """All steps at once, calling ``seen`` after each."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            result: ReplayResult = ended.value
            return result
        seen()


def _days_ns(timezone: str, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    zone = zone_of(timezone)
    at_s, last_s = start_ns // NS_PER_S, -(-end_ns // NS_PER_S)
    while at_s < last_s:
        start_s, at_s = day_of(at_s, zone)
        yield start_s * NS_PER_S, at_s * NS_PER_S


def _day(start_ns: int, found: Rollup | None) -> ReplayDay:
    if found is None:
        return ReplayDay(start_ns=start_ns, worn_s=0, rounded_s=0, episodes=0, longest_episode_s=0)
    return ReplayDay(
        start_ns=start_ns,
        worn_s=found.worn_s,
        rounded_s=found.posture_s.get(Posture.ROUNDED, 0),
        episodes=found.episodes,
        longest_episode_s=found.longest_episode_s,
    )


def _wearer(registry: Registry, wearer: str) -> Wearer:
    for known in registry.wearers():
        if known.wearer == wearer:
            return known
    raise SettingError(
        Reason.MISSING,
        f"There is no wearer {wearer!r} in the registry.",
        hint="Give the pseudonymous id of one that has worn sensors.",
    )
