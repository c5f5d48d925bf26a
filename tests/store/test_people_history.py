"""What is over stays as history within a bound, and never stands in the way of what is new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import Reason, SettingError
from store import people_checks
from store.open import open_registry
from store.people_ports import Consent, ConsentKind, Errand, ErrandKind, Grant, MadeWeek, People
from store.ports import Wearer


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    registry = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    for wearer in ("w1", "w2"):
        registry.put_wearer(Wearer(wearer, wearer.upper()))
    yield registry.people
    registry.close()


def test_grants_that_have_ended_take_no_room(people: People) -> None:
    for n in range(people_checks.MAX_GRANTS + 5):
        people.grant(Grant("w1", "t1", 10 * n + 1))
        people.revoke("w1", "t1", 10 * n + 5)
    assert len(people.grants(wearer="w1")) == people_checks.MAX_GRANTS + 5
    people.grant(Grant("w1", "t1", 10_000, 20_000))  # until a day that is said
    people.grant(Grant("w1", "t2", 30_000))
    assert people.grants(account="t2") == [Grant("w1", "t2", 30_000)]


def test_grants_in_force_at_once_are_capped(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_records.MAX_GRANTS", 2)
    people.grant(Grant("w1", "t1", 1))
    people.grant(Grant("w1", "t2", 1, 50))
    with pytest.raises(SettingError, match="2 grants in force") as refused:
        people.grant(Grant("w1", "t3", 49))
    assert refused.value.reason is Reason.TOO_LONG
    people.grant(Grant("w2", "t3", 49))
    people.grant(Grant("w1", "t3", 50))
    assert [grant.account for grant in people.grants(wearer="w1")] == ["t1", "t2", "t3"]


def test_of_grants_that_have_ended_the_oldest_go(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_records.MAX_ENDED_GRANTS", 2)
    people.grant(Grant("w1", "t1", 1))  # in force: it is never history
    people.grant(Grant("w2", "t1", 2, 3))
    for start_ns in (10, 20, 30, 40):
        people.grant(Grant("w1", "t2", start_ns, start_ns + 5))
    assert [grant.start_ns for grant in people.grants(wearer="w1")] == [1, 20, 30, 40]
    assert people.grants(wearer="w2") == [Grant("w2", "t1", 2, 3)]


def test_consents_can_be_given_for_ever_and_the_oldest_withdrawn_go(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_records.MAX_WITHDRAWN_CONSENTS", 3)
    people.give_consent(Consent("w1", ConsentKind.MONITORING, "1", 1))
    for n in range(1, 9):
        people.give_consent(Consent("w1", ConsentKind.AGGREGATE, "1", 10 * n))
        people.withdraw_consent("w1", ConsentKind.AGGREGATE, 10 * n + 5)
    people.give_consent(Consent("w1", ConsentKind.AGGREGATE, "1", 90))
    kept = people.consents("w1")
    assert [consent.given_ns for consent in kept] == [1, 60, 70, 80, 90]
    assert people.consenting(ConsentKind.MONITORING) == ["w1"]
    assert people.consenting(ConsentKind.AGGREGATE) == ["w1"]


def test_replays_that_wait_are_in_no_erasures_way(people: People) -> None:
    for n in range(people_checks.MAX_WAITING_ERRANDS):
        people.ask(Errand(f"r{n}", ErrandKind.REPLAY, "w1", "t1", 5))
    people.ask(Errand("e", ErrandKind.ERASE, "w1", "me", 6))
    assert people.errands(wearer="w1")[-1].kind is ErrandKind.ERASE


def test_a_week_of_many_people_is_kept_as_it_was_first_made(people: People) -> None:
    made = MadeWeek("2026-W10", simulated=False, made_ns=5, body='{"people": 10}')
    assert people.keep_team_week(made) == made
    assert people.keep_team_week(replace(made, made_ns=9, body="{}")) == made
    other = replace(made, simulated=True, body="{}")
    assert people.keep_team_week(other) == other
    assert people.team_weeks(simulated=False) == [made]
    assert people.team_weeks(simulated=True) == [other]
    with pytest.raises(SettingError) as refused:
        people.keep_team_week(
            replace(made, week="2026-W11", body="x" * (people_checks.MAX_TEAM_BODY + 1))
        )
    assert refused.value.reason is Reason.TOO_LONG


def test_of_weeks_of_many_people_the_oldest_go(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.people_team.MAX_TEAM_WEEKS", 2)
    for week in ("2025-W52", "2026-W10", "2026-W09"):
        people.keep_team_week(MadeWeek(week, simulated=False, made_ns=5, body=""))
    assert [made.week for made in people.team_weeks(simulated=False)] == ["2026-W09", "2026-W10"]
    oldest = MadeWeek("2024-W01", simulated=False, made_ns=5, body="")
    assert people.keep_team_week(oldest) == oldest
    assert [made.week for made in people.team_weeks(simulated=False)] == ["2026-W09", "2026-W10"]
