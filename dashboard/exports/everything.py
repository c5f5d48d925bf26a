"""All that is stored of a person, in one archive of plain tables and JSON, made piece by piece.

The longest tables are frames (a row a second): they are read and written a day at a time, so that a year takes
no more memory than its longest day. What the visit's gate does not allow is left out, and the README says so.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import BinaryIO, Final

import msgspec
import pyarrow as pa
from pyarrow import csv as arrow_csv

from contracts.records import (
    ANGLES,
    Episode,
    FrameBlock,
    Nudge,
    Rollup,
    SensorHealth,
    placements_of,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, ACTIVITY_SOURCES, POSTURES, QUALITIES
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.exports.csv_table import Value, hundredths, pieces, utc
from dashboard.exports.readme import readme
from dashboard.look import clock
from store.people_ports import Look

EVER_NS: Final = (0, 2**62)
#: Entries of the audit that are asked for at a time.
LOOKS_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the archive: its file, its columns, and its rows when they are asked for."""

    file: str
    columns: Sequence[str]
    rows: Callable[[], Iterable[Sequence[Value]]]


def write_everything(visit: Visit, to: BinaryIO) -> None:
    """The archive, into ``to``. AccessError where the gate refuses, StoreError where a store fails."""
    wearer = visit.client.wearer
    own = visit.gate.may(Act.DATA, wearer)
    tables = [*_series_tables(visit), *_people_tables(visit, own=own)]
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme(visit.client, visit.clock_ns(), own=own))
        archive.writestr("person.json", _person(visit, own=own))
        for found in tables:
            with archive.open(found.file, "w") as file:
                for piece in pieces(found.columns, found.rows()):
                    file.write(piece)
        for day, frames in _frames_by_day(visit):
            with archive.open(f"frames/{day.isoformat()}.csv", "w") as file:
                arrow_csv.write_csv(frame_table(frames), file)


def frame_table(frames: FrameBlock) -> pa.Table:
    """Frames as columns with words for codes; nothing for an angle that there is none of."""
    return pa.table(
        {
            "start_utc": pa.array(frames.start_ns // NS_PER_S).cast(pa.timestamp("s", tz="UTC")),
            "posture": _named(frames.posture, POSTURES),
            "activity": _named(frames.activity, ACTIVITIES),
            "activity_source": _named(frames.activity_source, ACTIVITY_SOURCES),
            "confidence": pa.array(frames.confidence),
            "quality": _named(frames.quality, QUALITIES),
            "samples": pa.array(frames.samples),
            "missing": _placements(frames.missing.tolist()),
            "suspect": _placements(frames.suspect.tolist()),
            **{name: pa.array(getattr(frames, name), from_pandas=True) for name in ANGLES},
        }
    )


def _named(codes: object, names: Sequence[str]) -> pa.Array:
    words = pa.array([str(name) for name in names])
    return pa.DictionaryArray.from_arrays(pa.array(codes), words).dictionary_decode()


def _placements(masks: list[int]) -> pa.Array:
    words = {mask: " ".join(placements_of(mask)) for mask in set(masks)}
    return pa.array([words[mask] for mask in masks])


def _span(visit: Visit) -> list[date]:
    """The days of the client from the first to the last of which anything is stored."""
    wearer, zone = visit.client.wearer, visit.client.zone
    starts = [rollup.start_ns for rollup in visit.series.days(wearer, *EVER_NS)]
    for summary in visit.series.wearers():
        if summary.wearer == wearer:
            starts += [summary.first_ns, summary.last_ns]
    if not starts:
        return []
    first, last = clock.day_of(min(starts), zone), clock.day_of(max(starts), zone)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _frames_by_day(visit: Visit) -> Iterator[tuple[date, FrameBlock]]:
    wearer = visit.client.wearer
    kept = next((s for s in visit.series.wearers() if s.wearer == wearer), None)
    for day in _span(visit):
        start_ns, end_ns = clock.day_bounds_ns(day, visit.client.zone)
        if kept is None or end_ns <= kept.first_ns:
            continue
        frames = visit.series.frames(wearer, start_ns, end_ns)
        if len(frames):
            yield day, frames


def _series_tables(visit: Visit) -> list[Table]:
    series, wearer = visit.series, visit.client.wearer

    def minutes() -> Iterator[Sequence[Value]]:
        for day in _span(visit):
            for minute in series.minutes(wearer, *clock.day_bounds_ns(day, visit.client.zone)):
                yield _rollup(minute)

    def episodes() -> list[Episode]:
        return series.episodes(wearer, *EVER_NS)

    return [
        Table("days.csv", ROLLUP, lambda: map(_rollup, series.days(wearer, *EVER_NS))),
        Table("minutes.csv", ROLLUP, minutes),
        Table("episodes.csv", EPISODE, lambda: map(_episode, episodes())),
        Table("focus_areas.csv", FOCUS, lambda: _focus(episodes())),
        Table("reminders.csv", NUDGE, lambda: map(_nudge, series.nudges(wearer, *EVER_NS))),
        Table("sensors.csv", HEALTH, lambda: map(_health, _worn_sensors(visit))),
    ]


def _worn_sensors(visit: Visit) -> list[SensorHealth]:
    """The latest word on the sensors that the client wears now; before and after it is about others."""
    now_ns = visit.clock_ns()
    worn = {
        a.sensor
        for a in visit.registry.assignments(visit.client.wearer)
        if a.start_ns <= now_ns and (a.end_ns is None or a.end_ns > now_ns)
    }
    return [word for word in visit.series.health() if word.sensor in worn]


ROLLUP: Final = (
    "start_utc",
    "worn_s",
    *(f"{posture}_s" for posture in POSTURES),
    *(f"{activity}_activity_s" for activity in ACTIVITIES),
    *(f"rounded_{activity}_s" for activity in ACTIVITIES),
    "mean_trunk_flexion_deg",
    "episodes",
    "longest_episode_s",
)


def _rollup(row: Rollup) -> list[Value]:
    return [
        utc(row.start_ns),
        row.worn_s,
        *(row.posture_s.get(posture, 0) for posture in POSTURES),
        *(row.activity_s.get(activity, 0) for activity in ACTIVITIES),
        *(row.rounded_activity_s.get(activity, 0) for activity in ACTIVITIES),
        hundredths(row.mean_trunk_flexion_deg),
        row.episodes,
        row.longest_episode_s,
    ]


EPISODE: Final = (
    *("start_utc", "end_utc", "pattern", "activity", "mean_flexion_deg", "peak_flexion_deg"),
    *("rounded_s", "confidence", "ongoing", "explanation"),
)


def _episode(row: Episode) -> list[Value]:
    return [
        utc(row.start_ns),
        utc(row.end_ns),
        str(row.pattern),
        str(row.activity),
        row.mean_flexion_deg,
        row.peak_flexion_deg,
        row.rounded_s,
        row.confidence,
        row.ongoing,
        row.explanation,
    ]


FOCUS: Final = (
    *("episode_start_utc", "rule", "pattern", "front", "back", "share"),
    *("inferred", "why", "standing"),
)


def _focus(episodes: Sequence[Episode]) -> Iterator[Sequence[Value]]:
    for episode in episodes:
        for area in episode.focus:
            front, back = " ".join(area.front), " ".join(area.back)
            yield [
                *(utc(episode.start_ns), area.rule, area.pattern, front, back, area.share),
                *(area.inferred, area.why, area.standing),
            ]


NUDGE: Final = (
    *("at_utc", "kind", "held_for_s", "given", "kept_back"),
    *("felt", "felt_why", "after", "upright_after_s", "held_s"),
)


def _nudge(row: Nudge) -> list[Value]:
    found = msgspec.to_builtins(row)
    return [utc(row.at_ns), *(_plain(found[name]) for name in NUDGE[1:])]


HEALTH: Final = tuple(SensorHealth.__struct_fields__)


def _health(row: SensorHealth) -> list[Value]:
    found = msgspec.to_builtins(row)
    return [_plain(found[name]) for name in HEALTH]


def _plain(value: object) -> Value:
    if value is None or isinstance(value, str | int | float):
        return value
    return msgspec.json.encode(value).decode()


def _people_tables(visit: Visit, *, own: bool) -> list[Table]:
    people, wearer = visit.people, visit.client.wearer
    name = cache(people.name_of)
    always = [
        Table(
            "pain.csv",
            ("at_utc", "region", "score_0_to_10", "note"),
            lambda: (
                [utc(t.at_ns), t.region, t.score, t.note] for t in people.pain(wearer, *EVER_NS)
            ),
        ),
        Table(
            "sessions.csv",
            ("at_utc", "by_account", "by_name", "note"),
            lambda: (
                [utc(s.at_ns), s.account, name(s.account), s.note] for s in people.sessions(wearer)
            ),
        ),
        Table(
            "focus_edits.csv",
            ("at_utc", "rule", "verdict", "place", "by_account", "by_name", "note"),
            lambda: (
                [utc(e.at_ns), e.rule, str(e.verdict), e.place, e.account, name(e.account), e.note]
                for e in people.focus_edits(wearer)
            ),
        ),
    ]
    return always + (_own_tables(visit) if own else [])


def _own_tables(visit: Visit) -> list[Table]:
    people, wearer = visit.people, visit.client.wearer
    name = cache(people.name_of)
    return [
        Table(
            "consents.csv",
            ("given_utc", "withdrawn_utc", "kind", "version"),
            lambda: (
                [utc(c.given_ns), _utc(c.withdrawn_ns), str(c.kind), c.version]
                for c in people.consents(wearer)
            ),
        ),
        Table(
            "grants.csv",
            ("start_utc", "end_utc", "account", "name"),
            lambda: (
                [utc(g.start_ns), _utc(g.end_ns), g.account, name(g.account)]
                for g in people.grants(wearer)
            ),
        ),
        Table(
            "looks.csv",
            ("at_utc", "account", "name", "act", "allowed", "detail"),
            lambda: (
                [utc(k.at_ns), k.account, name(k.account), k.act, k.allowed, k.detail]
                for k in _looks(visit)
            ),
        ),
        Table(
            "errands.csv",
            ("asked_utc", "done_utc", "kind", "state", "asked_for", "result"),
            lambda: (
                [utc(e.asked_ns), _utc(e.done_ns), str(e.kind), str(e.state), e.body, e.result]
                for e in people.errands(wearer)
            ),
        ),
    ]


def _looks(visit: Visit) -> Iterator[Look]:
    """The audit about the client, latest first, some at a time."""
    before_ns: int | None = None
    while True:
        found = visit.people.looks(visit.client.wearer, before_ns=before_ns, limit=LOOKS_AT_A_TIME)
        whole = found if len(found) < LOOKS_AT_A_TIME else _without_last_moment(found)
        yield from whole
        if len(found) < LOOKS_AT_A_TIME:
            return
        before_ns = whole[-1].at_ns


def _without_last_moment(found: Sequence[Look]) -> Sequence[Look]:
    """All but those of the last moment, of which there may be more; all where it is one moment."""
    whole = [look for look in found if look.at_ns != found[-1].at_ns]
    return whole or found


def _utc(at_ns: int | None) -> str | None:
    return None if at_ns is None else utc(at_ns)


def _person(visit: Visit, *, own: bool) -> bytes:
    """Who it is, the settings, the sensors worn when, and the calibrations with what became of them."""
    wearer = visit.client.wearer
    account = visit.people.account_of(wearer) if own else None
    found = {
        "wearer": visit.registry.wearer(wearer),
        "account": account,
        "settings": visit.registry.settings(wearer),
        "assignments": visit.registry.assignments(wearer),
        "calibrations": visit.registry.calibrations(wearer),
        "calibration_outcomes": visit.series.calibrations(wearer),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=1)
