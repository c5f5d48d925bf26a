"""``plumbline erase`` and ``plumbline receipt``: a person's data goes, and what went is said."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from analytics.erasing import (
    Clear,
    Erasure,
    ReceiptBody,
    counts_of,
    erase,
    noted_counts,
    retained_topics,
)
from analytics.inbox import Inbox
from analytics.link import BrokerLink
from contracts.errands import ErrandFailure
from contracts.errors import BrokerError, Reason, SettingError, StoreError
from contracts.units import NS_PER_S
from contracts.vocabulary import is_id
from plumbline.fleet import now_ns
from plumbline.settings import Settings
from plumbline.wiring import broker_address
from store import open_registry, open_series
from store.people_ports import Errand, ErrandKind, ErrandState, Receipt
from store.ports import Registry, SeriesStore

#: So long a broker is waited for that may not be running either.
BROKER_WAIT_S: Final = 3.0
_POLL_S: Final = 0.2
#: Who asked, where nobody was signed in.
OPERATOR: Final = "operator"
NO_BROKER: Final = (
    "No broker could be asked. One that comes back with what it knew may still keep a last message about "
    "this person; erase again while it runs."
)


@dataclass(frozen=True, slots=True)
class EraseChoice:
    """What ``plumbline erase`` was asked to do."""

    wearer: str
    yes: bool = False
    wait_s: float = 120.0
    as_json: bool = False


def run_erase(settings: Settings, choice: EraseChoice) -> None:
    """Erase by itself, or through the analytics service where one runs; print the receipt.

    SettingError for an unknown wearer, StoreError or DiskError where it could not be done.
    """
    if not is_id(choice.wearer):
        raise SettingError(
            Reason.BAD_ID,
            f"{choice.wearer[:60]!r} is not the id of a wearer.",
            hint="Give the pseudonymous id, such as demo-001, never a name.",
        )
    with _opened(settings) as (series, registry):
        _confirm(choice, series, registry)
        try:
            series.claim()
        except StoreError as error:
            if error.reason is not Reason.STORE_IN_USE:
                raise
            number = _through_the_service(choice, registry)
        else:
            number = _by_itself(settings, choice.wearer, series, registry)
        _print(_known(registry, number), as_json=choice.as_json)


def run_receipt(settings: Settings, number: str, *, as_json: bool) -> None:
    """Print the receipt of an erasure. SettingError where there is none of that number."""
    registry = open_registry(settings.people_url, read_only=True)
    try:
        _print(_known(registry, number), as_json=as_json)
    finally:
        registry.close()


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[SeriesStore, Registry]]:
    """Both stores for writing, which are to be there already."""
    open_series(settings.series_url, read_only=True).close()
    series = open_series(settings.series_url)
    try:
        registry = open_registry(settings.people_url)
        try:
            yield series, registry
        finally:
            registry.close()
    finally:
        series.close()


def _confirm(choice: EraseChoice, series: SeriesStore, registry: Registry) -> None:
    wearer = choice.wearer
    counted = series.count_rows(wearer)
    known = any(person.wearer == wearer for person in registry.wearers())
    if not known and not any(counted.values()):
        raise SettingError(
            Reason.MISSING,
            f"Nothing is known of a wearer {wearer!r}.",
            hint="Check the id; a receipt is shown again with: plumbline receipt NUMBER",
        )
    if not choice.yes:
        rows = ", ".join(f"{count:,} {kind}" for kind, count in counted.items() if count)
        typer.confirm(
            f"Erase {wearer}: {rows or 'nothing measured'}, and all that the registry has of this "
            "person. This cannot be undone. Go on?",
            abort=True,
            err=True,
        )


def _by_itself(settings: Settings, wearer: str, series: SeriesStore, registry: Registry) -> str:
    people = registry.people
    errand = _waiting(registry, wearer)
    if errand is None:
        errand = Errand(uuid4().hex, ErrandKind.ERASE, wearer, OPERATOR, now_ns())
        if any(person.wearer == wearer for person in registry.wearers()):
            people.ask(errand)  # cut off, it is gone on with, here or by the service
    number = errand.errand
    with _broker(settings, wearer) as clear:
        steps = erase(
            Erasure(
                wearer,
                number,
                errand.asked_ns,
                counts_of(errand.result),
                notes=() if clear else (NO_BROKER,),
            ),
            site=settings.site,
            series=series,
            registry=registry,
            clear=clear or (lambda _topics: True),
            clock_ns=now_ns,
            note=lambda counts: people.note_errand(number, noted_counts(counts)),
            home_assistant=settings.home_assistant,
        )
        for at_once in steps:
            if not at_once:
                time.sleep(_POLL_S)
    return number


@contextmanager
def _broker(settings: Settings, wearer: str) -> Iterator[Clear | None]:
    """What clears retained messages; None where no broker answers."""
    link = BrokerLink(
        broker_address(settings),
        client_id=f"plumbline-erase-{settings.site}",
        topics=retained_topics(settings.site, wearer, settings.home_assistant),
        inbox=Inbox(16, 1024),
    )
    try:
        link.open(BROKER_WAIT_S, threading.Event())
    except BrokerError as error:
        typer.echo(f"plumbline: {error.message} {NO_BROKER}", err=True)
        yield None
        return
    try:
        yield link.clear
    finally:
        link.close()


def _through_the_service(choice: EraseChoice, registry: Registry) -> str:
    """Ask the service that has the store, and wait until it has done it."""
    people, wearer = registry.people, choice.wearer
    waiting = _waiting(registry, wearer)
    if waiting is None:
        waiting = Errand(uuid4().hex, ErrandKind.ERASE, wearer, OPERATOR, now_ns())
        people.ask(waiting)
    number = waiting.errand
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task("Waiting for the analytics service", total=None)
        if not _until(lambda: _settled(registry, number), choice.wait_s):
            raise StoreError(
                Reason.INCOMPLETE,
                f"The analytics service was asked, and has not done it in {choice.wait_s:.0f} s.",
                hint=f"It will as soon as it can; see later with: plumbline receipt {number}",
            )
    failed = next((e for e in people.errands(wearer=wearer) if e.errand == number), None)
    if failed is not None:
        failure = msgspec.json.decode(failed.result, type=ErrandFailure)
        raise StoreError(Reason.INCOMPLETE, failure.message, hint=failure.hint)
    return number


def _until(done: Callable[[], bool], wait_s: float) -> bool:
    ends_s = time.monotonic() + wait_s
    while not done():
        if time.monotonic() >= ends_s:
            return False
        time.sleep(_POLL_S)
    return True


def _settled(registry: Registry, number: str) -> bool:
    people = registry.people
    if people.receipt(number) is not None:
        return True
    return any(e.errand == number for e in people.errands(states={ErrandState.FAILED}))


def _waiting(registry: Registry, wearer: str) -> Errand | None:
    """An erasure that was asked for already: whoever did so has its number."""
    asked = registry.people.errands(wearer=wearer, states={ErrandState.ASKED})
    return next((errand for errand in asked if errand.kind is ErrandKind.ERASE), None)


def _known(registry: Registry, number: str) -> Receipt:
    found = registry.people.receipt(number) if is_id(number) else None
    if found is None:
        raise SettingError(
            Reason.MISSING,
            f"There is no receipt {number[:64]!r}.",
            hint="An erasure that still waits has none yet.",
        )
    return found


def _print(receipt: Receipt, *, as_json: bool) -> None:
    body = msgspec.json.decode(receipt.body, type=ReceiptBody)
    if as_json:
        typer.echo(json.dumps(_plain(receipt, body), indent=1))
        return
    table = Table("what was erased", "rows")
    for kinds in (body.series, body.registry):
        for kind, count in kinds.items():
            if count:
                table.add_row(kind.replace("_", " "), f"{count:,}")
    console = Console()
    console.print(f"Receipt {receipt.receipt}", highlight=False, soft_wrap=True)
    console.print(table)
    console.print(
        f"Asked for {_utc(receipt.asked_ns)}, erased {_utc(receipt.erased_ns)}.", highlight=False
    )
    for note in body.notes:
        console.print(note, highlight=False)


def _plain(receipt: Receipt, body: ReceiptBody) -> dict[str, Any]:
    return {
        "receipt": receipt.receipt,
        "asked_ns": receipt.asked_ns,
        "erased_ns": receipt.erased_ns,
        **msgspec.to_builtins(body),
    }


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
