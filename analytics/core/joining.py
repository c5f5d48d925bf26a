"""Rows of several sensors to one table of seconds, in event time.

A second is closed when every worn sensor that is waited for has shown a sample beyond its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.rows import SUMS, UP_X, UP_Z, SecondRows
from analytics.core.seconds import SecondReducer
from contracts.errors import PlumblineError, Reason
from contracts.imu import ImuSamples
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

#: Seconds of one sensor that may wait for another: eight days, twice the longest recording.
MAX_WAITING_SECONDS: Final = 8 * 86_400


@dataclass(frozen=True, eq=False)
class SecondTable:
    """Seconds in time order, all placements side by side.

    ``second`` (n,) int64 UTC s; ``count`` (n, p) int32 samples; ``sums`` (n, p, SUMS); ``rate_hz`` (n, p)
    nominal, 0 where a placement has no sample. Columns follow ``placements``.
    """

    placements: tuple[Placement, ...]
    second: NDArray[np.int64]
    count: NDArray[np.int32]
    sums: NDArray[np.float64]
    rate_hz: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.second.size)

    @cached_property
    def up(self) -> NDArray[np.float64]:
        """(3, p, n) unit 'up' in each sensor's own axes, NaN where there is no sample."""
        total = np.ascontiguousarray(self.sums[:, :, UP_X : UP_Z + 1].T)
        squares = total * total
        length = np.sqrt(squares[0] + squares[1] + squares[2])
        if not length.all():
            length[length == 0.0] = np.nan
        unit: NDArray[np.float64] = total / length
        return unit

    @cached_property
    def made(self) -> dict[str, Any]:
        """What one stage has made of these seconds and another asks for again."""
        return {}

    def slice(self, start: int, stop: int) -> SecondTable:
        """Rows [start, stop)."""
        return SecondTable(
            self.placements,
            self.second[start:stop],
            self.count[start:stop],
            self.sums[start:stop],
            self.rate_hz[start:stop],
        )

    def column(self, index: int) -> SecondRows:
        """One placement's rows, those without a sample too."""
        return SecondRows(
            self.second, self.count[:, index], self.rate_hz[:, index], self.sums[:, index]
        )

    @classmethod
    def of_columns(
        cls, placements: Sequence[Placement], columns: Mapping[Placement, SecondRows]
    ) -> SecondTable:
        """Rows side by side; zeros where a placement has none of a second."""
        present = [rows for rows in columns.values() if len(rows)]
        second = present[0].second
        if any(not np.array_equal(second, rows.second) for rows in present[1:]):
            second = np.unique(np.concatenate([rows.second for rows in present]))
        table = cls(
            tuple(placements),
            second,
            np.zeros((second.size, len(placements)), np.int32),
            np.zeros((second.size, len(placements), SUMS)),
            np.zeros((second.size, len(placements))),
        )
        for index, placement in enumerate(placements):
            rows = columns.get(placement)
            if rows is not None and len(rows):
                at = slice(None) if rows.second is second else second.searchsorted(rows.second)
                table.count[at, index] = rows.count
                table.sums[at, index] = rows.sums
                table.rate_hz[at, index] = rows.rate_hz
        return table

    @classmethod
    def concat(cls, parts: Sequence[SecondTable]) -> SecondTable:
        """The parts one after another; at least one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            parts[0].placements,
            np.concatenate([p.second for p in parts]),
            np.concatenate([p.count for p in parts]),
            np.concatenate([p.sums for p in parts]),
            np.concatenate([p.rate_hz for p in parts]),
        )


class _Worn:
    """One worn sensor: its reducer, the rows that wait for the others, whether it is waited for."""

    def __init__(self) -> None:
        self.reducer = SecondReducer()
        self.rows: list[SecondRows] = []
        self.waited_for = True

    def keep(self, rows: SecondRows) -> None:
        if len(rows):
            self.rows.append(rows)

    def waiting_seconds(self) -> int:
        return sum(len(r) for r in self.rows)

    def take(self, before_s: int) -> SecondRows:
        self.keep(self.reducer.take(before_s))
        rows = SecondRows.concat(self.rows)
        cut = int(np.searchsorted(rows.second, before_s))
        self.rows = []
        self.keep(rows.slice(cut))
        return rows.slice(0, cut)


class Joiner:
    """Samples of the worn sensors in, closed seconds out."""

    def __init__(self, placements: Sequence[Placement]) -> None:
        self.placements = tuple(placements)
        self.closed_before_s = 0
        self._worn = {p: _Worn() for p in self.placements}

    @property
    def reducers(self) -> Mapping[Placement, SecondReducer]:
        """Each placement's reducer, for its counters."""
        return {p: worn.reducer for p, worn in self._worn.items()}

    def add(self, placement: Placement, samples: ImuSamples) -> bool:
        """Take samples; whether a second may have closed. PlumblineError where too many wait."""
        worn = self._worn[placement]
        before_s = worn.reducer.newest_ns // NS_PER_S
        worn.reducer.add(samples, self.closed_before_s)
        if len(samples) or samples.ended:
            worn.waited_for = not samples.ended
        newest_s = worn.reducer.newest_ns // NS_PER_S
        if newest_s > before_s:
            worn.keep(worn.reducer.take(newest_s))
            self._check_waiting(placement, worn)
        return newest_s > before_s or samples.ended

    def absent(self, placement: Placement) -> None:
        """Stop waiting for a placement until its next samples."""
        self._worn[placement].waited_for = False

    def close(self, *, everything: bool = False) -> SecondTable | None:
        """The seconds that can be closed now, or all that there are; None for none."""
        before_s = self._watermark_s(everything)
        if before_s <= self.closed_before_s:
            return None
        self.closed_before_s = before_s
        taken = {placement: worn.take(before_s) for placement, worn in self._worn.items()}
        if not any(len(rows) for rows in taken.values()):
            return None
        return SecondTable.of_columns(self.placements, taken)

    def _watermark_s(self, everything: bool) -> int:
        newest_s = [w.reducer.newest_ns // NS_PER_S for w in self._worn.values() if w.waited_for]
        if everything or not newest_s:
            ends = [w.reducer.newest_ns // NS_PER_S + 1 for w in self._worn.values()]
            return max(ends, default=0)
        return min(newest_s)

    def _check_waiting(self, placement: Placement, worn: _Worn) -> None:
        if worn.waiting_seconds() > MAX_WAITING_SECONDS:
            raise PlumblineError(
                Reason.TOO_LONG,
                f"{worn.waiting_seconds()} seconds of {placement} wait for the other sensors.",
                hint="Feed the sensors side by side, or say which is absent.",
            )

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "closed_before_s": self.closed_before_s,
            "worn": {
                placement.value: {
                    "reducer": worn.reducer.state(),
                    "rows": SecondRows.concat(worn.rows).state(),
                    "waited_for": worn.waited_for,
                }
                for placement, worn in self._worn.items()
            },
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`. Placements worn since start anew; others are let go."""
        self.closed_before_s = state["closed_before_s"]
        for name, saved in state["worn"].items():
            worn = self._worn.get(Placement(name))
            if worn is None:
                continue
            worn.reducer = SecondReducer.from_state(saved["reducer"])
            worn.keep(SecondRows.from_state(saved["rows"]))
            worn.waited_for = saved["waited_for"]
