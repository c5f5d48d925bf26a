"""Small drawings inside HTML. Pure: numbers in, SVG out.

Streamlit takes an inline ``<svg>`` out of the HTML it is given, and leaves an image with the drawing in its
address; so a drawing comes as one, with its words for who does not see it.
"""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import quote

#: Characters that need no escape inside a quoted address of a drawing; what is left out grows threefold.
_PLAIN: Final = " '/:=;,.-()!+*"


def svg(width: float, height: float, *parts: str) -> str:
    """An SVG document of that size, of ``parts``; text in it is escaped by who writes it."""
    inner = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">{inner}</svg>'
    )


def stretched(width: float, height: float, *parts: str) -> str:
    """:func:`svg` that takes the shape of the room it is given; lines need vector-effect='non-scaling-stroke'."""
    return svg(width, height, *parts).replace("<svg ", "<svg preserveAspectRatio='none' ", 1)


def image(drawing: str, words: str, classes: str = "") -> str:
    """``<img>`` that holds the drawing; ``words`` are its text for screen readers, empty: decoration."""
    address = "data:image/svg+xml," + quote(drawing.replace('"', "'"), safe=_PLAIN)
    return f'<img class="{classes}" alt="{escape(words)}" src="{address}">'


def hatch(name: str, colour: str, step_px: float = 6.0) -> str:
    """The pattern of what is unknown, to be used as ``fill='url(#name)'``."""
    return (
        f'<defs><pattern id="{name}" width="{step_px:g}" height="{step_px:g}" '
        f'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="{step_px / 3:g}" height="{step_px:g}" fill="{colour}"/></pattern></defs>'
    )
