"""The line under arrivals: on plain numbers, and against the true times of simulated sensors."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from device_gateway.arrival import (
    BUCKET_NS,
    SLEWED_NS,
    STEP_LASTS_NS,
    WINDOW_NS,
    Envelope,
    HostClock,
)
from plumbline.timed_sensors import START_NS, U32, Case, Errors, LinkModel, measure

MS = 1_000_000
S = 1_000_000_000
BEGUN_NS = 5_000 * S
#: Seconds that a simulated run takes: what is wanted holds after a minute.
RUN_S = 100.0


def filled(delays_ms: list[int], *, rate_error: float = 0.0, every_ns: int = BUCKET_NS) -> Envelope:
    envelope = Envelope()
    for index, delay_ms in enumerate(delays_ms):
        true_ns = index * every_ns
        envelope.add(round(true_ns / (1.0 + rate_error)), BEGUN_NS + true_ns + delay_ms * MS)
    return envelope


def test_one_point_is_a_line_of_itself_and_none_is_none() -> None:
    assert Envelope().line() is None
    line = filled([7]).line()
    assert line is not None
    assert line.ends == ((0, BEGUN_NS + 7 * MS),) * 2
    assert line.at_ns(S) == BEGUN_NS + S + 7 * MS
    assert line.error_ns > 100 * MS


def test_the_line_lies_under_jitter_and_stalls() -> None:
    line = filled([2, 30, 9, 2, 900, 40, 17, 2, 22, 2]).line()
    assert line is not None
    assert line.rate_error == 0.0
    assert line.at_ns(0) == BEGUN_NS + 2 * MS


@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=200),
    st.floats(-0.03, 0.03),
    st.integers(10 * MS, 200 * MS),
)
def test_no_arrival_is_before_the_line_by_more_than_its_error(
    delays_ms: list[int], rate_error: float, every_ns: int
) -> None:
    envelope = filled(delays_ms, rate_error=rate_error, every_ns=every_ns)
    line = envelope.line()
    assert line is not None
    newest_ns = (len(delays_ms) - 1) * every_ns
    for index, delay_ms in enumerate(delays_ms):
        true_ns = index * every_ns
        if newest_ns - true_ns < WINDOW_NS - 2 * BUCKET_NS:
            arrived_ns = BEGUN_NS + true_ns + delay_ms * MS
            # of a bucket one point is kept, by the rate as it was known then
            earliest_ns = line.at_ns(round(true_ns / (1.0 + rate_error))) - line.error_ns
            assert earliest_ns <= arrived_ns
    assert len(envelope) <= WINDOW_NS // BUCKET_NS + 1


@given(st.lists(st.integers(0, 80), min_size=30, max_size=100), st.integers(90, 110))
def test_other_periods_are_the_same_line(delays_ms: list[int], percent: int) -> None:
    envelope = filled(delays_ms)
    line, other = envelope.line(), envelope.rescaled(3 * S, 100, percent).line()
    assert line is not None
    assert other is not None
    for sensor_ns in (0, 3 * S, 9 * S):
        at_ns = other.at_ns((sensor_ns - 3 * S) * percent // 100)
        # the edge above the mean is another one where the mean lies on a corner of the hull
        assert abs(at_ns - line.at_ns(sensor_ns)) <= 1000 or abs(other.rate_error) == 0.05


def test_a_step_lowers_the_line_and_keeps_its_slope() -> None:
    envelope = filled([5, 9, 5, 9, 5, 9], rate_error=0.01)
    before = envelope.line()
    envelope.lower(20 * MS)
    after = envelope.line()
    assert before is not None
    assert after is not None
    assert after.rate_error == before.rate_error
    assert before.at_ns(S) - after.at_ns(S) == 20 * MS


def test_memory_is_bounded_however_fast_and_long() -> None:
    envelope = Envelope()
    for index in range(20_000):
        envelope.add(index * 10 * MS, BEGUN_NS + index * 10 * MS)
    assert len(envelope) <= WINDOW_NS // BUCKET_NS + 1


def test_the_hosts_clock_is_followed_when_slewed_and_doubted_when_set() -> None:
    host, ahead_ns = HostClock(), 1_790_000_000 * S
    at_ns = BEGUN_NS
    for _ in range(100):  # 500 ppm
        at_ns, ahead_ns = at_ns + S // 10, ahead_ns + 50_000
        host.seen(at_ns, at_ns + ahead_ns)
        assert abs(host.utc_ns(at_ns) - at_ns - ahead_ns) < MS
    right_ns = ahead_ns
    for _ in range(50):  # five seconds of another time
        at_ns += S // 10
        host.seen(at_ns, at_ns + right_ns + S)
        assert abs(host.utc_ns(at_ns) - at_ns - right_ns) < MS
        assert host.doubt_ns == pytest.approx(S, abs=MS)
    host.seen(at_ns, at_ns + right_ns)
    assert host.doubt_ns == 0
    stepped_ns = at_ns + S
    while at_ns < stepped_ns + STEP_LASTS_NS:
        at_ns += S // 10
        host.seen(at_ns, at_ns + right_ns - 300 * S)
    assert abs(host.utc_ns(at_ns) - at_ns - right_ns + 300 * S) <= SLEWED_NS


#: An example takes half a second: the first that fails is told, not the smallest.
simulated = settings(max_examples=8, deadline=None, phases=[Phase.reuse, Phase.generate])

LINKS = st.builds(
    LinkModel,
    floor_ms=st.floats(0.0, 5.0),
    jitter_ms=st.floats(0.1, 15.0),
    stalls_a_minute=st.sampled_from([0.0, 4.0, 10.0]),
    stall_s=st.floats(0.1, 1.5),
)
STEPS = st.sampled_from([(), ((20.0, 5.0), (24.0, 0.0)), ((0.0, -0.2), (20.0, 0.0))])


def check_times(case: Case, seed: int) -> Errors:
    """What is wanted of every kind of sensor, a minute after the start or the host's last step."""
    errors = measure(case, seed)
    figures = errors.figures(case.after_s)
    assert figures["batches"] > 0
    assert figures["error p99 ms"] <= 5.0
    assert figures["within the bound"] >= 0.99
    return errors


@simulated
@given(
    link=LINKS,
    drift_ppm=st.floats(-100, 100),
    wraps_after_s=st.floats(0, 90),
    counts_anew_s=st.sampled_from([None, 30.0]),
    a_packet=st.sampled_from([1, 4]),
    steps=STEPS,
    seed=st.integers(0, 2**32),
)
def test_a_make_with_a_clock(
    link: LinkModel,
    drift_ppm: float,
    wraps_after_s: float,
    counts_anew_s: float | None,
    a_packet: int,
    steps: tuple[tuple[float, float], ...],
    seed: int,
) -> None:
    case = Case(
        "clocked",
        60.0,
        a_packet,
        1,
        drift_ppm,
        link,
        lost_a_minute=4.0,
        counts_anew_s=counts_anew_s,
        first_device_us=U32 - int(wraps_after_s * 1e6),
        host_steps=steps,
        seconds=RUN_S,
    )
    errors = check_times(case, seed)
    assert errors.said_lost in range(errors.truly_lost - a_packet, errors.truly_lost + 1)


@simulated
@given(
    link=LINKS,
    drift_ppm=st.floats(-20_000, 20_000),
    a_packet=st.sampled_from([1, 2]),
    steps=STEPS,
    seed=st.integers(0, 2**32),
)
def test_a_make_without_a_clock(
    link: LinkModel,
    drift_ppm: float,
    a_packet: int,
    steps: tuple[tuple[float, float], ...],
    seed: int,
) -> None:
    case = Case("counted", 50.0, a_packet, 0, drift_ppm, link, host_steps=steps, seconds=RUN_S)
    check_times(case, seed)


@simulated
@given(link=LINKS, drift_ppm=st.floats(-100, 100), steps=STEPS, seed=st.integers(0, 2**32))
def test_the_native_make(
    link: LinkModel, drift_ppm: float, steps: tuple[tuple[float, float], ...], seed: int
) -> None:
    check_times(
        Case("native", 50.0, 10, 1, drift_ppm, link, host_steps=steps, seconds=RUN_S, native=True),
        seed,
    )


def test_the_simulated_truth_is_the_truth() -> None:
    case = Case("by hand", rate_hz=100.0, drift_ppm=10_000.0)
    assert case.true_ns(0) == START_NS
    assert case.true_ns(101) == START_NS + S
    assert case.device_us(START_NS + S) == 1_010_000
