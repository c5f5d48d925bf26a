from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import pytest
from jsonschema import ValidationError

from contracts.records import Nudge
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, NudgeKind, Posture
from dashboard.look import theme
from dashboard.reading import queries, runs
from dashboard.reading.queries import Timeline
from dashboard.reading.runs import Point, Run
from dashboard.reading.sources import Sources
from dashboard.today import timeline

HOUR_NS = 3600 * NS_PER_S


def rows_of(model: Timeline, name: str, page: theme.Paper = theme.LIGHT) -> list[dict[str, Any]]:
    """The data that a named layer draws."""
    spec = timeline.timeline(model, page)
    layer = next(layer for layer in spec["layer"] if layer.get("name") == name)
    return list(layer["data"]["values"])


@pytest.fixture
def workday_model(workday: Sources) -> Timeline:
    person = queries.people(workday.series, workday.registry)[0]
    day = queries.day(workday.series, person, date(2026, 3, 3))
    found = queries.timeline(workday.series, person, day, PostureSettings())
    assert found is not None
    return found


def small(**changes: Any) -> Timeline:
    start_ns = 1_772_528_400 * NS_PER_S  # 09:00 UTC
    usual: dict[str, Any] = {
        "start_ns": start_ns,
        "end_ns": start_ns + 2 * HOUR_NS,
        "zone": ZoneInfo("UTC"),
        "postures": (
            Run(start_ns, start_ns + HOUR_NS // 2, Posture.UPRIGHT),
            Run(start_ns + HOUR_NS, start_ns + 2 * HOUR_NS, Posture.ROUNDED),
        ),
        "activities": (Run(start_ns, start_ns + 2 * HOUR_NS, Activity.SITTING),),
        "points": (Point(start_ns, 12.0, 0), Point(start_ns + HOUR_NS, 20.0, 0)),
        "episodes": (),
        "warn_deg": 12.0,
        "high_deg": 20.0,
    }
    return Timeline(**(usual | changes))


def test_what_is_drawn_is_vega_lite(workday_model: Timeline) -> None:
    for model in (workday_model, small(), small(points=()), small(activities=())):
        spec = timeline.timeline(model, theme.DARK)
        assert alt.LayerChart.from_dict(spec, validate=True)
        assert json.loads(json.dumps(spec)) == spec


def test_a_part_that_is_no_vega_lite_would_be_noticed() -> None:
    spec = timeline.timeline(small(), theme.LIGHT)
    spec["layer"][0]["mark"]["type"] = "scribble"
    with pytest.raises(ValidationError):
        alt.LayerChart.from_dict(spec, validate=True)


def test_each_posture_is_drawn_where_and_in_the_colour_it_should() -> None:
    upright, rounded = rows_of(small(), "posture")
    assert (upright["from"], upright["to"]) == (0, 1800)
    assert (upright["Posture"], upright["colour"]) == (
        "Upright",
        theme.POSTURE_COLOUR[Posture.UPRIGHT],
    )
    assert (upright["When"], upright["Length"]) == ("09:00 – 09:30", "30 min")
    assert (rounded["from"], rounded["to"]) == (3600, 7200)
    assert rounded["said"] == "Rounded, 10:00 – 11:00"


def test_time_without_data_is_hatched_and_nothing_else_is() -> None:
    lines = rows_of(small(), "posture gaps")
    assert lines
    assert min(line["from"] for line in lines) == 1800
    assert max(line["to"] for line in lines) <= 3600
    assert rows_of(small(), "activity gaps") == []


def test_clock_times_are_the_wearers() -> None:
    model = small(zone=ZoneInfo("America/New_York"))
    assert rows_of(model, "posture")[0]["When"] == "04:00 – 04:30"
    axis = timeline.timeline(model, theme.LIGHT)["layer"][0]["encoding"]["x"]["axis"]
    assert axis["values"][0] == 0
    assert "'0': '04:00'" in axis["labelExpr"]


def test_each_nudge_is_a_ring_above_the_episodes(workday_model: Timeline) -> None:
    bars = rows_of(workday_model, "episodes")
    rings = rows_of(workday_model, "nudges")
    assert [ring["from"] for ring in rings] == [bar["from"] + 120 for bar in bars[1:]]
    (top,) = {ring["top"] for ring in rings}
    assert top < bars[0]["top"]
    assert rings[0]["said"] == "Posture nudge at 10:47"
    assert rows_of(workday_model, "lane names")[0]["name"] == (
        "Posture – episodes and nudges ○ marked above"
    )
    assert "nudges" not in {
        layer.get("name") for layer in timeline.timeline(small(), theme.LIGHT)["layer"]
    }
    assert rows_of(small(), "lane names")[0]["name"] == "Posture"


def nudges(*at_s: float, kind: NudgeKind = NudgeKind.POSTURE) -> tuple[Nudge, ...]:
    start_ns = small().start_ns
    return tuple(
        Nudge(at_ns=start_ns + int(s) * NS_PER_S, kind=kind, held_for_s=120, given=True)
        for s in at_s
    )


def test_rings_that_a_phone_would_draw_over_one_another_are_one_full_ring() -> None:
    length_s = (small().end_ns - small().start_ns) / NS_PER_S
    model = small(nudges=nudges(0, 20, 30, length_s / 2) + nudges(25, kind=NudgeKind.BREAK))
    several, single = rows_of(model, "nudges")
    assert several["said"] == "3 × posture nudge, 1 × prompt to get up at 09:00 – 09:00"
    assert (several["fill"], single["fill"]) == (theme.LIGHT.ink, theme.LIGHT.background)
    assert rows_of(model, "lane names")[0]["name"].endswith("nudges ○, several ●")
    assert "several" not in rows_of(small(nudges=nudges(0)), "lane names")[0]["name"]


def test_rings_never_overlap_however_many_there_are() -> None:
    length_s = (small().end_ns - small().start_ns) // NS_PER_S
    rings = rows_of(small(nudges=nudges(*range(0, length_s, 7))), "nudges")
    assert 30 < len(rings) <= 310 / 8.5 + 1
    apart_s = length_s * 8.5 / 310
    assert all(later["from"] - ring["from"] >= apart_s for ring, later in pairwise(rings))


def test_thresholds_stand_where_the_curve_crosses_them() -> None:
    points = rows_of(small(), "flexion")
    lines = {row["name"]: row["top"] for row in rows_of(small(), "thresholds")}
    assert points[0]["top"] == pytest.approx(lines["12°"], abs=0.1)
    assert points[1]["top"] == pytest.approx(lines["20°"], abs=0.1)
    assert lines["20°"] < lines["12°"] < lines["0°"]


def test_a_day_is_a_few_hundred_marks(workday_model: Timeline) -> None:
    spec = timeline.timeline(workday_model, theme.DARK)
    values = [row for layer in spec["layer"] for row in layer["data"].get("values", [])]
    assert 100 < len(values) < 1000
    names = {row["Episode"] for row in rows_of(workday_model, "episodes")}
    assert names == {"Upper back rounding", "Low back slump"}


def test_the_most_restless_day_stays_within_its_caps() -> None:
    start_ns = small().start_ns
    postures = (Posture.UPRIGHT, Posture.ROUNDED)
    flicker = tuple(
        Run(start_ns + i * 18 * NS_PER_S, start_ns + (i + 1) * 18 * NS_PER_S, postures[i % 2])
        for i in range(runs.MAX_RUNS)
    )
    spec = timeline.timeline(small(postures=flicker, activities=()), theme.LIGHT)
    assert len(str(spec)) < 500_000


def test_without_angles_the_chart_is_lower_and_has_no_thresholds() -> None:
    spec = timeline.timeline(small(points=()), theme.LIGHT)
    assert spec["height"] < timeline.timeline(small(), theme.LIGHT)["height"]
    assert "flexion" not in {layer.get("name") for layer in spec["layer"]}
