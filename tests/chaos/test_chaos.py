"""A dozen faults on the whole way, in processes of its own, on either store: nothing lost, doubled or
different.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests import influx
from tests.chaos.bench import Result, run_round
from tests.chaos.faults import Kind, kinds
from tests.chaos.stores import StoreKind

#: On an idle machine of two cores it takes about a minute; a loaded one is slow, not wrong.
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

#: Every kind of fault once, none of them long.
SEED = 23
PEOPLE = 2
AT_LEAST = 12


async def rounds(data_dir: Path, mosquitto: Path, folder: Path) -> dict[StoreKind, Result]:
    """A round on each store that there is, side by side: mostly they wait."""
    programs: dict[StoreKind, Path | None] = {StoreKind.SQLITE: None}
    if (influxd := influx.influxd()) is not None:
        programs[StoreKind.INFLUX] = influxd
    found = await asyncio.gather(
        *(
            run_round(
                folder / store,
                data_dir,
                seed=SEED,
                faults=max(AT_LEAST, len(kinds(server=influxd is not None))),
                people=PEOPLE,
                mosquitto=mosquitto if store is StoreKind.INFLUX else None,
                influxd=influxd,
                to_the_end=True,
            )
            for store, influxd in programs.items()
        )
    )
    return dict(zip(programs, found, strict=True))


@pytest.fixture(scope="module")
def results(
    data_dir: Path, mosquitto: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[StoreKind, Result]:
    return asyncio.run(rounds(data_dir, mosquitto, tmp_path_factory.mktemp("chaos")))


def check(result: Result, wanted: set[Kind]) -> None:
    assert [verdict for verdict in result.verdicts if not verdict.good] == []
    assert {done.fault.kind for done in result.done} == wanted
    assert all(done.recovered_s is not None for done in result.done)
    # On a slow machine some fall on what is down already, or is over; never all of them.
    assert any((result.cuts, result.doubled, result.reordered, result.refusals)), result


def test_a_dozen_faults_change_nothing_on_sqlite(results: dict[StoreKind, Result]) -> None:
    check(results[StoreKind.SQLITE], set(kinds(server=False)))


@pytest.mark.usefixtures("influxd")
def test_a_dozen_faults_change_nothing_on_influxdb(results: dict[StoreKind, Result]) -> None:
    check(results[StoreKind.INFLUX], set(Kind))
