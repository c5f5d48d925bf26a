"""The body figure for print: areas shaded and numbered as in the sheet's list, pain taps marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from dashboard.body.figure import LIGHT_INKS, STEPS, Look, Shade, figure
from dashboard.body.regions import LEFT, RIGHT, Region, View, drawing, members
from dashboard.look.theme import LIGHT
from dashboard.reading.focus_order import ReviewedArea
from store.people_ports import PainTap

#: Numbers on the figure, in units of its drawing: of a size that can be read on paper.
_RADIUS: Final = 20.0
_FONT: Final = 'font-family="Libertinus Serif"'


def figures(areas: Sequence[ReviewedArea], taps: Sequence[PainTap]) -> dict[str, Any]:
    """Front and back as SVG, and what they show in words. ``areas`` in the order of the list, from 1."""
    shades = _shades(areas)
    marks: dict[str, int] = {}
    for tap in taps:
        marks[tap.region] = max(tap.score, marks.get(tap.region, 0))
    look = Look(shades=shades)
    drawn = {
        str(view): _for_print(
            figure(view, LIGHT, look), _numbers(view, shades, marks) + _pain(view, marks)
        )
        for view in View
    }
    return {
        "figures": drawn,
        "figure_alt": "Body, front and back: muscles numbered as in the list.",
    }


def _shades(areas: Sequence[ReviewedArea]) -> dict[str, Shade]:
    """Each muscle by the largest exposure of its areas; labelled with the first of their numbers."""
    exposure_s: dict[str, float] = {}
    number: dict[str, int] = {}
    for place, area in enumerate(areas, start=1):
        for key in (*area.area.front, *area.area.back):
            for member in members(key):
                exposure_s[member] = max(exposure_s.get(member, 0.0), area.exposure_s)
                number.setdefault(member, place)
    most_s = max(exposure_s.values(), default=0.0)
    return {
        key: Shade(_step(seconds, most_s), str(number[key])) for key, seconds in exposure_s.items()
    }


def _step(seconds: float, most_s: float) -> int:
    """From 1 to STEPS, in equal parts of the largest exposure."""
    return STEPS if most_s <= 0 else max(1, min(STEPS, -int(-seconds * STEPS // most_s)))


def _numbers(view: View, shades: dict[str, Shade], marks: dict[str, int]) -> str:
    """The number of each shaded muscle, once: on the left, or on the right where a pain mark is on the left."""
    found = []
    for region in drawing(view).regions:
        shade = shades.get(region.key)
        side = RIGHT if f"{LEFT}_{region.key}" in marks else LEFT
        if shade is not None and region.side in ("", side):
            found.append(_number(region, shade.label))
    return "".join(found)


def _number(region: Region, label: str) -> str:
    x, y = region.heart
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS:g}" fill="{LIGHT.background}" '
        f'stroke="{LIGHT.ink}" stroke-width="1.6"/><text x="{x:g}" y="{y + 10:g}" '
        f'fill="{LIGHT.ink}" font-size="30" text-anchor="middle">{label}</text>'
    )


def _pain(view: View, marks: dict[str, int]) -> str:
    """The highest score of each tapped region in a diamond, larger than on the screen."""
    return "".join(
        _diamond(region, marks[region.id]) for region in drawing(view).regions if region.id in marks
    )


def _diamond(region: Region, score: int) -> str:
    (x, y), r = region.heart, _RADIUS * 1.5
    return (
        f'<path d="M{x:g} {y - r:g}L{x + r:g} {y:g}L{x:g} {y + r:g}L{x - r:g} {y:g}Z" '
        f'fill="{LIGHT_INKS.pain}" stroke="{LIGHT.background}" stroke-width="2"/>'
        f'<text x="{x:g}" y="{y + 10:g}" fill="{LIGHT_INKS.on_pain}" font-size="29" '
        f'font-weight="700" text-anchor="middle">{score:d}</text>'
    )


def _for_print(svg: str, marks: str) -> str:
    """In a typeface that the sheet has, with the marks over everything."""
    own = re.sub(r'font-family="[^"]*"', _FONT, svg, count=1)
    return own.removesuffix("</svg>") + f"{marks}</svg>"
