"""The live state while a worn sensor is late."""

from __future__ import annotations

from pathlib import Path

import msgspec

from analytics.ahead import MAX_AHEAD_PIECES, MAX_AHEAD_SAMPLES, Ahead
from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable
from analytics.desk import WearerDesk
from analytics.feeding import END_OF_TIME_NS, Piece
from analytics.preview import Glimpse
from analytics.roster import WearerPlan
from contracts.broker import BrokerAddress
from contracts.messages import ImuMessage
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Posture
from store.ports import Assignment, StreamKey
from tests.analytics.gateways import batches, calibration_plan, read_recording

T4, L5 = Placement.T4, Placement.L5
BEGIN_NS = 1_790_000_000 * NS_PER_S
CONFIG = AnalyticsConfig("test", BrokerAddress())


class Live:
    """A desk that is fed second by second, its clocks with the data."""

    def __init__(self, recording: Path) -> None:
        samples = read_recording(recording, (T4, L5))
        self.boxes = {p: batches(samples[p], BEGIN_NS, batch_s=1.0) for p in (T4, L5)}
        plan = WearerPlan(
            "w",
            "UTC",
            (T4, L5),
            PostureSettings(),
            (calibration_plan(recording, BEGIN_NS),),
            (Assignment("T4", "w", T4, 0), Assignment("L5", "w", L5, 0)),
        )
        self.desk = WearerDesk(plan, FocusTable(), CONFIG)

    def put(self, placement: Placement, message: ImuMessage) -> None:
        piece = Piece(StreamKey("g", placement, "o"), message, 0, message.count)
        self.desk.feed.put(placement, piece, 0.0)

    def ahead(self, placement: Placement, message: ImuMessage) -> None:
        piece = Piece(StreamKey("g", placement, "o"), message, 0, message.count)
        self.desk.take_ahead(placement, piece, piece.end_ns)

    def second(self, number: int, placements: tuple[Placement, ...]):
        for placement in placements:
            self.put(placement, self.boxes[placement][number])
        while self.desk.step(number + 1.0, END_OF_TIME_NS) is not None:
            pass
        return self.desk.preview(number + 1.0, BEGIN_NS + (number + 1) * NS_PER_S)


def test_a_late_sensor_does_not_hold_back_what_is_shown(data_dir: Path) -> None:
    live = Live(data_dir / "recordings" / "sitting-04")
    for number in range(100):
        assert live.second(number, (T4, L5)) is None
    stored_before = live.desk.take()
    assert stored_before is not None
    shown = [live.second(number, (T4,)) for number in range(100, 130)]
    starts_s = [(seen.state.start_ns - BEGIN_NS) // NS_PER_S for seen in shown if seen is not None]
    assert starts_s == sorted(set(starts_s))
    assert starts_s[-1] >= 127
    assert not live.desk.has_output or len(live.desk.take()[1].frames) < 5

    for number in range(100, 130):
        live.put(L5, live.boxes[L5][number])
    assert live.second(130, (T4, L5)) is None
    rows, _ = live.desk.take()
    assert rows.frames.samples[-20:].tolist() == [100] * 20


def test_a_backlog_is_not_the_live_state(data_dir: Path) -> None:
    live = Live(data_dir / "recordings" / "sitting-04")
    for number in range(60):
        live.put(T4, live.boxes[T4][number])
    assert live.desk.step(0.0, END_OF_TIME_NS) is None
    an_hour_later_ns = BEGIN_NS + 3600 * NS_PER_S
    assert live.desk.preview(60.0, an_hour_later_ns) is None
    assert not live.desk._preview.running


def test_while_a_log_comes_in_what_is_sent_ahead_of_it_is_shown(data_dir: Path) -> None:
    """Two sensors were out of reach for hours; both logs come in, slowly, and the wearer looks."""
    live = Live(data_dir / "recordings" / "sitting-04")
    for number in range(60):
        live.second(number, (T4, L5))
    live.desk.take()
    away_ns = 10 * 3600 * NS_PER_S
    now_ns = BEGIN_NS + away_ns + 60 * NS_PER_S
    shown: list[Glimpse] = []
    for number in range(60, 120):
        now_ns += NS_PER_S
        for placement in (T4, L5):
            message = live.boxes[placement][number]
            live.put(placement, message)  # of the log, ten hours ago
            live.ahead(placement, msgspec.structs.replace(message, t0_ns=message.t0_ns + away_ns))
        while live.desk.step(number + 1.0, END_OF_TIME_NS) is not None:
            pass
        glimpse = live.desk.preview(number + 1.0, now_ns)
        if glimpse is not None:
            shown.append(glimpse)
    rows, _ = live.desk.take()
    starts_s = [(glimpse.state.start_ns - BEGIN_NS - away_ns) // NS_PER_S for glimpse in shown]
    assert starts_s == list(range(60, 119))
    assert all(len(glimpse.frame) == 1 for glimpse in shown)
    # The log goes its own way: what is stored is as if nobody had looked.
    assert int(rows.frames.start_ns[-1]) < BEGIN_NS + 121 * NS_PER_S
    postures = {frame.start_ns: frame.posture for frame in rows.frames.rows()}
    same = [
        postures[g.state.start_ns - away_ns] == g.state.posture
        for g in shown[10:]
        if g.state.start_ns - away_ns in postures
    ]
    assert len(same) > 40
    assert sum(same) / len(same) > 0.9


def test_a_calibration_in_the_log_counts_for_what_is_shown_from_then_on(data_dir: Path) -> None:
    live = Live(data_dir / "recordings" / "sitting-04")
    away_ns = 3600 * NS_PER_S
    shown: list[Posture] = []
    for number in range(100):  # calibrated in the first minute of the log
        for placement in (T4, L5):
            for second in (4 * number + step for step in range(4)):
                live.put(placement, live.boxes[placement][second])
            message = live.boxes[placement][300 + number]
            live.ahead(placement, msgspec.structs.replace(message, t0_ns=message.t0_ns + away_ns))
        while live.desk.step(number + 1.0, END_OF_TIME_NS) is not None:
            pass
        now_ns = BEGIN_NS + away_ns + (301 + number) * NS_PER_S
        glimpse = live.desk.preview(number + 1.0, now_ns)
        if glimpse is not None:
            shown.append(glimpse.state.posture)
    assert shown[0] is Posture.UNKNOWN
    assert Posture.UNKNOWN not in shown[-50:]


def piece(t0_s: float, count: int) -> Piece:
    message = ImuMessage(
        v=1,
        outbox="o",
        seq=1,
        t0_ns=BEGIN_NS + round(t0_s * NS_PER_S),
        period_ns=20_000_000,
        rate_hz=50.0,
        accel_range_g=8,
        gyro_range_deg_s=1000,
        samples=bytes(12 * count),
    )
    return Piece(StreamKey("g", "s", "o"), message, 0, count)


def put(ahead: Ahead, placement: Placement, found: Piece, now_s: float = 0.0) -> None:
    ahead.put(placement, found, BEGIN_NS + round(now_s * NS_PER_S))


def fresh(ahead: Ahead, now_s: float) -> dict[Placement, list[float]]:
    found = ahead.fresh(BEGIN_NS + round(now_s * NS_PER_S))
    return {p: [(x.t0_ns - BEGIN_NS) / NS_PER_S for x in pieces] for p, pieces in found.items()}


def test_what_came_ahead_is_forgotten_after_a_minute_and_is_no_news_before_that() -> None:
    ahead = Ahead()
    for second in range(100):
        put(ahead, T4, piece(second, 50))
    put(ahead, T4, piece(3.0, 50), now_s=100.0)  # older than what came before it
    assert fresh(ahead, 100.0) == {T4: list(range(39, 100))}
    assert fresh(ahead, 110.0)[T4][-1] == 99
    assert fresh(ahead, 110.1) == {}  # it does not go on
    put(ahead, T4, piece(500.0, 50), now_s=115.0)
    assert fresh(ahead, 115.0) == {}  # nobody has sampled that yet
    assert fresh(ahead, 500.0) == {T4: [500.0]}


def test_a_misdated_piece_does_not_keep_out_what_comes_after_it() -> None:
    ahead = Ahead()
    put(ahead, T4, piece(1.0, 50), now_s=2.0)
    put(ahead, T4, piece(7200.0, 50), now_s=2.0)
    put(ahead, T4, piece(2.0, 50), now_s=3.0)
    assert fresh(ahead, 3.0) == {T4: [1.0, 2.0]}


def test_what_is_sent_ahead_goes_on_although_its_times_are_rounded(data_dir: Path) -> None:
    """Each batch begins 0.5 µs before the end of the last, as where a period is no whole µs."""
    live = Live(data_dir / "recordings" / "sitting-04")
    for number in range(60):
        live.second(number, (T4, L5))
    away_ns = 3600 * NS_PER_S
    counts: list[int] = []
    for number in range(60, 100):
        for placement in (T4, L5):
            message = live.boxes[placement][number]
            t0_ns = message.t0_ns + away_ns - 500 * (number - 60)
            live.ahead(placement, msgspec.structs.replace(message, t0_ns=t0_ns))
        glimpse = live.desk.preview(float(number), BEGIN_NS + away_ns + (number + 1) * NS_PER_S)
        if glimpse is not None:
            counts.append(int(glimpse.frame.samples[0]))
    assert len(counts) == 39
    assert set(counts[1:]) == {100}  # of two sensors


def test_a_clock_that_is_set_back_does_not_end_what_is_shown(data_dir: Path) -> None:
    live = Live(data_dir / "recordings" / "sitting-04")
    for number in range(60):
        live.second(number, (T4, L5))
    starts_s: list[int] = []
    for number in range(60, 120):
        away_ns = (7200 if number < 90 else 3600) * NS_PER_S
        for placement in (T4, L5):
            message = live.boxes[placement][number]
            live.ahead(placement, msgspec.structs.replace(message, t0_ns=message.t0_ns + away_ns))
        glimpse = live.desk.preview(float(number), BEGIN_NS + away_ns + (number + 1) * NS_PER_S)
        if glimpse is not None:
            starts_s.append((glimpse.state.start_ns - BEGIN_NS) // NS_PER_S)
    assert starts_s == [*range(7260, 7289), *range(3690, 3719)]


def test_a_clock_that_was_wrong_once_keeps_nothing_of_now_from_being_shown() -> None:
    ahead = Ahead()
    for t0_s in (0.0, 1.0, 3600.0, 7200.0, 2.0, 3.0):
        put(ahead, T4, piece(t0_s, 50), now_s=4.0)
    assert fresh(ahead, 4.0) == {T4: [0.0, 1.0, 2.0, 3.0]}


def test_what_came_ahead_has_a_cap_on_samples_and_on_pieces() -> None:
    ahead = Ahead()
    for number in range(30):
        put(ahead, T4, piece(number / 10, 3000))
    assert 3000 * len(fresh(ahead, 63.0)[T4]) == MAX_AHEAD_SAMPLES
    for number in range(MAX_AHEAD_PIECES + 50):
        put(ahead, L5, piece(number / 1000, 1))
    assert len(fresh(ahead, 5.0)[L5]) == MAX_AHEAD_PIECES
