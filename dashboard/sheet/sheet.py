"""The session sheet: one A4 page a client and week, as PDF and as the very same page in pictures.

Typeset by typst from ``sheet.typ``, with the typefaces that typst carries within it: the sheet looks the same on
every machine, and making it asks nothing of the network. Data comes in as one JSON value.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any, Final

import typst

from contracts.errors import InvariantError
from contracts.units import NS_PER_S
from dashboard.review.model import WeekReview
from dashboard.sheet import figure
from dashboard.sheet import words as sheet_words

#: Of the picture that stands for the sheet on the page: enough to read, 0.4 MB at most.
PREVIEW_PPI: Final = 150
#: Pictures that are kept, so that a page that is looked at does not set it again; the oldest goes.
MAX_PICTURES: Final = 16


def pdf(review: WeekReview, *, named: bool = True) -> bytes:
    """The sheet as a tagged PDF with selectable text. ``named``: with the client's name, not the id alone."""
    made = datetime.fromtimestamp(review.made_ns // NS_PER_S, tz=UTC)
    return _one(_compiler(_data(review, named=named)).compile(format="pdf", timestamp=made))


def picture(review: WeekReview, *, named: bool = True) -> bytes:
    """The same sheet as a PNG, for the screen. Kept as long as nothing on it changes."""
    return _picture(_data(review, named=named))


@lru_cache(maxsize=MAX_PICTURES)
def _picture(data: str) -> bytes:
    return _one(_compiler(data).compile(format="png", ppi=PREVIEW_PPI))


def made_by() -> str:
    """The name and version of what made a sheet or an export."""
    try:
        return f"Plumbline {version('plumbline')}"
    except PackageNotFoundError:  # run from a checkout
        return "Plumbline"


def _data(review: WeekReview, *, named: bool) -> str:
    words = sheet_words.words(review, named=named, version=made_by())
    return json.dumps(words | figure.figures(sheet_words.shown_areas(review), review.pain))


def _compiler(data: str) -> typst.Compiler:
    return typst.Compiler(
        _template(),
        font_paths=_typefaces(),
        ignore_system_fonts=True,
        sys_inputs={"data": data},
    )


def _one(made: Any) -> bytes:
    """A picture of several pages would be a list: the sheet is one page by construction."""
    if not isinstance(made, bytes):
        raise InvariantError("the session sheet is not one page.")
    return made


@cache
def _template() -> bytes:
    return files("dashboard.sheet").joinpath("sheet.typ").read_bytes()


@cache
def _typefaces() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)
