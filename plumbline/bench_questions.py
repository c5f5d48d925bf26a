"""How many questions a page asks of the store and of the registry, counted where they are asked."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import InvariantError
from dashboard import shell
from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Audit
from dashboard.reading import sources
from dashboard.reading.kept import KeptSeries
from dashboard.reading.sources import Sources
from store.open import open_registry, open_series

#: What warns of a session that is touched outside a run.
_CONTEXT_LOG: Final = "streamlit.runtime.scriptrunner_utils.script_run_context"
_SCRIPT: Final = "from plumbline.bench_questions import show\nshow()\n"


class Counted:
    """Anything, with its calls counted by name; ``people`` of a registry is counted with it."""

    def __init__(self, what: Any, counts: Counter[str]) -> None:
        self._what = what
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._what, name)
        if name == "people":
            return Counted(found, self._counts)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._counts[name] += 1
            return found(*args, **kwargs)

        return call


@dataclass
class _Room:
    """What the page that is run below is about."""

    found: Sources
    viewer: Viewer
    act: Act


_room: list[_Room] = []


def show() -> None:
    """The page, as the frame opens it."""
    (room,) = _room
    audit = Audit(room.found.registry.people, time.time_ns)
    shell.open_page(room.act, room.found, audit, lambda: room.viewer, time.time_ns)


def count_questions(
    store_url: str, registry_url: str, viewer: Viewer, act: Act, query: dict[str, str]
) -> dict[str, Any]:
    """Questions of a page that is opened for the first time, and of the same again at once."""
    series_counts: Counter[str] = Counter()
    registry_counts: Counter[str] = Counter()
    series, registry = open_series(store_url, read_only=True), open_registry(registry_url)
    kept = KeptSeries(
        Counted(series, series_counts),
        clock_s=time.monotonic,
        clock_ns=time.time_ns,
        beside=lambda work: work(),
    )
    found = sources.Sources(kept, Counted(registry, registry_counts))
    try:
        _room[:] = [_Room(found, viewer, act)]
        first = _run(query, series_counts, registry_counts)
        again = _run(query, series_counts, registry_counts)
    finally:
        _room.clear()
        series.close()
        registry.close()
    return {"first": first, "again": again}


@contextmanager
def _outside_a_run() -> Iterator[None]:
    """While a test run of Streamlit's is made: it writes to its session before there is a run, and warns of that."""
    log = logging.getLogger(_CONTEXT_LOG)
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


def _run(
    query: dict[str, str], series: Counter[str], registry: Counter[str]
) -> dict[str, dict[str, int]]:
    from streamlit.testing.v1 import AppTest

    series.clear()
    registry.clear()
    with _outside_a_run():
        app = AppTest.from_string(_SCRIPT, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    program = sys.modules["__main__"]
    try:
        app.run()
    finally:
        sys.modules["__main__"] = (
            program  # the run put its script there; new processes look for ours
        )
    if app.exception:
        raise InvariantError(f"the page failed: {app.exception[0].message}")
    return {
        "store": {"all": series.total(), **dict(series.most_common())},
        "registry": {"all": registry.total(), **dict(registry.most_common())},
    }
