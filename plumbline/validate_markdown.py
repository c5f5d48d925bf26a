"""The tables of ``plumbline validate`` as a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence

from plumbline.validate_report import TITLES
from plumbline.validate_summary import About
from plumbline.validate_words import Sheet


def markdown(about: About, tables: Sequence[Sheet]) -> str:
    """The page: a section a part, in the order of the tables."""
    lines = [
        "# Figures of validation",
        "",
        (
            "Written by `plumbline validate DIR --markdown FILE`; [validation.md](validation.md) says what "
            "they mean."
        ),
        f"{about.words}; models: {about.model}.",
    ]
    part = ""
    for sheet in tables:
        if sheet.part != part:
            part = sheet.part
            lines += ["", f"## {TITLES[part]}"]
        lines += [
            "",
            f"### {sheet.title}",
            "",
            _row(sheet.columns),
            _row(["---"] * len(sheet.columns)),
        ]
        lines += [_row(row) for row in sheet.rows]
        if sheet.note:
            lines += ["", sheet.note]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
