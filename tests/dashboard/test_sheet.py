from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.body.regions import View
from dashboard.entry.access import Act
from dashboard.look.safety import safety
from dashboard.review import words as review_words
from dashboard.review.model import Figures, WeekReview
from dashboard.sheet import figure, sheet
from dashboard.sheet import words as sheet_words
from store.people_ports import FocusEdit, PainTap, Verdict
from store.ports import Assignment
from tests.dashboard import reviewed
from tests.dashboard.reviewed_week import client, review

__all__ = ["client", "review"]

LONG = "Wörter und Sätze, die länger sind als jede Zeile; " * 20


def printed(pdf: bytes) -> str:
    """The text of a PDF of one page, in one line."""
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    return re.sub(r"\s+", " ", reader.pages[0].extract_text())


def worst_case(review: WeekReview) -> WeekReview:
    """As much of everything as can be."""
    areas = [
        replace(
            review.areas[n % len(review.areas)],
            area=msgspec.structs.replace(review.areas[0].area, rule=f"rule_{n}", why=LONG),
            edit=FocusEdit("w", f"rule_{n}", "t", 0, Verdict.ACCEPTED, None, LONG[:500]),
        )
        for n in range(20)
    ]
    taps = [
        PainTap("w", review.start_ns + n, f"{side}_{key}", n % 11, LONG[:280])
        for n, key in enumerate(("rhomboids", "hamstrings", "scalenes", "diaphragm", "iliopsoas"))
        for side in ("left", "right")
    ]
    note = replace(review.sessions[0].session, note=LONG[:500])
    return replace(
        review,
        person=replace(review.person, label="W" * 200, wearer="W" * 64),
        figures=Figures(603_000, 7, 600_000, 12_345, 35_999),
        areas=tuple(areas),
        pain=tuple(taps),
        sessions=(replace(review.sessions[0], session=note),) * 6,
        assignments=tuple(Assignment("S" * 64, "w", placement, 0) for placement in Placement),
    )


def empty(review: WeekReview) -> WeekReview:
    """A week of a new client: nothing worn, nothing noted, in this week or before."""
    nothing = Figures()
    return replace(
        review,
        figures=nothing,
        change=None,
        trend=tuple(replace(w, figures=nothing, interval=None, thin=True) for w in review.trend),
        cells=tuple(replace(cell, worn_s=0, rounded_s=0) for cell in review.cells),
        **dict.fromkeys(("assignments", "activities", "episodes", "areas", "pain", "sessions"), ()),
        posture_s={},
    )


def test_the_figures_on_paper_are_the_reviews(review: WeekReview) -> None:
    paper = printed(sheet.pdf(review))
    # Five working days of tests.dashboard.seed: 434.5 min worn a day, of which 108.5 rounded.
    assert "Worn 36 h 12 min 5 of 7 days" in paper
    assert "Rounded 15 min/h" in paper
    assert "Episodes 30 longest 31 min" in paper
    assert review_words.headline(review) in paper
    for week in review.trend:
        rate = week.figures.rounded_min_h
        assert f"W{week.week.name[-2:]}" in paper
        assert rate is None or f"{rate:.0f}" in paper
    assert "Mon 2 Mar, 10:16 31 min Upper back rounding Typing 25°" in paper
    assert f"… {len(review.episodes) - 5} more on the page" in paper
    assert "Calibrated 16 February 2026, accepted." in paper
    assert "Rhomboids, left: 2 taps, mean 5.0, highest 6" in paper
    assert "Tender left rhomboids" in paper


def test_what_stands_with_a_suggestion_stands_on_the_sheet(review: WeekReview) -> None:
    paper = printed(sheet.pdf(review))
    assert safety().standing in paper
    for warning in safety().warnings:
        assert warning.title in paper
        for item in warning.items:
            assert item in paper


def test_accepted_areas_come_first_and_rejected_ones_not_at_all(review: WeekReview) -> None:
    found = sheet_words.words(review, named=True, version="v")["focus"]
    assert [area["name"] for area in found] == [
        "Long seated or driving time",
        "Upper back rounding",
    ]
    assert found[0]["marks"] == ["accepted", "inferred"]
    assert found[0]["note"] == "stand up hourly"
    assert found[1]["front"].startswith("Pectoralis major")
    assert found[1]["back"].startswith("Rhomboids")
    assert "lumbar_slump" in {area.area.rule for area in review.areas}
    assert "1 Long seated or driving time" in printed(sheet.pdf(review))


def test_two_sessions_of_a_day_are_told_apart_by_their_time(review: WeekReview) -> None:
    (effect,) = review.sessions
    evening = replace(effect.session, at_ns=effect.session.at_ns + 6 * 3600 * NS_PER_S, note="hip")
    two = replace(review, sessions=(replace(effect, session=evening), effect))
    days = [day for day, _ in sheet_words.words(two, named=True, version="v")["notes"]["lines"]]
    assert [day.rpartition(", ")[2] for day in days] == ["16:00", "10:00"]
    ((day, _),) = sheet_words.words(review, named=True, version="v")["notes"]["lines"]
    assert ":" not in day


def test_it_says_whose_it_is_and_in_which_language(review: WeekReview) -> None:
    reader = PdfReader(io.BytesIO(sheet.pdf(review)))
    assert reader.metadata is not None
    assert reader.metadata.title == "Session sheet of demo-001, 2026-W10"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat() == "2026-03-07T11:00:00+00:00"
    paper = printed(sheet.pdf(review))
    assert "Änne Łukasiewicz" in paper
    assert "SIMULATED" in paper
    assert "made 7 March 2026, 12:00" in paper


def test_the_name_can_be_left_away(review: WeekReview) -> None:
    without = printed(sheet.pdf(review, named=False))
    assert "Łukasiewicz" not in without
    assert "demo-001" in without


def test_it_is_one_page_whatever_comes(review: WeekReview) -> None:
    paper = printed(sheet.pdf(worst_case(review)))
    assert sheet_words.MORE in paper
    assert safety().standing in paper
    assert "Therapist’s notes".upper() in paper
    # Twenty areas: a few in full, and how many more there are.
    shown = len(re.findall(r"\d ?Rule \d+", paper))
    assert 2 <= shown <= 6
    assert f"… {20 - shown} more on the page" in paper


def test_a_week_of_nothing_is_said_to_be_unknown(review: WeekReview) -> None:
    paper = printed(sheet.pdf(empty(review)))
    assert "nothing is known of it" in paper
    assert "0 of 7 days; the rest is unknown" in paper
    assert "Room for notes" in paper
    words = sheet_words.words(empty(review), named=True, version="v")
    cells = [cell["said"] for row in words["heat"]["rows"] for cell in row["cells"]]
    assert set(cells) == {None}


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=300))
def test_no_name_or_note_breaks_it(review: WeekReview, text: str) -> None:
    session = replace(review.sessions[0], session=replace(review.sessions[0].session, note=text))
    person = replace(review.person, label=text)
    printed(sheet.pdf(replace(review, person=person, sessions=(session,))))


@given(text=st.text(max_size=400), limit=st.integers(40, 200))
def test_a_printed_line_is_one_line_of_at_most_its_length(text: str, limit: int) -> None:
    line = sheet_words.printable(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert sheet_words.printable(line, limit) == line


@pytest.mark.parametrize(
    ("given_name", "on_paper"),
    [
        ("Åsa Üzüm-Ørsted", "Åsa Üzüm-Ørsted"),
        ("Мария Ελένη", "Мария Ελένη"),
        ("山田 太郎", "▯▯ ▯▯"),
        ("A\u202eB\nC\x00D", "A B C D"),
        ("Ann 🙂", "Ann ▯"),
    ],
)
def test_letters_of_every_script_are_printed_or_shown_missing(
    given_name: str, on_paper: str
) -> None:
    assert sheet_words.printable(given_name, 80) == on_paper


def test_letters_that_are_kept_are_in_the_typefaces(review: WeekReview) -> None:
    name = "Ünal Łódź Мария Ελένη"
    person = replace(review.person, label=name)
    assert name in printed(sheet.pdf(replace(review, person=person)))


def test_the_figure_numbers_muscles_as_the_list_does(review: WeekReview) -> None:
    shown = sheet_words.shown_areas(review)
    drawn = figure.figures(shown, review.pain)["figures"]
    numbers = {view: set(re.findall(r'font-size="30"[^>]*>(\d+)<', drawn[view])) for view in View}
    assert numbers == {View.FRONT: {"1", "2"}, View.BACK: {"1", "2"}}
    assert re.findall(r'font-weight="700"[^>]*>(\d+)<', drawn[View.BACK]) == ["6"]
    assert not re.findall(r'font-weight="700"[^>]*>(\d+)<', drawn[View.FRONT])


def test_the_same_week_gives_the_same_sheet(review: WeekReview) -> None:
    assert sheet.pdf(review) == sheet.pdf(review)
    picture = sheet.picture(review)
    assert picture.startswith(b"\x89PNG")
    assert sheet.picture(review) is picture


def test_pictures_that_are_kept_have_a_cap(review: WeekReview) -> None:
    assert sheet._picture.cache_info().maxsize == sheet.MAX_PICTURES


def test_the_page_shows_the_sheet_and_its_figures(client: reviewed.Client) -> None:
    visit = reviewed.visit(client, Act.SHEET)
    app = AppTest.from_function(_open, kwargs={"visit": visit}, default_timeout=60).run()
    assert not app.exception
    shown = " ".join(html.proto.body for html in app.get("html"))
    assert review_words.headline(reviewed.review(client)) in shown
    assert "36 h 12 min on 5 days" in shown
    assert "30, longest 31 min" in shown
    assert 'href="/export/demo-001/sheet.pdf?week=2026-W10"' in shown
    assert safety().standing in shown
    app.toggle(key="name on the sheet").set_value(False).run()
    shown = " ".join(html.proto.body for html in app.get("html"))
    assert "week=2026-W10&amp;named=0" in shown


def _open(visit: object) -> None:
    from dashboard.pages.sheet import page

    page(visit)  # type: ignore[arg-type]


def test_the_template_takes_nothing_from_elsewhere() -> None:
    template = Path(sheet.__file__).with_name("sheet.typ").read_text()
    assert "@preview" not in template
    assert "#import" not in template
    assert "read(" not in template
