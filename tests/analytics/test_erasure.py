"""Erasing a person: all of them goes, nobody else's does, wherever it is cut off; a receipt stays."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from contracts import topics
from contracts.errors import Reason, StoreError
from contracts.messages import Rejected, Stored
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store.people_ports import (
    Account,
    Consent,
    ConsentKind,
    Errand,
    ErrandKind,
    ErrandState,
    Grant,
    Look,
    MadeWeek,
    PainTap,
    Role,
)
from store.ports import Assignment, Commit, WearerRows
from tests.analytics.hand_worker import BEGIN_NS, SITE, HandWorker
from tests.store.records import FIRST_S, frames_from

EVER = (0, 2**63 - 1)
GONE, STAYS = "to-be-erased", "somebody-else"
RECEIPT = "r" * 32
SERIES = ("frames", "minutes", "days", "episodes", "nudges", "calibrations", "ahead", "snapshots")


class Killed(BaseException):
    """As if the process had been killed here."""


@pytest.fixture(params=["sqlite", "influx"])
def series_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "influx":
        return str(request.getfixturevalue("influx_server").url())
    return f"sqlite:{tmp_path}/series.sqlite"


def people(hand: HandWorker) -> None:
    """Two people with sensors, settings, a diary and somebody who looked."""
    for wearer, upper, lower in ((GONE, "g4", "g5"), (STAYS, "s4", "s5")):
        hand.wear(wearer, T4=upper, L5=lower)
        hand.registry.add_calibration(
            wearer,
            CalibrationPlan(
                effective_ns=BEGIN_NS, upright_ns=(BEGIN_NS + NS_PER_S, BEGIN_NS + 9 * NS_PER_S)
            ),
        )
        hand.registry.set_settings(wearer, PostureSettings(nudge_after_s=15.0, episode_s=20.0))
        noted = hand.registry.people
        noted.put_account(
            Account(f"a-{wearer}", wearer, "A Name", frozenset({Role.CLIENT}), wearer=wearer)
        )
        noted.grant(Grant(wearer, "therapist", 5))
        noted.give_consent(Consent(wearer, ConsentKind.MONITORING, "1", 5))
        noted.tap_pain(PainTap(wearer, 7, "neck", 4))
        noted.note_look(Look(8, "therapist", "review", wearer))


def measure(hand: HandWorker, first_s: int, last_s: int, *, turns: bool = True) -> None:
    """Both slump after ten seconds; a second a turn."""
    for second in range(first_s, last_s):
        for sensor in ("g5", "s5"):
            hand.send(sensor, second)
        for sensor in ("g4", "s4"):
            hand.send(sensor, second, forward_deg=0.0 if second < 10 else 30.0)
        if turns:
            hand.turn(1.0)


def ask(hand: HandWorker) -> None:
    hand.registry.people.ask(Errand(RECEIPT, ErrandKind.ERASE, GONE, f"a-{GONE}", 11))


def until(hand: HandWorker, done: Callable[[], bool]) -> None:
    for _ in range(40):
        if done():
            return
        hand.turn(1.0)
    raise AssertionError("it is not done")


def erased(hand: HandWorker) -> bool:
    return hand.registry.people.receipt(RECEIPT) is not None


def rows_of(hand: HandWorker, wearer: str) -> dict[str, int]:
    """Everything that the stores have of a wearer."""
    noted = hand.registry.people
    return hand.store.count_rows(wearer) | {
        "registry": sum(w.wearer == wearer for w in hand.registry.wearers()),
        "assignments": len(hand.registry.assignments(wearer)),
        "plans": len(hand.registry.calibrations(wearer)),
        "accounts": sum(account.wearer == wearer for account in noted.accounts()),
        "grants": len(noted.grants(wearer=wearer)),
        "consents": len(noted.consents(wearer)),
        "pain": len(noted.pain(wearer, *EVER)),
        "looks": len(noted.looks(wearer=wearer)),
        "errands": len(noted.errands(wearer=wearer)),
    }


def worker(folder: Path, series_url: str) -> HandWorker:
    hand = HandWorker(folder, series_url)
    people(hand)
    hand.start()
    measure(hand, 0, 45)
    ahead = [WearerRows(wearer, ahead=frames_from(FIRST_S, 1)) for wearer in (GONE, STAYS)]
    hand.store.commit(Commit(ahead))
    return hand


def test_all_of_a_person_goes_and_nobody_elses(tmp_path: Path, series_url: str) -> None:
    hand = worker(tmp_path, series_url)
    before, other = rows_of(hand, GONE), rows_of(hand, STAYS)
    assert all(before[kind] for kind in before if kind != "errands"), before
    measure(hand, 45, 48, turns=False)  # on the way when the erasure begins
    ask(hand)
    until(hand, lambda: erased(hand))
    assert not any(rows_of(hand, GONE).values())
    after = rows_of(hand, STAYS)
    assert after == other | {"frames": after["frames"], "minutes": after["minutes"]}
    assert after["frames"] > other["frames"]
    assert GONE not in hand.store.checkpoint().snapshots
    retained = (topics.posture(SITE, GONE), topics.context(SITE, GONE))
    assert set(hand.cleared) == {retained}
    receipt = hand.registry.people.receipt(RECEIPT)
    assert receipt is not None
    assert (receipt.asked_ns, receipt.erased_ns) == (11, hand.clock_ns)
    body = json.loads(receipt.body)
    assert {kind: body["series"][kind] for kind in SERIES if kind != "frames"} == {
        kind: before[kind] for kind in SERIES if kind != "frames"
    }
    assert body["series"]["frames"] >= before["frames"]
    assert (body["registry"]["assignment"], body["registry"]["pain"]) == (2, 1)
    assert any("when it arrives" in note for note in body["notes"])
    assert not any("Weeks of a team" in note for note in body["notes"])
    assert GONE not in receipt.body
    hand.close()


def test_what_arrives_afterwards_is_let_go_and_makes_no_rows(tmp_path: Path) -> None:
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    ask(hand)
    until(hand, lambda: erased(hand))
    hand.turn()
    hand.published.clear()
    # an outbox and a flash log still have what was measured before the erasure
    measure(hand, 45, 75)
    assert not any(rows_of(hand, GONE).values())
    stored = {m.topic: m.body.seq for m in hand.published if isinstance(m.body, Stored)}
    assert stored[topics.stored(SITE, "gw", "g4")] == 75  # the gateway may forget it
    unworn = {row.sensor: row.unworn_samples for row in hand.store.health()}
    assert unworn["g4"] == unworn["g5"] == 30 * 50
    assert not [m for m in hand.published if isinstance(m.body, Rejected)]
    restarted_hand(hand)
    measure(hand, 75, 80)
    assert not any(rows_of(hand, GONE).values())
    # what is measured after it waits for whoever wears the sensor next
    later_s = (hand.clock_ns - BEGIN_NS) // NS_PER_S + 10
    measure(hand, later_s, later_s + 3)
    assert [m.body.reason for m in hand.published if isinstance(m.body, Rejected)]
    hand.registry.assign(Assignment("g4", STAYS, Placement.C7, BEGIN_NS + (later_s + 5) * NS_PER_S))
    hand.turn()
    measure(hand, later_s + 3, later_s + 12)
    assert hand.samples("g4") > 0
    hand.close()


def test_the_receipt_says_that_shown_weeks_of_a_team_stay(tmp_path: Path) -> None:
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    noted = hand.registry.people
    noted.give_consent(Consent(GONE, ConsentKind.AGGREGATE, "2", 5))
    noted.withdraw_consent(GONE, ConsentKind.AGGREGATE, 9)
    shown = noted.keep_team_week(MadeWeek("2026-W10", simulated=False, made_ns=6, body="{}"))
    ask(hand)
    until(hand, lambda: erased(hand))
    body = json.loads(hand.registry.people.receipt(RECEIPT).body)
    assert any("Weeks of a team" in note for note in body["notes"])
    assert hand.registry.people.team_weeks(simulated=False) == [shown]
    hand.close()


def test_a_large_erasure_lets_live_work_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite.STEP_ROWS", 5)
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    did: list[str] = []
    erase, advance = hand.store.erase_some, hand.worker._engine.advance

    def step(wearer: str) -> int:
        did.append("step")
        return erase(wearer)

    def live(now_s: float, now_ns: int) -> bool:
        did.append("live")
        return advance(now_s, now_ns)

    monkeypatch.setattr(hand.store, "erase_some", step)
    monkeypatch.setattr(hand.worker._engine, "advance", live)
    ask(hand)
    until(hand, lambda: erased(hand))
    assert did.count("step") > 5
    assert all(before != after for before, after in pairwise(did) if before == "step")
    hand.close()


def restarted_hand(hand: HandWorker) -> None:
    hand.worker.finish(hand._now_s)
    hand.start()
    hand.turn()


def test_nothing_that_was_computed_is_written_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    wrote: list[str] = []
    commit, erase = hand.store.commit, hand.store.erase_some

    def noted(new) -> None:
        wrote.extend(rows.wearer for rows in new.wearers)
        commit(new)

    def erased_now(wearer: str) -> int:
        wrote.clear()
        return erase(wearer)

    monkeypatch.setattr(hand.store, "commit", noted)
    monkeypatch.setattr(hand.store, "erase_some", erased_now)
    ask(hand)
    measure(hand, 45, 55)
    hand.resend()
    measure(hand, 55, 65)
    assert erased(hand)
    assert set(wrote) == {STAYS}
    assert GONE not in hand.worker.report()["wearers"]
    hand.close()


def test_a_reader_that_keeps_the_log_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    before = rows_of(hand, GONE)
    erase = hand.store.erase_some

    def busy(wearer: str) -> int:
        while erase(wearer):
            pass
        raise StoreError(Reason.STORE_UNREACHABLE, "A reader keeps the log in use.")

    monkeypatch.setattr(hand.store, "erase_some", busy)
    ask(hand)
    hand.turn()
    hand.turn()
    assert [e.state for e in hand.registry.people.errands()] == [ErrandState.ASKED]
    monkeypatch.setattr(hand.store, "erase_some", erase)
    until(hand, lambda: erased(hand))
    body = json.loads(hand.registry.people.receipt(RECEIPT).body)
    assert body["series"]["frames"] == before["frames"]  # though they were gone the second time
    hand.close()


def test_a_person_who_could_not_be_erased_is_still_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = worker(tmp_path, f"sqlite:{tmp_path}/series.sqlite")
    refused = StoreError(Reason.STORE_REFUSED, "It may not delete.", hint="Grant it anew.")

    def refuse(wearer: str) -> int:
        raise refused

    monkeypatch.setattr(hand.store, "erase_some", refuse)
    ask(hand)
    until(hand, lambda: hand.registry.people.errands()[0].state is ErrandState.FAILED)
    assert "It may not delete." in hand.registry.people.errands()[0].result
    before = rows_of(hand, GONE)["frames"]
    hand.turn()
    hand.resend()
    measure(hand, 45, 65)
    assert rows_of(hand, GONE)["frames"] > before
    hand.close()


#: Everything that changes the stores or asks them in an erasure; a kill comes before or after one.
CALLS = (
    "count_rows",
    "erase_some",
    "commit",
    "release",
    "note_errand",
    "erase_wearer",
    "overwrite_erased",
)


def cut_off(hand: HandWorker, monkeypatch: pytest.MonkeyPatch, at: int, *, before: bool) -> None:
    """Kill it at the ``at``-th such call from now on."""
    left = [at]

    def cut(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0 and before:
                raise Killed
            found = real(*arguments, **named)
            if left[0] == 0:
                raise Killed
            return found

        return call

    for owner in (hand.store, hand.registry, hand.registry.people):
        for name in CALLS:
            if hasattr(owner, name):
                monkeypatch.setattr(owner, name, cut(getattr(owner, name)))


@pytest.mark.parametrize("seed", range(4))
def test_cut_off_anywhere_it_ends_in_the_same_state(
    tmp_path: Path, series_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr("store.sqlite.STEP_ROWS", 20)  # several steps
    hand = worker(tmp_path, series_url)
    before = rows_of(hand, GONE)
    ask(hand)
    second, kills = 45, 0
    for _ in range(4):
        with monkeypatch.context() as patched:
            cut_off(hand, patched, chance.randrange(1, 9), before=chance.random() < 0.5)
            try:
                measure(hand, second, second + 8)
            except Killed:
                kills += 1
        second += 8
        hand = hand.reopened()  # nothing is said or written by the one before
        hand.start()
        hand.resend()
    until(hand, lambda: erased(hand))
    measure(hand, second, second + 8)
    assert kills
    assert not any(rows_of(hand, GONE).values())
    assert GONE not in hand.store.checkpoint().snapshots
    assert rows_of(hand, STAYS)["registry"] == 1
    body = json.loads(hand.registry.people.receipt(RECEIPT).body)
    assert body["series"]["frames"] >= before["frames"]
    assert {k: body["series"][k] for k in ("nudges", "calibrations")} == {
        k: before[k] for k in ("nudges", "calibrations")
    }
    assert body["registry"] | {"assignment": 2, "pain": 1, "wearer": 1} == body["registry"]
    hand.close()
