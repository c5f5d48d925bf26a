"""What a person can take away: the sheet, the week as a table or as FHIR, and everything that is kept.

Each kind reads through the gate of the visit that it is made for, so that it holds no more than that person may
see. Only "everything" can be large; :func:`write` makes it piece by piece, into a file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from contracts.errors import Reason, SettingError
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.exports.csv_table import week_table
from dashboard.exports.everything import write_everything
from dashboard.look.weeks import IsoWeek
from dashboard.review.model import WeekReview, week_review

SHEET: Final = "sheet.pdf"
WEEK_CSV: Final = "week.csv"
WEEK_FHIR: Final = "week.fhir.json"
EVERYTHING: Final = "everything.zip"


@dataclass(frozen=True, slots=True)
class Export:
    """A file to hand over: what it is called, what it is, and its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of export: the act that it is, its media type, and whether it is about one week."""

    act: Act
    media_type: str
    weekly: bool = True


#: kind → what it is; the kinds are the last part of an export's address.
KINDS: Final = {
    SHEET: Kind(Act.SHEET, "application/pdf"),
    WEEK_CSV: Kind(Act.EXPORT, "text/csv; charset=utf-8"),
    WEEK_FHIR: Kind(Act.EXPORT, "application/fhir+json"),
    EVERYTHING: Kind(Act.EXPORT, "application/zip", weekly=False),
}


def kind_of(name: str) -> Kind:
    """The kind of that name. SettingError where there is none."""
    found = KINDS.get(name)
    if found is None:
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no export {name[:40]!r}.",
            hint=f"There are: {', '.join(KINDS)}.",
        )
    return found


def make(kind: str, visit: Visit, week: str | None = None, *, named: bool = True) -> Export:
    """One export of the visit's client. ``week`` as ``2026-W47``, the present one where None or empty.

    ``named``: with the client's name on the sheet, not the id alone. SettingError for a kind or a week that is
    none, AccessError where the visit's gate refuses, StoreError where a store fails.
    """
    made = io.BytesIO()
    found = kind_of(kind)
    write(kind, visit, week, made, named=named)
    return Export(file_name(kind, visit, week), found.media_type, made.getvalue())


def write(kind: str, visit: Visit, week: str | None, to: BinaryIO, *, named: bool = True) -> None:
    """:func:`make`, into a file; of "everything" only some pieces are in memory at a time."""
    visit.gate.check(kind_of(kind).act, visit.client.wearer)
    if kind == EVERYTHING:
        write_everything(visit, to)
    else:
        to.write(_OF_WEEK[kind](_review(visit, week), named))


def file_name(kind: str, visit: Visit, week: str | None) -> str:
    """What the file is called: the id, never the name, since files lie about."""
    of = f"-{_week(visit, week).name}" if kind_of(kind).weekly else ""
    return f"plumbline-{visit.client.wearer}{of}-{kind}"


def _review(visit: Visit, week: str | None) -> WeekReview:
    return week_review(
        visit.series,
        visit.registry,
        visit.people,
        visit.client,
        _week(visit, week),
        visit.clock_ns(),
    )


def _week(visit: Visit, week: str | None) -> IsoWeek:
    return IsoWeek.parse(week) if week else IsoWeek.at(visit.clock_ns(), visit.client.zone)


def _sheet(review: WeekReview, named: bool) -> bytes:
    from dashboard.sheet import sheet  # noqa: PLC0415 - the typesetter takes memory that few pages need

    return sheet.pdf(review, named=named)


def _fhir(review: WeekReview, _named: bool) -> bytes:
    from dashboard.exports import fhir  # noqa: PLC0415 - its models take half a second to load

    return fhir.bundle(review)


_OF_WEEK: Final[dict[str, Callable[[WeekReview, bool], bytes]]] = {
    SHEET: _sheet,
    WEEK_CSV: lambda review, _named: week_table(review),
    WEEK_FHIR: _fhir,
}
