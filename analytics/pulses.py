"""Pulses that were asked of gateways, until each has replied. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.messages import GatewayReply
from contracts.records import NudgeFelt
from contracts.vocabulary import NudgeKind

#: A gateway gives a sensor five seconds to answer; three times that and nobody will say any more.
REPLY_WAIT_S: Final = 15.0
#: Pulses that wait; beyond that the oldest is given up, and nothing is known of it.
MAX_WAITING: Final = 1024
UNANSWERED: Final = f"no answer from the gateway within {REPLY_WAIT_S:.0f} s"


@dataclass(frozen=True, slots=True)
class Pulse:
    """The nudge of ``wearer`` that a command is to make felt."""

    wearer: str
    at_ns: int
    kind: NudgeKind

    def felt(self, *, felt: bool, why: str = "") -> NudgeFelt:
        """What became of it."""
        return NudgeFelt(at_ns=self.at_ns, kind=self.kind, felt=felt, why=why)


class Pulses:
    """Commands by id that no gateway has replied to."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Pulse, float]] = {}

    def asked(self, command: str, pulse: Pulse, now_s: float) -> None:
        """A command went out."""
        while len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[command] = (pulse, now_s + REPLY_WAIT_S)

    def replied(self, reply: GatewayReply) -> tuple[str, NudgeFelt] | None:
        """Whose pulse was felt or not; None for a reply to somebody else's command."""
        found = self._waiting.pop(reply.id, None)
        if found is None:
            return None
        pulse, _ = found
        return pulse.wearer, pulse.felt(felt=reply.ok, why=reply.reason)

    def unanswered(self, now_s: float) -> list[tuple[str, NudgeFelt]]:
        """Those that nobody replied to in time, once each."""
        late = [command for command, (_, until_s) in self._waiting.items() if until_s <= now_s]
        pulses = [self._waiting.pop(command)[0] for command in late]
        return [(pulse.wearer, pulse.felt(felt=False, why=UNANSWERED)) for pulse in pulses]

    def forget(self, wearer: str) -> None:
        """Nothing more is to be said of a wearer."""
        self._waiting = {c: w for c, w in self._waiting.items() if w[0].wearer != wearer}
