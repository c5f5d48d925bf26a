"""What a chaos run prints: what was done, what recovered in which time, and what became of the rows."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.bench import Result
from tests.chaos.comparing import Verdict
from tests.chaos.faults import SERVER_KINDS, STORE
from tests.chaos.stores import StoreKind


def say(text: str) -> None:
    """A line, at once."""
    print(text, flush=True)


def show_round(name: str, result: Result, took_s: float) -> None:
    """What was done in a round and what came of it."""
    people = ", ".join(person.recording.name for person in result.people)
    say(f"\nRound {name}: seed {result.seed}, {result.store}, {result.broker}, {people}")
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
    for part, deaths in result.deaths.items():
        say(f"{part} ended by itself {len(deaths)} times, the last with {deaths[-1]}")
    say(
        f"All was in {result.caught_up_s:.1f} s after the last fault."
        f" Runs: {', '.join(f'{run} {s:.0f} s' for run, s in result.took_s.items())};"
        f" {took_s:.0f} s in all."
    )
    show_verdicts(result.verdicts)


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """The table of rows."""
    say(f"{'':28}{'rows':>9}{'lost':>7}{'doubled':>9}{'different':>11}  largest deviation")
    for v in verdicts:
        unit = "ms" if v.what.startswith("samples") else "°" if v.what.startswith("frames") else ""
        worst = f"{v.worst:.2f} {unit}" if unit else ""
        say(f"{v.what:28}{v.rows:9,}{v.lost:7}{v.doubled:9}{v.different:11}  {worst}")
        for example in v.examples:
            say(f"    {example}")


def show_store(store: StoreKind, results: Sequence[Result], broken: Sequence[str]) -> bool:
    """All rounds on a kind of store together, and those that came to no end; whether all is well."""
    recoveries: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for kind, seconds in result.recoveries().items():
            recoveries[kind] += seconds
    say(f"\n{'On ' + store:24}{'faults':>8}{'median s':>10}{'p99 s':>9}{'longest s':>11}")
    for kind, seconds in sorted(recoveries.items()):
        say(f"{kind:24}{_figures(seconds)}")
    if recoveries:
        say(f"{'all':24}{_figures([s for seconds in recoveries.values() for s in seconds])}")
    if store is StoreKind.SQLITE:
        words = ", ".join(SERVER_KINDS)
        say(f"SQLite has no server, so there is no: {words}, nor a connection {STORE}.")
    verdicts = [verdict for result in results for verdict in result.verdicts]
    done = [one for result in results for one in result.done]
    rows = sum(v.rows for v in verdicts if v.what.endswith("exactly"))
    samples = sum(v.rows for v in verdicts if v.what.startswith("samples"))
    lost, doubled, different = (
        sum(getattr(v, name) for v in verdicts) for name in ("lost", "doubled", "different")
    )
    never = sum(one.recovered_s is None for one in done)
    say(
        f"{store}: {len(done)} faults, {never} not recovered from;"
        f" of {rows:,} rows and {samples:,} samples"
        f" {lost} lost, {doubled} doubled, {different} different."
    )
    for round_ in broken:
        say(f"{store}: no end of round {round_}")
    return bool(results) and not broken and all(result.good for result in results)


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _figures(seconds: Sequence[float]) -> str:
    median_s, p99_s = statistics.median(seconds), quantile(seconds, 0.99)
    return f"{len(seconds):8}{median_s:10.1f}{p99_s:9.1f}{max(seconds):11.1f}"
