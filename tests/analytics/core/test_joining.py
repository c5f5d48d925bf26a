"""When seconds close, what is late, and that every sample is in a frame or counted late."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import joining
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from contracts.errors import PlumblineError, Reason, SettingError
from contracts.imu import ImuSamples
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import START_S, Hold, samples_of, without

T4, L5 = Placement.T4, Placement.L5
CONFIG = PipelineConfig(placements=(T4, L5))
DAY = {p: samples_of([Hold(20)], p) for p in (T4, L5)}


def going_on(samples: ImuSamples, start: int, stop: int) -> ImuSamples:
    piece = samples.slice(start, stop)
    return ImuSamples(piece.utc_ns, piece.si, piece.rate_hz)


def seconds(output: Output) -> list[int]:
    return [int(s) // 10**9 - START_S for s in output.frames.start_ns]


def test_a_second_closes_when_every_worn_sensor_has_passed_its_end() -> None:
    pipeline = Pipeline(CONFIG)
    assert seconds(pipeline.update(T4, going_on(DAY[T4], 0, 260))) == []
    assert seconds(pipeline.update(L5, going_on(DAY[L5], 0, 100))) == [0]
    assert seconds(pipeline.update(L5, going_on(DAY[L5], 100, 101))) == [1]
    assert seconds(pipeline.update(L5, going_on(DAY[L5], 101, 400))) == [2, 3, 4]


def test_a_sensor_that_ended_is_not_waited_for() -> None:
    pipeline = Pipeline(CONFIG)
    ended = ImuSamples(DAY[L5].utc_ns[:120], DAY[L5].si[:120], 50.0, ended=True)
    pipeline.update(T4, going_on(DAY[T4], 0, 500))
    assert seconds(pipeline.update(L5, ended)) == list(range(9))
    assert seconds(pipeline.update(T4, going_on(DAY[T4], 500, 551))) == [9, 10]


def test_a_sensor_said_absent_is_not_waited_for_until_its_next_samples() -> None:
    pipeline = Pipeline(CONFIG)
    pipeline.update(T4, going_on(DAY[T4], 0, 260))
    assert seconds(pipeline.absent(L5)) == [0, 1, 2, 3, 4]
    assert seconds(pipeline.update(T4, going_on(DAY[T4], 260, 310))) == [5]
    late = pipeline.update(L5, going_on(DAY[L5], 0, 310))
    assert (seconds(late), pipeline.counters[L5].late) == ([], 300)
    assert seconds(pipeline.update(T4, going_on(DAY[T4], 310, 400))) == []
    assert seconds(pipeline.update(L5, going_on(DAY[L5], 310, 360))) == [6]


def test_seconds_without_any_sample_are_gaps_and_missing_sensors_are_named() -> None:
    pipeline = Pipeline(CONFIG)
    outputs = [
        pipeline.update(T4, without(DAY[T4], (5, 8), (12, 14))),
        pipeline.update(L5, without(DAY[L5], (7, 9), (12, 14.8))),
        pipeline.finish(),
    ]
    frames = Output.concat(outputs).frames
    assert seconds(Output.concat(outputs)) == [s for s in range(20) if s not in (7, 12, 13)]
    missing = {f.start_ns // 10**9 - START_S: f.missing for f in frames.rows() if f.missing}
    assert missing == {5: (T4,), 6: (T4,), 8: (L5,), 14: (L5,)}


def test_every_sample_is_in_a_frame_or_counted_late() -> None:
    pipeline = Pipeline(CONFIG)
    random = np.random.default_rng(5)
    outputs = []
    for _ in range(200):
        placement = (T4, L5)[int(random.integers(2))]
        start = int(random.integers(0, 900))
        outputs.append(pipeline.update(placement, going_on(DAY[placement], start, start + 90)))
        if random.random() < 0.05:
            outputs.append(pipeline.absent(placement))
    outputs.append(pipeline.finish())
    framed = int(Output.concat(outputs).frames.samples.sum())
    counters = pipeline.counters.values()
    assert framed + sum(c.late for c in counters) == sum(c.samples_in for c in counters)
    assert framed > 0


def test_no_more_than_days_of_one_sensor_wait_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_WAITING_SECONDS", 10)
    pipeline = Pipeline(CONFIG)
    pipeline.update(T4, going_on(DAY[T4], 0, 501))
    with pytest.raises(PlumblineError) as refused:
        pipeline.update(T4, going_on(DAY[T4], 501, 600))
    assert refused.value.reason is Reason.TOO_LONG
    assert "absent" in refused.value.hint


def test_a_sensor_that_is_not_worn_is_refused() -> None:
    with pytest.raises(SettingError, match="C7 is not worn"):
        Pipeline(CONFIG).update(Placement.C7, DAY[T4])
    for placements in ((), (T4, T4)):
        with pytest.raises(SettingError, match="each once"):
            Pipeline(PipelineConfig(placements=placements))
