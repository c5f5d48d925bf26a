"""README.txt of "everything": which files there are, and what each column is. The words are data. Pure."""

from __future__ import annotations

import textwrap
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from dashboard.exports.csv_table import utc
from dashboard.reading.queries import Person

_WIDTH: Final = 100
#: Files that are the person's alone to have.
OWN_FILES: Final = ("consents.csv", "grants.csv", "looks.csv", "errands.csv")


def readme(person: Person, made_ns: int, *, own: bool) -> str:
    """The text. ``own``: the archive is for the person, and holds what is theirs alone."""
    words = explained()
    simulated = "\nThis person is simulated: nobody was measured.\n" if person.simulated else ""
    shown = [name for name in words["file"] if own or name not in OWN_FILES]
    parts = [
        words["head"],
        f"Id: {person.wearer}. Made {utc(made_ns)}.{simulated}",
        "FILES\n" + "\n".join(_entry(name, words["file"][name]["what"]) for name in shown),
        "COLUMNS\n" + "\n".join(_entry(name, what) for name, what in words["column"].items()),
        words["left_out"] if own else f"{words['left_out']}\n\n{words['not_own']}",
    ]
    return "\n\n".join(parts) + "\n"


@cache
def explained() -> dict[str, Any]:
    """The words of export_words.toml: ``file`` and ``column`` by name."""
    return tomllib.loads(
        files("dashboard.exports").joinpath("export_words.toml").read_text(encoding="utf-8")
    )


def _entry(name: str, what: str) -> str:
    return textwrap.fill(f"{name}: {what}", _WIDTH, subsequent_indent="    ")
