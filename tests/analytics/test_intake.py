"""Streams in order, each batch once, and every cap."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.config import Limits
from analytics.inbox import Arrival, Inbox
from analytics.intake import FIRST_ASK_S, LONGEST_ASK_S, Allowance, StreamIntake, Verdict
from analytics.rejections import BURST, PAUSE_S, Rejections
from analytics.streams import Streams
from contracts.errors import DecodeError, Reason
from contracts.messages import ImuMessage, Rejected
from store.ports import StreamKey

LIMITS = Limits()
KEY = StreamKey("gw", "s", "box")


def batch(seq: int, count: int = 10) -> ImuMessage:
    return ImuMessage(
        v=1,
        outbox="box",
        seq=seq,
        t0_ns=1_790_000_000_000_000_000 + seq * count * 20_000_000,
        period_ns=20_000_000,
        rate_hz=50.0,
        accel_range_g=16,
        gyro_range_deg_s=2000,
        samples=bytes(12 * count),
    )


def offer(intake: StreamIntake, seq: int) -> list[int]:
    if intake.offer(batch(seq), room=True) is not Verdict.TAKEN:
        return []
    taken = [seq]
    while (following := intake.following()) is not None:
        taken.append(following.seq)
    return taken


@given(st.integers(0, 5), st.data())
def test_whatever_comes_each_is_taken_once_and_in_order(stored: int, data: st.DataObject) -> None:
    intake = StreamIntake(stored, LIMITS)
    wanted = list(range(stored + 1, stored + 31))
    noise = data.draw(st.lists(st.integers(1, stored + 30), max_size=80))
    taken = [seq for s in noise for seq in offer(intake, s)]
    # A gateway that is asked sends all that is not stored again, in order.
    taken += [seq for s in wanted for seq in offer(intake, s)]
    assert taken == wanted
    assert intake.ahead_batches == 0
    assert not intake.asks(0.0)


def test_a_hole_is_asked_for_less_and_less_often() -> None:
    intake = StreamIntake(0, LIMITS)
    assert not intake.asks(0.0)
    assert offer(intake, 3) == []
    asked, now_s = [], 0.0
    while now_s < 400:
        if intake.asks(now_s):
            asked.append(now_s)
        now_s += 0.5
    pauses = [b - a for a, b in itertools.pairwise(asked)]
    assert pauses[0] == FIRST_ASK_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_ASK_S
    assert offer(intake, 1) == [1]
    assert intake.asks(1000.0)
    assert offer(intake, 2) == [2, 3]
    assert not intake.asks(2000.0)


def test_what_waits_behind_a_hole_is_capped_in_number_and_bytes() -> None:
    intake = StreamIntake(0, replace(LIMITS, ahead_batches=4, ahead_bytes=500))
    for seq in range(2, 50):
        assert intake.offer(batch(seq), room=True) is Verdict.AHEAD
    assert intake.ahead_batches == 4
    intake = StreamIntake(0, replace(LIMITS, ahead_bytes=250))
    for seq in range(2, 50):
        intake.offer(batch(seq), room=True)
    assert intake.ahead_batches == 2


def test_a_seq_from_the_far_future_is_not_kept() -> None:
    intake = StreamIntake(7, LIMITS)
    assert intake.offer(batch(7 + LIMITS.far_seq), room=True) is Verdict.AHEAD
    assert intake.offer(batch(8 + LIMITS.far_seq), room=True) is Verdict.FAR_AHEAD
    assert intake.offer(batch(2**53), room=True) is Verdict.FAR_AHEAD
    assert intake.ahead_batches == 1
    assert offer(intake, 8) == [8]


def take_all(streams: Streams, key: StreamKey, seqs: range) -> int:
    taken = 0
    for seq in seqs:
        for message in streams.offer(key, batch(seq)):
            streams.waits(key, message, 1)
            taken += 1
    return taken


def test_batches_that_wait_are_capped_and_asked_for_when_there_is_room() -> None:
    streams = Streams({}, replace(LIMITS, queue_batches=5))
    assert take_all(streams, KEY, range(1, 20)) == 5
    assert not any(stored.resend for _, stored in streams.messages(0.0))
    streams.fed(KEY, 1)
    assert [stored.resend for _, stored in streams.messages(1.0)] == [True]


def test_bytes_of_all_sensors_are_capped_and_none_is_starved() -> None:
    streams = Streams({}, replace(LIMITS, total_bytes=1_200))
    assert take_all(streams, KEY, range(1, 20)) == 10
    assert streams.waiting_bytes == 1_200
    assert take_all(streams, StreamKey("gw", "other", "box"), range(1, 20)) == 1


def test_streams_are_capped() -> None:
    streams = Streams({}, replace(LIMITS, streams=3))
    for number in range(3):
        assert take_all(streams, StreamKey("gw", "s", f"box-{number}"), range(1, 2)) == 1
    with pytest.raises(DecodeError, match="over 3 streams"):
        take_all(streams, StreamKey("gw", "s", "box-9"), range(1, 2))


def test_outboxes_of_one_sensor_are_capped_and_crowd_nobody_else_out() -> None:
    streams = Streams({}, replace(LIMITS, streams=9, outboxes=3))
    idle = StreamKey("gw", "other", "box")
    assert take_all(streams, idle, range(2, 3)) == 0
    for number in range(3):
        assert take_all(streams, StreamKey("gw", "s", f"box-{number}"), range(1, 2)) == 1
    for number in range(50):
        with pytest.raises(DecodeError, match="over 3 streams"):
            take_all(streams, StreamKey("gw", "s", f"made-up-{number}"), range(1, 2))
    assert take_all(streams, idle, range(1, 2)) == 2


def test_a_stream_that_never_answers_is_forgotten() -> None:
    streams = Streams({KEY: 5}, replace(LIMITS, total_ahead_bytes=240))
    made_up = StreamKey("gw", "s", "made-up")
    assert take_all(streams, made_up, range(2, 9)) == 0
    asked = [now_s for now_s in range(300) for key, _ in streams.messages(now_s) if key == made_up]
    assert 0 < len(asked) < 10
    assert take_all(streams, KEY, range(7, 9)) + take_all(streams, KEY, range(6, 7)) == 3


def test_made_up_streams_do_not_keep_a_real_one_out() -> None:
    streams = Streams({KEY: 5}, replace(LIMITS, streams=3, total_ahead_bytes=600))
    for number in range(50):
        assert take_all(streams, StreamKey("gw", "s", f"made-up-{number}"), range(2, 9)) == 0
    assert take_all(streams, StreamKey("gw", "new", "box"), range(1, 4)) == 3
    assert take_all(streams, KEY, range(6, 9)) == 3


def test_bytes_behind_holes_are_capped_for_all_streams_together_and_given_back() -> None:
    allowance = Allowance(600)
    one, other = (StreamIntake(0, LIMITS, allowance) for _ in range(2))
    for seq in range(2, 9):
        one.offer(batch(seq), room=True)
        other.offer(batch(seq), room=True)
    assert one.ahead_batches + other.ahead_batches == 5
    assert len(offer(one, 1)) + len(offer(other, 1)) == 7
    assert allowance.left == 600
    one.offer(batch(50), room=True)
    one.rewind(3)
    assert (one.taken_seq, one.ahead_batches, allowance.left) == (3, 0, 600)
    assert one.asks(0.0)


def test_unworn_samples_count_when_the_cursor_passes_them() -> None:
    streams = Streams({}, LIMITS)
    (first,) = streams.offer(KEY, batch(1))
    assert streams.waits(KEY, first, 1, unworn=3) == 0
    (second,) = streams.offer(KEY, batch(2))
    assert streams.waits(KEY, second, 0, unworn=10) == 0
    assert streams.fed(KEY, 1) == 13


def test_a_rewound_stream_forgets_what_was_not_fed_and_asks_for_it() -> None:
    streams = Streams({}, LIMITS)
    assert take_all(streams, KEY, range(1, 6)) == 5
    streams.fed(KEY, 1)
    streams.rewind()
    assert streams.waiting_bytes == 0
    assert [stored.resend for _, stored in streams.messages(0.0)] == [True]
    assert take_all(streams, KEY, range(1, 6)) == 4


def test_a_cursor_moves_only_over_what_is_wholly_fed() -> None:
    streams = Streams({KEY: 0}, LIMITS)
    for seq, parts in ((1, 1), (2, 2), (3, 1), (4, 0)):
        for message in streams.offer(KEY, batch(seq)):
            streams.waits(KEY, message, parts)
    assert streams.cursors() == {}
    streams.fed(KEY, 3)
    streams.fed(KEY, 1)
    streams.fed(KEY, 2)
    assert streams.cursors() == {KEY: 1}
    streams.committed({KEY: 1})
    assert [(key, stored.seq) for key, stored in streams.messages(0.0)] == [(KEY, 1)]
    streams.fed(KEY, 2)
    assert streams.cursors() == {KEY: 4}
    assert streams.waiting_bytes == 0


def test_a_duplicate_of_what_is_stored_is_answered() -> None:
    streams = Streams({KEY: 5}, LIMITS)
    assert list(streams.messages(0.0)) == []
    assert take_all(streams, KEY, range(3, 4)) == 0
    assert [stored.seq for _, stored in streams.messages(0.0)] == [5]
    assert streams.duplicates == 1


def test_the_inbox_is_capped_in_number_and_bytes() -> None:
    inbox = Inbox(3, 100)
    small = Arrival("t", b"x" * 10, 10)
    assert [inbox.put(small, 0.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert inbox.refused == 2
    assert len(inbox.take(2, 0.0)) == 2
    assert inbox.put(Arrival("t", b"x" * 89, 89), 0.0)
    assert not inbox.put(small, 0.0)
    assert len(inbox.take(10, 0.0)) == 2
    assert inbox.put(Arrival("t", b"x" * 500, 500), 0.0), "one may always come in"


def test_a_full_inbox_is_waited_for_once_for_all_that_come_together() -> None:
    inbox = Inbox(1, 100)
    many = [Arrival("t", b"x", 1)] * 500
    put = threading.Thread(target=inbox.put_all, args=(many, 0.2), daemon=True)
    put.start()
    put.join(30.0)
    assert not put.is_alive(), "each was waited for"
    assert inbox.refused == 499


def test_what_waits_for_room_goes_in_when_there_is_some() -> None:
    inbox = Inbox(2, 100)
    many = [Arrival(str(number), b"x", 1) for number in range(7)]
    put = threading.Thread(target=inbox.put_all, args=(many, 60.0))
    put.start()
    taken: list[Arrival] = []
    while len(taken) < len(many):
        taken += inbox.take(1, 60.0)
    put.join(60.0)
    assert taken == many
    assert inbox.refused == 0


def test_refusals_are_counted_and_told_of_once_a_minute() -> None:
    rejections = Rejections(8)
    error = DecodeError(Reason.MALFORMED, "holds a secret")

    def add(now_s: float, topic: str = "a/topic"):
        return rejections.add(topic, error, 9, now_s=now_s, now_ns=1_790_000_000_000_000_000)

    told = [add(s / 10) for s in range(700)]
    spoken = [refusal for refusal in told if refusal is not None]
    assert [refusal.count for refusal in spoken] == [1, int(PAUSE_S * 10)]
    assert "secret" not in spoken[0].message
    assert sum(add(200.0, f"topic/{n}") is not None for n in range(500)) == BURST
    assert rejections.keys == 8
    assert rejections.total == 1200


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Reason)[:5]), st.booleans())))
def test_what_is_told_adds_up_to_what_was_refused(refused: list[tuple[int, Reason, bool]]) -> None:
    rejections, now_s, now_ns = Rejections(4), 0.0, 1_790_000_000_000_000_000
    told: list[Rejected | None] = []
    for topic, reason, pause in refused:
        now_s += PAUSE_S / 3 if pause else 0.001
        told += rejections.due(now_s, now_ns)
        error = DecodeError(reason, "")
        told.append(rejections.add(f"t/{topic}", error, 9, now_s=now_s, now_ns=now_ns))
    told += rejections.rest(now_ns)
    spoken = [refusal for refusal in told if refusal is not None]
    counts = {reason: sum(r.count for r in spoken if r.reason is reason) for reason in Reason}
    assert {reason: count for reason, count in counts.items() if count} == rejections.by_reason
    assert list(rejections.rest(now_ns)) == []
    assert rejections.keys <= 4


def test_what_was_held_back_is_told_when_its_pause_is_over() -> None:
    rejections, now_ns = Rejections(300), 1_790_000_000_000_000_000
    error = DecodeError(Reason.MALFORMED, "")
    for number in range(1000):
        rejections.add(f"t/{number % 200}", error, 9, now_s=0.0, now_ns=now_ns)
    told = [len(list(rejections.due(now_s, now_ns))) for now_s in range(1, 80)]
    assert max(told) == BURST
    assert sum(told) == 200
    assert list(rejections.rest(now_ns)) == []
