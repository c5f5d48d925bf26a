"""The page of a week as Streamlit runs it: the chooser, empty weeks, and who may look."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity
from dashboard.entry.access import Act, Viewer
from dashboard.look.weeks import IsoWeek
from dashboard.pages import week
from dashboard.reading.sources import Sources
from store.people_ports import Role
from store.ports import Commit, Wearer, WearerRows
from tests.dashboard import seed, visits
from tests.dashboard.test_week import rollup

ZONE = ZoneInfo("Europe/Berlin")
THIS = IsoWeek.parse("2026-W43")
NOW_NS = int(datetime.combine(THIS.days[2], time(10), ZONE).timestamp()) * NS_PER_S


@pytest.fixture
def filled(sources: Sources) -> Sources:
    """A client with rounding on this week's Monday and two weeks ago."""
    sources.registry.put_wearer(Wearer(seed.WEARER, "Demo client", ZONE.key))
    days = [rollup(THIS.monday, 7200, 1200), rollup(THIS.moved(-2).monday, 7200, 2400)]
    start_ns = days[1].start_ns + 9 * 3600 * NS_PER_S
    frames, _ = seed.day_of([seed.Stretch(1, Activity.SITTING)], start_ns)
    sources.series.commit(Commit(wearers=[WearerRows(seed.WEARER, frames, days=days)]))
    return sources


def run(found: Sources, viewer: Viewer = visits.CLIENT, **query: str) -> AppTest:
    def make() -> visits.Visit:
        return visits.visit(found, Act.WEEK, viewer=viewer, clock_ns=lambda: NOW_NS)

    return visits.run(week.page, make, **query)


def title(app: AppTest) -> str:
    """The headline of the page."""
    return visits.shown(app).split("<h1>")[1].split("</h1>")[0]


def test_this_week_comes_first_and_others_can_be_chosen(filled: Sources) -> None:
    app = run(filled)
    assert title(app) == "This week, 19 – 25 October 2026"
    assert "10 min rounded in an hour worn so far" in visits.shown(app)
    back, this, on = app.button
    assert (back.disabled, this.disabled, on.disabled) == (False, True, True)
    back.click().run()
    assert app.query_params["week"] == "2026-W42"
    assert title(app) == "Last week, 12 – 18 October 2026"
    app.button[0].click().run()
    assert title(app) == "Week 41, 5 – 11 October 2026"
    assert "20 min rounded in an hour worn; the week before" in visits.shown(app)
    # seconds are forgotten after a month, days are not: a year back is always open
    assert not app.button[0].disabled
    assert run(filled, week="2025-W43").button[0].disabled
    app.button[1].click().run()
    assert "week" not in app.query_params
    assert title(app).startswith("This week")
    assert not app.exception


def test_the_address_names_the_week(filled: Sources) -> None:
    app = run(filled, week="2026-W41")
    assert title(app) == "Week 41, 5 – 11 October 2026"
    app.button[2].click().run()
    assert app.query_params["week"] == "2026-W42"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2026-W44", "This week has not come yet"),
        ("2026-W60", "is no week"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_week_that_is_none_is_said(filled: Sources, name: str, words: str) -> None:
    app = run(filled, week=name)
    assert words in visits.shown(app)
    assert title(app).startswith("This week")
    assert "10 min rounded" in visits.shown(app)


def test_a_week_without_data_says_what_to_do(filled: Sources) -> None:
    empty = FrameBlock.from_rows(())
    filled.registry.put_wearer(Wearer("c-2", "New client", ZONE.key))
    filled.series.commit(Commit(wearers=[WearerRows("c-2", empty)]))
    new = Viewer("c", "New", frozenset({Role.CLIENT}), wearer="c-2")

    def make() -> visits.Visit:
        return visits.visit(filled, Act.WEEK, viewer=new, wearer="c-2", clock_ns=lambda: NOW_NS)

    assert "paired under My sensors" in visits.shown(visits.run(week.page, make))
    assert "Not worn in this week" in visits.shown(run(filled, week="2026-W40"))


def test_a_therapist_who_was_let_look_sees_it_and_nobody_else(filled: Sources) -> None:
    assert "10 min rounded" in visits.shown(run(filled, visits.THERAPIST))
    stranger = Viewer("t", "Stranger", frozenset({Role.THERAPIST}))
    page = visits.shown(run(filled, stranger))
    assert "This is not yours to see" in page
    assert "rounded" not in page


def test_only_days_are_read(filled: Sources) -> None:
    """A page of a week of frames would be 604,800 rows."""
    asked: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(filled.series, name)

    run(Sources(Watched(), filled.registry))  # type: ignore[arg-type]
    assert asked.count("days") == 1
    assert not set(asked) & {"frames", "minutes", "episodes"}
