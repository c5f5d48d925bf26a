"""Small drawings: a person from the side in a pose, and the back with the places where sensors sit. Pure.

Line drawings in the ink of the page they are for; a posture has the colour it has everywhere. Each has
words for who does not see it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from contracts.vocabulary import Placement, Posture
from dashboard.look import drawn, text
from dashboard.look.theme import POSTURE_COLOUR, Paper

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Pose:
    """A person seen from the side, looking to the right, on 120 × 132; paths and points in that grid."""

    words: str
    posture: Posture
    trunk: str
    neck: str
    head: _Point
    legs: str
    arm: str
    sensors: tuple[_Point, _Point]
    seated: bool = True


_SEATED: Final = "M53 91 L88 91 L88 123 L99 123"
_POSES: Final = {
    "upright": _Pose(
        "Sitting upright", Posture.UPRIGHT,
        "M53 90 C47 76 49 60 54 46", "M54 46 L57 36", (60, 24), _SEATED, "M54 52 L59 70 L77 79",
        ((43.5, 57), (41.5, 82)),
    ),
    "rounded": _Pose(
        "Sitting slumped", Posture.ROUNDED,
        "M55 91 C37 80 37 60 57 50", "M57 50 L66 44", (76, 36), _SEATED, "M58 55 L64 73 L82 81",
        ((38.5, 57), (35, 82)),
    ),
    "bend": _Pose(
        "Sitting, bent forward at the hip", Posture.FORWARD_LEAN,
        "M53 90 C57 78 68 68 82 62", "M82 62 L91 57", (102, 51), _SEATED, "M80 65 L84 83 L92 98",
        ((67, 58), (45, 81)),
    ),
    "standing": _Pose(
        "Standing upright", Posture.UPRIGHT,
        "M58 76 C53 64 54 50 58 38", "M58 38 L60 29", (63, 17), "M58 76 L60 100 L58 123 L69 123",
        "M58 44 L62 60 L63 76", ((47.5, 48), (46.5, 70)), seated=False,
    ),
}  # fmt: skip
_STOOL: Final = "M34 99 L70 99 M42 99 L40 123 M62 99 L64 123"

#: Where a placement is, on the back drawn on 150 × 190; the breastbone is on the other side.
_PLACES: Final = {
    Placement.HEAD: (75, 18),
    Placement.C7: (75, 49),
    Placement.T4: (75, 76),
    Placement.T12: (75, 114),
    Placement.L5: (75, 146),
    Placement.STERNUM: (75, 84),
}
_OUTLINE: Final = (
    "M65 34 C65 43 62 46 54 49 C44 52 33 54 28 63 C22 75 20 98 17 124 "
    "M85 34 C85 43 88 46 96 49 C106 52 117 54 122 63 C128 75 130 98 133 124 "
    "M42 82 C44 100 49 110 48 124 C46 142 40 156 40 184 "
    "M108 82 C106 100 101 110 102 124 C104 142 110 156 110 184"
)
_SPINE: Final = "M75 46 L75 158"
_BLADES: Final = "M53 66 C56 78 60 88 66 94 M97 66 C94 78 90 88 84 94"
_CHOSEN: Final = POSTURE_COLOUR[Posture.UPRIGHT]


def pose(name: str, page: Paper) -> str:
    """A person in a pose of the calibration: upright, rounded, bend or standing. The dots are sensors."""
    shown = _POSES[name]
    limb = _line(page.quiet, 7)
    dots = "".join(
        f'<circle cx="{x:g}" cy="{y:g}" r="3.6" fill="{page.background}" stroke="{page.ink}" '
        'stroke-width="2"/>'
        for x, y in shown.sensors
    )
    return drawn.image(
        drawn.svg(
            120,
            132,
            f'<path d="{_STOOL}" {_line(page.line, 3)}/>' if shown.seated else "",
            f'<path d="{shown.legs}" {limb}/>',
            f'<path d="{shown.trunk}" {_line(POSTURE_COLOUR[shown.posture], 14)}/>',
            f'<path d="{shown.neck}" {limb}/><path d="{shown.arm}" {_line(page.ink, 5)}/>',
            f'<circle cx="{shown.head[0]:g}" cy="{shown.head[1]:g}" r="11" fill="{page.quiet}"/>',
            dots,
        ),
        shown.words,
        "pl-pose",
    )


def back(chosen: Placement | None, page: Paper, taken: Collection[Placement] = ()) -> str:
    """The back with the place that is meant ringed, and filled where a sensor sits already."""
    words = "The back" if chosen is None else f"The back, {text.PLACEMENT[chosen]} marked"
    dots = "".join(_dot(place, chosen, page, taken) for place in _PLACES)
    return drawn.image(
        drawn.svg(
            150,
            190,
            f'<ellipse cx="75" cy="20" rx="14" ry="17" {_line(page.quiet, 2)}/>',
            f'<path d="{_OUTLINE}" {_line(page.quiet, 2)}/><path d="{_BLADES}" {_line(page.hatch, 1.4)}/>',
            f'<path d="{_SPINE}" {_line(page.quiet, 1.4)} stroke-dasharray="1 4"/>',
            dots,
        ),
        words,
        "pl-back",
    )


def _dot(
    place: Placement, chosen: Placement | None, page: Paper, taken: Collection[Placement]
) -> str:
    x, y = _PLACES[place]
    if place is chosen:
        return (
            f'<circle cx="{x}" cy="{y}" r="5.5" fill="{_CHOSEN}"/>'
            f'<circle cx="{x}" cy="{y}" r="11" {_line(_CHOSEN, 2.5)}/>'
        )
    if place is Placement.STERNUM:
        return ""
    filled = page.ink if place in taken else page.background
    return f'<circle cx="{x}" cy="{y}" r="3.6" fill="{filled}" stroke="{page.quiet}" stroke-width="1.4"/>'


def _line(colour: str, width: float) -> str:
    return (
        f'fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round" '
        'stroke-linejoin="round"'
    )
