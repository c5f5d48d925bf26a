"""Errands: one at a time, a step a turn, done once, failed in words, waiting where a store is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from analytics.errands import RETRY_S, ErrandDesk, Job
from contracts.errands import ErrandFailure
from contracts.errors import Reason, SettingError, StoreError
from store import open_registry
from store.people_ports import Errand, ErrandKind, ErrandState
from store.ports import Registry, Wearer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = open_registry(f"sqlite:{tmp_path}/registry.sqlite")
    opened.put_wearer(Wearer("w", "Somebody"))
    yield opened
    opened.close()


class Desk:
    """A desk whose only kind of job does as it is told: steps, waiting, or an error."""

    def __init__(self, registry: Registry) -> None:
        self.people = registry.people
        self.did: list[str] = []
        self.error: Exception | None = None
        self.dropped: list[str] = []
        self.desk = ErrandDesk(
            registry.people,
            {ErrandKind.REPLAY: self._job},
            poll_s=2.0,
            clock_ns=lambda: 77,
            dropped=lambda errand: self.dropped.append(errand.errand),
        )

    def _job(self, errand: Errand) -> Job:
        for step in range(2):
            self.did.append(f"{errand.errand}.{step}")
            yield step == 0
            if self.error is not None:
                raise self.error
        self.people.finish_errand(errand.errand, ErrandState.DONE, done_ns=9, result="{}")

    def ask(self, name: str, asked_ns: int) -> None:
        self.people.ask(Errand(name, ErrandKind.REPLAY, "w", "a", asked_ns))

    def states(self) -> dict[str, ErrandState]:
        return {errand.errand: errand.state for errand in self.people.errands()}


def test_the_oldest_goes_first_and_each_is_done_once(registry: Registry) -> None:
    desk = Desk(registry)
    desk.ask("second", 2)
    desk.ask("first", 1)
    at_s = 0.0
    for _ in range(20):
        desk.desk.turn(at_s)
        at_s += 1.0
    assert desk.did == ["first.0", "first.1", "second.0", "second.1"]
    assert set(desk.states().values()) == {ErrandState.DONE}
    assert desk.dropped == []


def test_a_turn_is_one_step(registry: Registry) -> None:
    desk = Desk(registry)
    desk.ask("e", 1)
    assert desk.desk.turn(0.0) is True
    assert desk.did == ["e.0"]
    assert desk.desk.turn(0.0) is False  # this step has to wait for something
    assert desk.desk.turn(0.0) is False
    assert desk.did == ["e.0", "e.1"]
    assert desk.desk.turn(1.0) is True
    assert desk.states() == {"e": ErrandState.DONE}


def test_with_nothing_asked_the_registry_is_looked_at_now_and_then(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, looks = Desk(registry), []
    errands = registry.people.errands

    def counted(**rest) -> list[Errand]:
        looks.append(rest)
        return errands(**rest)

    monkeypatch.setattr(registry.people, "errands", counted)
    for tenth in range(100):
        assert desk.desk.turn(tenth / 10) is False
    assert len(looks) == 5


def test_one_that_cannot_be_done_has_failed_and_the_next_goes_on(registry: Registry) -> None:
    desk = Desk(registry)
    desk.ask("bad", 1)
    desk.ask("good", 2)
    desk.error = SettingError(Reason.BAD_SETTING, "It is wrong.", hint="Ask differently.")
    for second in range(3):
        desk.desk.turn(float(second))
    desk.error = None
    for second in range(3, 20):
        desk.desk.turn(float(second))
    assert desk.states() == {"bad": ErrandState.FAILED, "good": ErrandState.DONE}
    assert desk.dropped == ["bad"]
    (failed, _) = desk.people.errands()
    assert failed.done_ns == 77
    assert msgspec.json.decode(failed.result, type=ErrandFailure) == ErrandFailure(
        message="It is wrong.", hint="Ask differently."
    )


def test_one_waits_for_a_store_that_is_away_and_begins_anew(registry: Registry) -> None:
    desk = Desk(registry)
    desk.ask("e", 1)
    desk.error = StoreError(Reason.STORE_UNREACHABLE, "It is away.")
    assert desk.desk.turn(0.0) is True
    assert [desk.desk.turn(0.0) for _ in range(5)] == [False] * 5
    at_s = 0.0
    for _ in range(3):
        at_s += 1.0
        desk.desk.turn(at_s)
    assert desk.states() == {"e": ErrandState.ASKED}
    assert desk.dropped == []
    desk.error = None
    for _ in range(5):
        at_s += RETRY_S
        desk.desk.turn(at_s)
    assert desk.states() == {"e": ErrandState.DONE}
    assert desk.did[-2:] == ["e.0", "e.1"]


def test_a_registry_that_is_away_is_waited_for(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(registry)
    desk.ask("e", 1)
    finish = registry.people.finish_errand

    def away(*_: object, **__: object) -> None:
        raise StoreError(Reason.STORE_UNREACHABLE, "It is away.")

    monkeypatch.setattr(registry.people, "finish_errand", away)
    desk.error = SettingError(Reason.BAD_SETTING, "It is wrong.")
    for second in range(10):
        desk.desk.turn(second * RETRY_S)
    assert desk.states() == {"e": ErrandState.ASKED}
    monkeypatch.setattr(registry.people, "finish_errand", finish)
    for second in range(10, 14):
        desk.desk.turn(second * RETRY_S)
    assert desk.states() == {"e": ErrandState.FAILED}
