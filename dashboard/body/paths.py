"""Curves of the body figure: SVG path data of cubic Béziers read, mirrored and joined. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]
#: Two control points and where the segment ends.
Segment = tuple[Point, Point, Point]

_TOKEN: Final = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Curve:
    """One run of cubic Béziers."""

    start: Point
    segments: tuple[Segment, ...]
    closed: bool

    def d(self) -> str:
        """SVG path data."""
        runs = "".join(f"C{_pair(a)} {_pair(b)} {_pair(end)}" for a, b, end in self.segments)
        return f"M{_pair(self.start)}{runs}{'Z' if self.closed else ''}"

    def mirrored(self) -> Curve:
        """The curve on the other side of the midline."""
        turned = tuple((_turn(a), _turn(b), _turn(end)) for a, b, end in self.segments)
        return Curve(_turn(self.start), turned, self.closed)

    def across(self) -> Curve:
        """The closed curve of this open half, which begins and ends at the midline, and its mirror image."""
        points = [self.start, *(end for _, _, end in self.segments)]
        back = [(_turn(b), _turn(a), _turn(points[i])) for i, (a, b, _) in enumerate(self.segments)]
        # A half that ends beside the midline (the neck behind the head) is closed by straight lines.
        joint = [_line(points[-1], _turn(points[-1]))] if points[-1][0] else []
        seam = [_line(_turn(self.start), self.start)] if self.start[0] else []
        return Curve(self.start, (*self.segments, *joint, *reversed(back), *seam), closed=True)


def parse(data: str) -> Curve:
    """Path data of one M, then C with absolute numbers, with or without Z. ValueError for anything else."""
    tokens = _TOKEN.findall(data)
    left = _TOKEN.sub("", data).strip(" ,\n")
    if left or not tokens or tokens[0] != "M":
        raise ValueError(f"path data that the figure does not read: {data[:40]!r}")
    closed = tokens[-1] == "Z"
    body = tokens[3 : -1 if closed else None]
    segments = []
    for at in range(0, len(body), 7):
        run = body[at : at + 7]
        if run[0] != "C" or len(run) != 7:
            raise ValueError(f"path data that the figure does not read: {''.join(run)[:40]!r}")
        x1, y1, x2, y2, x, y = (float(token) for token in run[1:])
        segments.append(((x1, y1), (x2, y2), (x, y)))
    return Curve((float(tokens[1]), float(tokens[2])), tuple(segments), closed)


def _line(start: Point, end: Point) -> Segment:
    return start, end, end


def _turn(point: Point) -> Point:
    return -point[0] if point[0] else 0.0, point[1]


def _pair(point: Point) -> str:
    return f"{round(point[0], 1):g} {round(point[1], 1):g}"
