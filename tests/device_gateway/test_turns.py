"""More sensors than links: who has waited longest comes next, and nothing is lost meanwhile."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.session import State
from device_gateway.turns import TURN_S, Turn, hand_on, in_turn
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import Analyst, analyst
from tests.device_gateway.counting import MODULUS, counting_sensor
from tests.device_gateway.test_gateway import configured, gateway, quick_scans, until
from tests.firmware_sim.bluetooth import simulator

__all__ = ["quick_scans"]  # a fixture


@dataclass(frozen=True)
class Linked:
    """A session for as long as it could have handed its link on."""

    had_s: float

    @property
    def turn(self) -> Turn:
        return Turn()

    def turn_s(self) -> float:
        return self.had_s


def test_a_turn_begins_when_it_has_caught_up_and_waiting_ends_with_a_link() -> None:
    turn = Turn()
    turn.wait(1.0)
    turn.wait(2.0)
    assert turn.waiting_since_s == 1.0
    turn.step(State.ABSENT, State.CONNECTING, 3.0)
    assert turn.waiting_since_s is None
    assert turn.had_s(State.SYNCING, 9.0) == 0.0
    turn.step(State.SYNCING, State.LIVE, 10.0)
    assert turn.had_s(State.LIVE, 25.0) == 15.0
    turn.step(State.LIVE, State.LIVE, 30.0)  # a hole that was filled begins no turn anew
    assert turn.had_s(State.LIVE, 40.0) == 30.0
    assert turn.had_s(State.ENDED, 40.0) == math.inf
    assert turn.had_s(State.HOLDING, 40.0) == 0.0


@given(st.lists(st.floats(0, 1e6) | st.just(math.inf), max_size=12), st.integers(0, 12))
def test_the_longest_hand_on_and_no_more_than_wait(had_s: list[float], waiting: int) -> None:
    gone = hand_on([Linked(one) for one in had_s], waiting)
    assert [one.had_s for one in gone] == sorted(
        (one for one in had_s if one >= TURN_S), reverse=True
    )[:waiting]


def test_who_waits_longest_comes_first() -> None:
    assert sorted([None, 5.0, 2.0], key=in_turn) == [2.0, 5.0, None]


def test_three_sensors_share_one_link(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.turns.TURN_S", 0.3)
    monkeypatch.setattr("device_gateway.turns.TURN_PAUSE_S", 0.3)
    monkeypatch.setattr("device_gateway.service.SCAN_PAUSE_CALM_S", 0.1)
    serials = ("A", "B", "C")

    def backlogs(analytics: Analyst, serial: str) -> int:
        """How many batches are longer than live ones are: what waited came in at once."""
        return sum(batch.count > 25 for batch in analytics.batches.get(serial, ()))

    async def run(analytics: Analyst) -> None:
        sensors = [counting_sensor(serial, waiting=100, end=False) for serial in serials]
        async with (
            simulator(sensors) as air,
            gateway(configured(tmp_path, air.spec, mosquitto_broker.port, max_links=1)),
        ):
            await until(lambda: all(backlogs(analytics, serial) >= 3 for serial in serials))

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))
    for serial in serials:
        values = analytics.values(serial)
        assert values == [tick % MODULUS for tick in range(len(values))]
        assert sum(batch.lost_before for batch in analytics.batches[serial]) == 0
