"""What every store promises, whatever it is made of. tests/store/conformance holds each adapter to it.

Writes are idempotent: the same row written twice is one row, keyed by wearer and start. A store
without transactions may show rows of a commit that is under way, or was cut off; never the cursor or
snapshot of one before all of its rows. Intervals are [start_ns, end_ns), UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from contracts.records import (
    CalibrationOutcome,
    Episode,
    FrameBlock,
    Nudge,
    NudgeAfter,
    NudgeFelt,
    Rollup,
    SensorHealth,
)
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.vocabulary import Placement
from store.people_ports import People

_NO_FRAMES: Final = FrameBlock.from_rows(())


class StreamKey(NamedTuple):
    """One numbered stream of batches: a sensor as one outbox of one gateway numbers it."""

    gateway: str
    sensor: str
    outbox: str


@dataclass(frozen=True)
class WearerRows:
    """Rows of one wearer, and the snapshot of the wearer's pipeline after them.

    ``felt`` and ``sequels`` are facts of nudges that are in these rows or were before; of others they
    are nothing. ``ahead``: the newest second that was computed ahead of the ordered data, which is
    provisional; it replaces the one before, and an empty block leaves it. InvariantError for several.
    """

    wearer: str
    frames: FrameBlock = _NO_FRAMES
    episodes: Sequence[Episode] = ()
    minutes: Sequence[Rollup] = ()
    days: Sequence[Rollup] = ()
    calibrations: Sequence[CalibrationOutcome] = ()
    nudges: Sequence[Nudge] = ()
    felt: Sequence[NudgeFelt] = ()
    sequels: Sequence[NudgeAfter] = ()
    snapshot: bytes | None = None  # None: unchanged
    ahead: FrameBlock = _NO_FRAMES


@dataclass(frozen=True)
class Commit:
    """What analytics writes in one go.

    ``cursors``: the last seq of each stream that is in these rows, the snapshots or earlier commits.
    The promise: a cursor or snapshot is never to be read before all rows of its commit are.
    """

    wearers: Sequence[WearerRows] = ()
    cursors: dict[StreamKey, int] = field(default_factory=dict)
    health: Sequence[SensorHealth] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where analytics stands: snapshots a wearer and cursors a stream."""

    snapshots: dict[str, bytes]
    cursors: dict[StreamKey, int]


@dataclass(frozen=True, slots=True)
class WearerSummary:
    """What there is of a wearer: first and last frame's start, and how many frames."""

    wearer: str
    first_ns: int
    last_ns: int
    frames: int


class SeriesStore(Protocol):
    """Frames, rollups, episodes, sensor health and the checkpoint. StoreError where it cannot serve."""

    def claim(self) -> None:
        """Be the only one that computes into this store, until closed or until the process ends.

        StoreError(STORE_IN_USE) where another is. Reading, pruning and erasing need no claim.
        """

    def commit(self, commit: Commit) -> None:
        """Write all of it, or raise StoreError with nothing acknowledged."""

    def checkpoint(self) -> Checkpoint:
        """The last committed snapshots and cursors; of one commit each while nobody commits."""

    def wearers(self) -> list[WearerSummary]:
        """Who has frames, latest data first."""

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        """Frames that start in the interval, in time order."""

    def latest_frame(self, wearer: str) -> FrameBlock:
        """The last frame, or an empty block."""

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        """:meth:`latest_frame` of several wearers in one question; who has none is left out."""

    def ahead(self, wearer: str) -> FrameBlock:
        """The second that was last computed ahead of the ordered data, or an empty block.

        It is no frame: nothing else gives or counts it as one. It stays when its frame has come, and
        after its time; who asks says whether it is newer than the last frame, and fresh.
        """

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        """Minutes that start in the interval, in time order."""

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        """Days (of the wearer's time zone) that start in the interval, in time order."""

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        """:meth:`days` of several wearers in one question; who has none is left out."""

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        """Episodes that overlap the interval, in time order."""

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        """Reminders that were due in the interval, in time order, with what was learned of each since."""

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        """What became of a wearer's calibration sessions, by effective time."""

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        """:meth:`calibrations` of several wearers in one question; who has none is left out."""

    def health(self) -> list[SensorHealth]:
        """The latest word on each sensor."""

    def prune_frames(self, before_ns: int) -> int:
        """Forget frames that start before; how many there were. Rollups and episodes stay."""

    def count_rows(self, wearer: str) -> dict[str, int]:
        """How many rows there are of a wearer, by kind: what erasing would remove."""

    def erase_some(self, wearer: str) -> int:
        """Forget a wearer, snapshot included, in steps that keep nobody waiting; how many rows went.

        Call again until it gives 0: nothing is left then, and nothing of it lies on the disk, as far as
        the store can see to that. Steps may be cut off and taken up again at any time. StoreError where
        the rows are gone but may still lie on the disk: call again later.
        """

    def close(self) -> None:
        """Let go of the store."""


@dataclass(frozen=True, slots=True)
class Wearer:
    """A person by pseudonymous id. ``label`` is for the screen only and never leaves the registry."""

    wearer: str
    label: str
    timezone: str = "UTC"
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who wears a sensor where, from when to when (None: until further notice)."""

    sensor: str
    wearer: str
    placement: Placement
    start_ns: int
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a service cannot do: the reason as in contracts.errors, in words, and since when (UTC ns)."""

    service: str
    reason: str
    message: str
    since_ns: int


class Registry(Protocol):
    """People, sensors, who wears which where, calibrations and settings; and what services cannot do."""

    @property
    def people(self) -> People:
        """Accounts and what belongs to people, in the same database."""

    def revision(self) -> int:
        """A number that grows with every change, cheap to poll."""

    def put_wearer(self, wearer: Wearer) -> None:
        """Add or replace a wearer. SettingError for an id or a time zone that is none."""

    def wearers(self) -> list[Wearer]:
        """All wearers, in the order they were added."""

    def assign(self, assignment: Assignment) -> None:
        """Add an assignment; it replaces one of the same sensor and start.

        It ends an earlier open one of the same sensor, or of the same placement of the wearer, at its
        start; open itself, it lasts until the next. SettingError where it overlaps another of either.
        """

    def unassign(self, wearer: str, sensor: str, end_ns: int) -> None:
        """End the open assignment of a sensor to a wearer; one that would not have begun goes."""

    def assignments(self, wearer: str | None = None) -> list[Assignment]:
        """All assignments (of a wearer), by start."""

    def release(self, sensors: Collection[str], before_ns: int) -> None:
        """What these sensors measured before is nobody's, unless an assignment covers it.

        For an erasure: what gateways still keep of it is let go when it comes.
        """

    def released(self) -> dict[str, int]:
        """Up to when (UTC ns) what a sensor measured is nobody's, by sensor, where that was said."""

    def add_calibration(self, wearer: str, plan: CalibrationPlan) -> None:
        """Add a calibration session; it holds from its effective time on."""

    def calibrations(self, wearer: str) -> list[CalibrationPlan]:
        """A wearer's calibration sessions, by effective time."""

    def set_settings(self, wearer: str, settings: PostureSettings) -> None:
        """Replace a wearer's settings."""

    def settings(self, wearer: str) -> PostureSettings:
        """A wearer's settings; the defaults where none were set."""

    def put_not_now(self, wearer: str, wish: NotNow | None) -> None:
        """From when to when a wearer wants no nudges, in place of what was wished before; None: no more."""

    def not_now(self) -> dict[str, NotNow]:
        """The latest wish of each wearer who has one, be it over or not."""

    def put_notice(self, notice: Notice) -> None:
        """Replace a service's notice. It is no setting: the revision stays."""

    def clear_notice(self, service: str) -> None:
        """Take a service's notice away, if there is one."""

    def notices(self) -> list[Notice]:
        """All notices, by service."""

    def close(self) -> None:
        """Let go of the database."""
