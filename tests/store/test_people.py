from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import Reason, SettingError
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store import people_checks, registry_schema
from store.open import open_registry
from store.people_accounts import ATTEMPTS_KEPT_NS
from store.people_ports import (
    Account,
    Attempts,
    Consent,
    ConsentKind,
    Errand,
    ErrandKind,
    ErrandState,
    FocusEdit,
    Grant,
    Look,
    PainTap,
    People,
    Receipt,
    Role,
    SignIn,
    TherapySession,
    Verdict,
)
from store.ports import Assignment, Registry, Wearer

ANNA = Account("a1", "Anna@Example.org", "Anna", frozenset({Role.CLIENT}), wearer="w1")
TOM = Account("t1", "tom", "Tom", frozenset({Role.THERAPIST, Role.ADMINISTRATOR}))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    found = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    for wearer in ("w1", "w2"):
        found.put_wearer(Wearer(wearer, wearer.upper(), "Europe/Berlin"))
    yield found
    found.close()


@pytest.fixture
def people(registry: Registry) -> People:
    return registry.people


def errand(name: str, wearer: str = "w1", asked_ns: int = 5) -> Errand:
    return Errand(name, ErrandKind.REPLAY, wearer, "t1", asked_ns)


def test_an_account_comes_back_and_is_found_in_any_case_of_letters(people: People) -> None:
    people.put_account(ANNA)
    people.put_account(TOM)
    assert people.accounts() == [ANNA, TOM]
    assert people.account("t1") == TOM
    assert people.account_of_login(" aNNA@example.ORG") == ANNA
    assert people.account_of_login("nobody") is None
    assert people.account_of_subject("") is None
    known = replace(TOM, subject="https://id.example 42")
    people.put_account(known)
    assert people.account_of_subject("https://id.example 42") == known


@pytest.mark.parametrize(
    "second",
    [
        Account("a2", "ANNA@example.org", "Other", frozenset({Role.CLIENT})),
        Account("a2", "other", "Other", frozenset({Role.CLIENT}), wearer="w1"),
        Account("a2", "other", "Other", frozenset(), subject="id 7"),
        Account("a2", "other", "Other", frozenset(), wearer="nobody"),
        Account("a2", " ", "Other", frozenset()),
        Account("a 2", "other", "Other", frozenset()),
        Account("a2", "o" * (people_checks.MAX_LOGIN + 1), "Other", frozenset()),
        Account("a2", "other", "o" * (people_checks.MAX_NAME + 1), frozenset()),
    ],
)
def test_an_account_that_cannot_be_kept_is_refused(people: People, second: Account) -> None:
    people.put_account(replace(ANNA, subject="id 7"))
    with pytest.raises(SettingError):
        people.put_account(second)
    assert len(people.accounts()) == 1


def test_another_password_and_disabling_end_every_sign_in(people: People) -> None:
    people.put_account(TOM)
    assert people.password_hash("t1") == ""
    people.set_password_hash("t1", "hash")
    people.add_sign_in(SignIn("one", "t1", 1, 1, 100))
    people.touch_sign_in("one", 7)
    assert people.sign_in("one") == SignIn("one", "t1", 1, 7, 100)
    people.set_password_hash("t1", "other")
    assert people.sign_in("one") is None
    assert people.password_hash("t1") == "other"
    people.add_sign_in(SignIn("two", "t1", 2, 2, 100))
    people.put_account(replace(TOM, disabled=True))
    assert people.sign_in("two") is None
    people.add_sign_in(SignIn("three", "t1", 3, 3, 100))
    people.end_sign_in("three")
    assert people.sign_in("three") is None


def test_sign_ins_are_capped_by_account_and_expired_ones_go(people: People) -> None:
    people.put_account(TOM)
    people.put_account(replace(ANNA, wearer=None))
    people.add_sign_in(SignIn("other", "a1", 1, 1, 9_000))
    people.add_sign_in(SignIn("short", "a1", 1, 1, 20))
    for at_ns in range(people_checks.MAX_SIGN_INS + 2):
        people.add_sign_in(SignIn(f"s{at_ns}", "t1", at_ns + 50, at_ns, 9_000))
    assert people.sign_in("s0") is None
    assert people.sign_in("s1") is None
    assert people.sign_in("s2") is not None
    assert people.sign_in("other") is not None
    assert people.sign_in("short") is None


def test_attempts_are_kept_for_a_day_and_capped(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_accounts.MAX_ATTEMPTS", 3)
    people.put_attempts("x", Attempts(2, 50), 10)
    assert people.attempts("x") == Attempts(2, 50)
    people.put_attempts("x", Attempts(0, 0), 11)
    assert people.attempts("x") == Attempts(0, 0)
    for number in range(4):
        people.put_attempts(f"n{number}", Attempts(1, 0), 20 + number)
    assert [people.attempts(f"n{n}").failures for n in range(4)] == [0, 1, 1, 1]
    people.put_attempts("late", Attempts(1, 0), 24 + ATTEMPTS_KEPT_NS)
    assert people.attempts("n3").failures == 0


def test_removing_an_account_takes_its_sign_ins_and_grants(people: People) -> None:
    people.put_account(TOM)
    people.add_sign_in(SignIn("one", "t1", 1, 1, 100))
    people.grant(Grant("w1", "t1", 5))
    people.remove_account("t1")
    assert people.accounts() == []
    assert people.sign_in("one") is None
    assert people.grants() == []


def test_grants_begin_end_and_are_taken_back(people: People) -> None:
    people.grant(Grant("w1", "t1", 5, 50))
    people.grant(Grant("w1", "t2", 6))
    people.grant(Grant("w2", "t1", 7))
    people.grant(Grant("w1", "t1", 60))
    people.revoke("w1", "t1", 20)
    assert people.grants(wearer="w1") == [Grant("w1", "t1", 5, 20), Grant("w1", "t2", 6)]
    assert people.grants(account="t1") == [Grant("w1", "t1", 5, 20), Grant("w2", "t1", 7)]
    with pytest.raises(SettingError):
        people.grant(Grant("w1", "t1", 9, 9))
    with pytest.raises(SettingError) as refused:
        people.grant(Grant("nobody", "t1", 9))
    assert refused.value.reason is Reason.MISSING


def test_one_consent_of_a_kind_is_in_force(people: People) -> None:
    kind = ConsentKind.MONITORING
    people.give_consent(Consent("w1", kind, "1", 5))
    people.give_consent(Consent("w1", kind, "2", 9))
    people.give_consent(Consent("w2", ConsentKind.AGGREGATE, "1", 9))
    assert people.consents("w1") == [Consent("w1", kind, "1", 5, 9), Consent("w1", kind, "2", 9)]
    assert people.consenting(kind) == ["w1"]
    people.withdraw_consent("w1", kind, 12)
    assert people.consents("w1")[-1] == Consent("w1", kind, "2", 9, 12)
    assert people.consenting(kind) == []
    assert people.consenting(ConsentKind.AGGREGATE) == ["w2"]


def test_the_audit_is_latest_first_and_capped(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_records.MAX_LOOKS", 4)
    for at_ns in range(6):
        people.note_look(Look(at_ns, "t1", "week", "w1" if at_ns % 2 else None, at_ns != 3))
    assert [look.at_ns for look in people.looks()] == [5, 4, 3, 2]
    assert [look.at_ns for look in people.looks(wearer="w1")] == [5, 3]
    assert people.looks(wearer="w1", before_ns=5) == [Look(3, "t1", "week", "w1", allowed=False)]
    assert [look.at_ns for look in people.looks(limit=1)] == [5]
    people.note_look(Look(9, "t1", "week", "w1", detail="d" * 999))
    assert people.looks(limit=1)[0].detail == "d" * people_checks.MAX_DETAIL


def test_pain_sessions_and_focus_edits_come_back(people: People) -> None:
    people.tap_pain(PainTap("w1", 5, "left_rhomboids", 6, "after lunch"))
    people.tap_pain(PainTap("w1", 5, "left_rhomboids", 4))
    people.tap_pain(PainTap("w1", 8, "head", 2))
    assert people.pain("w1", 0, 8) == [PainTap("w1", 5, "left_rhomboids", 4)]
    people.remove_pain("w1", 5, "left_rhomboids")
    assert people.pain("w1", 0, 99) == [PainTap("w1", 8, "head", 2)]
    session = TherapySession("w1", 7, "t1", "first")
    people.add_session(session)
    assert people.sessions("w1") == [session]
    people.remove_session("w1", 7)
    assert people.sessions("w1") == []
    first = FocusEdit("w1", "upper", "t1", 5, Verdict.ACCEPTED, 1, "tender")
    second = FocusEdit("w1", "lumbar", "t1", 5, Verdict.REJECTED)
    people.edit_focus([first, second])
    later = replace(first, at_ns=6, verdict=Verdict.OPEN, place=None)
    people.edit_focus([later])
    assert people.focus_edits("w1") == [second, later]


@pytest.mark.parametrize(
    "tap",
    [
        PainTap("w1", 5, "head", 11),
        PainTap("w1", 5, "head", -1),
        PainTap("w1", 5, "head", 1, "n" * (people_checks.MAX_PAIN_NOTE + 1)),
        PainTap("w1", 5, "the head", 1),
        PainTap("nobody", 5, "head", 1),
    ],
)
def test_a_pain_tap_that_cannot_be_kept_is_refused(people: People, tap: PainTap) -> None:
    with pytest.raises(SettingError):
        people.tap_pain(tap)
    assert people.pain("w1", 0, 99) == []


def test_focus_edits_are_kept_all_or_none(people: People) -> None:
    good = FocusEdit("w1", "upper", "t1", 5)
    with pytest.raises(SettingError):
        people.edit_focus([good, replace(good, rule="lumbar", wearer="nobody")])
    assert people.focus_edits("w1") == []
    with pytest.raises(SettingError):
        people.edit_focus([replace(good, note="n" * (people_checks.MAX_NOTE + 1))])
    with pytest.raises(SettingError):
        people.edit_focus([replace(good, place=0)])


@pytest.mark.parametrize(
    ("cap", "keep"),
    [
        ("MAX_GRANTS", lambda p, n: p.grant(Grant("w1", "t1", n))),
        ("MAX_PAIN_TAPS", lambda p, n: p.tap_pain(PainTap("w1", n, "head", 1))),
        ("MAX_SESSIONS", lambda p, n: p.add_session(TherapySession("w1", n, "t1"))),
        ("MAX_FOCUS_EDITS", lambda p, n: p.edit_focus([FocusEdit("w1", f"r{n}", "t1", n)])),
    ],
)
def test_rows_of_a_wearer_are_capped(
    people: People, monkeypatch: pytest.MonkeyPatch, cap: str, keep: object
) -> None:
    monkeypatch.setattr(f"store.people_records.{cap}", 2)
    keep(people, 1)  # type: ignore[operator]
    keep(people, 2)  # type: ignore[operator]
    with pytest.raises(SettingError) as refused:
        keep(people, 3)  # type: ignore[operator]
    assert refused.value.reason is Reason.TOO_LONG


def test_accounts_are_capped(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.people_accounts.MAX_ACCOUNTS", 1)
    people.put_account(TOM)
    people.put_account(replace(TOM, name="Tom again"))
    with pytest.raises(SettingError):
        people.put_account(ANNA)


def test_errands_wait_are_done_and_the_old_ones_are_forgotten(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_errands.MAX_FINISHED_ERRANDS", 1)
    people.ask(errand("e2", asked_ns=6))
    people.ask(errand("e1"))
    assert [e.errand for e in people.errands(states=[ErrandState.ASKED])] == ["e1", "e2"]
    people.finish_errand("e1", ErrandState.DONE, done_ns=9, result="{}")
    people.finish_errand("e2", ErrandState.FAILED, done_ns=10, result="why")
    assert people.errands(wearer="w1") == [
        replace(errand("e2", asked_ns=6), state=ErrandState.FAILED, done_ns=10, result="why")
    ]
    with pytest.raises(SettingError):
        people.finish_errand(
            "e2",
            ErrandState.DONE,
            done_ns=1,
            result="r" * (people_checks.MAX_ERRAND_RESULT + 1),
        )


def test_waiting_errands_of_a_wearer_are_capped(people: People) -> None:
    for number in range(people_checks.MAX_WAITING_ERRANDS):
        people.ask(errand(f"e{number}"))
    with pytest.raises(SettingError):
        people.ask(errand("more"))
    people.ask(errand("other", wearer="w2"))
    with pytest.raises(SettingError):
        people.ask(replace(errand("long", "w2"), body="b" * (people_checks.MAX_ERRAND_BODY + 1)))


def fill(registry: Registry, wearer: str) -> None:
    """A row of everything about a wearer."""
    people = registry.people
    registry.assign(Assignment(f"S-{wearer}", wearer, Placement.T4, 1))
    window = (10 * NS_PER_S, 18 * NS_PER_S)
    registry.add_calibration(wearer, CalibrationPlan(effective_ns=0, upright_ns=window))
    registry.set_settings(wearer, PostureSettings(lean_deg=11.0))
    registry.put_not_now(wearer, NotNow(start_ns=1, end_ns=2))
    people.put_account(Account(f"of-{wearer}", wearer, wearer, frozenset({Role.CLIENT}), wearer))
    people.add_sign_in(SignIn(f"token-{wearer}", f"of-{wearer}", 1, 1, 100))
    people.grant(Grant(wearer, "t1", 5))
    people.give_consent(Consent(wearer, ConsentKind.MONITORING, "1", 5))
    people.note_look(Look(5, "t1", "week", wearer))
    people.note_look(Look(5, f"of-{wearer}", "sign-in"))
    people.tap_pain(PainTap(wearer, 5, "head", 3, "private"))
    people.add_session(TherapySession(wearer, 5, "t1", "private"))
    people.edit_focus([FocusEdit(wearer, "upper", "t1", 5, note="private")])
    people.ask(errand(f"errand-{wearer}", wearer))


def rows_about(path: Path, *words: str) -> dict[str, int]:
    """How many rows of each table hold one of the words."""
    with sqlite3.connect(path) as database:
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        found = {}
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            found[table] = sum(any(str(cell) in words for cell in row) for row in rows)
    return {table: count for table, count in found.items() if count}


def test_erasing_leaves_a_receipt_and_nothing_else(registry: Registry, tmp_path: Path) -> None:
    for wearer in ("w1", "w2"):
        fill(registry, wearer)
    path = tmp_path / "registry.sqlite"
    before = rows_about(path, "w2", "of-w2")
    revision = registry.revision()
    receipt = Receipt("r-1", 5, 9, json.dumps({"series": {"frames": 3}}))
    counts = registry.people.erase_wearer("w1", receipt=receipt)
    assert rows_about(path, "w1", "W1", "of-w1", "token-w1", "S-w1") == {}
    assert rows_about(path, "w2", "of-w2") == before
    assert registry.revision() > revision
    assert counts == {
        **dict.fromkeys(counts, 1),
        "wearer": 1,
    }
    kept = registry.people.receipt("r-1")
    assert kept is not None
    assert json.loads(kept.body) == {"series": {"frames": 3}, "registry": counts}
    assert (kept.asked_ns, kept.erased_ns) == (5, 9)


def test_erasing_again_keeps_the_first_receipt(registry: Registry) -> None:
    fill(registry, "w1")
    receipt = Receipt("r-1", 5, 9, "{}")
    registry.people.erase_wearer("w1", receipt=receipt)
    first = registry.people.receipt("r-1")
    counts = registry.people.erase_wearer("w1", receipt=receipt)
    assert set(counts.values()) == {0}
    assert registry.people.receipt("r-1") == first


def test_erasing_a_client_who_is_a_therapist_too_leaves_the_therapist(registry: Registry) -> None:
    both = Account("b1", "b", "B", frozenset({Role.CLIENT, Role.THERAPIST}), wearer="w1")
    registry.people.put_account(both)
    registry.people.erase_wearer("w1", receipt=Receipt("r", 1, 2, "{}"))
    assert registry.people.accounts() == [
        replace(both, roles=frozenset({Role.THERAPIST}), wearer=None)
    ]


def test_what_is_noted_of_an_errand_leaves_it_waiting(registry: Registry) -> None:
    asked = errand("e-1")
    registry.people.ask(asked)
    registry.people.note_errand("e-1", '{"frames": 3}')
    assert registry.people.errands() == [replace(asked, result='{"frames": 3}')]
    with pytest.raises(SettingError, match="characters"):
        registry.people.note_errand("e-1", "x" * (people_checks.MAX_ERRAND_RESULT + 1))


def test_whatever_hangs_on_a_wearer_is_counted_when_it_is_erased(registry: Registry) -> None:
    fill(registry, "w1")
    counts = registry.people.erase_wearer("w1", receipt=Receipt("r", 1, 2, "{}"))
    hanging = {
        key.parent.table.name
        for table in registry_schema.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table is registry_schema.wearer
    }
    assert hanging <= set(counts)
