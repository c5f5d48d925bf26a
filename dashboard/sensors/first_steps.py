"""The way of somebody new: agree, pair, calibrate. What is the next step, and a card that leads there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Final

from contracts.records import CalibrationOutcome
from dashboard.entry.visit import Visit
from dashboard.mine.consent import in_force
from store.people_ports import Consent, ConsentKind
from store.ports import Assignment


class FirstStep(StrEnum):
    """What somebody new does, in this order."""

    AGREE = "agree"
    PAIR = "pair"
    CALIBRATE = "calibrate"


@dataclass(frozen=True, slots=True)
class Way:
    """Which of the first steps are done."""

    agreed: bool
    paired: bool
    calibrated: bool

    @property
    def next_step(self) -> FirstStep | None:
        """The first that is missing; None where all are done."""
        done = {
            FirstStep.AGREE: self.agreed,
            FirstStep.PAIR: self.paired,
            FirstStep.CALIBRATE: self.calibrated,
        }
        return next((step for step in FirstStep if not done[step]), None)


#: step → (what it is called, why, what the link says, the page's address)
_WORDS: Final = {
    FirstStep.AGREE: (
        "Say what you agree to",
        "Nothing is measured before you do, and you can take it back at any time.",
        "Read and agree",
        "/my-data",
    ),
    FirstStep.PAIR: (
        "Pair your sensors",
        "Switch them on near the gateway, say where you wear each, and put them on.",
        "Pair sensors",
        "/my-sensors",
    ),
    FirstStep.CALIBRATE: (
        "Show your own upright",
        "Hold upright, then let go into your usual slump: about a minute. Every angle is counted from it.",
        "Calibrate",
        "/my-sensors",
    ),
}


def way(
    consents: Sequence[Consent],
    assignments: Sequence[Assignment],
    outcomes: Sequence[CalibrationOutcome],
    now_ns: int,
) -> Way:
    """How far a person is. A sensor that was given back is no longer paired."""
    return Way(
        agreed=in_force(consents, ConsentKind.MONITORING) is not None,
        paired=any(
            a.start_ns <= now_ns and (a.end_ns is None or a.end_ns > now_ns) for a in assignments
        ),
        calibrated=any(outcome.accepted for outcome in outcomes),
    )


def of(visit: Visit) -> str:
    """The card for whoever looks at a page of their own; empty elsewhere.

    A simulated person is asked for nothing: whoever made it has paired and calibrated it as was wished.
    """
    person = visit.person
    if person is None or person.wearer != visit.viewer.wearer or person.simulated:
        return ""
    return card(
        way(
            visit.people.consents(person.wearer),
            visit.registry.assignments(person.wearer),
            visit.series.calibrations(person.wearer),
            visit.clock_ns(),
        )
    )


def card(done: Way) -> str:
    """The steps with the next one in full; empty where all are done."""
    following = done.next_step
    if following is None:
        return ""
    order = list(FirstStep)
    rows = "".join(_row(step, order.index(step), order.index(following)) for step in order)
    return (
        '<div class="pl"><nav class="pl-card pl-first" aria-label="First steps">'
        f'<div class="pl-label">First steps</div><ol>{rows}</ol></nav></div>'
    )


def _row(step: FirstStep, index: int, at: int) -> str:
    title, why, link, address = _WORDS[step]
    if index < at:
        return f'<li class="done"><span>{escape(title)}</span> <span class="quiet">done</span></li>'
    if index > at:
        return f'<li class="later"><span>{escape(title)}</span></li>'
    return (
        f'<li class="now" aria-current="step"><span class="what">{escape(title)}</span>'
        f'<p>{escape(why)}</p><a class="pl-do" href="{address}" target="_self">{escape(link)}</a></li>'
    )
