"""The order in which a wearer's batches are fed, and who is waited for."""

from __future__ import annotations

import pytest

from analytics.config import AnalyticsConfig
from analytics.feeding import MAX_RUN, Absent, Feed, Piece, WearerFeed
from contracts.broker import BrokerAddress
from contracts.messages import ImuMessage
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store.ports import StreamKey

CONFIG = AnalyticsConfig("test", BrokerAddress())
BEGIN_NS = 1_790_000_000 * NS_PER_S
T4, L5 = Placement.T4, Placement.L5


def worn(_time_ns: int) -> frozenset[Placement]:
    return frozenset((T4, L5))


def piece(start_s: float, length_s: float = 1.0, *, end: bool = False, seq: int = 1) -> Piece:
    count = round(length_s * 50)
    message = ImuMessage(
        v=1,
        outbox="box",
        seq=seq,
        t0_ns=BEGIN_NS + round(start_s * NS_PER_S),
        period_ns=NS_PER_S // 50,
        rate_hz=50.0,
        accel_range_g=16,
        gyro_range_deg_s=2000,
        samples=bytes(12 * count),
        end=end,
    )
    return Piece(StreamKey("gw", "s", "box"), message, 0, count)


def fed(feed: WearerFeed, now_s: float = 0.0) -> list[tuple[Placement, float]]:
    found = []
    while isinstance(action := feed.next(worn, now_s), Feed):
        found += [(action.placement, (p.t0_ns - BEGIN_NS) / NS_PER_S) for p in action.pieces]
    assert action is None
    return found


def test_one_that_runs_ahead_waits_for_the_other() -> None:
    feed = WearerFeed(CONFIG)
    for second in range(10):
        feed.put(T4, piece(second), 0.0)
    assert fed(feed) == []
    feed.put(L5, piece(0), 0.0)
    assert fed(feed) == [(L5, 0), (T4, 0), (T4, 1), (T4, 2), (T4, 3)]
    feed.put(L5, piece(1), 0.0)
    assert fed(feed) == [(L5, 1), (T4, 4)]


def test_batches_of_any_length_and_gaps_of_hours_pass() -> None:
    feed = WearerFeed(CONFIG)
    for start_s in (0, 60, 30_000, 30_060):
        feed.put(T4, piece(start_s, 60), 0.0)
    for start_s in (0, 30_010, 30_070):
        feed.put(L5, piece(start_s, 60), 0.0)
    assert [start_s for _, start_s in fed(feed)] == [0, 0, 60, 30_000, 30_060, 30_010, 30_070]


def test_one_runs_ahead_of_what_waits_of_the_other_but_not_far() -> None:
    """So that a flood goes into the pipeline in long runs."""
    feed = WearerFeed(CONFIG)
    for second in range(200):
        feed.put(T4, piece(second), 0.0)
    for second in range(100):
        feed.put(L5, piece(second), 0.0)
    reached = {T4: 0.0, L5: 0.0}
    runs = 0
    while isinstance(action := feed.next(worn, 0.0), Feed):
        runs += 1
        reached[action.placement] += len(action.pieces)
        assert abs(reached[T4] - reached[L5]) <= MAX_RUN
    assert reached == {L5: 100, T4: 103}
    assert runs <= 6


@pytest.mark.parametrize("how", ["ended", "left out", "an end waits"])
def test_nobody_runs_ahead_of_a_sensor_that_is_not_waited_for(how: str) -> None:
    """Its seconds would be closed before it comes to them."""
    feed = WearerFeed(CONFIG)
    if how == "left out":
        feed.load({"L5": (BEGIN_NS, False, True)}, 0.0)
    elif how == "ended":
        feed.load({"L5": (BEGIN_NS, True, False)}, 0.0)
    for second in range(10):
        feed.put(T4, piece(second), 0.0)
        feed.put(L5, piece(second + 0.5, end=how == "an end waits" and second == 5), 0.0)
    action = feed.next(worn, 0.0)
    assert isinstance(action, Feed)
    assert action.placement is T4
    assert len(action.pieces) == 3


def test_who_stays_away_too_long_is_left_out_until_it_comes() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(T4, piece(0), 0.0)
    assert feed.next(worn, 0.0) is None
    assert feed.next(worn, CONFIG.late_wait_s - 1) is None
    assert feed.next(worn, CONFIG.late_wait_s) == Absent(L5)
    assert fed(feed, CONFIG.late_wait_s) == [(T4, 0)]
    feed.put(T4, piece(1), 0.0)
    assert fed(feed, CONFIG.late_wait_s) == [(T4, 1)]
    feed.put(L5, piece(2), 0.0)
    feed.put(T4, piece(9), 0.0)
    assert fed(feed, CONFIG.late_wait_s) == [(L5, 2)]


def test_who_said_that_it_stopped_is_waited_for_only_a_little() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(L5, piece(0, end=True), 0.0)
    feed.put(T4, piece(0), 0.0)
    feed.put(T4, piece(50), 0.0)
    assert fed(feed, 0.0) == [(L5, 0), (T4, 0)]
    assert not feed.all_ended(worn)
    assert fed(feed, CONFIG.settle_s) == [(T4, 50)]
    feed.put(T4, piece(51, end=True), 9.0)
    assert fed(feed, 9.0) == [(T4, 51)]
    assert feed.all_ended(worn)


def test_it_goes_on_from_its_state() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(L5, piece(0, 60, end=True), 0.0)
    feed.put(T4, piece(0, 30), 0.0)
    fed(feed)
    again = WearerFeed(CONFIG)
    again.load(feed.state(), 100.0)
    assert again.state() == feed.state()
    again.put(T4, piece(30), 100.0)
    assert fed(again, 100.0) == [(T4, 30)]


def test_a_sensor_that_is_taken_off_for_good_is_not_waited_for() -> None:
    def only_t4_later(time_ns: int) -> frozenset[Placement]:
        return frozenset((T4, L5) if time_ns < BEGIN_NS + 5 * NS_PER_S else (T4,))

    feed = WearerFeed(CONFIG)
    feed.put(T4, piece(0), 0.0)
    feed.put(L5, piece(0), 0.0)
    fed(feed)
    feed.put(T4, piece(5), 0.0)
    assert feed.next(only_t4_later, CONFIG.doubt_s) == Absent(L5)
    assert isinstance(feed.next(only_t4_later, CONFIG.doubt_s), Feed)


def test_what_is_dated_ahead_of_now_waits_and_holds_nobody_up() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(T4, piece(3600), 0.0)
    feed.put(L5, piece(0), 0.0)
    until_ns = BEGIN_NS + 60 * NS_PER_S
    action = feed.next(worn, 0.0, until_ns)
    assert isinstance(action, Feed)
    assert action.placement is L5
    assert feed.next(worn, 1e9, until_ns) is None
    feed.put(L5, piece(3600), 0.0)
    assert isinstance(feed.next(worn, 0.0, until_ns + 3600 * NS_PER_S), Feed)


def test_what_a_later_batch_shows_to_be_misdated_is_let_go() -> None:
    feed = WearerFeed(CONFIG)
    wrong = [piece(3600, seq=2), piece(3601, seq=3)]
    assert feed.put(T4, piece(0), 0.0) == []
    assert [feed.put(T4, one, 0.0) for one in wrong] == [[], []]
    assert feed.put(T4, piece(3, seq=4), 0.0) == wrong[::-1]
    feed.put(L5, piece(0, 9), 0.0)
    assert fed(feed) == [(L5, 0), (T4, 0), (T4, 3)]


def test_what_is_fed_at_once_is_one_run_of_samples() -> None:
    feed = WearerFeed(CONFIG)
    for start_s in (0, 1, 2):
        feed.put(T4, piece(start_s, end=start_s == 1), 0.0)
    feed.put(L5, piece(2), 0.0)
    action = feed.next(worn, 0.0)
    assert isinstance(action, Feed)
    assert [(len(s), s.ended) for s in action.samples()] == [(100, True), (50, False)]


def test_one_that_falls_back_is_let_go_and_what_waits_stays() -> None:
    feed = WearerFeed(CONFIG)
    for second in range(10):
        feed.put(T4, piece(second, seq=second + 1), 0.0)
    back = piece(-1800, seq=11)
    assert feed.put(T4, back, 0.0) == [back]
    between = piece(4.5, seq=12)
    assert feed.put(T4, between, 0.0) == [between]
    assert feed.put(T4, piece(10, seq=13), 0.0) == []
    feed.put(L5, piece(0, 20), 0.0)
    assert fed(feed) == [(L5, 0)] + [(T4, second) for second in range(11)]
    behind = piece(3, seq=14)
    assert feed.put(T4, behind, 0.0) == [behind]
    assert feed.put(T4, piece(11, seq=15), 0.0) == []


def only_t4(_time_ns: int) -> frozenset[Placement]:
    return frozenset((T4,))


def test_a_leap_waits_until_a_second_one_confirms_it() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(T4, piece(0), 0.0)
    assert isinstance(feed.next(only_t4, 0.0), Feed)
    feed.put(T4, piece(3600, seq=2), 1.0)
    assert feed.next(only_t4, 1.0) is None
    feed.put(T4, piece(3601, seq=3), 2.0)
    assert isinstance(feed.next(only_t4, 2.0), Feed)


def test_a_leap_that_nothing_follows_waits_only_a_little() -> None:
    feed = WearerFeed(CONFIG)
    feed.put(T4, piece(0), 0.0)
    feed.put(T4, piece(3600, seq=2), 0.0)
    first = feed.next(only_t4, 0.0)
    assert isinstance(first, Feed)
    assert len(first.pieces) == 1
    assert feed.next(only_t4, CONFIG.doubt_s - 0.1) is None
    assert isinstance(feed.next(only_t4, CONFIG.doubt_s), Feed)


def test_a_leap_that_the_next_one_denies_is_let_go_alone() -> None:
    feed = WearerFeed(CONFIG)
    wrong = piece(3600, seq=2)
    feed.put(T4, piece(0), 0.0)
    assert isinstance(feed.next(only_t4, 0.0), Feed)
    feed.put(T4, wrong, 1.0)
    assert feed.next(only_t4, 1.0) is None
    assert feed.put(T4, piece(2, seq=3), 2.0) == [wrong]
    assert isinstance(feed.next(only_t4, 2.0), Feed)


def test_one_that_falls_back_into_a_leap_shows_it_to_be_wrong() -> None:
    feed = WearerFeed(CONFIG)
    leapt = [piece(30, seq=2), piece(31, seq=3)]
    for one in (piece(0), *leapt):
        assert feed.put(T4, one, 0.0) == []
    assert feed.put(T4, piece(1, seq=4), 0.0) == leapt[::-1]
