"""Which calibration holds when: seconds wait for a session under way, then go on with its result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from analytics.core.calibration import Calibration, calibrate
from analytics.core.joining import SecondTable
from analytics.core.results import CalibrationResult
from analytics.core.rows import SecondRows
from contracts.errors import CalibrationError, Reason, SettingError
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

#: Calibration sessions that may lie ahead at a time.
MAX_PLANS: Final = 1024
#: Tables held one by one before they are joined: a table of one second is mostly its own overhead.
MAX_HELD_TABLES: Final = 8
#: What is said of a calibration that found everything it was asked for.
ACCEPTED: Final = "accepted"


class CalibrationTimeline:
    """Closed seconds in, seconds with the calibration that holds for them out.

    Seconds from a plan's ``effective_ns`` on are held until its windows are complete. A plan that comes
    when its first seconds have been let go holds from the first that has not.
    """

    def __init__(self) -> None:
        self.current: Calibration | None = None
        self._plans: list[CalibrationPlan] = []
        self._held: list[SecondTable] = []
        self._settled = (-1, -1)  # the last settled plan's place in the order of plans

    def plan(self, plan: CalibrationPlan) -> None:
        """Add a session; one that is known or older than the last settled one changes nothing.

        SettingError where too many are planned.
        """
        if plan in self._plans or _order(plan) <= self._settled:
            return
        if len(self._plans) >= MAX_PLANS:
            raise SettingError(
                Reason.BAD_COUNT, f"more than {MAX_PLANS} calibration sessions are planned."
            )
        self._plans = sorted([*self._plans, plan], key=_order)

    def release(
        self, table: SecondTable | None, closed_before_s: int, *, everything: bool = False
    ) -> Iterator[tuple[SecondTable, Calibration | None] | CalibrationResult]:
        """Seconds that can go on, in time order, and what became of the plans on the way.

        ``table``: newly closed seconds, all before ``closed_before_s``. ``everything``: no more will
        come, so plans are settled with what there is.
        """
        if table is not None:
            self._held.append(table)
            if len(self._held) >= MAX_HELD_TABLES:
                self._held = [SecondTable.concat(self._held)]
        while self._plans:
            plan = self._plans[0]
            yield from self._let_go(-(-plan.effective_ns // NS_PER_S))
            due = plan.complete_ns <= closed_before_s * NS_PER_S
            if not due and not (everything and self._held):
                return
            self._plans.pop(0)
            self._settled = _order(plan)
            yield self._settle(plan)
        yield from self._let_go(None)

    def _let_go(self, before_s: int | None) -> Iterator[tuple[SecondTable, Calibration | None]]:
        if not self._held:
            return
        held = SecondTable.concat(self._held)
        cut = len(held) if before_s is None else int(np.searchsorted(held.second, before_s))
        self._held = [held.slice(cut, len(held))] if cut < len(held) else []
        if cut:
            yield held.slice(0, cut), self.current

    def _settle(self, plan: CalibrationPlan) -> CalibrationResult:
        if not self._held:
            return CalibrationResult(
                plan,
                False,
                Reason.CALIBRATION_TOO_SHORT,
                "there is no data of the calibration session left: the sensors were off, or it was "
                "asked for when its time had passed.",
                "Check that the sensors are on, then calibrate again, from a few seconds ahead.",
            )
        try:
            self.current = calibrate(plan, SecondTable.concat(self._held))
        except CalibrationError as error:
            return CalibrationResult(plan, False, error.reason, error.message, error.hint)
        return CalibrationResult(
            plan, True, None, _accepted(self.current, self._held[0].placements)
        )

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        held = SecondTable.concat(self._held) if self._held else None
        return {
            "current": None if self.current is None else self.current.state(),
            "settled": self._settled,
            "plans": [msgspec.to_builtins(p) for p in self._plans],
            "held": {}
            if held is None
            else {p.value: held.column(i).state() for i, p in enumerate(held.placements)},
        }

    def load(self, state: dict[str, Any], placements: tuple[Placement, ...]) -> None:
        """Go on from :meth:`state`, with the columns of ``placements``."""
        self.current = (
            None if state["current"] is None else Calibration.from_state(state["current"])
        )
        self._settled = (int(state["settled"][0]), int(state["settled"][1]))
        self._plans = [msgspec.convert(p, CalibrationPlan) for p in state["plans"]]
        if state["held"]:
            rows = {Placement(name): SecondRows.from_state(r) for name, r in state["held"].items()}
            self._held = [SecondTable.of_columns(placements, rows)]


def _accepted(calibration: Calibration, worn: tuple[Placement, ...]) -> str:
    """What to say of a calibration; with the sensors that it leaves out."""
    without = [placement for placement in worn if placement not in calibration.axes]
    if not without:
        return ACCEPTED
    return (
        f"{ACCEPTED} without {', '.join(without)}: too little data of sitting upright, or nothing says "
        "which way is forward there; a bend forward in the calibration does."
    )


def _order(plan: CalibrationPlan) -> tuple[int, int]:
    return plan.effective_ns, plan.complete_ns
