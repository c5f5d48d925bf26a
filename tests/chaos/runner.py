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
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from tests.chaos.bench import Result, run_round, worst_and_median
from tests.chaos.comparing import Verdict

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
#: A recording lasts some eight minutes: more faults than this do not fit its live part.
FAULTS_A_ROUND: Final = 70


def main() -> int:
    """Run what the command line says; 0 where nothing is lost, doubled or different."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--broker", choices=("both", "amqtt", "mosquitto"), default="both")
    parser.add_argument("--keep", type=Path, help="folder to keep logs and stores in")
    choice = parser.parse_args()
    data_dir = Path(os.environ.get("PLUMBLINE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (data_dir / "recordings").is_dir():
        parser.error(f"no recordings in {data_dir}: set PLUMBLINE_DATA")
    folder = choice.keep or Path(tempfile.mkdtemp(prefix="plumbline-chaos-"))
    results: list[Result] = []
    while (left := choice.faults - sum(len(result.done) for result in results)) > 0:
        number = len(results)
        broker = broker_of(choice.broker, number)
        seed = choice.seed + number
        say(f"Round {number + 1}: seed {seed}, {broker or 'amqtt'}, {left} faults to go")
        began_s = time.monotonic()
        result = asyncio.run(
            until_told_to_stop(
                run_round(
                    folder / f"round-{number + 1}",
                    data_dir,
                    seed=seed,
                    faults=min(left, FAULTS_A_ROUND),
                    people=choice.people,
                    mosquitto=broker,
                    tell=say,
                )
            )
        )
        results.append(result)
        show_round(result, time.monotonic() - began_s)
    good = show_all(results)
    if choice.keep is None and good:
        shutil.rmtree(folder)
    elif not good:
        say(f"Logs and stores are in {folder}.")
    return 0 if good else 1


async def until_told_to_stop(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work; SIGTERM ends it as Ctrl-C does, so that no process and no mount is left."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def broker_of(choice: str, number: int) -> Path | None:
    """The broker of a round: Mosquitto's program, or None for amqtt."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if choice == "amqtt" or (choice == "both" and (number % 2 == 0 or found is None)):
        return None
    if found is None:
        sys.exit("mosquitto is missing. Install it, on Debian with: apt-get install mosquitto")
    return Path(found)


def show_round(result: Result, took_s: float) -> None:
    """What was done and what came of it."""
    say(
        f"\nSeed {result.seed}, {result.broker}, {', '.join(p.recording.name for p in result.people)}"
    )
    say("  at s  lasted s  recovered s  fault")
    for done in result.done:
        recovered = (
            "never" if done.recovered_s is None else f"{done.recovered_s - done.lifted_s:.1f}"
        )
        say(f"{done.at_s:6.1f} {done.lifted_s - done.at_s:9.1f} {recovered:>12}  {done.fault}")
    say(
        f"Starts {result.starts}; {result.cuts} connections cut, {result.doubled} messages doubled,"
        f" {result.reordered} reordered; a full disk felt {result.refusals} times"
        f" ({'tmpfs' if result.own_disk else 'by a limit on the length of files'})."
    )
    for name, deaths in result.deaths.items():
        say(f"{name} ended by itself {len(deaths)} times, the last with {deaths[-1]}")
    say(
        f"All was in {result.caught_up_s:.1f} s after the last fault."
        f" Runs: {', '.join(f'{name} {s:.0f} s' for name, s in result.took_s.items())};"
        f" {took_s:.0f} s in all."
    )
    show_verdicts(result.verdicts)


def show_verdicts(verdicts: list[Verdict]) -> None:
    """The table of rows."""
    say(f"{'':28}{'rows':>9}{'lost':>7}{'doubled':>9}{'different':>11}  largest deviation")
    for v in verdicts:
        unit = "ms" if v.what.startswith("samples") else "°" if v.what.startswith("frames") else ""
        worst = f"{v.worst:.2f} {unit}" if unit else ""
        say(f"{v.what:28}{v.rows:9,}{v.lost:7}{v.doubled:9}{v.different:11}  {worst}")
        for example in v.examples:
            say(f"    {example}")


def show_all(results: list[Result]) -> bool:
    """All rounds together; whether all is well."""
    recoveries: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for kind, seconds in result.recoveries().items():
            recoveries[str(kind)] += seconds
    say(f"\n{'all rounds':22}{'faults':>8}{'median s':>10}{'worst s':>9}")
    for kind, seconds in sorted(recoveries.items()):
        worst_s, median_s = worst_and_median(seconds)
        say(f"{kind:22}{len(seconds):8}{median_s:10.1f}{worst_s:9.1f}")
    verdicts = [verdict for result in results for verdict in result.verdicts]
    done = sum(len(result.done) for result in results)
    lost, doubled, different = (
        sum(getattr(v, name) for v in verdicts) for name in ("lost", "doubled", "different")
    )
    say(f"{done} faults: {lost} rows lost, {doubled} doubled, {different} different.")
    return all(result.good for result in results)


def say(text: str) -> None:
    """A line, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
