"""The regions of the body figure: muscles and other places, left and right, as drawn in dashboard/body."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final
from xml.etree import ElementTree as ET

from dashboard.body.paths import Curve, Point, parse
from dashboard.look.safety import Muscle, muscle

#: A person's sides, as they stand in the id of a region.
LEFT, RIGHT = "left", "right"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_KINDS: Final = ("plain", "muscle", "deep")
#: Key, kind, curve and heart as a file has them.
_Shape = tuple[str, str, Curve, Point]


class View(StrEnum):
    """Which way the figure stands."""

    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Region:
    """A place on the figure. ``side`` is the person's own, empty where it spans the midline.

    ``deep``: lies under other muscles and is drawn over them, dashed. ``heart``: a point inside it, and outside of
    those that are drawn over it: where its mark stands.
    """

    key: str
    view: View
    side: str
    name: str
    where: str
    curve: Curve
    heart: Point
    muscle: bool
    deep: bool

    @property
    def id(self) -> str:
        """``left_rhomboids``; the key alone where there are no sides."""
        return f"{self.side}_{self.key}" if self.side else self.key

    @property
    def title(self) -> str:
        """``Rhomboids, left``."""
        return f"{self.name}, {self.side}" if self.side else self.name


@dataclass(frozen=True, slots=True)
class Drawing:
    """One view: whole outlines of body and head, the ears, hairlines, and the regions from below upwards.

    ``rim`` and ``crown`` are the same outlines without the line that the head hides. The head lies over
    the first ``under_head`` regions.
    """

    body: Curve
    head: Curve
    rim: tuple[Curve, ...]
    crown: tuple[Curve, ...]
    ears: tuple[Curve, ...]
    fibres: tuple[Curve, ...]
    face: tuple[Curve, ...]
    regions: tuple[Region, ...]
    under_head: int


@cache
def drawing(view: View) -> Drawing:
    """The drawing of a view, whole: the file holds one half."""
    text = files("dashboard").joinpath("body", f"{view}.svg").read_text(encoding="utf-8")
    curves: dict[str, list[Curve]] = {}
    shapes: list[_Shape] = []
    before = 0
    for path in ET.fromstring(text).iter(f"{_SVG}path"):  # noqa: S314  # a file of our own
        kind, curve = path.attrib["class"], parse(path.attrib["d"])
        if kind in _KINDS:
            x, y = (float(number) for number in path.attrib["data-heart"].split())
            shapes.append((path.attrib["id"], kind, curve, (x, y)))
        else:
            before = len(shapes) if kind == "head" else before
            curves.setdefault(kind, []).append(curve)
    (contour,), (head,) = curves["contour"], curves["head"]
    found = _regions(view, shapes)
    lower = {key for key, _, _, _ in shapes[:before]}
    return Drawing(
        body=contour.across(),
        head=head.across(),
        rim=_both([contour]),
        crown=_both([head]),
        ears=_both(curves["ear"]),
        fibres=_both(curves["fibre"]),
        face=_both(curves["face"]),
        regions=found,
        under_head=sum(region.key in lower for region in found),
    )


@cache
def regions() -> dict[str, Region]:
    """Every region by id, front first."""
    return {region.id: region for view in View for region in drawing(view).regions}


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Keys that stand for several muscles, or are another word for one, and what they stand for."""
    return {key: tuple(members) for key, members in _words()["groups"].items()}


def members(key: str) -> tuple[str, ...]:
    """The keys of the regions that a muscle's key means: itself, or those of a group. Empty: not drawn."""
    drawn = {region.key for region in regions().values()}
    return tuple(one for one in groups().get(key, (key,)) if one in drawn)


def title_of(region: str) -> str:
    """``Rhomboids, left``; a region that the figure no longer has is named by its id."""
    found = regions().get(region)
    return muscle(region).name if found is None else found.title


def _both(curves: list[Curve]) -> tuple[Curve, ...]:
    return tuple(one for curve in curves for one in (curve, curve.mirrored()))


def _regions(view: View, shapes: list[_Shape]) -> tuple[Region, ...]:
    # What stands at x > 0 is the person's left from the front, and their right from behind.
    near, far = (LEFT, RIGHT) if view is View.FRONT else (RIGHT, LEFT)
    found = []
    for key, kind, curve, point in shapes:
        entry = _entry(key, kind)
        sides = ((near, curve, point), (far, curve.mirrored(), (-point[0], point[1])))
        for side, shape, middle in sides if curve.closed else (("", curve.across(), point),):
            found.append(
                Region(
                    key=key,
                    view=view,
                    side=side,
                    name=entry.name,
                    where=entry.where,
                    curve=shape,
                    heart=middle,
                    muscle=kind != "plain",
                    deep=kind == "deep",
                )
            )
    return tuple(found)


def _entry(key: str, kind: str) -> Muscle:
    if kind != "plain":
        return muscle(key)
    words = _words()["plain"][key]
    return Muscle(words["name"], words["where"])


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("dashboard").joinpath("body", "regions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
