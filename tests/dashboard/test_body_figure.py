from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.body import figure as body_figure
from dashboard.body.figure import HALF, HEIGHT, TOP, Inks, Look, Shade, figure
from dashboard.body.paths import Curve, parse
from dashboard.body.regions import View, drawing, groups, members, regions, title_of
from dashboard.look import theme
from tests.conftest import REPOSITORY
from tests.dashboard.body_shapes import area, inside, polygon
from tests.dashboard.test_theme import _BLINDNESS, contrast, lab, linear

SVG = "{http://www.w3.org/2000/svg}"
PAPERS = pytest.mark.parametrize("page", [theme.LIGHT, theme.DARK], ids=["light", "dark"])


def toml(*path: str) -> dict[str, dict[str, object]]:
    return tomllib.loads(REPOSITORY.joinpath(*path).read_text(encoding="utf-8"))


def test_every_muscle_of_the_focus_table_is_drawn_on_the_side_it_belongs_to() -> None:
    rules = tomllib.loads(Path(REPOSITORY, "analytics/core/focus_areas.toml").read_text())["area"]
    for view in View:
        drawn = {region.key for region in drawing(view).regions}
        for rule in rules:
            for key in rule[view.value]:
                assert members(key), key
                assert set(members(key)) <= drawn, (rule["rule"], key)


def test_the_glossary_and_the_drawing_name_the_same_muscles() -> None:
    drawn = {region.key for region in regions().values() if region.muscle}
    known = set(toml("dashboard", "look", "muscles.toml"))
    assert known - set(groups()) == drawn
    assert set(groups()) <= known
    for key, parts in groups().items():
        assert set(parts) <= drawn, key
    plain = {region.key for region in regions().values() if not region.muscle}
    assert plain == set(toml("dashboard", "body", "regions.toml")["plain"])


def test_what_is_not_drawn_has_no_region_and_still_a_name() -> None:
    assert members("teres_minor") == ()
    assert title_of("left_rhomboids") == "Rhomboids, left"
    assert title_of("sacrum") == "Sacrum"
    assert title_of("tail") == "Tail"


def test_regions_are_of_both_sides_and_mirror_each_other() -> None:
    assert len(regions()) == sum(len(drawing(view).regions) for view in View)
    for region in regions().values():
        xs = [x for x, _ in polygon(region.curve)]
        if region.side:
            other = regions()[f"{'left' if region.side == 'right' else 'right'}_{region.key}"]
            assert other.view is region.view
            assert other.curve == region.curve.mirrored()
            assert region.curve.mirrored().mirrored() == region.curve
            # Seen from the front the person's left is at the viewer's right; from behind at the left.
            at_right = (region.side == "left") == (region.view is View.FRONT)
            assert (sum(xs) > 0) == at_right, region.id
        else:
            assert max(xs) == pytest.approx(-min(xs)), region.id


@pytest.mark.parametrize("view", View)
def test_regions_lie_on_the_body_and_in_the_box(view: View) -> None:
    drawn = drawing(view)
    body, head = polygon(drawn.body), polygon(drawn.head)
    for x, y in [*body, *head]:
        assert -HALF < x < HALF
        assert TOP < y < TOP + HEIGHT
    for region in drawn.regions:
        points = polygon(region.curve)
        on = sum(inside(p, body) or inside(p, head) for p in points)
        # Regions that end at the body's edge share it, so that some of their points fall beside it.
        assert all(-HALF < x < HALF and TOP < y < TOP + HEIGHT for x, y in points)
        assert on >= len(points) / 3, region.id
        assert area(points) >= 400, region.id


@pytest.mark.parametrize("view", View)
def test_a_mark_stands_on_its_region_and_on_no_other(view: View) -> None:
    found = drawing(view).regions
    for at, region in enumerate(found):
        points = polygon(region.curve)
        assert inside(region.heart, [(x + 0.001, y) for x, y in points]), region.id
        for other in found[at + 1 :]:
            assert not inside(region.heart, polygon(other.curve)), (region.id, other.id)


def test_a_body_has_believable_proportions() -> None:
    """Parts of the standing height: breadth of the shoulders, height of the crotch, the head."""
    body = polygon(drawing(View.FRONT).body)
    head = polygon(drawing(View.FRONT).head)
    height = max(y for _, y in body) - min(y for _, y in head)
    shoulders = 2 * max(x for x, y in body if 170 < y < 230)
    crotch = next(y for x, y in body if x == 0 and y > 300)
    assert 0.24 < shoulders / height < 0.30
    assert 0.45 < (max(y for _, y in body) - crotch) / height < 0.52
    assert 6.8 < height / (max(y for _, y in head) - min(y for _, y in head)) < 8


number = st.integers(-9999, 9999).map(lambda n: n / 10)
point = st.tuples(number, number)


@given(point, st.lists(st.tuples(point, point, point), max_size=5), st.booleans())
def test_path_data_is_read_as_it_is_written(
    start: tuple[float, float],
    segments: list[tuple[tuple[float, float], ...]],
    closed: bool,
) -> None:
    curve = Curve(start, tuple(segments), closed)  # type: ignore[arg-type]
    assert parse(curve.d()) == curve
    assert parse(curve.mirrored().d()).mirrored() == curve


@pytest.mark.parametrize(
    "data", ["", "L1 2", "M1 2L3 4", "M1 2C1 2 3 4", "M1 2C1 2 3 4 5 6Q1 2 3 4", "M1 2 <script>"]
)
def test_other_path_data_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="does not read"):
        parse(data)


@PAPERS
@pytest.mark.parametrize("view", View)
def test_the_figure_is_one_svg_with_colours_of_its_own(view: View, page: theme.Paper) -> None:
    look = Look(
        shades={"rhomboids": Shade(3, "<b>42 min"), "pectoralis_major": Shade(1, "9 min")},
        marks={"left_rhomboids": 7, "right_knee_front": 3},
        names=True,
    )
    text = figure(view, page, look)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert "var(" not in text
    assert "<b>" not in text
    assert 'role="button"' not in text
    assert root.attrib["role"] == "img"
    words = [element.text for element in root.iter(f"{SVG}text")]
    if view is View.BACK:
        assert words == ["7", "Rhomboids", "<b>42 min"]
    else:
        assert words == ["3", "Pectoralis major", "9 min"]


def test_what_has_words_is_a_button_and_the_chosen_one_is_pressed() -> None:
    look = Look(chosen="left_rhomboids", words={"left_rhomboids": 'R "&" l', "sacrum": "Sacrum"})
    root = ET.fromstring(figure(View.BACK, theme.LIGHT, look))
    found = {e.attrib["data-region"]: e for e in root.iter() if e.attrib.get("role") == "button"}
    assert set(found) == {"left_rhomboids", "sacrum"}
    assert found["left_rhomboids"].attrib["aria-label"] == 'R "&" l'
    assert found["left_rhomboids"].attrib["aria-pressed"] == "true"
    assert found["sacrum"].attrib["aria-pressed"] == "false"
    assert root.attrib["role"] == "group"


def test_names_stand_apart_and_inside_however_many() -> None:
    keys = {region.key for region in regions().values() if region.muscle}
    look = Look(shades={key: Shade(2, "1 min") for key in keys}, names=True)
    for view in View:
        root = ET.fromstring(figure(view, theme.LIGHT, look))
        heights = [float(e.attrib["y"]) for e in root.iter(f"{SVG}text")]
        assert len(heights) == 2 * len({r.key for r in drawing(view).regions if r.muscle})
        first_lines = heights[::2]
        assert all(b - a >= 51.9 for a, b in itertools.pairwise(first_lines))
        assert min(heights) - 16 > TOP
        assert max(heights) < TOP + HEIGHT


def every_ink() -> list[tuple[Inks, theme.Paper]]:
    return [(body_figure.LIGHT_INKS, theme.LIGHT), (body_figure.DARK_INKS, theme.DARK)]


@pytest.mark.parametrize("eye", _BLINDNESS)
@pytest.mark.parametrize(("ink", "page"), every_ink(), ids=["light", "dark"])
def test_shades_differ_from_each_other_and_from_postures_for_every_eye(
    ink: Inks, page: theme.Paper, eye: str
) -> None:
    def seen(colour: str) -> np.ndarray:
        return lab(_BLINDNESS[eye] @ linear(colour))

    for one, other in itertools.combinations((ink.skin, *ink.ramp), 2):
        assert float(np.linalg.norm(seen(one) - seen(other))) >= 14, (one, other)
    for shade in (*ink.ramp, ink.pain):
        for posture, colour in theme.POSTURE_COLOUR.items():
            assert float(np.linalg.norm(seen(shade) - seen(colour))) >= 14, (shade, posture)
    assert body_figure.inks(page) is ink


@pytest.mark.parametrize(("ink", "page"), every_ink(), ids=["light", "dark"])
def test_the_ramp_goes_one_way_and_marks_are_readable(ink: Inks, page: theme.Paper) -> None:
    lightness = [float(lab(linear(colour))[0]) for colour in ink.ramp]
    assert lightness == sorted(lightness, reverse=page is theme.LIGHT)
    assert contrast(ink.on_pain, ink.pain) >= 4.5
    assert contrast(ink.pain, page.background) >= 3
    assert contrast(ink.outline, page.background) >= 3


def test_the_body_stands_in_the_middle_where_no_name_is_beside_it() -> None:
    for view in View:
        empty = figure(view, theme.LIGHT, Look(names=True))
        left, _, width, _ = map(float, re.findall(r'viewBox="([^"]+)"', empty)[0].split())
        assert left == -width / 2
        assert 'class="names"' not in empty
    named = figure(
        View.FRONT, theme.LIGHT, Look(shades={"rhomboids": Shade(2, "1 min")}, names=True)
    )
    left, _, width, _ = map(float, re.findall(r'viewBox="([^"]+)"', named)[0].split())
    assert left < -width / 2
