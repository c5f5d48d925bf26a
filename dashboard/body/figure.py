"""The body figure as SVG: front or back, shaded, marked and labelled. Pure, with explicit colours.

What it gives stands by itself: in a page, in a printed sheet, or in a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from dashboard.body.paths import Curve
from dashboard.body.regions import Drawing, Region, View, drawing
from dashboard.look.theme import DARK, Paper

#: Half the width that the body stands in, its top and its height, in units of the drawing.
HALF: Final = 206.0
TOP: Final = -8.0
HEIGHT: Final = 930.0
#: Room for names beside the body.
MARGIN: Final = 208.0
#: Shades there are, the lightest first.
STEPS: Final = 3
_NAME_PX: Final = 22.0
_LABEL_GAP: Final = 52.0
_FONT: Final = "'Source Sans', 'Source Sans 3', 'Source Sans Pro', sans-serif"


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of the figure on one paper.

    ``ramp``: from little to much exposure. It was searched for: each shade stands at least 14 apart in
    CIELAB from the skin, the others and every posture colour, for the full-colour, protan, deutan and
    tritan eye. tests/dashboard holds that.
    """

    skin: str
    shadow: str
    outline: str
    muscle: str
    fibre: str
    ramp: tuple[str, str, str]
    pain: str
    on_pain: str


LIGHT_INKS: Final = Inks(
    skin="#EFE8E1",
    shadow="#B5A494",
    outline="#75685E",
    muscle="#C98570",
    fibre="#5A4A40",
    ramp=("#A9CDD9", "#45B9D8", "#123F4A"),
    pain="#A3123F",
    on_pain="#FFFFFF",
)
DARK_INKS: Final = Inks(
    skin="#2B323B",
    shadow="#12171D",
    outline="#8C97A5",
    muscle="#B98A7C",
    fibre="#C9D2DC",
    ramp=("#03596B", "#6DC1DA", "#C6E9F5"),
    pain="#FFD166",
    on_pain="#1B1400",
)


@dataclass(frozen=True, slots=True)
class Shade:
    """How dark a muscle is drawn, 1 to STEPS, and what its label says below its name."""

    step: int
    label: str


@dataclass(frozen=True, slots=True)
class Look:
    """What to show on the figure.

    ``shades`` by a muscle's key; ``marks``: pain 0 to 10 by region id; ``chosen``: a region id; ``lit``: keys
    of muscles that belong to what is chosen. ``words``, by region id, makes those regions buttons that are
    called so. ``names``: write the names of shaded muscles beside the body.
    """

    shades: Mapping[str, Shade] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    chosen: str = ""
    lit: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    names: bool = False

    @property
    def named(self) -> bool:
        """Whether there is a name to write: without one the body stands in the middle."""
        return self.names and bool(self.shades)


def inks(page: Paper) -> Inks:
    """The figure's colours on that paper."""
    return DARK_INKS if page is DARK else LIGHT_INKS


def figure(view: View, page: Paper, look: Look) -> str:
    """One view as an SVG document. Every word in it is escaped."""
    drawn, ink = drawing(view), inks(page)
    over = drawn.regions[: drawn.under_head]
    head = drawn.regions[drawn.under_head :]
    if view is View.FRONT:
        layers = [_skin(drawn.body, ink), _regions(over, ink, look, page), _trunk(drawn, ink, view)]
        layers += [_head(drawn, ink, view), _regions(head, ink, look, page)]
    else:
        layers = [_skin(drawn.body, ink), _head(drawn, ink, view), _regions(head, ink, look, page)]
        layers += [_trunk(drawn, ink, view)]
    layers += [
        _lines(drawn.fibres, ink),
        _chosen(drawn, look, page),
        _marks(drawn, look, ink, page),
    ]
    if look.named:
        layers.append(_names(view, drawn, look, page))
    left = -HALF - (MARGIN if look.named and view is View.FRONT else 0)
    width = 2 * HALF + (MARGIN if look.named else 0)
    role = "group" if look.words else "img"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {TOP:g} {width:g} {HEIGHT:g}" '
        f'width="{width:g}" height="{HEIGHT:g}" role="{role}" aria-label="Body, {view}" '
        f'data-view="{view}" font-family="{_FONT}">{"".join(layers)}</svg>'
    )


def _path(curve: Curve, **attributes: str | float) -> str:
    return f'<path d="{curve.d()}"{_attributes(attributes)}/>'


def _attributes(values: Mapping[str, str | float]) -> str:
    return "".join(
        f' {name.replace("_", "-")}="{value if isinstance(value, str) else f"{value:g}"}"'
        for name, value in values.items()
    )


def _lines(curves: Sequence[Curve], ink: Inks, opacity: float = 0.3) -> str:
    return (
        f'<g fill="none" stroke="{ink.fibre}" stroke-opacity="{opacity:g}" stroke-width="0.9" '
        f'stroke-linecap="round" pointer-events="none">{"".join(map(_path, curves))}</g>'
    )


def _skin(whole: Curve, ink: Inks) -> str:
    return _path(whole, fill=ink.skin)


def _depth(whole: Curve, edge: Sequence[Curve], ink: Inks, name: str) -> str:
    """A soft shadow inside the edge, which makes the body round; it lies over the muscles too."""
    return (
        f'<defs><clipPath id="{name}">{_path(whole)}</clipPath><filter id="{name}-soft" x="-20%" '
        f'y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="8"/></filter></defs>'
        f'<g clip-path="url(#{name})" pointer-events="none"><g filter="url(#{name}-soft)" '
        f'fill="none" stroke="{ink.shadow}" stroke-width="11" opacity="0.7">'
        f"{''.join(map(_path, edge))}</g></g>"
    )


def _trunk(drawn: Drawing, ink: Inks, view: View) -> str:
    return _depth(drawn.body, drawn.rim, ink, f"{view}-body") + _outline(drawn.rim, ink)


def _outline(curves: Sequence[Curve], ink: Inks, fill: str = "none") -> str:
    return (
        f'<g fill="{fill}" stroke="{ink.outline}" stroke-width="1.3" stroke-linejoin="round" '
        f'pointer-events="none">{"".join(map(_path, curves))}</g>'
    )


def _head(drawn: Drawing, ink: Inks, view: View) -> str:
    return (
        _outline(drawn.ears, ink, ink.skin)
        + _skin(drawn.head, ink)
        + _depth(drawn.head, drawn.crown, ink, f"{view}-head")
        + _outline(drawn.crown, ink)
        + _lines(drawn.face, ink, 0.5)
    )


def _regions(found: Sequence[Region], ink: Inks, look: Look, page: Paper) -> str:
    return "".join(_region(region, ink, look, page) for region in found)


def _region(region: Region, ink: Inks, look: Look, page: Paper) -> str:
    shade = look.shades.get(region.key)
    paint: dict[str, str | float] = {"fill": ink.muscle, "stroke": ink.fibre, "stroke_width": 0.8}
    if not region.muscle:
        paint |= {"fill_opacity": 0.0, "stroke_opacity": 0.0}
    elif shade is None:
        paint |= {"fill_opacity": 0.14 if region.deep else 0.2, "stroke_opacity": 0.45}
    else:
        step = min(max(shade.step, 1), STEPS)
        paint |= {"fill": ink.ramp[step - 1], "stroke": page.background, "stroke_width": 1.2}
        paint |= {"fill_opacity": 0.92}
    if region.deep:
        paint |= {"stroke_dasharray": "4 2.5"}
    return f'<path d="{region.curve.d()}"{_attributes(paint)}{_button(region, look)}/>'


def _button(region: Region, look: Look) -> str:
    """What makes a region a button; nothing where it is none."""
    words = look.words.get(region.id)
    if words is None:
        return ' pointer-events="none"'
    pressed = "true" if region.id == look.chosen else "false"
    return (
        f' class="region" role="button" tabindex="-1" data-region="{region.id}" '
        f'data-heart="{region.heart[0]:g} {region.heart[1]:g}" '
        f'aria-pressed="{pressed}" aria-label="{escape(words)}"'
    )


def _chosen(drawn: Drawing, look: Look, page: Paper) -> str:
    """Outlines of what is chosen, and thinner ones of what belongs to it, over everything."""
    found = []
    for region in drawn.regions:
        if region.id == look.chosen or region.key in look.lit:
            width = 3.2 if region.id == look.chosen else 1.6
            halo = _path(region.curve, stroke=page.background, stroke_width=width + 2.4)
            found.append(halo + _path(region.curve, stroke=page.ink, stroke_width=width))
    return (
        f'<g class="chosen" fill="none" stroke-linejoin="round" pointer-events="none">'
        f"{''.join(found)}</g>"
    )


def _marks(drawn: Drawing, look: Look, ink: Inks, page: Paper) -> str:
    """Pain as diamonds with their scores; larger where names make the body smaller."""
    half, found = 22.0 if look.named else 16.0, []
    for region in drawn.regions:
        score = look.marks.get(region.id)
        if score is not None:
            x, y = region.heart
            found.append(
                f'<path d="M{x:g} {y - half:g}L{x + half:g} {y:g}L{x:g} {y + half:g}'
                f'L{x - half:g} {y:g}Z" fill="{ink.pain}" stroke="{page.background}" '
                f'stroke-width="2"/><text x="{x:g}" y="{y + 0.35 * half:g}" fill="{ink.on_pain}" '
                f'font-size="{half:g}" font-weight="700" text-anchor="middle">{score:d}</text>'
            )
    return f'<g class="marks" pointer-events="none">{"".join(found)}</g>'


def _names(view: View, drawn: Drawing, look: Look, page: Paper) -> str:
    """The names of the shaded muscles in the margin, each with a line to its muscle on that side."""
    side, anchor = (-1.0, "end") if view is View.FRONT else (1.0, "start")
    shown = sorted(
        (r for r in drawn.regions if r.key in look.shades and r.heart[0] * side > 0),
        key=lambda region: region.heart[1],
    )
    found = [
        _name(region, side, y, anchor, look, page)
        for region, y in zip(shown, _spread([r.heart[1] for r in shown]), strict=True)
    ]
    return f'<g class="names" aria-hidden="true" pointer-events="none">{"".join(found)}</g>'


def _name(region: Region, side: float, y: float, anchor: str, look: Look, page: Paper) -> str:
    lit = not look.lit or region.key in look.lit
    x, (to_x, to_y) = side * (HALF + 6), region.heart
    return (
        f'<path d="M{side * HALF:g} {y:g}L{to_x:g} {to_y:g}" stroke="{page.quiet}" '
        f'stroke-width="{1.2 if lit else 0.6:g}"/>'
        f'<circle cx="{to_x:g}" cy="{to_y:g}" r="3.2" fill="{page.ink}" stroke="{page.background}"/>'
        f'<text x="{x:g}" y="{y:g}" fill="{page.ink if lit else page.quiet}" '
        f'font-size="{_NAME_PX:g}" font-weight="{650 if lit and look.lit else 500}" '
        f'text-anchor="{anchor}">{escape(short_name(region))}</text>'
        f'<text x="{x:g}" y="{y + _NAME_PX:g}" fill="{page.quiet}" font-size="{_NAME_PX - 2:g}" '
        f'text-anchor="{anchor}">{escape(look.shades[region.key].label)}</text>'
    )


def short_name(region: Region) -> str:
    """What stands beside the body: the short form where the name has one in brackets."""
    _, opened, rest = region.name.partition("(")
    return rest.rstrip(")") if opened else region.name


def _spread(wanted: Sequence[float]) -> list[float]:
    """Heights for labels, a gap apart and inside the figure, as near as can be to those wanted (rising).

    Labels that are too close become a block that stands around the middle of what its labels want.
    """
    blocks: list[
        tuple[float, int]
    ] = []  # where the first label of the block wants to be, and how many
    for y in wanted:
        blocks.append((y, 1))
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] * _LABEL_GAP > blocks[-1][0]:
            (upper, many), (lower, more) = blocks[-2], blocks[-1]
            first = (upper * many + (lower - many * _LABEL_GAP) * more) / (many + more)
            blocks[-2:] = [(first, many + more)]
    found = [first + k * _LABEL_GAP for first, many in blocks for k in range(many)]
    lowest = TOP + 30
    for at, y in enumerate(found):
        found[at] = max(y, lowest + at * _LABEL_GAP)
    return found
