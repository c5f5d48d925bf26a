"""Every cell of role × act × whose data, at the table, and at the stores behind the gate."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.errors import AccessError, Reason
from contracts.records import SensorHealth
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.entry import gate as gates
from dashboard.entry.access import PAGES, Act, Relation, Viewer, allowed, pages, relation
from dashboard.entry.gate import Audit, Gate, GuardedPeople, GuardedRegistry
from dashboard.entry.guarded_series import GuardedSeries
from store.open import open_registry, open_series
from store.people_ports import (
    Account,
    Consent,
    ConsentKind,
    Errand,
    ErrandKind,
    FocusEdit,
    Grant,
    PainTap,
    Role,
    TherapySession,
)
from store.ports import Assignment, Commit, Registry, SeriesStore, Wearer

OWN, GRANTED, FOREIGN = "own", "granted", "foreign"
NOW_NS = 1_772_559_000 * NS_PER_S

#: What each role may do with whose data: o own, g granted, n about nobody, - none. Foreign data: nobody.
MATRIX = """
act                client therapist administrator employer
today              o      g         -             -
week               o      g         -             -
my-body            o      g         -             -
my-sensors         o      -         -             -
settings           o      -         -             -
my-data            o      -         -             -
clients            -      n         -             -
week-review        -      g         -             -
session-sheet      -      g         -             -
export             o      g         -             -
people             -      -         n             -
all-sensors        -      -         n             -
audit              -      -         n             -
team               -      -         -             n
change-settings    o      -         -             -
pair-sensor        o      -         -             -
calibrate          o      -         -             -
tap-pain           o      -         -             -
consent            o      -         -             -
grant              o      -         -             -
erase              o      -         -             -
edit-focus         -      g         -             -
note-session       -      g         -             -
ask-replay         -      g         -             -
manage-people      -      -         n             -
"""


def cells() -> Iterator[tuple[Role, Act, str]]:
    header, *rows = (line.split() for line in MATRIX.strip().splitlines())
    for act, *marks in rows:
        for role, mark in zip(header[1:], marks, strict=True):
            yield Role(role), Act(act), mark


CELLS = list(cells())
SUBJECTS = {Relation.OWN: OWN, Relation.GRANTED: GRANTED, Relation.FOREIGN: FOREIGN}


def viewer_of(*roles: Role) -> Viewer:
    return Viewer("me", "Me", frozenset(roles), OWN, frozenset({GRANTED}))


def expected(mark: str, to: Relation) -> bool:
    return {"o": Relation.OWN, "g": Relation.GRANTED, "n": Relation.NOBODY}.get(mark) is to


def test_the_matrix_has_a_row_for_every_act_and_a_column_for_every_role() -> None:
    assert {(role, act) for role, act, _ in CELLS} == {(r, a) for r in Role for a in Act}


@pytest.mark.parametrize("to", list(Relation))
@pytest.mark.parametrize(("role", "act", "mark"), CELLS)
def test_each_cell(role: Role, act: Act, mark: str, to: Relation) -> None:
    wearer = SUBJECTS.get(to)
    viewer = viewer_of(role)
    assert relation(viewer, wearer) is to
    assert allowed(viewer, act, wearer) is expected(mark, to)


def test_nobody_without_a_role_may_do_anything() -> None:
    viewer = viewer_of()
    assert not any(allowed(viewer, act, w) for act in Act for w in (OWN, GRANTED, FOREIGN, None))
    assert pages(viewer) == []


def test_two_roles_may_do_what_either_may_and_no_more() -> None:
    both = viewer_of(Role.CLIENT, Role.THERAPIST)
    for act in Act:
        for wearer in (OWN, GRANTED, FOREIGN, None):
            either = [allowed(viewer_of(role), act, wearer) for role in both.roles]
            assert allowed(both, act, wearer) is any(either)


def test_every_page_is_somebodys() -> None:
    found = {page for role in Role for page in pages(viewer_of(role))}
    assert found == set(PAGES)


class Room:
    """Real stores with three clients, and what a page gets of them."""

    def __init__(self, series: SeriesStore, registry: Registry) -> None:
        self.series, self.registry = series, registry
        self.viewer = viewer_of()
        self.now_ns = NOW_NS
        self.audit = Audit(registry.people, lambda: self.now_ns)
        for wearer in SUBJECTS.values():
            registry.put_wearer(Wearer(wearer, wearer, "UTC"))
            registry.assign(Assignment(f"S-{wearer}", wearer, Placement.T4, 1))

    def gate(self, page: Act, *roles: Role) -> Gate:
        self.viewer = viewer_of(*roles)
        return Gate(page, lambda: self.viewer, self.audit)

    def desk(self, page: Act, *roles: Role) -> Desk:
        gate = self.gate(page, *roles)
        return Desk(
            GuardedSeries(self.series, self.registry, gate),
            GuardedRegistry(self.registry, gate),
            GuardedPeople(self.registry.people, gate),
        )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    series = open_series(f"sqlite:{tmp_path / 'series.sqlite'}")
    registry = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    yield Room(series, registry)
    registry.close()
    series.close()


@dataclass(frozen=True)
class Desk:
    """What a page asks through, behind one gate."""

    series: GuardedSeries
    registry: GuardedRegistry
    people: GuardedPeople


Ask = Callable[[Desk, str], object]
READS: dict[str, Ask] = {
    "frames": lambda d, w: d.series.frames(w, 0, 1),
    "latest_frame": lambda d, w: d.series.latest_frame(w),
    "ahead": lambda d, w: d.series.ahead(w),
    "minutes": lambda d, w: d.series.minutes(w, 0, 1),
    "days": lambda d, w: d.series.days(w, 0, 1),
    "days_of": lambda d, w: d.series.days_of([w], 0, 1),
    "latest_frames": lambda d, w: d.series.latest_frames([w]),
    "calibrations_of": lambda d, w: d.series.calibrations_of([w]),
    "episodes": lambda d, w: d.series.episodes(w, 0, 1),
    "nudges": lambda d, w: d.series.nudges(w, 0, 1),
    "calibrations": lambda d, w: d.series.calibrations(w),
    "wearer": lambda d, w: d.registry.wearer(w),
    "settings": lambda d, w: d.registry.settings(w),
    "not_now": lambda d, w: d.registry.not_now(w),
    "assignments": lambda d, w: d.registry.assignments(w),
    "assignments_of": lambda d, w: d.registry.assignments_of([w]),
    "plans": lambda d, w: d.registry.calibrations(w),
    "pain": lambda d, w: d.people.pain(w, 0, 1),
    "sessions": lambda d, w: d.people.sessions(w),
    "focus_edits": lambda d, w: d.people.focus_edits(w),
    "grants": lambda d, w: d.people.grants(w),
    "consents": lambda d, w: d.people.consents(w),
    "errands": lambda d, w: d.people.errands(w),
}
ABOUT_PEOPLE = [(role, act, mark) for role, act, mark in CELLS if act in PAGES and mark != "n"]


@pytest.mark.parametrize("read", READS)
def test_each_question_of_each_page_is_answered_or_refused(room: Room, read: str) -> None:
    """role × page × own, granted, foreign, for one question: as the matrix says, and audited."""
    for role, act, mark in ABOUT_PEOPLE:
        for to, wearer in SUBJECTS.items():
            desk = room.desk(act, role)
            before = len(room.registry.people.looks(limit=10_000))
            if expected(mark, to):
                READS[read](desk, wearer)
                continue
            with pytest.raises(AccessError) as refused:
                READS[read](desk, wearer)
            assert refused.value.reason is Reason.NOT_ALLOWED
            looks = room.registry.people.looks(limit=10_000)
            assert len(looks) == before + 1
            assert (looks[0].act, looks[0].wearer, looks[0].allowed) == (act, wearer, False)


@pytest.mark.parametrize("read", READS)
def test_the_client_list_reads_of_those_who_granted_and_of_nobody_else(
    room: Room, read: str
) -> None:
    desk = room.desk(Act.CLIENTS, Role.THERAPIST)
    READS[read](desk, GRANTED)
    with pytest.raises(AccessError):
        READS[read](desk, FOREIGN)


def window(start_s: int) -> CalibrationPlan:
    span = (NOW_NS + start_s * NS_PER_S, NOW_NS + (start_s + 8) * NS_PER_S)
    return CalibrationPlan(effective_ns=NOW_NS, upright_ns=span)


CHANGES: dict[str, tuple[Act, Ask]] = {
    "settings": (Act.CHANGE_SETTINGS, lambda d, w: d.registry.set_settings(w, PostureSettings())),
    "not now": (Act.CHANGE_SETTINGS, lambda d, w: d.registry.put_not_now(w, None)),
    "time zone": (Act.CHANGE_SETTINGS, lambda d, w: d.registry.set_timezone(Wearer(w, w, "UTC"))),
    "pair": (Act.PAIR, lambda d, w: d.registry.assign(Assignment("new", w, Placement.L5, NOW_NS))),
    "give back": (Act.PAIR, lambda d, w: d.registry.unassign(w, f"S-{w}", NOW_NS)),
    "calibrate": (Act.CALIBRATE, lambda d, w: d.registry.add_calibration(w, window(5))),
    "pain": (Act.TAP_PAIN, lambda d, w: d.people.tap_pain(PainTap(w, NOW_NS, "head", 3))),
    "no pain": (Act.TAP_PAIN, lambda d, w: d.people.remove_pain(w, NOW_NS, "head")),
    "session": (
        Act.NOTE_SESSION,
        lambda d, w: d.people.add_session(TherapySession(w, NOW_NS, "me")),
    ),
    "no session": (Act.NOTE_SESSION, lambda d, w: d.people.remove_session(w, NOW_NS)),
    "focus": (
        Act.EDIT_FOCUS,
        lambda d, w: d.people.edit_focus(w, [FocusEdit(w, "r", "me", NOW_NS)]),
    ),
    "grant": (Act.GRANT, lambda d, w: d.people.grant(Grant(w, "t", NOW_NS))),
    "revoke": (Act.GRANT, lambda d, w: d.people.revoke(w, "t", NOW_NS)),
    "consent": (
        Act.CONSENT,
        lambda d, w: d.people.give_consent(Consent(w, ConsentKind.AGGREGATE, "1", NOW_NS)),
    ),
    "withdraw": (
        Act.CONSENT,
        lambda d, w: d.people.withdraw_consent(w, ConsentKind.AGGREGATE, NOW_NS),
    ),
    "erase": (Act.ERASE, lambda d, w: d.people.ask(Errand("e", ErrandKind.ERASE, w, "me", NOW_NS))),
    "replay": (
        Act.ASK_REPLAY,
        lambda d, w: d.people.ask(Errand("f", ErrandKind.REPLAY, w, "me", NOW_NS)),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_made_or_refused_and_audited(room: Room, name: str) -> None:
    """role × own, granted, foreign, for one change."""
    act, change = CHANGES[name]
    for role, to in itertools.product(Role, SUBJECTS):
        mark = next(mark for r, a, mark in CELLS if (r, a) == (role, act))
        wearer, before = SUBJECTS[to], _everything(room)
        desk = room.desk(Act.TODAY, role)
        if expected(mark, to):
            change(desk, wearer)
        else:
            with pytest.raises(AccessError):
                change(desk, wearer)
            assert _everything(room) == before
        look = room.registry.people.looks(limit=1)[0]
        assert (look.account, look.act, look.wearer) == ("me", act, wearer)
        assert look.allowed is expected(mark, to)


def _everything(room: Room) -> list[object]:
    people = room.registry.people
    return [
        (
            room.registry.settings(w),
            room.registry.assignments(w),
            room.registry.calibrations(w),
            people.pain(w, 0, 2**62),
            people.sessions(w),
            people.focus_edits(w),
            people.grants(wearer=w),
            people.consents(w),
            people.errands(wearer=w),
        )
        for w in SUBJECTS.values()
    ]


def test_who_looked_is_for_the_client_alone(room: Room) -> None:
    for role in Role:
        gate = room.gate(Act.TODAY, role)
        for wearer in SUBJECTS.values():
            mine = role is Role.CLIENT and wearer == OWN
            people = GuardedPeople(room.registry.people, gate)
            if mine:
                assert isinstance(people.looks(wearer), list)
            else:
                with pytest.raises(AccessError):
                    people.looks(wearer)


def test_a_grant_that_ends_closes_the_open_page(room: Room) -> None:
    series = room.desk(Act.REVIEW, Role.THERAPIST).series
    assert series.days(GRANTED, 0, 1) == []
    room.viewer = Viewer("me", "Me", frozenset({Role.THERAPIST}))
    with pytest.raises(AccessError):
        series.days(GRANTED, 0, 1)


def test_edits_of_another_client_do_not_slip_in(room: Room) -> None:
    gate = room.gate(Act.REVIEW, Role.THERAPIST)
    people = GuardedPeople(room.registry.people, gate)
    people.edit_focus(
        GRANTED,
        [FocusEdit(GRANTED, "a", "me", NOW_NS), FocusEdit(FOREIGN, "b", "me", NOW_NS)],
    )
    assert room.registry.people.focus_edits(FOREIGN) == []
    assert len(room.registry.people.focus_edits(GRANTED)) == 1


def test_a_sensor_that_somebody_wears_is_neither_shown_nor_paired(room: Room) -> None:
    gate = room.gate(Act.SENSORS, Role.CLIENT)
    registry = GuardedRegistry(room.registry, gate)
    every = [f"S-{w}" for w in SUBJECTS.values()]
    assert registry.free_sensors([*every, "new"], NOW_NS) == ["new"]
    with pytest.raises(AccessError):
        registry.assign(Assignment(f"S-{FOREIGN}", OWN, Placement.L5, NOW_NS))
    assert [a.sensor for a in room.registry.assignments(OWN)] == [f"S-{OWN}"]
    assert room.registry.people.looks(limit=1)[0].allowed is False


def test_who_gave_a_sensor_back_neither_sees_it_move_nor_takes_it_from_who_has_it(
    room: Room,
) -> None:
    sensor = f"S-{OWN}"
    room.registry.unassign(OWN, sensor, NOW_NS - 2)
    room.registry.assign(Assignment(sensor, FOREIGN, Placement.T4, NOW_NS - 1))
    word = SensorHealth(
        gateway="g", sensor=sensor, at_ns=NOW_NS, state="connected", mean_acc_m_s2=(0.0, 0.0, 9.8)
    )
    room.series.commit(Commit(health=[word]))
    desk = room.desk(Act.SENSORS, Role.CLIENT)
    assert desk.series.health() == []
    for at_ns in (NOW_NS - 1, NOW_NS):
        with pytest.raises(AccessError):
            desk.registry.assign(Assignment(sensor, OWN, Placement.T4, at_ns))
    assert [a.end_ns for a in room.registry.assignments(FOREIGN) if a.sensor == sensor] == [None]
    room.registry.unassign(FOREIGN, sensor, NOW_NS + 1)
    assert desk.series.health() == [word]


def test_two_who_pair_a_sensor_at_once_do_not_both_get_it(room: Room) -> None:
    room.registry.put_wearer(Wearer("other", "other", "UTC"))
    viewers = [
        Viewer(name, name, frozenset({Role.CLIENT}), name) for name in (OWN, "other", FOREIGN)
    ]
    gate, got, start = room.gate(Act.SENSORS), list[str](), threading.Barrier(len(viewers))

    def pair(viewer: Viewer) -> None:
        registry = GuardedRegistry(room.registry, Gate(gate.page, lambda: viewer, gate.audit))
        start.wait()
        try:
            registry.assign(Assignment("new", viewer.name, Placement.L5, NOW_NS))
        except AccessError:
            return
        got.append(viewer.name)

    threads = [threading.Thread(target=pair, args=(viewer,)) for viewer in viewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasting = [
        a.wearer for a in room.registry.assignments() if a.sensor == "new" and a.end_ns is None
    ]
    assert got == lasting
    assert len(got) == 1


def test_a_clock_that_was_set_back_hides_no_look(room: Room) -> None:
    room.audit.looked("me", Act.WEEK, OWN)
    room.now_ns = NOW_NS - 3600 * NS_PER_S
    room.audit.looked("me", Act.WEEK, OWN)
    room.audit.looked("me", Act.WEEK, OWN)
    assert len(room.registry.people.looks(wearer=OWN)) == 2


def test_looks_within_a_quarter_of_an_hour_are_one_entry(room: Room) -> None:
    audit = room.audit
    for minutes, entries in ((0, 1), (1, 1), (14, 1), (15, 2), (16, 2)):
        room.now_ns = NOW_NS + minutes * 60 * NS_PER_S
        audit.looked("me", Act.WEEK, OWN)
        assert len(room.registry.people.looks(wearer=OWN)) == entries
    audit.looked("me", Act.TODAY, OWN)
    assert len(room.registry.people.looks(wearer=OWN)) == 3


def test_remembered_looks_are_capped(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_REMEMBERED", 2)
    for wearer in ("a", "b", "c", "a"):
        room.audit.looked("me", Act.WEEK, wearer)
    assert [look.wearer for look in room.registry.people.looks()] == ["a", "c", "b", "a"]


def test_therapists_can_be_chosen_and_names_are_given_for_accounts(room: Room) -> None:
    people = room.registry.people
    people.put_account(Account("t1", "t1", "Tom", frozenset({Role.THERAPIST})))
    people.put_account(Account("t2", "t2", "Ada", frozenset({Role.THERAPIST})))
    people.put_account(Account("t3", "t3", "Gone", frozenset({Role.THERAPIST}), disabled=True))
    people.put_account(Account("x", "x", "Admin", frozenset({Role.ADMINISTRATOR})))
    guarded = GuardedPeople(people, room.gate(Act.DATA, Role.CLIENT))
    assert guarded.therapists() == [("t2", "Ada"), ("t1", "Tom")]
    assert guarded.name_of("t1") == "Tom"
    assert guarded.name_of("nobody") == "nobody"
