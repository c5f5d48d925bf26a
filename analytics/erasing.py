"""Erasing a person: steps that may be cut off anywhere and done again, and end in the same state.

First what was measured, then what brokers keep, last the registry: as long as that has the person, it also
has the errand, so that whatever cut an erasure off, the errand is taken up again. The receipt is written in
the transaction that removes the person from the registry. After it nothing is left to do but to cut back the
registry's log, which whoever next opens the registry does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from analytics.home_assistant import wearer_topic
from contracts import topics
from store.people_ports import ConsentKind, Receipt
from store.ports import Registry, SeriesStore

#: Clears retained messages; whether the broker has taken that. Called again until it has.
Clear = Callable[[Sequence[str]], bool]
#: What the receipt says beside the counts.
LATER: Final = (
    "What a sensor or a gateway still keeps of these readings belongs to nobody now: it is thrown away "
    "when it arrives, and makes no rows."
)
BACKUPS: Final = (
    "Copies that the operator made (backups, exports, recordings) are the operator's to delete."
)
TOTALS: Final = (
    "Weeks of a team that were shown already stay as they are: rounded figures of at least ten people, "
    "which would tell who left if they changed."
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whom to erase, and the number of the receipt.

    ``counted``: rows by kind, of a try cut off before; ``notes``: what else the receipt is to say.
    """

    wearer: str
    receipt: str
    asked_ns: int
    counted: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class ReceiptBody(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a receipt: rows by kind, of the series and of each table of the registry, and words."""

    series: dict[str, int]
    notes: tuple[str, ...] = ()
    registry: dict[str, int] = {}


def erase(
    erasure: Erasure,
    *,
    site: str,
    series: SeriesStore,
    registry: Registry,
    clear: Clear,
    clock_ns: Callable[[], int],
    note: Callable[[dict[str, int]], None],
    home_assistant: str = "",
) -> Iterator[bool]:
    """The steps, each of bounded length; each gives whether the next may follow at once, or has to wait.

    Nobody may compute into the store for the wearer from before the first step on. ``note`` keeps the
    counts; ``home_assistant`` is its discovery prefix, where it was told of the wearer. StoreError or
    DiskError where the store or the registry fails: begin anew.
    """
    wearer = erasure.wearer
    found = series.count_rows(wearer)
    counted = {kind: max(n, erasure.counted.get(kind, 0)) for kind, n in found.items()}
    note(counted)
    yield True
    while series.erase_some(wearer):
        yield True
    now_ns = clock_ns()
    registry.release([worn.sensor for worn in registry.assignments(wearer)], now_ns)
    yield True
    while not clear(retained_topics(site, wearer, home_assistant)):
        yield False
    counted_in = {consent.kind for consent in registry.people.consents(wearer)}
    totals = (TOTALS,) if ConsentKind.AGGREGATE in counted_in else ()
    notes = (LATER, BACKUPS, *totals, *erasure.notes)
    body = msgspec.json.encode(ReceiptBody(series=counted, notes=notes)).decode()
    registry.people.erase_wearer(
        wearer, receipt=Receipt(erasure.receipt, erasure.asked_ns, now_ns, body)
    )
    while not registry.people.overwrite_erased():
        yield False


def counts_of(result: str) -> dict[str, int]:
    """What an errand that was cut off has counted, by kind; nothing where it noted none."""
    try:
        return msgspec.json.decode(result or "{}", type=dict[str, int])
    except msgspec.MsgspecError:
        return {}


def noted_counts(counts: Mapping[str, int]) -> str:
    """As :func:`counts_of` reads it."""
    return msgspec.json.encode(counts).decode()


def retained_topics(site: str, wearer: str, home_assistant: str = "") -> tuple[str, ...]:
    """Where a broker keeps the last word on a wearer."""
    own = (topics.posture(site, wearer), topics.context(site, wearer))
    return (*own, wearer_topic(home_assistant, site, wearer)) if home_assistant else own
