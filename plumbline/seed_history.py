"""What becomes of each simulated client: who they are, which days they wear sensors, how they fare. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from contracts.units import NS_PER_S
from plumbline.seed_days import MINUTE_NS, LibraryDay, cut, moved
from plumbline.seed_kinds import FORGOTTEN, HARDLY, KINDS, SHARES, SLIPPED, TAKEN_OFF

#: With and without daylight saving, half hours, and one that saves half an hour only.
ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
)
#: Sensors are put on between these minutes of the client's day.
MORNING_MIN: Final = (450, 585)
#: And not before this one where a day of work has to be over by now.
EARLIEST_MIN: Final = 30
HOLIDAY_DAYS: Final = 12
RECALIBRATE_DAYS: Final = (18, 34)
SESSION_EVERY_DAYS: Final = 21
#: How often somebody wears sensors on a working day and at the weekend.
WORKING_DAY: Final = 0.86
WEEKEND: Final = 0.18
_WEEK: Final = 7


class Story(StrEnum):
    """How a client fares."""

    STEADY = "steady"
    BETTER = "better"  # since a session
    WORSE = "worse"  # for five weeks
    HARDLY_WORN = "hardly-worn"  # for three weeks
    NEW = "new"  # for four weeks
    STOPPED = "stopped"  # ten days ago
    OVERDUE = "overdue"  # has not calibrated for two months


_STORIES: Final = (
    Story.BETTER,
    Story.WORSE,
    Story.STEADY,
    Story.STEADY,
    Story.HARDLY_WORN,
    Story.OVERDUE,
    Story.STEADY,
    Story.NEW,
    Story.BETTER,
    Story.STOPPED,
    Story.STEADY,
    Story.WORSE,
)
#: Days before the end at which a story turns.
_TURNS: Final = {
    Story.BETTER: 35,
    Story.WORSE: 35,
    Story.HARDLY_WORN: 21,
    Story.NEW: 28,
    Story.STOPPED: 10,
    Story.OVERDUE: 60,
}
#: By how much a story that turns moves along the days of a kind, from the best to the worst.
_TURN_LEVELS: Final = 2.2


@dataclass(frozen=True, slots=True)
class Client:
    """One simulated client. ``seed`` decides everything that is random about them."""

    number: int
    kind: str
    story: Story
    zone: str
    seed: int

    @property
    def wearer(self) -> str:
        """The pseudonymous id."""
        return f"sim-{self.number:03d}"

    @property
    def label(self) -> str:
        """The name on the screen."""
        return f"Simulated client {self.number:03d}"

    def rng(self, what: int) -> np.random.Generator:
        """Randomness of their own for one purpose."""
        return np.random.default_rng((self.seed, self.number, what))


@dataclass(frozen=True, slots=True)
class WornDay:
    """A day in a client's history; ``calibrated``: by a session at its start."""

    date: date
    rows: LibraryDay
    calibrated: bool


def clients(count: int, kinds: int, seed: int) -> list[Client]:
    """The clinic's clients; the first ones between them have every story."""
    names = list(KINDS)[:kinds]
    return [
        Client(
            number=number + 1,
            kind=names[number % len(names)],
            story=_STORIES[number % len(_STORIES)],
            zone=ZONES[number % 3 if number < len(_STORIES) else number % len(ZONES)],
            seed=seed,
        )
        for number in range(count)
    ]


def midnight_ns(day: date, zone: str) -> int:
    """When a day begins in a zone, UTC ns."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * NS_PER_S


def today_of(client: Client, now_ns: int) -> date:
    """The client's date."""
    return datetime.fromtimestamp(now_ns / NS_PER_S, UTC).astimezone(ZoneInfo(client.zone)).date()


def sessions_on(client: Client, weeks: int, now_ns: int) -> list[date]:
    """Days of therapy sessions, in order; one lies where things get better."""
    last = today_of(client, now_ns)
    offset = _TURNS[Story.BETTER] if client.story is Story.BETTER else 5 + client.number % 17
    days = [last - timedelta(days=d) for d in range(offset, weeks * _WEEK, SESSION_EVERY_DAYS)]
    if client.story is Story.BETTER and offset > SESSION_EVERY_DAYS:
        days.append(last - timedelta(days=offset - SESSION_EVERY_DAYS))
    first = last - timedelta(days=_TURNS[Story.NEW])
    return sorted(d for d in days if client.story is not Story.NEW or d > first)


def history(
    client: Client,
    library: Mapping[str, Sequence[LibraryDay]],
    weeks: int,
    now_ns: int,
    *,
    today: bool,
) -> Iterator[WornDay]:
    """The client's worn days in order, the last ones up to ``now_ns``.

    ``today``: sensors are worn today in any case, long enough before now to look at.
    """
    rng = client.rng(0)
    last, days = today_of(client, now_ns), library[client.kind]
    holidays = _holidays(rng, weeks)
    level = float(rng.uniform(1.2, len(SHARES) - 2.2))
    due, slipped, week_noise = 0, False, 0.0
    for ago in reversed(range(weeks * _WEEK)):
        on = last - timedelta(days=ago)
        if on.weekday() == 0:
            week_noise = float(rng.normal(0.0, 0.4))
        wears = _wears(client, ago, on, holidays, rng)
        variant = _variant(client, ago, level + week_noise, rng)
        must = today and ago == 0
        if not (wears or must):
            continue
        rows = _begun(
            days[min(variant, len(SHARES) - 1) if must else variant], client, on, rng, now_ns, must
        )
        if rows is None:
            continue
        calibrated = slipped or due <= 0
        if client.story is Story.OVERDUE and ago < _TURNS[Story.OVERDUE]:
            calibrated = False
        due = int(rng.integers(*RECALIBRATE_DAYS)) if calibrated else due - 1
        slipped = variant == SLIPPED and not must
        yield WornDay(on, rows, calibrated)


def _holidays(rng: np.random.Generator, weeks: int) -> set[int]:
    """Days before the end on which the sensors stay at home: twice a year at most."""
    off: set[int] = set()
    for _ in range(weeks // 26):
        first = int(rng.integers(15, weeks * _WEEK))
        off.update(range(first, first + HOLIDAY_DAYS))
    return off


def _wears(
    client: Client, ago: int, on: date, holidays: set[int], rng: np.random.Generator
) -> bool:
    chance = WORKING_DAY if on.weekday() < 5 else WEEKEND
    if client.story is Story.HARDLY_WORN and ago < _TURNS[client.story]:
        chance = 0.25
    wears = bool(rng.random() < chance)
    if client.story is Story.NEW:
        return wears and ago < _TURNS[Story.NEW]
    if client.story is Story.STOPPED:
        return wears and ago >= _TURNS[Story.STOPPED]
    return wears and ago not in holidays


def _variant(client: Client, ago: int, level: float, rng: np.random.Generator) -> int:
    """Which of the kind's days: whole ones from good to bad, now and then another."""
    chance = float(rng.random())
    turned = max(0.0, 1.0 - ago / _TURNS[client.story]) if client.story in _TURNS else 0.0
    if client.story is Story.BETTER:
        level += _TURN_LEVELS / 2 - _TURN_LEVELS * min(1.0, 5.0 * turned)
    elif client.story is Story.WORSE:
        level += _TURN_LEVELS * turned - _TURN_LEVELS / 2
    drawn = round(level + float(rng.normal(0.0, 0.6)))
    if client.story is Story.HARDLY_WORN and turned:
        return HARDLY
    for variant, share in ((TAKEN_OFF, 0.08), (FORGOTTEN, 0.03), (SLIPPED, 0.025)):
        if chance < share:
            return variant
        chance -= share
    return min(max(drawn, 0), len(SHARES) - 1)


def _begun(
    day: LibraryDay, client: Client, on: date, rng: np.random.Generator, now_ns: int, must: bool
) -> LibraryDay | None:
    """The day at its place in the calendar; None where it would not have begun yet."""
    begins_ns = midnight_ns(on, client.zone)
    start_ns = _local_ns(on, client.zone, int(rng.integers(*MORNING_MIN)))
    last_ns = now_ns // MINUTE_NS * MINUTE_NS
    if must:
        over_ns = last_ns - day.length_ns
        start_ns = min(start_ns, max(over_ns, _local_ns(on, client.zone, EARLIEST_MIN)))
    if start_ns + day.length_ns <= last_ns:
        return moved(day, start_ns, begins_ns)
    if start_ns >= last_ns:
        return None
    shorter = cut(day, day.start_ns + last_ns - start_ns)
    return None if shorter is None else moved(shorter, start_ns, begins_ns)


def _local_ns(on: date, zone: str, minute: int) -> int:
    """A minute of the clock on the wall of a day, UTC ns."""
    local = datetime(on.year, on.month, on.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * NS_PER_S
