"""The report of ``plumbline validate``: one HTML page that needs nothing else, and its pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from analytics.validation.bootstrap import DRAWS
from dashboard.look.theme import LIGHT
from plumbline.outputs import make_folder, write_bytes
from plumbline.validate_goals import Goal
from plumbline.validate_style import Picture
from plumbline.validate_summary import Summary
from plumbline.validate_words import Sheet

PAGE: Final = "report.html"
TITLES: Final = {
    "goals": "Wanted and found",
    "postures": "Postures",
    "episodes": "Episodes",
    "confidence": "Confidence",
    "people": "People",
    "driving": "In a car",
    "mounting": "Mounting",
    "activities": "Activities",
    "trouble": "Trouble",
    "orientation": "Orientation",
}
#: Letters of a cell that stays on one line.
MAX_SHORT: Final = 24
_INTERVAL: Final = re.compile(r"^(\S+) (\(.+\))$")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    name: str
    title: str
    sheets: tuple[Sheet, ...] = ()
    pictures: tuple[Picture, ...] = ()


def write_report(
    folder: Path,
    summary: Summary,
    tables: Sequence[Sheet],
    goals: Sequence[Goal],
    drawn: Sequence[Picture],
) -> Path:
    """Write the page, and each picture as a file of its own beside it; the page's path.

    DiskError where the folder cannot be made or written to.
    """
    make_folder(folder, "--report")
    for picture in drawn:
        write_bytes(folder / f"{picture.name}.png", picture.png)
    page = folder / PAGE
    write_bytes(page, render(summary, tables, goals, drawn).encode())
    return page


def render(
    summary: Summary, tables: Sequence[Sheet], goals: Sequence[Goal], drawn: Sequence[Picture]
) -> str:
    """The page."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = _cell
    environment.filters["base64"] = _base64
    source = files("plumbline").joinpath("validate_report.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        about=summary.about,
        paper=LIGHT,
        goals=goals,
        sections=_sections(tables, goals, drawn),
        draws=f"{DRAWS:,}",
    )


def _sections(
    tables: Sequence[Sheet], goals: Sequence[Goal], drawn: Sequence[Picture]
) -> list[Section]:
    found = [Section("goals", TITLES["goals"])] if goals else []
    for name, title in list(TITLES.items())[1:]:
        sheets = tuple(sheet for sheet in tables if sheet.part == name)
        pictures = tuple(picture for picture in drawn if picture.part == name)
        if sheets or pictures:
            found.append(Section(name, title, sheets, pictures))
    return found


def _cell(text: str) -> Markup:
    """Text of a table's cell; an interval behind a figure is set quiet."""
    found = _INTERVAL.match(text)
    if found is None:
        kind = "short" if len(text) <= MAX_SHORT else "long"
        return Markup('<span class="{}">{}</span>').format(kind, text)
    value, interval = found.groups()
    return Markup('<span class="figure">{}</span> <span class="interval">{}</span>').format(
        value, interval
    )


def _base64(picture: Picture) -> str:
    return base64.b64encode(picture.png).decode("ascii")
