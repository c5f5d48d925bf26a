"""What the analytics service is told when it starts, and the caps it keeps to."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.broker import BrokerAddress
from contracts.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on all that others can make grow.

    A gateway keeps what is not acknowledged, so what does not fit here is dropped and asked for again.
    """

    inbox_messages: int = 16_384
    inbox_bytes: int = 32 * 1024 * 1024
    #: Over the window of a gateway (8,192 batches, 8 MB), so that an orderly one never meets it.
    queue_batches: int = 10_000
    queue_bytes: int = 12 * 1024 * 1024
    #: All sensors together; a sensor with nothing waiting may always leave one batch.
    total_bytes: int = 96 * 1024 * 1024
    ahead_batches: int = 64
    ahead_bytes: int = 512 * 1024
    #: Behind holes, all streams together.
    total_ahead_bytes: int = 32 * 1024 * 1024
    #: A seq this far ahead of what is expected is no hole but nonsense.
    far_seq: int = 20_000
    streams: int = 4_096
    #: Of one sensor: a gateway begins a new one when it has lost its disk.
    outboxes: int = 64
    sensors: int = 1_024
    rejection_keys: int = 256


@dataclass(frozen=True, slots=True)
class AnalyticsConfig:
    """Settings of the service. Waits are of the clock on the wall, slack is of event time."""

    site: str
    broker: BrokerAddress
    #: How long to try to reach the broker at the start before giving up.
    broker_wait_s: float = 10.0
    #: How long to wait at the start for a store or a registry that is away before giving up.
    store_wait_s: float = 300.0
    #: A sensor may run this far ahead of the others it is worn with.
    slack_ns: int = 2 * NS_PER_S
    #: Others wait this long for a worn sensor that says nothing; what it brings later is late.
    late_wait_s: float = 1800.0
    #: After a sensor said that it stopped, its next recording may follow at once from its log.
    settle_s: float = 5.0
    #: A leap ahead waits this long for a second batch that confirms it.
    doubt_s: float = 5.0
    #: A worn sensor that is this late is left out of the live state, for as long as it is late.
    live_wait_s: float = 3.0
    #: Longest time that what was computed waits for a commit where no frame came of it.
    commit_every_s: float = 1.0
    registry_poll_s: float = 2.0
    #: A nudge for what is longer ago than this helps nobody.
    nudge_age_ns: int = 10 * NS_PER_S
    #: Clocks may differ by this; what is dated later than that from now waits for its time.
    future_ns: int = 300 * NS_PER_S
    #: Discovery prefix of Home Assistant; empty: nothing is said to it.
    home_assistant: str = ""
    limits: Limits = field(default_factory=Limits)
