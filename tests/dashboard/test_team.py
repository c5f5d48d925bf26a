"""The employer's weeks: figures by hand, and that nobody shows alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Reason, StoreError
from contracts.records import FrameBlock, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from dashboard.look.weeks import IsoWeek
from dashboard.office import team_cards
from dashboard.office.team_made import from_kept, to_keep
from dashboard.office.team_model import (
    MIN_WORN_S,
    Member,
    Quartiles,
    TeamView,
    TeamWeek,
    team_view,
    team_week,
    weeks_shown,
)
from dashboard.office.team_source import read_team
from dashboard.reading.sources import Sources
from store.people_ports import Consent, ConsentKind, MadeWeek, Receipt
from store.ports import Commit, Wearer, WearerRows
from tests.store.records import erase

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = IsoWeek(date(2026, 3, 2))
NOW_NS = int(datetime(2026, 3, 11, 12, tzinfo=UTC).timestamp()) * NS_PER_S
WORN_S = 10 * 3600


def day(start_ns: int, rounded_min_h: float, worn_s: int = WORN_S) -> Rollup:
    rounded_s = round(rounded_min_h * worn_s / 60)
    postures = {Posture.ROUNDED: rounded_s, Posture.UPRIGHT: worn_s - rounded_s}
    return Rollup(
        start_ns=start_ns,
        worn_s=worn_s,
        posture_s=postures,
        activity_s={},
        rounded_activity_s={},
        mean_trunk_flexion_deg=5.0,
    )


def people(
    rates_min_h: Sequence[float], *, zone: ZoneInfo = UTC, worn_s: int = WORN_S
) -> tuple[list[Member], dict[str, list[Rollup]]]:
    """One worn day in WEEK each, in the order in which they agreed."""
    members = [Member(f"p{n:03d}", zone, n) for n in range(len(rates_min_h))]
    start_ns = WEEK.bounds_ns(zone)[0]
    days = {
        m.wearer: [day(start_ns, rate, worn_s)]
        for m, rate in zip(members, rates_min_h, strict=True)
    }
    return members, days


def test_figures_of_ten_people_by_hand() -> None:
    members, days = people([2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
    week = team_week(WEEK, members, days)
    assert week.people == 10
    # inclusive quartiles of ten: at positions 2.25, 4.5 and 6.75, so 6.5, 11 and 15.5; even halves
    assert week.rounded_min_h == Quartiles(6, 11, 16)
    assert week.worn_h == Quartiles(10, 10, 10)


def test_nine_people_are_nothing() -> None:
    members, days = people([10.0] * 9)
    view = TeamView((team_week(WEEK, members, days),))
    (week,) = view.weeks
    assert (week.people, week.rounded_min_h, week.worn_h) == (None, None, None)
    assert team_cards.headline(view) == ""
    assert "10 people are not there" in team_cards.weeks(view)


def test_who_hardly_wore_it_and_who_agreed_later_is_not_in_a_week() -> None:
    members, days = people([10.0] * 10)
    days["p003"] = [day(WEEK.bounds_ns(UTC)[0], 10, MIN_WORN_S - 1)]
    assert team_week(WEEK, members, days).people is None
    members, days = people([10.0] * 10)
    members[3] = Member("p003", UTC, WEEK.bounds_ns(UTC)[0] + 1)
    assert team_week(WEEK, members, days).people is None
    members[3] = Member("p003", UTC, WEEK.bounds_ns(UTC)[0])
    assert team_week(WEEK, members, days).people == 10


def test_a_week_is_seven_days_of_each_persons_zone() -> None:
    members, days = people([10.0] * 10, zone=BERLIN)
    start_ns, end_ns = WEEK.bounds_ns(BERLIN)
    assert start_ns == WEEK.bounds_ns(UTC)[0] - 3600 * NS_PER_S
    days = {wearer: [*own, day(end_ns, 60)] for wearer, own in days.items()}
    week = team_week(WEEK, members, days)
    assert week.rounded_min_h == Quartiles(10, 10, 10)


def test_a_week_is_shown_two_days_after_it_has_ended() -> None:
    wednesday_ns = int(datetime(2026, 3, 11, tzinfo=UTC).timestamp()) * NS_PER_S
    shown = weeks_shown(wednesday_ns)
    assert [week.name for week in shown[-2:]] == ["2026-W09", "2026-W10"]
    assert len(shown) == 12
    assert weeks_shown(wednesday_ns - 1)[-1].name == "2026-W09"


rates = st.lists(st.floats(0, 60), min_size=0, max_size=40)


@given(rates, st.floats(0, 60))
def test_one_person_more_changes_no_figure_until_a_group_is_full(
    rates_min_h: list[float], more_min_h: float
) -> None:
    before = team_week(WEEK, *people(rates_min_h))
    after = team_week(WEEK, *people([*rates_min_h, more_min_h]))
    count = len(rates_min_h) + 1
    if count < 10:
        assert after.people is None
    elif count % 5:
        assert after == before
    else:
        assert (after.people, before.people) == (count, count - 5 if count > 10 else None)


@given(rates.filter(lambda found: len(found) > 10), st.data())
def test_who_leaves_takes_along_four_others_or_is_replaced(
    rates_min_h: list[float], data: st.DataObject
) -> None:
    members, days = people(rates_min_h)
    gone = data.draw(st.sampled_from(members))
    before = team_week(WEEK, members, days)
    after = team_week(WEEK, [m for m in members if m != gone], days)
    count = len(members)
    if count % 5:
        assert after.people == before.people == count // 5 * 5
    else:
        assert before.people == count
        assert after.people == (count - 5 if count > 10 else None)
    if members.index(gone) >= count // 5 * 5:
        assert after == before


@given(rates)
def test_no_figure_is_of_fewer_than_ten_or_finer_than_a_minute(rates_min_h: list[float]) -> None:
    week = team_week(WEEK, *people(rates_min_h))
    shown = week.people is not None
    assert shown is (len(rates_min_h) >= 10)
    assert (week.rounded_min_h is not None) is (week.worn_h is not None) is shown
    if week.rounded_min_h is not None:
        found = week.rounded_min_h
        assert all(isinstance(v, int) for v in (found.low, found.middle, found.high))
        assert min(rates_min_h) - 1 <= found.low <= found.middle <= found.high


def agree(
    found: Sources,
    wearer: str,
    *,
    simulated: bool,
    rate_min_h: float = 10.0,
    worn_s: int = WORN_S,
) -> None:
    found.registry.put_wearer(Wearer(wearer, f"Somebody {wearer}", simulated=simulated))
    consent = Consent(wearer, ConsentKind.AGGREGATE, "1", given_ns=1)
    found.registry.people.give_consent(consent)
    own = day(WEEK.bounds_ns(UTC)[0], rate_min_h, worn_s)
    rows = WearerRows(wearer, FrameBlock.concat([]), days=[own])
    found.series.commit(Commit(wearers=[rows]))


def test_from_the_stores_only_who_agrees_and_nobody_simulated_among_people(
    sources: Sources,
) -> None:
    for n in range(12):
        agree(sources, f"sim-{n:02d}", simulated=True, rate_min_h=60)
    view = read_team(sources.series, sources.registry, NOW_NS)
    assert view.simulated
    assert view.weeks[-1].people == 10
    sources.registry.put_wearer(Wearer("c-00", "Agrees to nothing yet"))
    assert not read_team(sources.series, sources.registry, NOW_NS).simulated
    for n in range(9):
        agree(sources, f"c-{n:02d}", simulated=False)
    view = read_team(sources.series, sources.registry, NOW_NS)
    assert not view.simulated
    assert view.weeks[-1].people is None
    agree(sources, "c-09", simulated=False)
    view = read_team(sources.series, sources.registry, NOW_NS)
    assert (view.weeks[-1].people, view.weeks[-1].rounded_min_h) == (10, Quartiles(10, 10, 10))


def test_the_page_says_the_figures_and_no_name(sources: Sources) -> None:
    for n in range(10):
        agree(sources, f"c-{n:02d}", simulated=False, rate_min_h=n * 2 + 2)
    view = read_team(sources.series, sources.registry, NOW_NS)
    page = team_cards.headline(view) + team_cards.weeks(view) + team_cards.how(view)
    assert "11 min; the middle half 6 to 16 min" in words(page)
    assert "10 or more" in words(page)
    assert "c-0" not in page
    assert "Somebody" not in page
    assert team_cards.said(view) == "2 – 8 March 2026."


def test_the_sentence_compares_with_the_last_week_that_has_figures() -> None:
    members, days = people([10.0] * 10)
    earlier = WEEK.moved(-2)
    start_ns = earlier.bounds_ns(UTC)[0]
    days = {wearer: [*own, day(start_ns, 14)] for wearer, own in days.items()}
    members = [Member(m.wearer, m.zone, 0) for m in members]
    view = TeamView(tuple(team_week(w, members, days) for w in (earlier, WEEK.moved(-1), WEEK)))
    assert team_cards.said(view).endswith("4 min less than in the week of 16 – 22 February 2026.")


def team(sources: Sources, now_ns: int = NOW_NS) -> TeamView:
    return read_team(sources.series, sources.registry, now_ns)


def leave(sources: Sources, wearer: str, how: str) -> None:
    people = sources.registry.people
    if how == "withdraws":
        people.withdraw_consent(wearer, ConsentKind.AGGREGATE, NOW_NS)
    else:
        erase(sources.series, wearer)
        people.erase_wearer(wearer, receipt=Receipt(f"r-{wearer}", 1, 2, "{}"))


@pytest.mark.parametrize("how", ["withdraws", "is erased"])
@pytest.mark.parametrize("count", [10, 11, 15, 16])
def test_who_leaves_between_two_looks_changes_nothing_that_was_shown(
    sources: Sources, how: str, count: int
) -> None:
    for n in range(count):
        agree(sources, f"c-{n:02d}", simulated=False, rate_min_h=3.0 * n)
    before = team(sources)
    assert before.weeks[-1].people == count // 5 * 5
    leave(sources, "c-04", how)
    after = team(sources)
    assert after == before
    assert team_cards.how(after) == team_cards.how(before)
    for n in range(count):
        if n != 4:
            leave(sources, f"c-{n:02d}", how)
    assert (
        team(sources) == before
    )  # nor does the last one show, nor do simulated people come instead


@pytest.mark.parametrize("how", ["withdraws", "is erased"])
def test_who_leaves_before_a_week_is_made_is_not_in_it(sources: Sources, how: str) -> None:
    for n in range(10):
        agree(sources, f"c-{n:02d}", simulated=False)
    leave(sources, "c-04", how)
    assert team(sources).weeks[-1].people is None


def test_rows_that_come_late_make_a_week_but_change_none(sources: Sources) -> None:
    for n in range(9):
        agree(sources, f"c-{n:02d}", simulated=False)
    agree(sources, "late", simulated=False, worn_s=60)
    assert team(sources).weeks[-1].people is None
    agree(sources, "late", simulated=False)
    made = team(sources).weeks[-1]
    assert made.people == 10
    agree(sources, "late", simulated=False, rate_min_h=59.0)
    agree(sources, "c-00", simulated=False, rate_min_h=59.0)
    assert team(sources).weeks[-1] == made


def test_a_week_made_by_another_page_at_the_same_time_stands(sources: Sources) -> None:
    for n in range(10):
        agree(sources, f"c-{n:02d}", simulated=False)
    theirs = TeamWeek(WEEK, 10, Quartiles(1, 2, 3), Quartiles(4, 5, 6))
    people = sources.registry.people
    people.keep_team_week(to_keep(theirs, NOW_NS, simulated=False))
    assert team(sources).weeks[-1] == theirs
    assert [from_kept(made) for made in people.team_weeks(simulated=False)] == [theirs]


@given(st.lists(st.tuples(rates.filter(lambda found: len(found) != 10), st.booleans()), max_size=6))
def test_whoever_comes_and_goes_a_week_has_one_set_of_figures(
    looks: list[tuple[list[float], bool]],
) -> None:
    kept: dict[IsoWeek, TeamWeek] = {}
    shown: set[Quartiles] = set()
    for rates_min_h, again in looks:
        for _ in range(1 + again):
            (week,) = team_view(
                *people(rates_min_h), [WEEK], made=kept, keep=lambda w: kept.setdefault(w.week, w)
            ).weeks
            if week.rounded_min_h is not None:
                shown.add(week.rounded_min_h)
    assert len(shown) <= 1


def test_a_row_that_cannot_be_read_is_said() -> None:
    for made in (
        MadeWeek("2026-W10", simulated=False, made_ns=1, body="{}"),
        MadeWeek("2026-W99", simulated=False, made_ns=1, body='{"people":10}'),
    ):
        with pytest.raises(StoreError) as refused:
            from_kept(made)
        assert refused.value.reason is Reason.STORE_CORRUPT
    with pytest.raises(ValueError, match="without figures"):
        to_keep(TeamWeek(WEEK), 1, simulated=False)


def words(page: str) -> str:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(page)
    return " ".join(found)
