"""A run is good only where every row is, and every round came to its end."""

from __future__ import annotations

import pytest

from tests.chaos.bench import Result
from tests.chaos.comparing import Verdict
from tests.chaos.disturber import Done
from tests.chaos.faults import SERVER_KINDS, Fault, Kind
from tests.chaos.showing import quantile, show_store
from tests.chaos.stores import StoreKind


def round_of(verdict: Verdict, recovered_s: float | None = 3.0) -> Result:
    done = Done(Fault(Kind.BROKER, 0.1, 1.0), 1.0, lifted_s=2.0, recovered_s=recovered_s)
    return Result(1, "amqtt", StoreKind.SQLITE, [], done=[done], verdicts=[verdict])


@pytest.mark.parametrize(
    ("result", "good"),
    [
        (round_of(Verdict("frames, exactly", rows=5)), True),
        (round_of(Verdict("frames, exactly", rows=0)), False),
        (round_of(Verdict("frames, exactly", rows=5, lost=1)), False),
        (round_of(Verdict("frames, exactly", rows=5, doubled=1)), False),
        (round_of(Verdict("frames, nearly", rows=5, different=1)), False),
        (round_of(Verdict("frames, exactly", rows=5), recovered_s=None), False),
    ],
)
def test_one_row_or_fault_that_is_not_well_is_enough(result: Result, good: bool) -> None:
    assert show_store(StoreKind.SQLITE, [result], []) is good


def test_no_round_and_a_round_without_end_are_not_well() -> None:
    assert not show_store(StoreKind.SQLITE, [], [])
    good = round_of(Verdict("frames, exactly", rows=5))
    assert not show_store(StoreKind.SQLITE, [good], ["sqlite-2: nothing moves any more"])


def test_what_sqlite_cannot_have_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    good = round_of(Verdict("frames, exactly", rows=5))
    show_store(StoreKind.SQLITE, [good], [])
    said = capsys.readouterr().out
    assert all(kind in said for kind in SERVER_KINDS)
    show_store(StoreKind.INFLUX, [good], [])
    assert SERVER_KINDS[0] not in capsys.readouterr().out


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert quantile([float(n) for n in range(1, 101)], 0.99) == 99.0
    assert quantile([7.0], 0.5) == 7.0
