"""The registry of a simulated clinic: clients and their sensors, accounts, grants, and what people noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.errors import Reason
from contracts.records import CalibrationOutcome
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.entry import accounts
from dashboard.mine.consent import words
from plumbline.fleet import KIT
from plumbline.seed_history import Client, WornDay, midnight_ns, sessions_on
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
from store.ports import Assignment, Registry, Wearer

#: So many clients, the first, have an account of their own.
CLIENTS_WITH_ACCOUNT: Final = 6
#: The first therapist is let look by everybody, the others each by their share.
THERAPISTS: Final = 4
#: The version of the words that were agreed to.
_HOUR_NS: Final = 3600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS
_REGIONS: Final = (
    "left_rhomboids",
    "right_rhomboids",
    "left_upper_trapezius",
    "right_upper_trapezius",
    "left_lumbar_erectors",
    "right_lumbar_erectors",
)
_NOTES: Final = ("", "", "after the drive", "at the end of the day", "woke up with it")


@dataclass(frozen=True, slots=True)
class Login:
    """An account that was made, and its password."""

    login: str
    password: str
    roles: tuple[str, ...]
    wearer: str | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """The accounts of those who are no clients."""

    therapists: tuple[Account, ...]
    logins: tuple[Login, ...]


def add_staff(registry: Registry) -> Staff:
    """Therapists, an administrator and an employer; a password each. SettingError where one is there."""
    made = [
        *(
            (f"therapist-{n + 1}", f"Simulated therapist {n + 1}", Role.THERAPIST)
            for n in range(THERAPISTS)
        ),
        ("administrator", "Simulated administrator", Role.ADMINISTRATOR),
        ("employer", "Simulated employer", Role.EMPLOYER),
    ]
    therapists, logins = [], []
    for login, name, role in made:
        account, password = accounts.add(registry.people, login, name, [role], must_change=False)
        logins.append(Login(login, password, (role.value,)))
        if role is Role.THERAPIST:
            therapists.append(account)
    return Staff(tuple(therapists), tuple(logins))


def add_client(registry: Registry, client: Client, staff: Staff, from_ns: int) -> Login | None:
    """A client with sensors, settings, consents and grants; their account where they have one."""
    registry.put_wearer(Wearer(client.wearer, client.label, client.zone, simulated=True))
    for place in KIT:
        registry.assign(Assignment(sensor_of(client, place), client.wearer, place, from_ns))
    if client.number % 5 == 0:
        registry.set_settings(client.wearer, _settings_of(client))
    people = registry.people
    people.give_consent(_agreed(client.wearer, ConsentKind.MONITORING, from_ns))
    if client.number % 3:
        people.give_consent(_agreed(client.wearer, ConsentKind.AGGREGATE, from_ns))
    for therapist in _therapists_of(client, staff):
        people.grant(Grant(client.wearer, therapist.account, from_ns))
    if client.number > CLIENTS_WITH_ACCOUNT:
        return None
    login = f"client-{client.number:03d}"
    _, password = accounts.add(
        people, login, client.label, [Role.CLIENT], wearer=client.wearer, must_change=False
    )
    return Login(login, password, (Role.CLIENT.value,), client.wearer)


def _agreed(wearer: str, kind: ConsentKind, from_ns: int) -> Consent:
    return Consent(wearer, kind, words(kind).version, from_ns)


def sensor_of(client: Client, place: Placement) -> str:
    """The serial number of a client's sensor."""
    return f"SIM-{client.number:03d}-{place.value}"


def _settings_of(client: Client) -> PostureSettings:
    return PostureSettings(
        rounded_warn_deg=12.0 + client.number % 4,
        nudge_after_s=60.0 * (1 + client.number % 5),
        goal_rounded_min_h=8.0 + client.number % 12,
        quiet_from_min=1260,
        quiet_until_min=420,
    )


def _therapists_of(client: Client, staff: Staff) -> list[Account]:
    others = staff.therapists[1:]
    return [staff.therapists[0], others[client.number % len(others)]]


def add_notes(registry: Registry, client: Client, staff: Staff, weeks: int, now_ns: int) -> int:
    """Pain taps, sessions and words on focus areas; how many rows."""
    therapist = _therapists_of(client, staff)[-1]
    taps = _pain(client, weeks, now_ns)
    sessions = [
        TherapySession(
            client.wearer,
            midnight_ns(day, client.zone) + 17 * _HOUR_NS,
            therapist.account,
            note="Front of the shoulder, then between the shoulder blades." if n % 2 else "",
        )
        for n, day in enumerate(sessions_on(client, weeks, now_ns))
    ]
    edits = _edits(client, therapist, now_ns)
    for tap in taps:
        registry.people.tap_pain(tap)
    for session in sessions:
        registry.people.add_session(session)
    registry.people.edit_focus(edits)
    return len(taps) + len(sessions) + len(edits)


def _pain(client: Client, weeks: int, now_ns: int) -> list[PainTap]:
    """Some tap often, some never; the last weeks only where there are many."""
    rng = client.rng(1)
    a_week = (0.0, 1.0, 2.5)[client.number % 3]
    days = min(weeks, 16) * 7
    return [
        PainTap(
            client.wearer,
            now_ns - ago * _DAY_NS - int(rng.integers(1, 9)) * _HOUR_NS,
            _REGIONS[int(rng.integers(len(_REGIONS)))],
            min(10, max(0, round(float(rng.normal(4.0, 1.8))))),
            _NOTES[int(rng.integers(len(_NOTES)))],
        )
        for ago in reversed(range(days))
        if rng.random() < a_week / 7.0
    ]


def _edits(client: Client, therapist: Account, now_ns: int) -> list[FocusEdit]:
    if client.number % 2 == 0:
        return []
    said: list[tuple[str, Verdict, int | None, str]] = [
        ("upper_thoracic", Verdict.ACCEPTED, 1, "Tender on both sides.")
    ]
    if client.number % 4 == 1:
        said.append(("long_seated", Verdict.REJECTED, None, "Gets up often enough."))
    return [
        FocusEdit(client.wearer, rule, therapist.account, now_ns - _DAY_NS, verdict, place, note)
        for rule, verdict, place, note in said
    ]


def add_calibrations(
    registry: Registry, client: Client, days: Sequence[WornDay]
) -> list[CalibrationOutcome]:
    """Enter the calibration sessions of a history, and say what became of them.

    Every eighth client moved in one: it was refused, and the one before stayed in force.
    """
    outcomes = []
    for number, day in enumerate(day for day in days if day.calibrated):
        plan = day.rows.plan
        registry.add_calibration(client.wearer, plan)
        refused = number == 1 and client.number % 8 == 3
        outcomes.append(_refused(plan) if refused else _accepted(plan))
    return outcomes


def _accepted(plan: CalibrationPlan) -> CalibrationOutcome:
    return CalibrationOutcome(effective_ns=plan.effective_ns, accepted=True, message="accepted")


def _refused(plan: CalibrationPlan) -> CalibrationOutcome:
    return CalibrationOutcome(
        effective_ns=plan.effective_ns,
        accepted=False,
        reason=Reason.CALIBRATION_MOVED,
        message="T4 moved while it was held upright.",
        hint="Sit still for the whole time, then calibrate again.",
    )
