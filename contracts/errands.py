"""What pages ask the analytics service for, and what it answers: bodies of errands, as JSON."""

from __future__ import annotations

import msgspec

from contracts.checks import check_range, check_utc_ns
from contracts.errors import DecodeError, SettingError
from contracts.units import NS_PER_S

#: Frames are kept for a month; a replay reaches no further.
MAX_REPLAY_NS = 32 * 86400 * NS_PER_S


class ReplayWish(msgspec.Struct, frozen=True, kw_only=True):
    """[start_ns, end_ns) once more, every worn second of ``mark_deg`` or more of flexion counted rounded.

    SettingError where a value is out of range.
    """

    start_ns: int
    end_ns: int
    mark_deg: float

    def __post_init__(self) -> None:
        try:
            check_utc_ns("start_ns", self.start_ns, now_ns=None)
            check_range("replay in ns", self.end_ns - self.start_ns, NS_PER_S, MAX_REPLAY_NS)
            check_range("mark_deg", self.mark_deg, 5.0, 45.0)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None


class ReplayDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day (of the wearer's zone) of a replay."""

    start_ns: int
    worn_s: int
    rounded_s: int
    episodes: int
    longest_episode_s: int


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """Days by angle alone at the wished mark, the same at the wearer's own mark, and as they were told.

    Like compares with like: the posture as told weighs more than one angle.
    """

    mark_deg: float
    own_mark_deg: float
    wished: tuple[ReplayDay, ...]
    own: tuple[ReplayDay, ...]
    told: tuple[ReplayDay, ...]


class ErrandFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an errand could not be done, for the person who asked."""

    message: str
    hint: str = ""
