"""What is said of a commit: posture, episodes, and nudges only while they help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.announcing import Announcer, latest_state, why_not
from analytics.core.results import NudgeDecision, Output
from analytics.pulses import Pulse
from analytics.roster import WearerPlan
from contracts.messages import EpisodeEvent, GatewayCommand, NudgeEvent, PostureState
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import KeptBack, NudgeKind, Placement, Posture
from store.ports import Assignment
from tests.store.records import FIRST_S, episode, frames_from

NOW_NS = (FIRST_S + 1000) * NS_PER_S
PLAN = WearerPlan(
    "w1",
    "UTC",
    (Placement.T4, Placement.L5),
    PostureSettings(),
    (),
    (Assignment("upper", "w1", Placement.T4, 0), Assignment("lower", "w1", Placement.L5, 0)),
)
GATEWAYS = {"upper": "gw1", "lower": "gw2"}


def announcer() -> Announcer:
    return Announcer("site", "w1", 10 * NS_PER_S)


def nudge(at_ns: int) -> Output:
    return Output(nudges=(NudgeDecision(at_ns, NudgeKind.POSTURE, 120, "rounded for 2 minutes"),))


def test_a_nudge_is_said_and_felt_on_the_upper_sensor() -> None:
    said = list(announcer().take(nudge(NOW_NS - 3 * NS_PER_S), PLAN, GATEWAYS, NOW_NS))
    command, event = (message.body for message in said)
    assert [message.topic for message in said] == [
        "plumbline/v1/site/gateway/gw1/command",  # first: it is to be felt
        "plumbline/v1/site/wearer/w1/nudge",
    ]
    assert said[0].pulse == Pulse("w1", NOW_NS - 3 * NS_PER_S, NudgeKind.POSTURE)
    assert isinstance(event, NudgeEvent)
    assert event.sensors == ("upper",)
    assert isinstance(command, GatewayCommand)
    assert (command.action, command.sensor) == ("haptic", "upper")
    assert not any(message.retain for message in said)
    for message in said:
        assert type(message.body).decode(message.body.encode(), now_ns=NOW_NS) == message.body


def test_a_nudge_out_of_a_backlog_is_not_said() -> None:
    assert list(announcer().take(nudge(NOW_NS - 11 * NS_PER_S), PLAN, GATEWAYS, NOW_NS)) == []


def decision(kind: NudgeKind, why: KeptBack | None = None) -> NudgeDecision:
    return NudgeDecision(NOW_NS, kind, 120, "because", why)


@pytest.mark.parametrize(
    ("nudge", "gateways", "why"),
    [
        (decision(NudgeKind.POSTURE), GATEWAYS, None),
        (decision(NudgeKind.POSTURE), {"lower": "gw2"}, KeptBack.NO_SENSOR),
        (decision(NudgeKind.POSTURE, KeptBack.QUIET), GATEWAYS, KeptBack.QUIET),
        (replace(decision(NudgeKind.BREAK), at_ns=0), GATEWAYS, KeptBack.BACKLOG),
    ],
)
def test_why_a_nudge_is_not_given(nudge, gateways, why) -> None:
    assert why_not(nudge, PLAN, gateways, NOW_NS, 10 * NS_PER_S) is why


def test_one_that_is_kept_back_is_not_said() -> None:
    kept = Output(nudges=(decision(NudgeKind.POSTURE, KeptBack.UNSURE),))
    assert list(announcer().take(kept, PLAN, GATEWAYS, NOW_NS)) == []


def test_where_nobody_can_pulse_it_is_said_for_others_who_listen() -> None:
    (said,) = announcer().take(nudge(NOW_NS), PLAN, {}, NOW_NS)
    assert isinstance(said.body, NudgeEvent)
    assert said.body.decided_ns == NOW_NS


def test_the_cue_is_gentler_than_a_nudge() -> None:
    cue = Output(nudges=(decision(NudgeKind.GOOD_AGAIN),))
    gentle, event = (m.body for m in announcer().take(cue, PLAN, GATEWAYS, NOW_NS))
    firm, _ = (m.body for m in announcer().take(nudge(NOW_NS), PLAN, GATEWAYS, NOW_NS))
    assert gentle.strength_percent < firm.strength_percent
    assert gentle.duration_ms < firm.duration_ms
    assert event.kind is NudgeKind.GOOD_AGAIN


def test_an_episode_is_said_when_it_is_recognised_and_when_it_ends() -> None:
    speaker = announcer()
    whole = episode(FIRST_S, FIRST_S + 300)
    growing = [
        type(whole)(
            **{f: getattr(whole, f) for f in whole.__struct_fields__}
            | {"ongoing": True, "end_ns": (FIRST_S + end_s) * NS_PER_S}
        )
        for end_s in (60, 120, 180)
    ]
    said = []
    for one in (*growing, whole):
        said += speaker.take(Output(episodes=(one,)), PLAN, GATEWAYS, NOW_NS)
    bodies = [message.body for message in said]
    assert all(isinstance(body, EpisodeEvent) for body in bodies)
    assert [(body.ongoing, body.end_ns) for body in bodies] == [
        (True, growing[0].end_ns),
        (False, whole.end_ns),
    ]


def test_the_latest_posture_is_said_at_most_once_a_second_and_never_twice() -> None:
    speaker = announcer()
    frames = frames_from(FIRST_S, 10)
    assert speaker.posture(0.0) is None
    speaker.show(latest_state(frames, 7.0))
    first = speaker.posture(0.0)
    assert first is not None
    assert first.retain
    assert isinstance(first.body, PostureState)
    assert first.body.posture is Posture.UPRIGHT
    assert first.body.trunk_flexion_deg == float(frames.trunk_flexion_deg[-1])
    assert first.body.rounded_for_s == 7.0
    assert speaker.posture(5.0) is None
    speaker.show(latest_state(frames_from(FIRST_S + 10, 1), 0.0))
    assert speaker.posture(0.9) is None
    assert speaker.posture(1.0) is not None


def test_a_posture_without_an_angle_has_none() -> None:
    frames = frames_from(FIRST_S, 2)
    frames.trunk_flexion_deg[:] = np.nan
    assert latest_state(frames, 0.0).trunk_flexion_deg is None
