"""A therapist's clients: one row each, from one question about everybody's days. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from contracts.records import FRAME_NS, CalibrationOutcome, FrameBlock, Rollup, SensorHealth
from contracts.vocabulary import QUALITIES, Quality
from dashboard.clients import attention
from dashboard.clients.attention import DAY_NS, Concern, Standing
from dashboard.look import clock, text
from dashboard.reading import doubts
from dashboard.reading.calibrations import calibration_state
from dashboard.week.day_figures import seconds_of
from dashboard.week.day_statistics import MIN_DAYS, DaySeconds, rate_min_h, worn_days
from store.ports import Assignment, Wearer

#: Weeks of the small trend; the last ends today.
WEEKS: Final = 8
WEEK_DAYS: Final = 7
_BEFORE_DAYS: Final = 28
_DAYS: Final = WEEKS * WEEK_DAYS
_HALF_DAY_NS: Final = DAY_NS // 2
_REFUSED: Final = "refused"


class Series(Protocol):
    """What the list asks of the series store, each once for all clients."""

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]: ...

    def health(self) -> list[SensorHealth]: ...

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]: ...

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]: ...


class Registered(Protocol):
    """What the list asks of the registry, each once for all clients."""

    def wearers(self) -> list[Wearer]: ...

    def assignments_of(self, wearers: Collection[str]) -> list[Assignment]: ...


@dataclass(frozen=True, slots=True)
class SmallWeek:
    """Seven days of the small trend: rounded minutes a worn hour, and whether enough was worn to go by."""

    rounded_min_h: float | None
    enough: bool


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list. ``change_min_h``: the last 7 days above the 28 before, None where hardly worn.

    ``weeks``: :data:`WEEKS` weeks back from today, oldest first. ``concerns``: the weightiest first.
    """

    wearer: str
    label: str
    simulated: bool
    zone: ZoneInfo
    last_ns: int | None
    worn_s: int
    rounded_min_h: float | None
    change_min_h: float | None
    weeks: tuple[SmallWeek, ...]
    concerns: tuple[Concern, ...]

    @property
    def points(self) -> float:
        """By how much this client needs attention."""
        return attention.points(self.concerns)


def client_rows(series: Series, registry: Registered, now_ns: int) -> list[ClientRow]:
    """Everybody whom the gate lets through, who needs attention most first.

    Five questions to the series store and two to the registry, however many clients there are.
    """
    wearers = registry.wearers()
    ids = [wearer.wearer for wearer in wearers]
    days = _days_of(series, ids, now_ns)
    calibrations = series.calibrations_of(ids)
    latest = series.latest_frames(ids)
    refused = _refused(series.health(), registry.assignments_of(ids), now_ns)
    rows = [
        _row(
            wearer,
            days.get(wearer.wearer, ()),
            calibrations.get(wearer.wearer, ()),
            latest.get(wearer.wearer),
            now_ns,
            refused=wearer.wearer in refused,
        )
        for wearer in wearers
    ]
    return sorted(rows, key=lambda row: (-row.points, row.label.casefold()))


def found(rows: Sequence[ClientRow], name: str) -> list[ClientRow]:
    """The rows whose name holds ``name``, in any case of letters, in the order they were."""
    wanted = name.strip().casefold()
    return [row for row in rows if wanted in row.label.casefold()]


def by_name(rows: Sequence[ClientRow]) -> list[ClientRow]:
    """The rows by name."""
    return sorted(rows, key=lambda row: row.label.casefold())


def _days_of(series: Series, ids: Collection[str], now_ns: int) -> dict[str, list[Rollup]]:
    """Everybody's days, those that are over apart: they hardly change, and who keeps answers keeps them longer.

    Both are of whole days of UTC, so that within one day the questions stay the same.
    """
    today_ns = now_ns // DAY_NS * DAY_NS
    over_ns = today_ns - 2 * DAY_NS  # a day that any zone calls today or yesterday begins later
    found = series.days_of(ids, today_ns - (_DAYS + 1) * DAY_NS, over_ns)
    for wearer, days in series.days_of(ids, over_ns, today_ns + 2 * DAY_NS).items():
        found.setdefault(wearer, []).extend(days)
    return found


def _row(
    wearer: Wearer,
    rollups: Sequence[Rollup],
    calibrations: Sequence[CalibrationOutcome],
    latest: FrameBlock | None,
    now_ns: int,
    *,
    refused: bool,
) -> ClientRow:
    last_ns = int(latest.start_ns[-1]) + FRAME_NS if latest is not None else None
    zone = clock.zone_of(wearer.timezone)
    by_day = _by_day(rollups, now_ns, zone)
    week = _part(by_day, 0, WEEK_DAYS)
    before = _part(by_day, WEEK_DAYS, WEEK_DAYS + _BEFORE_DAYS)
    standing = Standing(
        now_ns=now_ns,
        week=week,
        before=before,
        last_ns=last_ns,
        calibration=calibration_state(calibrations),
        doubted=_doubted(latest),
        refused=refused,
    )
    return ClientRow(
        wearer=wearer.wearer,
        label=wearer.label or wearer.wearer,
        simulated=wearer.simulated,
        zone=zone,
        last_ns=last_ns,
        worn_s=sum(day.worn_s for day in week),
        rounded_min_h=rate_min_h(week),
        change_min_h=attention.change_min_h(week, before),
        weeks=tuple(
            _small(_part(by_day, ago * WEEK_DAYS, (ago + 1) * WEEK_DAYS))
            for ago in reversed(range(WEEKS))
        ),
        concerns=attention.concerns(standing),
    )


def _by_day(rollups: Sequence[Rollup], now_ns: int, zone: ZoneInfo) -> dict[int, DaySeconds]:
    """Days by how many days ago they were on the wearer's clock; 0 is today.

    A day's noon is told, not its midnight: an hour that the clocks are moved does not matter there.
    """
    _, tomorrow_ns = clock.day_bounds_ns(clock.day_of(now_ns, zone), zone)
    by_day: dict[int, list[Rollup]] = {}
    for rollup in rollups:
        ago = (tomorrow_ns - rollup.start_ns - _HALF_DAY_NS) // DAY_NS
        by_day.setdefault(ago, []).append(rollup)
    return {ago: seconds_of(found) for ago, found in by_day.items()}


def _part(by_day: Mapping[int, DaySeconds], first: int, stop: int) -> list[DaySeconds]:
    return [by_day[ago] for ago in range(first, stop) if ago in by_day]


def _small(days: Sequence[DaySeconds]) -> SmallWeek:
    return SmallWeek(rate_min_h(days), worn_days(days) >= MIN_DAYS)


def _doubted(latest: FrameBlock | None) -> str:
    """What is wrong with a sensor at the last second, in words; empty where all is well."""
    if latest is None or QUALITIES[latest.quality[-1]] is Quality.OK:
        return ""
    found = doubts.standing(latest)
    if found is None:
        return ""
    return found.doubt.what(tuple(text.PLACEMENT[p] for p in found.doubt.placements))


def _refused(
    health: Sequence[SensorHealth], assignments: Sequence[Assignment], now_ns: int
) -> set[str]:
    """Wearers of a sensor that its gateway says was refused."""
    sensors = {word.sensor for word in health if word.state == _REFUSED}
    return {
        a.wearer
        for a in assignments
        if a.sensor in sensors and a.start_ns <= now_ns and (a.end_ns is None or a.end_ns > now_ns)
    }
