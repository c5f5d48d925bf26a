from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.gatt import Position, SamplePacket
from contracts.imu import DEFAULT_SCALE, ImuScale
from device_gateway.assembly import Assembler, Outcome, Run

PERIOD_NS = 20_000_000


def packet(
    sequence: int,
    count: int,
    *,
    lost: int = 0,
    end: bool = False,
    epoch: int = 1,
    scale: ImuScale = DEFAULT_SCALE,
    device_us: int | None = None,
) -> SamplePacket:
    values = np.arange(sequence, sequence + count, dtype=np.int64) % 30_000
    return SamplePacket(
        sequence=sequence,
        device_us=sequence * 20_000 if device_us is None else device_us,
        period_ns=PERIOD_NS,
        lost_before=lost,
        epoch=epoch,
        scale=scale,
        samples=np.repeat(values[:, None], 6, axis=1).astype(np.int16),
        end=end,
    )


def values(run: Run) -> list[int]:
    return np.frombuffer(run.readings, "<i2").reshape(-1, 6)[:, 0].tolist()


def begun(at: int = 0, **kwargs: int) -> Assembler:
    return Assembler(Position(1, at), resumed=True, **kwargs)


def test_contiguous_packets_become_one_run() -> None:
    assembler = begun()
    for sequence in (0, 18, 36):
        assert assembler.add(packet(sequence, 18)) is Outcome.TAKEN
    assert assembler.take(flush=False).runs == ()
    assert assembler.waiting_samples == 54
    taken = assembler.take(flush=True)
    (run,) = taken.runs
    assert values(run) == list(range(54))
    assert taken.position == Position(1, 54)
    assert assembler.waiting_samples == 0


def test_a_run_is_cut_at_its_cap() -> None:
    assembler = begun(max_samples=40)
    for sequence in range(0, 180, 18):
        assembler.add(packet(sequence, 18))
    runs = assembler.take(flush=True).runs
    assert [run.count for run in runs] == [36, 36, 36, 36, 36]


def test_an_announced_loss_cuts_and_is_carried() -> None:
    assembler = begun()
    assembler.add(packet(0, 10))
    assert assembler.add(packet(15, 10, lost=5)) is Outcome.TAKEN
    taken = assembler.take(flush=False)
    # The loss is not safe before the samples behind it are: it will be announced again.
    assert taken.position == Position(1, 10)
    (run,) = assembler.take(flush=True).runs
    assert (run.sequence, run.lost_before) == (15, 5)


def test_a_hole_is_asked_for_again() -> None:
    assembler = begun()
    assembler.add(packet(0, 10))
    assert assembler.add(packet(20, 10)) is Outcome.HOLE
    assert assembler.add(packet(30, 10)) is Outcome.IGNORED
    assert assembler.resume(Position(1, 0)) == Position(1, 10)
    assert assembler.add(packet(10, 10)) is Outcome.TAKEN
    assert assembler.add(packet(20, 10)) is Outcome.TAKEN
    (run,) = assembler.take(flush=True).runs
    assert values(run) == list(range(30))


def test_a_hole_that_the_sensor_no_longer_keeps_is_lost() -> None:
    assembler = begun(10)
    assert assembler.add(packet(50, 10)) is Outcome.HOLE
    assert assembler.resume(Position(1, 50)) == Position(1, 10)
    assert assembler.add(packet(50, 10)) is Outcome.TAKEN
    (run,) = assembler.take(flush=True).runs
    assert run.lost_before == 40


def test_of_a_sensor_without_a_log_a_hole_is_lost_and_a_new_epoch_goes_on() -> None:
    assembler = Assembler(Position(1, 0), resumed=True, keeps_log=False)
    assembler.resume(Position(1, 0))
    assembler.add(packet(0, 10))
    assert assembler.add(packet(15, 10)) is Outcome.TAKEN
    assert assembler.add(packet(0, 10, epoch=2)) is Outcome.TAKEN
    assert assembler.add(packet(12, 10, epoch=2)) is Outcome.TAKEN
    runs = assembler.take(flush=True).runs
    assert [(run.epoch, run.lost_before) for run in runs] == [(1, 0), (1, 5), (2, 0), (2, 2)]


def test_what_another_gateway_took_is_not_lost() -> None:
    assembler = Assembler(Position(1, 0))
    assembler.resume(Position(1, 1000))
    assert assembler.add(packet(1000, 10, lost=3)) is Outcome.TAKEN
    (run,) = assembler.take(flush=True).runs
    assert run.lost_before == 3


def test_duplicates_are_dropped_and_overlaps_cut() -> None:
    assembler = begun()
    assembler.add(packet(0, 20))
    assert assembler.add(packet(0, 20)) is Outcome.DUPLICATE
    assert assembler.add(packet(5, 15)) is Outcome.DUPLICATE
    assert assembler.add(packet(10, 20)) is Outcome.TAKEN
    (run,) = assembler.take(flush=True).runs
    assert values(run) == list(range(30))
    assert assembler.duplicates == 2


def test_end_closes_the_run_and_is_told_once() -> None:
    assembler = begun()
    assembler.add(packet(0, 10, end=True))
    taken = assembler.take(flush=False)
    assert [(run.count, run.end) for run in taken.runs] == [(10, True)]
    assert (taken.ended, assembler.ended) == (True, True)
    assert assembler.add(packet(10, 0, end=True)) is Outcome.DUPLICATE
    assert assembler.add(packet(10, 10)) is Outcome.TAKEN
    assert not assembler.ended


def test_end_without_samples_is_a_run_of_its_own_after_what_was_handed_out() -> None:
    assembler = begun(10)
    assert assembler.add(packet(10, 0, end=True)) is Outcome.TAKEN
    (run,) = assembler.take(flush=False).runs
    assert (run.count, run.end, run.device_us) == (0, True, 200_000)


def test_end_that_was_known_before_a_restart_is_not_told_again() -> None:
    assembler = Assembler(Position(1, 10), resumed=True, ended=True)
    assert assembler.add(packet(10, 0, end=True)) is Outcome.DUPLICATE
    assert assembler.ended


def test_a_new_epoch_a_new_scale_and_a_jump_of_the_clock_cut() -> None:
    assembler = begun()
    assembler.add(packet(0, 10))
    assembler.add(packet(10, 10, scale=ImuScale(8, 1000)))
    assembler.add(packet(20, 10, scale=ImuScale(8, 1000), device_us=20 * 20_000 + 10_000))
    assembler.resume(Position(2, 0))
    assembler.add(packet(0, 10, epoch=2))
    assert assembler.add(packet(30, 10)) is Outcome.DUPLICATE
    runs = assembler.take(flush=True).runs
    assert [(run.epoch, run.sequence) for run in runs] == [(1, 0), (1, 10), (1, 20), (2, 0)]


@st.composite
def journeys(draw: st.DrawFn) -> tuple[set[int], int, list[tuple[str, int]]]:
    """What a sensor lost, how many ticks there were, and what happens on the way."""
    total = draw(st.integers(1, 300))
    lost = draw(st.sets(st.integers(0, total - 1), max_size=40))
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["send", "drop", "again", "back", "restart", "take", "flush"]),
                st.integers(1, 40),
            ),
            max_size=120,
        )
    )
    return lost, total, steps


class Sensor:
    """A log with a cursor, as docs/gatt.md has it."""

    def __init__(self, lost: set[int], total: int) -> None:
        self.kept = [tick for tick in range(total) if tick not in lost]
        self.total = total
        self.cursor = 0
        self.end_sent = False

    def start(self, position: int) -> None:
        self.cursor, self.end_sent = position, False

    def next(self, limit: int) -> SamplePacket | None:
        after = [tick for tick in self.kept if tick >= self.cursor]
        if not after:
            if self.end_sent:
                return None
            lost, self.end_sent = self.total - self.cursor, True
            self.cursor = self.total
            return packet(self.total, 0, lost=lost, end=True)
        first = after[0]
        count = 1
        while count < min(limit, len(after)) and after[count] == first + count:
            count += 1
        made = packet(first, count, lost=first - self.cursor)
        self.cursor = first + count
        return made


@given(journeys())
def test_every_sample_once_whatever_is_dropped_repeated_or_restarted(
    journey: tuple[set[int], int, list[tuple[str, int]]],
) -> None:
    lost, total, steps = journey
    sensor = Sensor(lost, total)
    assembler = Assembler(Position(1, 0), resumed=True, max_samples=50)
    safe, ended = Position(1, 0), False
    out: list[Run] = []
    last: SamplePacket | None = None

    def hand(sent: SamplePacket) -> None:
        if assembler.add(sent) is Outcome.HOLE:
            sensor.start(assembler.resume(Position(1, 0)).sequence)

    # What was lost last is noticed by the silence after it, which ends the link.
    to_the_end = [("restart", 0), *[("send", 40)] * (2 * total + 2), ("flush", 0)]
    for step, number in [*steps, *to_the_end]:
        if step in ("send", "drop"):
            sent = sensor.next(number)
            if sent is not None and step == "send":
                last = sent
                hand(sent)
        elif step == "again" and last is not None:
            hand(last)
        elif step == "back":  # the sensor sends what we have once more
            sensor.start(max(0, assembler.next.sequence - number))
        elif step == "restart":  # the gateway dies with what it had not made safe
            assembler = Assembler(safe, resumed=True, ended=ended, max_samples=50)
            sensor.start(safe.sequence)
        elif step in ("take", "flush"):
            taken = assembler.take(flush=step == "flush")
            if taken.runs:
                out += taken.runs
                safe, ended = taken.position, taken.ended
    assert [value for run in out for value in values(run)] == sorted(set(range(total)) - lost)
    assert sum(run.lost_before for run in out) == len(lost)
    assert [run.end for run in out].count(True) == 1
    assert out[-1].end
    assert max(run.count for run in out) <= 50


def test_an_epoch_is_over_only_when_the_sensor_keeps_nothing_of_it() -> None:
    assembler = Assembler(Position(1, 0))
    assembler.resume(Position(1, 0))
    assembler.add(packet(0, 10))
    # the packet with samples 10 to 19 was lost on the way, and nothing of epoch 2 says so
    assert assembler.add(packet(0, 5, epoch=2)) is Outcome.HOLE
    assert assembler.take(flush=True).position == Position(1, 10)
    assert assembler.resume(Position(1, 10)) == Position(1, 10)
    assert assembler.add(packet(10, 10)) is Outcome.TAKEN
    assert assembler.add(packet(0, 5, epoch=2)) is Outcome.HOLE
    assert assembler.resume(Position(2, 0)) == Position(1, 20)
    assert assembler.add(packet(0, 5, epoch=2)) is Outcome.TAKEN
    runs = assembler.take(flush=True).runs
    assert [(run.epoch, run.sequence, run.count) for run in runs] == [(1, 10, 10), (2, 0, 5)]
