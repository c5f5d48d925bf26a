"""Words and figures as ``plumbline validate`` writes them, and the table that they stand in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from analytics.validation.bootstrap import Estimate
from analytics.validation.figures import PersonFigures
from analytics.validation.scoring import Study

WORDS: Final = {
    Study.SITTING: "seated",
    Study.DRIVING: "in a car",
    Study.ACTIVITIES: "activities",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: ``part`` is what it belongs to, ``note`` says how its figures are counted."""

    part: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def figure(estimate: Estimate, digits: int = 3) -> str:
    """A figure with its interval: ``0.936 (0.913–0.958)``."""
    if math.isnan(estimate.value):
        return "–"
    value = f"{estimate.value:.{digits}f}"
    if math.isnan(estimate.low):
        return value
    return f"{value} ({estimate.low:.{digits}f}–{estimate.high:.{digits}f})"


def difference(estimate: Estimate) -> str:
    """A difference with its interval and sign: ``+0.004 (−0.010 to +0.018)``, ``0.000`` for none."""
    if math.isnan(estimate.value):
        return "–"
    return f"{signed(estimate.value)} ({signed(estimate.low)} to {signed(estimate.high)})"


def signed(value: float, digits: int = 3) -> str:
    """With its sign, a true minus; without one where nothing is left after rounding."""
    if math.isnan(value):
        return "–"
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def capital(text: str) -> str:
    """With a capital letter; the rest as it is, unlike ``str.capitalize``."""
    return text[:1].upper() + text[1:]


def plain(value: float, digits: int = 2) -> str:
    """A figure, – where there is none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def worn(sensors: str) -> str:
    """The sensors of a way: ``T4 + L5``."""
    return sensors.replace(",", " + ")


def mistakes(person: PersonFigures) -> str:
    """What a person's seconds were called instead, most seconds first."""
    return (
        "; ".join(f"{word(t)} called {word(s)} {n} s" for t, s, n in person.mistakes) or "nothing"
    )


def words(labels: Iterable[str]) -> Iterator[str]:
    """Labels as words."""
    return map(word, labels)


def word(label: str) -> str:
    """A label as a word: ``forward lean``."""
    return label.replace("_", " ")
