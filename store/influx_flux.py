"""Questions in Flux and the answers to them. No network in here.

Every question ends in one table, which comes as CSV under one line of names. Intervals, keys and
fields are filtered on the server, and so are counts, firsts and lasts found.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import Reason, StoreError
from contracts.records import ANGLES, FrameBlock
from contracts.units import NS_PER_S
from store.influx_lines import ANGLE_FIELDS, BASE_NS
from store.rows import HUNDREDTHS

Columns = dict[str, list[str]]

#: The times that InfluxDB can hold.
MIN_NS: Final = -(2**63) + 2
MAX_NS: Final = 2**63 - 2
#: All of what has no time of its own.
TIMELESS: Final = (BASE_NS, BASE_NS + NS_PER_S)
MAX_WORDS: Final = 200
_ERROR: Final = "error"
ONE_TABLE: Final = " |> group()"
PIVOT: Final = ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
#: The same of several wearers together.
PIVOT_EACH: Final = PIVOT.replace('["_time"]', '["wearer", "_time"]')
_OWN_COLUMNS: Final = ("", "result", "table")


def source(bucket: str, start_ns: int, end_ns: int, **keys: str | Sequence[str]) -> str:
    """The values of a bucket in [start_ns, end_ns), of these tags, ``_measurement`` and ``_field``.

    Of a key with several values any one will do; those are ids.

    Whole seconds: InfluxDB 1.8 counts the end in, so it is set one nanosecond earlier, at which no row
    ever lies.
    """
    wanted = " and ".join(_matches(f"r.{name}", value) for name, value in keys.items())
    start_ns, end_ns = (min(max(time_ns, MIN_NS), MAX_NS) for time_ns in (start_ns, end_ns - 1))
    return (
        f"from(bucket: {_quoted(bucket)})"
        f" |> range(start: time(v: {start_ns}), stop: time(v: {end_ns}))"
        f" |> filter(fn: (r) => {wanted})"
    )


def keep(*columns: str) -> str:
    """Only these columns, in one table."""
    names = ", ".join(_quoted(column) for column in columns)
    return f"{ONE_TABLE} |> keep(columns: [{names}])"


def parse_csv(text: str, where: str) -> Columns:
    """The columns of an answer by name; none where there are no rows.

    StoreError where the server broke off with an error, or the answer is no one table.
    """
    names: list[str] = []
    found: list[list[str]] = []
    heading = True
    for line in csv.reader(io.StringIO(text, newline="")):
        if not line:
            heading = True
        elif heading:
            if _ERROR not in line[:2] and names not in ([], line):
                raise _strange(where, "several tables")
            names, heading = line, False
        elif _ERROR in names[:2]:
            raise _strange(where, line[names.index(_ERROR)])
        elif len(line) != len(names):
            raise _strange(where, "a line that is cut short")
        else:
            found.append(line)
    if not found:
        return {}
    columns = dict(zip(names, map(list, zip(*found, strict=True)), strict=True))
    return {name: cells for name, cells in columns.items() if name not in _OWN_COLUMNS}


def times_ns(cells: list[str]) -> NDArray[np.int64]:
    """The nanoseconds of a column of times."""
    # NumPy reads no zone; Flux always writes UTC.
    plain = np.array([cell.removesuffix("Z") for cell in cells], dtype="datetime64[ns]")
    return plain.astype(np.int64)


def frames_of(columns: Columns) -> FrameBlock:
    """The frames of pivoted rows, in time order. ValueError where a cell is no number."""
    if not columns:
        return FrameBlock.from_rows(())
    start_ns = times_ns(columns["_time"])
    order = np.argsort(start_ns, kind="stable")

    def whole(name: str) -> NDArray[np.int64]:
        return _integers(columns[name])[order]

    present = whole("angles")
    # frames of layout 1 have no such field
    suspect = whole("suspect") if "suspect" in columns else np.zeros_like(present)
    angles = {}
    for bit, (name, field) in enumerate(zip(ANGLES, ANGLE_FIELDS, strict=True)):
        cells = columns.get(field) or [""] * len(order)
        value_deg = _integers(cells)[order] / HUNDREDTHS
        angles[name] = np.where(present >> bit & 1, value_deg, np.nan)
    return FrameBlock(
        start_ns=start_ns[order],
        posture=whole("posture").astype(np.uint8),
        activity=whole("activity").astype(np.uint8),
        activity_source=whole("activity_source").astype(np.uint8),
        confidence=whole("confidence_percent") / HUNDREDTHS,
        quality=whole("quality").astype(np.uint8),
        samples=whole("samples").astype(np.int32),
        missing=whole("missing").astype(np.uint8),
        suspect=suspect.astype(np.uint8),
        **angles,
    )


def _integers(cells: list[str]) -> NDArray[np.int64]:
    if "" in cells:
        cells = [cell or "0" for cell in cells]
    return np.array(cells).astype(np.int64)


def _matches(name: str, value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return f"{name} == {_quoted(value)}"
    # The server looks a pattern up in its index of tags; contains() it would ask of every row.
    return f"{name} =~ /^({'|'.join(value)})$/"


def _quoted(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{plain}"'


def _strange(where: str, what: str) -> StoreError:
    return StoreError(
        Reason.STORE_UNREACHABLE,
        f"The InfluxDB at {where} broke off its answer: {what[:MAX_WORDS]}.",
        hint="Look at its load and into its log.",
    )
