"""A recorded person: the paper's figures are the review's, the review's are the store's rows, the page's too."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from analytics.offline import calibrations_of
from analytics.service import load_focus_table
from contracts.recording import open_recording, read_samples
from contracts.records import CalibrationOutcome, Episode, FrameBlock
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture
from dashboard.entry.access import Act
from dashboard.exports import kinds as exports
from dashboard.look import text
from dashboard.look.weeks import IsoWeek
from dashboard.review import heat_map
from dashboard.review import words as review_words
from dashboard.review.model import WeekReview
from dashboard.sheet import sheet
from store.open import open_registry, open_series
from store.ports import Assignment, Commit, Wearer, WearerRows
from tests.dashboard import reviewed, seed

ZONE = ZoneInfo("Europe/Berlin")
#: A Wednesday morning, 20 s after a minute: what the recording does not say is when it was made.
BEGUN_NS = int(datetime(2026, 3, 4, 9, 56, 20, tzinfo=ZONE).timestamp()) * NS_PER_S
WEEK = IsoWeek.at(BEGUN_NS, ZONE)
EVER = (0, 2**62)


@pytest.fixture(scope="module")
def client(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[reviewed.Client]:
    """A recorded person's hour, through the pipeline into a real store."""
    recording = open_recording(data_dir / "recordings" / "sitting-12")
    plans = tuple(_moved(plan) for plan in calibrations_of(recording))
    pipeline = Pipeline(
        PipelineConfig(
            placements=recording.placements,
            calibrations=plans,
            timezone=ZONE.key,
            focus_table=load_focus_table(),
        )
    )
    found = []
    for placement in recording.placements:
        samples = read_samples(recording, placement)
        moved = replace(samples, utc_ns=samples.utc_ns - recording.start_ns + BEGUN_NS)
        found.append(pipeline.update(placement, moved))
    output = Output.concat([*found, pipeline.finish()])
    series_url, registry_url = seed.urls(tmp_path_factory.mktemp("recorded"))
    client = reviewed.Client(open_series(series_url), open_registry(registry_url))
    client.series.commit(Commit(wearers=[_rows(output)]))
    client.registry.put_wearer(Wearer(reviewed.WEARER, "Recorded person", ZONE.key))
    for placement in recording.placements:
        client.registry.assign(Assignment(f"S-{placement}", reviewed.WEARER, placement, 0))
    for plan in plans:
        client.registry.add_calibration(reviewed.WEARER, plan)
    yield client
    client.series.close()
    client.registry.close()


def _moved(plan: CalibrationPlan) -> CalibrationPlan:
    windows = {
        f"{name}_ns": (start + BEGUN_NS, end + BEGUN_NS)
        for name, (start, end) in plan.windows.items()
    }
    return CalibrationPlan(effective_ns=plan.effective_ns + BEGUN_NS, **windows)


def _rows(output: Output) -> WearerRows:
    outcomes = [
        CalibrationOutcome(effective_ns=c.plan.effective_ns, accepted=c.accepted, message=c.message)
        for c in output.calibrations
    ]
    return WearerRows(
        reviewed.WEARER, output.frames, output.episodes, output.minutes, output.days, outcomes
    )


@pytest.fixture(scope="module")
def review(client: reviewed.Client) -> WeekReview:
    return reviewed.review(client, WEEK)


@pytest.fixture(scope="module")
def frames(client: reviewed.Client) -> FrameBlock:
    return client.series.frames(reviewed.WEARER, *EVER)


@pytest.fixture(scope="module")
def episodes(client: reviewed.Client) -> list[Episode]:
    return client.series.episodes(reviewed.WEARER, *EVER)


def worn(frames: FrameBlock) -> np.ndarray:
    return (frames.samples > 0) & (frames.activity != ACTIVITIES.index(Activity.NOT_WORN))


def rounded(frames: FrameBlock) -> np.ndarray:
    return worn(frames) & (frames.posture == POSTURES.index(Posture.ROUNDED))


def test_the_reviews_figures_are_the_stores_rows(
    review: WeekReview, frames: FrameBlock, episodes: list[Episode]
) -> None:
    figures = review.figures
    assert figures.worn_s == int(worn(frames).sum()) > 300
    assert figures.rounded_s == int(rounded(frames).sum()) > 60
    assert figures.rounded_min_h == pytest.approx(60 * rounded(frames).sum() / worn(frames).sum())
    assert figures.episodes == len(episodes) > 0
    lengths_s = [(e.end_ns - e.start_ns) // NS_PER_S for e in episodes]
    assert figures.longest_s == max(lengths_s)
    assert {e.start_ns for e in review.episodes} == {e.start_ns for e in episodes}
    for posture, seconds in review.posture_s.items():
        told = frames.posture[worn(frames)] == POSTURES.index(posture)
        assert seconds == int(told.sum()), posture


def test_the_heat_maps_cells_are_the_stores_seconds(review: WeekReview, frames: FrameBlock) -> None:
    hours = [
        datetime.fromtimestamp(int(at) // NS_PER_S, UTC).astimezone(ZONE).hour
        for at in frames.start_ns
    ]
    for hour in range(heat_map.HOURS):
        inside = np.array([h == hour for h in hours])
        cell = review.cells[2 * heat_map.HOURS + hour]  # a Wednesday
        assert cell.worn_s == int((worn(frames) & inside).sum())
        assert cell.rounded_s == int((rounded(frames) & inside).sum())


def test_areas_are_exposed_as_long_as_the_episodes_say(
    review: WeekReview, episodes: list[Episode]
) -> None:
    assert review.areas
    for area in review.areas:
        exposed_s = sum(
            e.rounded_s * focus.share
            for e in episodes
            for focus in e.focus
            if focus.rule == area.area.rule
        )
        assert area.exposure_s == pytest.approx(exposed_s)


def test_the_papers_figures_are_the_reviews(review: WeekReview) -> None:
    reader = PdfReader(io.BytesIO(sheet.pdf(review)))
    paper = re.sub(r"\s+", " ", "".join(page.extract_text() for page in reader.pages))
    figures = review.figures
    assert f"Worn {text.duration(figures.worn_s)} {figures.worn_days} of 7 days" in paper
    assert f"Rounded {review_words.min_h(figures.rounded_min_h)}" in paper
    assert f"Episodes {figures.episodes} longest {text.duration(figures.longest_s)}" in paper
    assert review_words.headline(review) in paper
    for episode in review.episodes[:5]:
        length = text.duration((episode.end_ns - episode.start_ns) / NS_PER_S)
        peak = text.degrees(episode.peak_flexion_deg)
        begun = datetime.fromtimestamp(episode.start_ns // NS_PER_S, UTC).astimezone(ZONE)
        assert f"Wed 4 Mar, {begun:%H:%M} {length} {text.PATTERN[episode.pattern]}" in paper
        assert peak in paper
    for area in review.areas:
        count = text.count(len(area.episodes), "episode")
        assert f"{text.duration(area.exposure_s)} in {count}" in paper
    for posture, seconds in review.posture_s.items():
        assert f"{text.POSTURE[posture]} {text.percent(seconds, figures.worn_s)}" in paper


def _page(visit: object, name: str) -> None:
    from importlib import import_module

    import_module(f"dashboard.pages.{name}").page(visit)


@pytest.mark.parametrize(("name", "act"), [("review", Act.REVIEW), ("sheet", Act.SHEET)])
def test_the_pages_figures_are_the_reviews(
    client: reviewed.Client, review: WeekReview, name: str, act: Act
) -> None:
    visit = reviewed.visit(client, act)
    app = AppTest.from_function(_page, kwargs={"visit": visit, "name": name}, default_timeout=60)
    app.query_params["week"] = WEEK.name
    app.run()
    assert not app.exception
    shown = unescape(re.sub(r"<[^>]*>", " ", " ".join(h.proto.body for h in app.get("html"))))
    figures = review.figures
    for words in (
        text.duration(figures.worn_s),
        review_words.min_h(figures.rounded_min_h),
        text.duration(figures.longest_s),
        review_words.headline(review),
        *(text.pattern(area.area.rule) for area in review.areas),
    ):
        assert words in shown
    assert re.search(rf"Episodes\s+{figures.episodes}\b", shown)


def test_the_exports_figures_are_the_reviews(client: reviewed.Client, review: WeekReview) -> None:
    visit = reviewed.visit(client, Act.EXPORT)
    table = exports.make(exports.WEEK_CSV, visit, WEEK.name).content.decode("utf-8-sig")
    days = [row for row in csv.DictReader(io.StringIO(table)) if row["row"] == "day"]
    assert float(days[2]["worn_min"]) == round(review.figures.worn_s / 60, 2)
    assert float(days[2]["rounded_min"]) == round(review.figures.rounded_s / 60, 2)
    whole = json.loads(exports.make(exports.WEEK_FHIR, visit, WEEK.name).content)
    week = next(
        entry["resource"]
        for entry in whole["entry"]
        if entry["resource"].get("code", {}).get("coding", [{}])[0].get("code") == "week"
    )
    assert week["valueQuantity"]["value"] == round(review.figures.rounded_min_h or 0.0, 2)
    assert week["component"][0]["valueQuantity"]["value"] == round(review.figures.worn_s / 60, 2)
    assert "tag" not in week["meta"]  # this person is real
