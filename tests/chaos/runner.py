"""``make chaos``: rounds of faults with other people and the other broker each, and what came of them."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from contracts.errors import PlumblineError
from tests.chaos.bench import Result, run_round
from tests.chaos.showing import say, show_round, show_store
from tests.chaos.stores import StoreKind
from tests.influx import influxd

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
#: A recording lasts some eight minutes: more faults than this do not fit its live part.
FAULTS_A_ROUND: Final = 40
#: The exit status of who was told to stop, as shells have it.
STOPPED: Final = 130
#: Something never arrives, a part does not stay up, a row is there twice, a store cannot be read.
NO_END: Final = (TimeoutError, RuntimeError, AssertionError, PlumblineError)


@dataclass
class Plan:
    """The faults that one kind of store is to have: ``left`` is not given to a round yet.

    ``broken``: rounds that came to no end.
    """

    store: StoreKind
    left: int
    rounds: int = 0
    results: list[Result] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def main() -> int:
    """Run what the command line says; 0 where nothing is lost, doubled or different."""
    choice = _choice()
    folder = choice.keep or Path(tempfile.mkdtemp(prefix="plumbline-chaos-"))
    stores = list(StoreKind) if choice.store == "both" else [StoreKind(choice.store)]
    plans = [Plan(store, choice.faults) for store in stores]
    began_s = time.monotonic()
    try:
        asyncio.run(until_told_to_stop(run_all(plans, choice, folder)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(f"Stopped before the end. Logs and stores are in {folder}.")
        return STOPPED
    say(f"\nAll rounds: {time.monotonic() - began_s:.0f} s.")
    shown = [show_store(plan.store, plan.results, plan.broken) for plan in plans]
    good = all(shown)
    if choice.keep is None and good:
        shutil.rmtree(folder)
    elif not good:
        say(f"Logs and stores are in {folder}.")
    return 0 if good else 1


def _choice() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="on each store")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--broker", choices=("both", "amqtt", "mosquitto"), default="both")
    parser.add_argument("--store", choices=("both", *StoreKind), default="both")
    parser.add_argument("--jobs", type=int, default=3, help="rounds side by side")
    parser.add_argument("--keep", type=Path, help="folder to keep logs and stores in")
    choice = parser.parse_args()
    choice.data = Path(os.environ.get("PLUMBLINE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (choice.data / "recordings").is_dir():
        parser.error(f"no recordings in {choice.data}: set PLUMBLINE_DATA")
    choice.influxd = None if choice.store == StoreKind.SQLITE else influxd()
    if choice.influxd is None and choice.store != StoreKind.SQLITE:
        parser.error("no influxd: `make influxd` builds one; or break SQLite only: --store sqlite")
    choice.mosquitto = None if choice.broker == "amqtt" else mosquitto()
    if choice.mosquitto is None and choice.broker == "mosquitto":
        parser.error("no mosquitto. Install it, on Debian with: apt-get install mosquitto")
    return choice


def mosquitto() -> Path | None:
    """Mosquitto's program, where it is installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("mosquitto", path=path)
    return None if found is None else Path(found)


async def run_all(plans: Sequence[Plan], choice: argparse.Namespace, folder: Path) -> None:
    """Rounds side by side until every plan has had its faults."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(choice.jobs):
            tasks.create_task(_work(plans, choice, folder))


async def _work(plans: Sequence[Plan], choice: argparse.Namespace, folder: Path) -> None:
    while (plan := max(plans, key=lambda plan: plan.left)).left > 0:
        faults = min(plan.left, FAULTS_A_ROUND)
        plan.left -= faults
        plan.rounds += 1
        name = f"{plan.store}-{plan.rounds}"
        seed = choice.seed + plan.rounds - 1
        broker = broker_of(choice.broker, choice.mosquitto, plan.rounds)
        say(f"Round {name}: seed {seed}, {broker or 'amqtt'}, {faults} faults")
        began_s = time.monotonic()
        try:
            result = await run_round(
                folder / name,
                choice.data,
                seed=seed,
                faults=faults,
                people=choice.people,
                mosquitto=broker,
                influxd=choice.influxd if plan.store is StoreKind.INFLUX else None,
                tell=partial(_tell, name),
            )
        except NO_END as error:
            plan.broken.append(f"{name}, seed {seed}: {error}")
            say(f"\nRound {name} came to no end: {error}")
            continue
        plan.left += faults - len(result.done)
        plan.results.append(result)
        show_round(name, result, time.monotonic() - began_s)


def _tell(name: str, text: str) -> None:
    say(f"{name:9} {text}")


async def until_told_to_stop(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; SIGTERM ends it as Ctrl-C does, so that no process and no mount is left."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def broker_of(choice: str, program: Path | None, number: int) -> Path | None:
    """The broker of a store's round, from 1: Mosquitto's program, or None for amqtt."""
    return None if choice == "both" and number % 2 == 1 else program


if __name__ == "__main__":
    sys.exit(main())
