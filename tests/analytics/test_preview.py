"""The live state while a worn sensor is late."""

from __future__ import annotations

from pathlib import Path

from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable
from analytics.desk import WearerDesk
from analytics.feeding import END_OF_TIME_NS, Piece
from analytics.roster import WearerPlan
from contracts.broker import BrokerAddress
from contracts.messages import ImuMessage
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
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
    starts_s = [(state.start_ns - BEGIN_NS) // NS_PER_S for state in shown if state is not None]
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
