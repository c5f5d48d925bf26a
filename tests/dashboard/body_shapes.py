"""Shapes of the body figure as polygons, to measure them in tests."""

from __future__ import annotations

from itertools import pairwise

from dashboard.body.paths import Curve, Point

#: Straight pieces a segment is measured as.
PIECES = 6


def polygon(curve: Curve) -> list[Point]:
    """The curve as points, close enough to measure."""
    found = [curve.start]
    for a, b, end in curve.segments:
        start = found[-1]
        for k in range(1, PIECES + 1):
            t = k / PIECES
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x, y = (
                sum(w * p[axis] for w, p in zip(weights, (start, a, b, end), strict=True))
                for axis in (0, 1)
            )
            found.append((x, y))
    return found


def inside(point: Point, points: list[Point]) -> bool:
    """Whether a point lies inside a polygon (even-odd rule)."""
    x, y = point
    found = False
    for (ax, ay), (bx, by) in pairwise([*points, points[0]]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            found = not found
    return found


def area(points: list[Point]) -> float:
    """What a polygon encloses, in square units."""
    return abs(sum(x * v - u * y for (x, y), (u, v) in pairwise([*points, points[0]]))) / 2
