"""A client with twelve weeks behind and a full week now, in a real store and registry: for sheets and exports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from contracts.records import CalibrationOutcome, Rollup
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Audit, Gate, GuardedPeople, GuardedRegistry
from dashboard.entry.guarded_series import GuardedSeries
from dashboard.entry.visit import Visit
from dashboard.look.weeks import IsoWeek
from dashboard.reading.kept import KeptSeries
from dashboard.reading.queries import Person
from dashboard.review.model import WeekReview, week_review
from store.people_ports import (
    Account,
    Consent,
    ConsentKind,
    FocusEdit,
    Grant,
    PainTap,
    Role,
    TherapySession,
    Verdict,
)
from store.ports import Assignment, Commit, SeriesStore, Wearer, WearerRows
from store.registry import SqlRegistry
from tests.dashboard import seed

WEARER = "demo-001"
THERAPIST = "account-t"
CLIENT = "account-c"
ZONE = ZoneInfo("Europe/Berlin")
#: Monday, 2 March 2026; the week is looked at on its Saturday at noon.
WEEK = IsoWeek(date(2026, 3, 2))
NOW_NS = int(datetime(2026, 3, 7, 12, tzinfo=ZONE).timestamp()) * NS_PER_S
LABEL = "Änne Łukasiewicz"


@dataclass(frozen=True)
class Client:
    """Where the client's data is, open for writing."""

    series: SeriesStore
    registry: SqlRegistry


def local_ns(day: date, hour: float) -> int:
    """A moment on the client's clock."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return int((midnight + timedelta(hours=hour)).timestamp()) * NS_PER_S


def fill(client: Client) -> None:
    """Everything of the client: series first, then what the registry keeps."""
    fill_series(client.series)
    fill_registry(client.registry)


def fill_series(series: SeriesStore, full_days: int = 5) -> None:
    """Five days of the week in full (or so many), eleven weeks before as days alone; one of those not worn."""
    for number, day in enumerate(WEEK.days[:full_days]):
        begin = number * 3 % len(seed.WORKDAY)
        stretches = [*seed.WORKDAY[begin:], *seed.WORKDAY[:begin]]
        frames, episodes = seed.day_of(stretches, local_ns(day, 9), seed=number)
        minutes = seed.minutes_of(frames)
        rollup = day_rollup(day, minutes, episodes)
        series.commit(
            Commit(wearers=[WearerRows(WEARER, frames, episodes, minutes, days=[rollup])])
        )
    empty = seed.FrameBlock.from_rows(())
    days = [
        earlier_day(WEEK.moved(-week).days[n], 700 + 60 * week + 97 * n)
        for week in range(1, 12)
        for n in range(5)
        if week != 8
    ]
    plan_ns = local_ns(WEEK.moved(-2).monday, 9)
    outcomes = [CalibrationOutcome(effective_ns=plan_ns, accepted=True, message="Accepted.")]
    series.commit(
        Commit(
            wearers=[WearerRows(WEARER, empty, days=days, calibrations=outcomes)],
            health=[seed.health_of(sensor, NOW_NS) for sensor in seed.SENSORS],
        )
    )


def earlier_day(day: date, rounded_s: int) -> Rollup:
    """Four hours sitting of which so many seconds were rounded."""
    worn_s = 4 * 3600
    return Rollup(
        start_ns=local_ns(day, 0),
        worn_s=worn_s,
        posture_s={Posture.UPRIGHT: worn_s - rounded_s, Posture.ROUNDED: rounded_s},
        activity_s={Activity.SITTING: worn_s},
        rounded_activity_s={Activity.SITTING: rounded_s},
        episodes=3,
        longest_episode_s=600,
    )


def day_rollup(day: date, minutes: list[Rollup], episodes: list[seed.Episode]) -> Rollup:
    """A day of its minutes."""

    def total(name: str) -> dict[object, int]:
        found: dict[object, int] = {}
        for minute in minutes:
            for key, seconds in getattr(minute, name).items():
                found[key] = found.get(key, 0) + seconds
        return found

    flexion = [m.mean_trunk_flexion_deg for m in minutes if m.mean_trunk_flexion_deg is not None]
    return Rollup(
        start_ns=local_ns(day, 0),
        worn_s=sum(m.worn_s for m in minutes),
        posture_s=total("posture_s"),  # type: ignore[arg-type]
        activity_s=total("activity_s"),  # type: ignore[arg-type]
        rounded_activity_s=total("rounded_activity_s"),  # type: ignore[arg-type]
        mean_trunk_flexion_deg=round(float(np.mean(flexion)), 2),
        episodes=len(episodes),
        longest_episode_s=max((e.end_ns - e.start_ns) // NS_PER_S for e in episodes),
    )


def fill_registry(registry: SqlRegistry) -> None:
    """The client, a therapist who may look, and a word of everything that the registry keeps."""
    registry.put_wearer(Wearer(WEARER, LABEL, ZONE.key, simulated=True))
    begun_ns = local_ns(WEEK.moved(-11).monday, 8)
    for sensor, placement in seed.SENSORS.items():
        registry.assign(Assignment(sensor, WEARER, Placement(placement), start_ns=begun_ns))
    plan_ns = local_ns(WEEK.moved(-2).monday, 9)
    registry.add_calibration(
        WEARER, CalibrationPlan(effective_ns=plan_ns, upright_ns=(plan_ns, plan_ns + 8 * NS_PER_S))
    )
    people = registry.people
    people.put_account(Account(CLIENT, "anne", LABEL, frozenset({Role.CLIENT}), WEARER))
    people.set_password_hash(CLIENT, "$argon2id$secret-hash")
    people.put_account(Account(THERAPIST, "theo", "Theo Therapist", frozenset({Role.THERAPIST})))
    people.grant(Grant(WEARER, THERAPIST, begun_ns))
    people.give_consent(Consent(WEARER, ConsentKind.MONITORING, "1", begun_ns))
    for day, hour, region, score in ((0, 18, "left_rhomboids", 6), (2, 19, "left_rhomboids", 4)):
        at_ns = local_ns(WEEK.days[day], hour)
        people.tap_pain(PainTap(WEARER, at_ns, region, score, "=after typing"))
    at_ns = local_ns(WEEK.moved(-1).days[2], 10)
    people.add_session(TherapySession(WEARER, at_ns, THERAPIST, "Tender left rhomboids"))
    people.edit_focus(
        [
            FocusEdit(WEARER, "lumbar_slump", THERAPIST, at_ns, Verdict.REJECTED),
            FocusEdit(
                WEARER, "long_seated", THERAPIST, at_ns, Verdict.ACCEPTED, 1, "stand up hourly"
            ),
        ]
    )


def person(client: Client) -> Person:
    """The client as pages know one."""
    row = next(w for w in client.registry.wearers() if w.wearer == WEARER)
    return Person(WEARER, row.label, ZoneInfo(row.timezone), row.simulated, None, None)


def review(client: Client, week: IsoWeek = WEEK) -> WeekReview:
    """The review of a week of the client's, with nobody's gate."""
    return week_review(
        client.series, client.registry, client.registry.people, person(client), week, NOW_NS
    )


def visit(client: Client, act: Act, role: Role = Role.THERAPIST) -> Visit:
    """Somebody at a page of the client's: the therapist who was let look, or the client."""
    own = role is Role.CLIENT
    viewer = Viewer(
        CLIENT if own else THERAPIST,
        LABEL if own else "Theo Therapist",
        frozenset({role}),
        WEARER if own else None,
        frozenset() if own else frozenset({WEARER}),
    )
    people = client.registry.people
    gate = Gate(act, lambda: viewer, Audit(people, lambda: NOW_NS))
    kept = KeptSeries(
        client.series, clock_s=lambda: 0.0, clock_ns=lambda: NOW_NS, beside=lambda work: work()
    )
    series = GuardedSeries(kept, client.registry, gate)
    registry = GuardedRegistry(client.registry, gate)
    return Visit(
        viewer=viewer,
        gate=gate,
        person=person(client),
        series=series,
        registry=registry,
        people=GuardedPeople(people, gate),
        kept=kept,
        clock_ns=lambda: NOW_NS,
    )


def of_other(found: Visit, wearer: str, *, mine: bool = False) -> Visit:
    """The same visit, pointed at another wearer; ``mine``: by somebody whose own data it is."""
    other = replace(found.client, wearer=wearer)
    if not mine:
        return replace(found, person=other)
    viewer = replace(found.viewer, wearer=wearer)
    found.gate.viewer = lambda: viewer
    return replace(found, person=other, viewer=viewer)
