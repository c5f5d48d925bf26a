"""The page of a day as Streamlit runs it, on real stores, for the client and for a therapist."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from contracts.records import CalibrationOutcome, FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Pattern
from dashboard.entry.access import Act, Viewer
from dashboard.pages import today
from dashboard.reading.kept import KeptSeries
from dashboard.reading.sources import Sources
from store.open import open_series
from store.people_ports import Role
from store.ports import Commit, WearerRows
from tests.dashboard import seed, visits


@pytest.fixture
def now_ns(sources: Sources) -> int:
    """A registered client whose working day ends now."""
    at_ns = time.time_ns()
    seed.register(sources.registry, timezone=seed.afternoon_zone(at_ns))
    return at_ns


@pytest.fixture
def filled(sources: Sources, now_ns: int) -> Sources:
    """With a full day until now."""
    seed.fill(sources.series, now_ns)
    return sources


def run(found: Sources, viewer: Viewer = visits.CLIENT) -> AppTest:
    return visits.run(today.page, lambda: visits.visit(found, Act.TODAY, viewer=viewer))


def test_a_day_with_its_goal_nudges_timeline_episodes_and_focus_areas(filled: Sources) -> None:
    app = run(filled)
    page = visits.shown(app)
    for words in ("Live", "Rounded", "for 14 min", "7 h 14 min", "At the goal so far", "5 nudges"):
        assert words in page
    assert "<h1>Today, " in page
    assert len(app.get("vega_lite_chart")) == 2
    assert len(app.radio[0].options) == 6
    for words in ("Areas to assess", "Coracobrachialis", "Rhomboids", "not a diagnosis", "saddle"):
        assert words in page


def chosen(app: AppTest) -> str:
    """The focus areas of the chosen episode."""
    return visits.shown(app).split("Areas to assess")[1].split("pl-rank")[0]


def test_choosing_an_episode_shows_its_focus_areas(filled: Sources) -> None:
    app = run(filled)
    assert "Hamstrings" not in chosen(app)
    episodes = filled.series.episodes(seed.WEARER, 0, time.time_ns())
    slump = next(e for e in episodes if e.pattern is Pattern.LUMBAR_SLUMP)
    app.radio[0].set_value(str(slump.start_ns)).run()
    assert not app.exception
    assert "Hamstrings" in chosen(app)
    assert "Coracobrachialis" not in chosen(app)


def test_the_longest_episodes_can_come_first(filled: Sources) -> None:
    app = run(filled)
    assert "14 min" in app.radio[0].options[0]
    app.segmented_control(key="order").set_value("Longest first").run()
    assert [re.split(r" · |  \n", option)[1] for option in app.radio[0].options][:3] == [
        "31 min",
        "23 min",
        "17 min",
    ]


def test_a_shorter_time_is_drawn_by_seconds(filled: Sources) -> None:
    app = run(filled)
    whole = app.get("vega_lite_chart")[0].proto.spec
    app.segmented_control(key="range").set_value("Last 10 min").run()
    assert not app.exception
    assert app.get("vega_lite_chart")[0].proto.spec != whole


def test_a_day_before_has_no_posture_now(sources: Sources, now_ns: int) -> None:
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    app = run(sources)
    page = visits.shown(app)
    assert "<h1>Yesterday, " in page
    assert "Posture now" not in page
    assert "Last data" in page
    assert "At the goal<" in page
    app.button[1].click().run()
    assert not app.exception
    assert "No data today yet" in visits.shown(app)


def go_ahead(sources: Sources) -> None:
    """A second of now, of a clock that is a little ahead: now for as long as the page takes."""
    soon_ns = time.time_ns() + 600 * NS_PER_S
    seed.go_ahead(sources.series, soon_ns, backlog=547_200, backlog_total=1_440_000)


def test_now_is_shown_while_earlier_hours_come_in(sources: Sources, now_ns: int) -> None:
    seed.fill(sources.series, now_ns - 90 * 60 * NS_PER_S)
    before = visits.shown(run(sources))
    assert "Not known now" in before
    assert "Last data" in before
    go_ahead(sources)
    page = visits.shown(run(sources))
    assert "Catching up: 62 % of the earlier data is here, read up to " in page
    assert 'class="pl-dot ahead"' in page
    assert "for how long is not known yet" in page
    assert "Last data" not in page
    assert numbers(page) == numbers(before)


def numbers(page: str) -> str:
    """The day's figures, which are of what is stored."""
    return page.split('<div class="pl-numbers">')[1].partition("</section>")[0]


def test_now_is_shown_before_anything_of_the_day_is_there(sources: Sources, now_ns: int) -> None:
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    go_ahead(sources)
    page = visits.shown(run(sources))
    assert "<h1>Today, " in page
    assert "Rounded" in page
    assert "On its way" in page
    assert "No data today yet" not in page


def test_a_day_of_before_stands_where_what_was_computed_ahead_cannot_be_read(
    sources: Sources, kept: Sources, now_ns: int, tmp_path: Path
) -> None:
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    with sqlite3.connect(tmp_path / "series.sqlite") as connection:
        connection.execute("DROP TABLE ahead")
    connection.close()
    page = visits.shown(run(kept))
    assert "<h1>Yesterday, " in page
    assert "cannot be read just now" in page


def test_a_day_hardly_worn_is_not_set_against_the_goal(sources: Sources, now_ns: int) -> None:
    seed.fill(sources.series, now_ns, seed.WORKDAY[:1])
    page = visits.shown(run(sources))
    assert "Too early to tell" in page
    assert "Within the goal" not in page


def test_a_therapist_sees_the_same_day_without_ways_to_change_it(filled: Sources) -> None:
    refused = CalibrationOutcome(
        effective_ns=5, accepted=False, message="You moved.", hint="Again."
    )
    empty = FrameBlock.from_rows(())
    filled.series.commit(Commit(wearers=[WearerRows(seed.WEARER, empty, calibrations=[refused])]))
    own, other = (visits.shown(run(filled, viewer)) for viewer in (visits.CLIENT, visits.THERAPIST))
    assert "You moved. Again." in own
    assert "You moved. Again." in other
    assert 'href="my-sensors"' in own
    assert "<h1>Demo client</h1>" in other
    assert "Demo client" not in own
    assert "href" not in other


def test_who_has_no_grant_sees_nothing_of_it(filled: Sources) -> None:
    stranger = Viewer("t", "Stranger", frozenset({Role.THERAPIST}))
    page = visits.shown(run(filled, stranger))
    assert "This is not yours to see" in page
    assert "7 h 14 min" not in page
    looks = filled.registry.people.looks(wearer=seed.WEARER)
    assert [(look.account, look.act, look.allowed) for look in looks] == [("t", "today", False)]


@pytest.fixture
def kept(sources: Sources, tmp_path: Path) -> Iterator[Sources]:
    """The stores as the server has them: read-only, and what was read is kept."""
    series = open_series(seed.urls(tmp_path)[0], read_only=True)
    found = KeptSeries(
        series, clock_s=time.monotonic, clock_ns=time.time_ns, beside=lambda do: do()
    )
    yield Sources(found, sources.registry)
    found.close()


def test_a_store_that_fails_later_leaves_the_page_standing(
    filled: Sources, kept: Sources, tmp_path: Path
) -> None:
    app = run(kept)
    with sqlite3.connect(tmp_path / "series.sqlite") as connection:
        connection.execute("DROP TABLE episode")
    connection.close()
    ends_s = time.monotonic() + 60
    while "cannot be read just now" not in visits.shown(app):
        assert time.monotonic() < ends_s, visits.shown(app)
        time.sleep(0.2)
        app.run()
        assert not app.exception
    assert "What is shown below was read before that" in visits.shown(app)
    assert "Coracobrachialis" in visits.shown(app)


@pytest.mark.usefixtures("now_ns")
def test_without_a_calibration_the_card_stands_where_no_first_steps_do(
    sources: Sources,
) -> None:
    wearer = sources.registry.wearers()[0]
    assert "Not calibrated yet" in visits.shown(run(sources))
    sources.registry.put_wearer(replace(wearer, simulated=False))
    assert "Not calibrated yet" not in visits.shown(run(sources))
    assert "Not calibrated yet" in visits.shown(run(sources, visits.THERAPIST))


def button(app: AppTest, label: str):
    return next(b for b in app.button if b.label == label)


def test_not_now_puts_nudges_off_and_again_on(filled: Sources) -> None:
    app = run(filled)
    before_ns = time.time_ns()
    button(app, "No nudges for 1 h").click().run()
    assert not app.exception
    wish = filled.registry.not_now()[seed.WEARER]
    assert before_ns <= wish.start_ns <= time.time_ns()
    assert wish.end_ns - wish.start_ns == 3600 * NS_PER_S
    assert "No nudges until " in visits.shown(app)
    button(app, "Nudges again").click().run()
    assert filled.registry.not_now() == {}
    assert "No nudges until " not in visits.shown(app)


def test_who_may_only_look_is_offered_no_wish(filled: Sources) -> None:
    assert [
        b.label for b in run(filled, visits.THERAPIST).button if b.label.startswith("No nudges")
    ] == []
