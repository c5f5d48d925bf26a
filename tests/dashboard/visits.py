"""A visit to a page without a sign-in: real stores, a real gate, whoever is wanted as the one who looks."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Audit, Gate, GuardedPeople, GuardedRegistry
from dashboard.entry.guarded_series import GuardedSeries
from dashboard.entry.visit import Visit
from dashboard.reading import queries
from dashboard.reading.kept import KeptSeries
from dashboard.reading.sources import Sources
from store.people_ports import Role
from tests.dashboard import seed

CLIENT = Viewer("a-client", "The client", frozenset({Role.CLIENT}), wearer=seed.WEARER)
THERAPIST = Viewer(
    "a-therapist", "The therapist", frozenset({Role.THERAPIST}), granted=frozenset({seed.WEARER})
)


def visit(
    found: Sources,
    page: Act,
    *,
    viewer: Viewer = CLIENT,
    wearer: str = seed.WEARER,
    clock_ns: Callable[[], int] = time.time_ns,
) -> Visit:
    """One run of a page about ``wearer`` by ``viewer``."""
    gate = Gate(page, lambda: viewer, Audit(found.registry.people, clock_ns))
    kept = found.series
    if not isinstance(kept, KeptSeries):
        kept = KeptSeries(kept, clock_s=time.monotonic, clock_ns=clock_ns, beside=lambda do: do())
    people = queries.people(found.series, found.registry)
    return Visit(
        viewer=viewer,
        gate=gate,
        person=next((p for p in people if p.wearer == wearer), None),
        series=GuardedSeries(found.series, found.registry, gate),
        registry=GuardedRegistry(found.registry, gate),
        people=GuardedPeople(found.registry.people, gate),
        kept=kept,
        clock_ns=clock_ns,
    )


def run(page: Callable[[Visit], None], make: Callable[[], Visit], **query: str) -> AppTest:
    """The page as Streamlit runs it, a new visit each run; ``query`` as in the address."""

    def script(page, make):  # its source alone is run: no name of this module is known there
        page(make())

    app = AppTest.from_function(script, default_timeout=60, args=(page, make))
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """All HTML of the page."""
    return "\n".join(html.proto.body for html in app.get("html"))
