from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import altair as alt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import Episode, FocusArea, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Pattern, Posture
from dashboard.body import cards, charts, model
from dashboard.body.model import Period
from dashboard.body.regions import regions
from dashboard.look import clock, theme
from dashboard.week.day_statistics import DaySeconds
from store.people_ports import FocusEdit, PainTap, Verdict
from tests.dashboard.seed import LUMBAR, SEATED, UPPER

ZONE = ZoneInfo("Europe/Berlin")
#: 2026-03-31 12:00 in Berlin, two days after the clocks went forward.
NOON_NS = 1_774_951_200 * NS_PER_S


def episode(start_s: int, rounded_s: int, *focus: FocusArea) -> Episode:
    start_ns = NOON_NS + start_s * NS_PER_S
    return Episode(
        start_ns=start_ns,
        end_ns=start_ns + rounded_s * NS_PER_S,
        pattern=Pattern.UPPER_THORACIC,
        activity=Activity.TYPING,
        mean_flexion_deg=17.0,
        peak_flexion_deg=24.4,
        rounded_s=rounded_s,
        confidence=0.8,
        ongoing=False,
        explanation="held",
        focus=focus,
    )


def worn(start_ns: int, worn_s: int, rounded_s: int) -> Rollup:
    return Rollup(
        start_ns=start_ns,
        worn_s=worn_s,
        posture_s={Posture.ROUNDED: rounded_s},
        activity_s={Activity.TYPING: worn_s},
        rounded_activity_s={Activity.TYPING: rounded_s},
    )


def tap(at_ns: int, region: str, score: int, note: str = "") -> PainTap:
    return PainTap("w", at_ns, region, score, note)


def share(area: FocusArea, part: float) -> FocusArea:
    return msgspec.structs.replace(area, share=part)


def test_exposure_of_a_muscle_by_hand() -> None:
    found = model.body(
        Period.WEEK,
        [worn(NOON_NS, 7200, 1000)],
        [
            episode(0, 600, share(UPPER, 1.0)),
            episode(1000, 300, share(LUMBAR, 0.5), share(SEATED, 0.8)),
            episode(2000, 100, share(UPPER, 0.25), share(LUMBAR, 0.75)),
        ],
        [],
    )
    seconds = {key: round(one.exposure_s) for key, one in found.muscles.items()}
    assert seconds["rhomboids"] == 625  # 600 + 100 × 0.25
    assert seconds["abdominals"] == 225  # 300 × 0.5 + 100 × 0.75
    # Named by two areas of one episode: 0.5 + 0.8 is more than the episode, which counts once.
    assert seconds["iliopsoas"] == 375  # 300 + 100 × 0.75
    assert seconds["diaphragm"] == 600 + 150 + 100  # in upper and lumbar alike
    assert seconds["gluteus_maximus"] == seconds["gluteus_medius"] == 375  # the group gluteals
    assert "gluteals" not in seconds
    assert [len(found.muscles[k].episodes) for k in ("rhomboids", "iliopsoas")] == [2, 2]
    assert found.muscles["rhomboids"].share == pytest.approx(0.625)
    assert [found.muscles[k].step for k in ("abdominals", "rhomboids", "diaphragm")] == [1, 2, 3]
    assert found.shades()["rhomboids"].label == "10 min"
    assert found.worn_s == 7200


def test_what_is_chosen_lights_front_and_back() -> None:
    found = model.body(Period.WEEK, [], [episode(0, 600, UPPER)], [])
    front, back = found.lit("pectoralis_minor"), found.lit("rhomboids")
    assert front == back == {*UPPER.front, *UPPER.back}
    assert found.lit("hamstrings") == frozenset()


def test_what_a_therapist_rejects_shades_nothing_and_stands_last() -> None:
    edits = [
        FocusEdit("w", "upper_thoracic", "t", 1, Verdict.REJECTED),
        FocusEdit("w", "lumbar_slump", "t", 1, Verdict.ACCEPTED),
    ]
    both = [episode(0, 600, UPPER), episode(1000, 100, LUMBAR)]
    found = model.body(Period.WEEK, [], both, edits)
    assert [area.area.rule for area in found.areas] == ["lumbar_slump", "upper_thoracic"]
    assert "rhomboids" not in found.muscles
    assert found.muscles["iliopsoas"].areas == found.areas[:1]
    html = cards.ranking(found.areas)
    assert html.index("accepted by the therapist") < html.index("set aside by the therapist")
    assert 'class="row rejected"' in html


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
        max_size=8,
    )
)
def test_no_muscle_gets_more_than_there_was(
    rows: list[tuple[int, float, float, float]],
) -> None:
    episodes = [
        episode(k * 6000, s, share(UPPER, a), share(LUMBAR, b), share(SEATED, c))
        for k, (s, a, b, c) in enumerate(rows)
    ]
    found = model.body(Period.MONTH, [], episodes, [])
    total_s = sum(s for s, *_ in rows)
    for one in found.muscles.values():
        assert 0 <= one.exposure_s <= total_s + 1e-6
        assert 1 <= one.step <= 3
        assert len(one.episodes) == len(rows)


def test_a_period_is_whole_days_of_the_client_over_a_change_of_clocks() -> None:
    start_ns, end_ns = model.bounds_ns(Period.WEEK, NOON_NS, ZONE)
    assert clock.local(start_ns, ZONE).isoformat() == "2026-03-25T00:00:00+01:00"
    assert clock.local(end_ns, ZONE).isoformat() == "2026-04-01T00:00:00+02:00"
    assert end_ns - start_ns == (7 * 24 - 1) * 3600 * NS_PER_S
    first_ns, last_ns = model.bounds_ns(Period.TODAY, NOON_NS, ZONE)
    assert last_ns - first_ns == 24 * 3600 * NS_PER_S
    assert model.diary_bounds_ns(NOON_NS, ZONE)[1] == end_ns


def test_the_diary_by_day() -> None:
    midnight_ns = clock.day_bounds_ns(date(2026, 3, 31), ZONE)[0]
    taps = [
        tap(midnight_ns - 1, "left_rhomboids", 3),
        tap(midnight_ns, "left_rhomboids", 6),
        tap(NOON_NS, "sacrum", 2),
    ]
    days = model.diary(taps, [worn(midnight_ns, 3600, 600)], NOON_NS, ZONE)
    assert len(days) == model.DIARY_DAYS
    assert [d.day for d in days[-2:]] == [date(2026, 3, 30), date(2026, 3, 31)]
    assert [(d.taps, d.strongest) for d in days[-3:]] == [(0, None), (1, 3), (2, 6)]
    assert days[-1].seconds == DaySeconds(3600, 600)
    assert days[-2].seconds == DaySeconds(0, 0)
    assert model.latest(taps) == {"left_rhomboids": 6, "sacrum": 2}


def test_what_a_region_is_called() -> None:
    found = model.body(Period.WEEK, [], [episode(0, 2520, UPPER)], [])
    left = regions()["left_rhomboids"]
    called = model.called(left, found.muscles.get("rhomboids"))
    assert called == "Rhomboids, left: 42 min of rounding in 1 episode"
    assert model.called(left, None) == "Rhomboids, left: no focus area points here"
    assert model.hurts(left, 6) == "Rhomboids, left: pain 6 of 10 told last"
    assert model.hurts(left, None) == "Rhomboids, left"


def test_words_of_people_and_tables_are_escaped() -> None:
    evil = "<img src=x onerror=alert(1)>"
    html = cards.tap(tap(NOON_NS, evil, 7, evil), ZONE, theme.LIGHT)
    area = msgspec.structs.replace(
        UPPER, rule=evil, pattern=evil, why=evil, standing=evil, front=(evil,), back=(evil,)
    )
    found = model.body(Period.WEEK, [], [episode(0, 60, area)], [])
    html += cards.area(found.areas[0]) + cards.ranking(found.areas)
    assert "<img" not in html
    assert html.count("&lt;img") >= 9
    assert "Tuesday 31 March, 12:00" in html


def test_what_the_figure_is_made_of_is_told_where_there_is_anything() -> None:
    assert cards.summary(model.body(Period.WEEK, [], [], [])) == ""
    day = worn(NOON_NS, 7200, 600)
    assert "Worn 2 h" in cards.summary(model.body(Period.WEEK, [day], [episode(0, 600)], []))


def test_a_card_lists_the_longest_episodes_and_says_how_many_more() -> None:
    many = [episode(100 * k, 60 + k, UPPER) for k in range(cards.MAX_EPISODES + 5)]
    html = cards.episodes(many, ZONE)
    assert html.count("<tr>") == cards.MAX_EPISODES + 1
    assert "and 5 shorter ones" in html
    assert "shorter ones" not in cards.episodes(many[:2], ZONE)
    assert html.index("1 min 12 s") < html.index("1 min 11 s")


def test_the_card_says_what_is_inferred_and_which_muscle_it_was_opened_from() -> None:
    found = model.body(Period.WEEK, [], [episode(0, 600, UPPER, SEATED)], [])
    upper, seated = found.areas
    assert ">measured<" in cards.area(upper)
    assert ">inferred<" in cards.area(seated)
    assert '<li aria-current="true">Rhomboids' in cards.area(upper, at="rhomboids")
    assert '<li aria-current="true">Gluteals' in cards.area(seated, at="gluteus_medius")
    assert "aria-current" not in cards.area(upper)


@pytest.mark.parametrize("page", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_the_chart_keeps_unknown_apart_from_calm(page: theme.Paper) -> None:
    start = [clock.day_bounds_ns(date(2026, 3, day), ZONE)[0] for day in (29, 30, 31)]
    taps = [tap(start[0] + 1, "sacrum", 7), tap(start[2] + 1, "sacrum", 0)]
    worn_days = [worn(start[0], 3600, 600), worn(start[2], 600, 0)]
    days = model.diary(taps, worn_days, NOON_NS, ZONE)
    spec = charts.pain_and_rounding(days, page)
    assert alt.LayerChart.from_dict(spec, validate=True)
    rows = {layer["name"]: layer["data"]["values"] for layer in spec["layer"]}
    assert [(r["at"], r["filled"], r["said"]) for r in rows["rounded"]] == [
        (25, 1.0, "Sunday 29 March: 10 min rounded a worn hour"),
        (27, 0.0, "Tuesday 31 March: 0 min rounded a worn hour"),
    ]
    assert len(rows["not worn"]) == model.DIARY_DAYS - 2
    assert [(r["at"], r["said"]) for r in rows["pain"]] == [
        (25, "Sunday 29 March: pain 7 of 10"),
        (27, "Tuesday 31 March: pain 0 of 10"),
    ]
    top, bottom = (row["top"] for row in rows["pain"])
    assert bottom - top == pytest.approx(0.7 * 80)
    half = next(r for r in rows["rounded"] if r["at"] == 25)
    assert half["bottom"] - half["top"] == pytest.approx(35)  # 10 of at least 20 min/h
