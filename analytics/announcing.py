"""What a commit means for others: posture, episodes and nudges as messages. Pure.

Only what is stored is said. A nudge that comes out of a backlog is stored and not said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from analytics.core.results import NudgeDecision, Output
from analytics.pulses import Pulse
from analytics.roster import WearerPlan
from contracts import topics
from contracts.messages import (
    EpisodeEvent,
    GatewayCommand,
    JsonMessage,
    NudgeEvent,
    PostureState,
)
from contracts.records import FrameBlock
from contracts.vocabulary import (
    ACTIVITIES,
    POSTURES,
    UPPER_PLACEMENTS,
    KeptBack,
    NudgeKind,
)

#: A cue that all is well again: half as strong as a nudge, and under half as long.
_GENTLE: Final = {"strength_percent": 30, "duration_ms": 80}
#: The latest posture is published no more often than this.
POSTURE_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Raw:
    """A payload as another program wants it; empty to clear what is retained."""

    payload: bytes

    def encode(self) -> bytes:
        """The payload."""
        return self.payload


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish."""

    topic: str
    body: JsonMessage | Raw
    retain: bool = False
    pulse: Pulse | None = None  # of a command: the nudge that it is to make felt


class Announcer:
    """Turns what came out of one wearer's pipeline into messages."""

    def __init__(self, site: str, wearer: str, nudge_age_ns: int) -> None:
        self._site = site
        self._wearer = wearer
        self._nudge_age_ns = nudge_age_ns
        self._state: PostureState | None = None
        self._published_ns = -1
        self._state_due_s = float("-inf")
        self._ongoing_ns: int | None = None

    def take(
        self, output: Output, plan: WearerPlan, gateways: Mapping[str, str], now_ns: int
    ) -> Iterator[Message]:
        """The events of an output. ``gateways``: the one each sensor was last heard through."""
        for episode in output.episodes:
            if episode.ongoing and episode.start_ns == self._ongoing_ns:
                continue
            self._ongoing_ns = episode.start_ns if episode.ongoing else None
            event = EpisodeEvent(
                start_ns=episode.start_ns,
                end_ns=episode.end_ns,
                pattern=episode.pattern,
                peak_flexion_deg=episode.peak_flexion_deg,
                ongoing=episode.ongoing,
            )
            yield Message(topics.episode(self._site, self._wearer), event)
        for nudge in output.nudges:
            why = why_not(nudge, plan, gateways, now_ns, self._nudge_age_ns)
            if why in {None, KeptBack.NO_SENSOR}:  # without a sensor, for others who listen
                yield from self._nudge(nudge, plan, gateways, now_ns)

    def show(self, state: PostureState) -> None:
        """A state; :meth:`posture` publishes it in its time, unless a newer one is known by then."""
        if self._state is None or state.start_ns > self._state.start_ns:
            self._state = state

    def posture(self, now_s: float) -> Message | None:
        """The latest state, if it is new and its time has come."""
        state = self._state
        if state is None or state.start_ns <= self._published_ns or now_s < self._state_due_s:
            return None
        self._state_due_s = now_s + POSTURE_PAUSE_S
        self._published_ns = state.start_ns
        return Message(topics.posture(self._site, self._wearer), state, retain=True)

    def _nudge(
        self, nudge: NudgeDecision, plan: WearerPlan, gateways: Mapping[str, str], decided_ns: int
    ) -> Iterator[Message]:
        sensor = nudging_sensor(plan, nudge.at_ns)
        event = NudgeEvent(
            at_ns=nudge.at_ns,
            rounded_for_s=float(nudge.held_for_s),
            reason=nudge.reason,
            sensors=() if sensor is None else (sensor,),
            kind=nudge.kind,
            decided_ns=decided_ns,
        )
        if sensor is not None and sensor in gateways:
            gentle = _GENTLE if nudge.kind is NudgeKind.GOOD_AGAIN else {}
            command = GatewayCommand(id=uuid4().hex, action="haptic", sensor=sensor, **gentle)
            pulse = Pulse(self._wearer, nudge.at_ns, nudge.kind)
            yield Message(topics.command(self._site, gateways[sensor]), command, pulse=pulse)
        yield Message(topics.nudge(self._site, self._wearer), event)


def why_not(
    nudge: NudgeDecision,
    plan: WearerPlan,
    gateways: Mapping[str, str],
    now_ns: int,
    nudge_age_ns: int,
) -> KeptBack | None:
    """Why the wearer is not told of it at ``now_ns``; None where the wearer is.

    ``nudge_age_ns``: what was due longer ago is late. Nobody can straighten up this morning.
    """
    if nudge.kept_back is not None:
        return nudge.kept_back
    if abs(now_ns - nudge.at_ns) > nudge_age_ns:
        return KeptBack.BACKLOG
    if nudging_sensor(plan, nudge.at_ns) not in gateways:
        return KeptBack.NO_SENSOR
    return None


def latest_state(frames: FrameBlock, rounded_for_s: float) -> PostureState:
    """The last frame as a state."""
    last = len(frames) - 1
    flexion_deg = float(frames.trunk_flexion_deg[last])
    return PostureState(
        start_ns=int(frames.start_ns[last]),
        posture=POSTURES[frames.posture[last]],
        activity=ACTIVITIES[frames.activity[last]],
        confidence=float(frames.confidence[last]),
        trunk_flexion_deg=None if math.isnan(flexion_deg) else flexion_deg,
        rounded_for_s=rounded_for_s,
    )


def nudging_sensor(plan: WearerPlan, time_ns: int) -> str | None:
    """The sensor that pulses: the one that says where the upper trunk points."""
    for placement in UPPER_PLACEMENTS:
        sensor = plan.sensor_at(placement, time_ns)
        if sensor is not None:
            return sensor
    return None
