"""A therapist's clients: the rows of many, as they stand in a real store, and the table of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.records import CalibrationOutcome, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import QUALITIES, Activity, Placement, Posture, Quality
from dashboard.clients import table
from dashboard.clients.attention import Concern
from dashboard.clients.model import ClientRow, SmallWeek, by_name, client_rows, found
from dashboard.entry.access import Act, Viewer
from dashboard.entry.visit import Visit
from dashboard.pages import clients
from dashboard.reading.sources import Sources
from store.people_ports import Role
from store.ports import Assignment, Commit, Wearer, WearerRows
from tests.dashboard import seed, visits

ZONE = ZoneInfo("Europe/Berlin")
#: Tuesday evening of the week in which the clocks went forward, on 29 March 2026.
TODAY = date(2026, 3, 31)
NOW_NS = int(datetime(2026, 3, 31, 19, tzinfo=ZONE).timestamp()) * NS_PER_S
NOTHING = seed.FrameBlock.from_rows(())


def day(ago: int, rounded_s: int, worn_s: int = 14_400, zone: ZoneInfo = ZONE) -> Rollup:
    """A day so many days ago, from the zone's own midnight on."""
    at = TODAY - timedelta(days=ago)
    start = datetime(at.year, at.month, at.day, tzinfo=zone)
    return Rollup(
        start_ns=int(start.timestamp()) * NS_PER_S,
        worn_s=worn_s,
        posture_s={Posture.UPRIGHT: worn_s - rounded_s, Posture.ROUNDED: rounded_s},
        activity_s={Activity.SITTING: worn_s},
        rounded_activity_s={Activity.SITTING: rounded_s},
    )


def add(
    to: Sources,
    wearer: str,
    days: Collection[Rollup],
    *,
    quality: Quality = Quality.OK,
    label: str = "",
    zone: ZoneInfo = ZONE,
) -> None:
    """A client with those days, a calibration of yesterday and a second of just now."""
    to.registry.put_wearer(Wearer(wearer, label or f"Client {wearer}", zone.key, simulated=True))
    frames, _ = seed.day_of([seed.Stretch(0.1, Activity.SITTING)], NOW_NS - 60 * NS_PER_S)
    frames = replace(
        frames,
        quality=np.full(len(frames), QUALITIES.index(quality), np.uint8),
        suspect=np.full(len(frames), seed.placement_mask([Placement.T4]), np.uint8),
    )
    accepted = CalibrationOutcome(
        effective_ns=NOW_NS - 86_400 * NS_PER_S, accepted=True, message="Accepted."
    )
    rows = WearerRows(wearer, frames, days=list(days), calibrations=[accepted])
    to.series.commit(Commit(wearers=[rows]))


def visit(to: Sources) -> Visit:
    """The list as a therapist opens it whom everybody lets look."""
    everybody = frozenset(w.wearer for w in to.registry.wearers())
    viewer = Viewer("t", "T", frozenset({Role.THERAPIST}), granted=everybody)
    return visits.visit(to, Act.CLIENTS, viewer=viewer, clock_ns=lambda: NOW_NS)


def rows_of(to: Sources) -> dict[str, ClientRow]:
    made = visit(to)
    return {row.wearer: row for row in client_rows(made.series, made.registry, NOW_NS)}


def test_a_row_counts_the_last_seven_days_across_a_change_of_clocks(sources: Sources) -> None:
    week = [day(ago, 2_400) for ago in range(7)]  # 10 min/h
    before = [day(ago, 960) for ago in range(7, 35)]  # 4 min/h
    add(sources, "w", [*week, *before, day(35, 14_400), day(70, 14_400)])
    row = rows_of(sources)["w"]
    assert row.worn_s == 7 * 14_400
    assert row.rounded_min_h == pytest.approx(10)
    assert row.change_min_h == pytest.approx(6)
    assert row.concerns[0].words == "+6 min an hour against the 4 weeks before"
    rates = [week.rounded_min_h for week in row.weeks]
    assert rates == [None, None, 60.0, *[pytest.approx(4)] * 4, pytest.approx(10)]
    assert [week.enough for week in row.weeks] == [False, False, False, *[True] * 5]


def test_each_client_has_days_of_its_own_clock(sources: Sources) -> None:
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"):
        zone = ZoneInfo(name)
        add(sources, name[-5:], [day(ago, 480, zone=zone) for ago in range(1, 8)], zone=zone)
    for row in rows_of(sources).values():
        # in Kiritimati it is tomorrow already, so that seven days ago is out by then
        assert row.worn_s == (5 if "imati" in row.wearer else 6) * 14_400


def test_a_doubted_and_a_refused_sensor_are_reasons(sources: Sources) -> None:
    week = [day(ago, 480) for ago in range(7)]
    add(sources, "slipped", week, quality=Quality.SLIPPED)
    add(sources, "refused", week)
    sources.registry.assign(Assignment("S-1", "refused", Placement.T4, 0))
    sources.series.commit(Commit(health=[seed.health_of("S-1", NOW_NS, state="refused")]))
    rows = rows_of(sources)
    assert [c.words for c in rows["slipped"].concerns] == ["Upper back (T4) seems to have slipped"]
    assert [c.words for c in rows["refused"].concerns] == ["a sensor is refused"]


def test_who_needs_attention_comes_first_then_by_name(sources: Sources) -> None:
    week = [day(ago, 480) for ago in range(7)]
    add(sources, "c", week, label="beta")
    add(sources, "b", week, label="Alpha")
    add(sources, "a", [], label="zeta")
    rows = list(rows_of(sources).values())
    assert [row.label for row in rows] == ["zeta", "Alpha", "beta"]
    assert [row.label for row in by_name(rows)] == ["Alpha", "beta", "zeta"]
    assert [row.label for row in found(rows, "nobody")] == []
    assert [row.label for row in found(rows, " eTa ")] == ["zeta", "beta"]


class Counting:
    """A store or registry that counts what it is asked."""

    def __init__(self, of: object) -> None:
        self._of = of
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._of, name)


def test_the_number_of_questions_does_not_grow_with_the_clients(sources: Sources) -> None:
    for number in range(30):
        add(sources, f"w-{number}", [day(1, 480)])
    series, registry = Counting(sources.series), Counting(sources.registry)
    assert len(client_rows(series, visit(sources).registry, NOW_NS)) == 30  # type: ignore[arg-type]
    assert sorted(series.asked) == [
        "calibrations_of",
        *["days_of"] * 2,  # those that are over, and the last ones
        "health",
        "latest_frames",
    ]
    made = visit(Sources(sources.series, registry))  # type: ignore[arg-type]
    registry.asked.clear()
    client_rows(made.series, made.registry, NOW_NS)
    assert len(registry.asked) <= 4


def row(**changes: object) -> ClientRow:
    usual = {
        "wearer": "w",
        "label": "Somebody",
        "simulated": False,
        "zone": ZONE,
        "last_ns": NOW_NS,
        "worn_s": 36_000,
        "rounded_min_h": 12.0,
        "change_min_h": -3.2,
        "weeks": (SmallWeek(None, enough=False),) * 8,
        "concerns": (),
    }
    return ClientRow(**(usual | changes))  # type: ignore[arg-type]


def test_words_of_data_are_escaped_and_ids_quoted() -> None:
    shown = table.table([row(label="<b>&'\"", wearer="a/b?c&d")], NOW_NS)
    assert "<b>&amp;" not in shown
    assert "&lt;b&gt;&amp;&#x27;&quot;" in shown
    assert 'href="/week-review?client=a%2Fb%3Fc%26d"' in shown


def test_what_is_unknown_is_said_and_never_a_number() -> None:
    shown = table.table(
        [row(rounded_min_h=None, change_min_h=None, worn_s=0, last_ns=None)], NOW_NS
    )
    for words in ("unknown", "not worn", "none yet", "too little worn to compare"):
        assert words in shown
    assert "0 <span" not in shown
    assert "−3" in table.table([row()], NOW_NS)


def test_a_row_says_the_three_gravest_reasons() -> None:
    concerns = tuple(Concern(f"reason {n}", 1.0) for n in range(5))
    shown = table.table([row(concerns=concerns)], NOW_NS)
    assert re.findall("reason [0-9]", shown, re.IGNORECASE) == ["Reason 0", "reason 1", "reason 2"]


def test_the_table_is_capped_and_says_what_is_left_off() -> None:
    shown = table.table([row()] * (table.MAX_ROWS + 2), NOW_NS)
    assert shown.count('scope="row"') == table.MAX_ROWS
    assert "2 more: search by name." in shown


def test_the_small_trend_leaves_unknown_weeks_out_and_draws_thin_ones_hollow() -> None:
    weeks = (
        SmallWeek(None, enough=False),
        SmallWeek(12.4, enough=True),
        SmallWeek(9.0, enough=False),
    )
    shown = table.spark(weeks)
    assert re.findall(r"<i.*?></i>", shown) == [
        "<i></i>",
        '<i style="height:12px"></i>',  # 12.4 of 30 min/h in 28 px
        '<i class="few" style="height:8px"></i>',
    ]
    assert "oldest week first: unknown, 12, 9" in shown


def test_the_page_lists_searches_and_links(sources: Sources) -> None:
    add(sources, "one", [day(ago, 480) for ago in range(7)], label="Ada")
    add(sources, "two", [], label="Grace")
    app = visits.run(clients.page, lambda: visit(sources))
    assert re.findall(r'client=(\w+)"', visits.shown(app)) == ["two", "one"]
    assert app.caption[0].value == "2 clients, 1 with a reason to look"
    app.text_input[0].set_value("ada").run()
    assert re.findall(r'client=(\w+)"', visits.shown(app)) == ["one"]
    app.text_input[0].set_value("nobody of that name").run()
    assert "Clear the search" in visits.shown(app)


def test_a_therapist_whom_nobody_lets_look_is_told_how(sources: Sources) -> None:
    app = visits.run(clients.page, lambda: visit(sources))
    assert "under My data" in visits.shown(app)
