"""Settings that change what the product says, a wearer's own where set; and calibration sessions."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from contracts.checks import LATEST_UTC_NS, check_range
from contracts.errors import DecodeError, SettingError
from contracts.units import NS_PER_S

#: Longest time that frames wait for a calibration to be complete (standing, seated and slump).
MAX_CALIBRATION_SESSION_NS: Final = 600 * NS_PER_S
MIN_CALIBRATION_WINDOW_NS: Final = 5 * NS_PER_S
#: A pose is held when half of its seconds lie within this of their middle. Under a car's acceleration
#: the middle second is 3.2° off; a wearer who moves about goes beyond 10°.
MAX_POSE_SPREAD_DEG: Final = 5.0

#: How long rounded before a nudge: peers' range.
MIN_NUDGE_AFTER_S: Final = 15.0
MAX_NUDGE_AFTER_S: Final = 600.0
#: One each MIN_NUDGE_AFTER_S: no more can be due.
MAX_NUDGES_AN_HOUR: Final = 240

#: Who wants none for longer switches nudges off.
MAX_NOT_NOW_MIN: Final = 720

#: What each setting means, as docs/settings.md says it.
_ROUNDED_WARN: Final = Meta(
    description="How far rounding is expected to go: against the default it makes the fitted and the "
    "own rounded pose larger or smaller, by 0.5 to 2.5. The first mark on the dashboard"
)
_ROUNDED_HIGH: Final = Meta(description="The second mark on the dashboard; decides nothing")
_HYSTERESIS: Final = Meta(
    description="Once rounded, another posture has to be likelier by e^(0.1 × this) to end it"
)
_LEAN: Final = Meta(
    description="How far leaning to a side is expected to go, against the default, by 0.5 to 2.5"
)
_RECLINED: Final = Meta(
    description="How far reclining is expected to go, against the default, by 0.5 to 2.5"
)
_HIP_BEND: Final = Meta(
    description="From this flexion of the lower trunk on it is a bend at the hip, never rounding; or "
    "from 12° beyond that of the own rounded pose, where that is more"
)
_CANDIDATE: Final = Meta(description="Rounded seconds in a row that open a run")
_EPISODE: Final = Meta(description="An open run as long as this is an episode")
_BRIDGE: Final = Meta(description="Fewer other seconds than this do not end an open run")
_NUDGE: Final = Meta(description="A nudge comes after so long in a rounded run")
_BREAK: Final = Meta(description="A prompt to get up comes after so long seated")
_NUDGING: Final = Meta(description="Whether there are nudges and prompts at all")
_DRIVING: Final = Meta(description="Whether they come while driving too")
_QUIET_FROM: Final = Meta(
    description="Minute of the wearer's day from which there are none; the same as the end: no such hours"
)
_QUIET_UNTIL: Final = Meta(description="Minute of the wearer's day until which there are none")
_AN_HOUR: Final = Meta(
    description="At most so many posture nudges in any hour, prompts to get up counted too; what is due "
    "beyond that waits. Ours, no study's: with the pause it is one in ten minutes over a bad hour"
)
_PAUSE: Final = Meta(
    description="No posture nudge sooner than this after any nudge or prompt: longer than most need to "
    "settle into another posture"
)
_GOOD_AGAIN: Final = Meta(
    description="Whether a short gentle pulse says that posture is upright again after a nudge. Off: "
    "every pulse is one more to bear"
)
_FADING: Final = Meta(
    description="Whether nudges come later, up to three times the delay and never after more than 10 min, "
    "the more of the last seven days' nudges were followed by sitting up. Off: who set a delay gets it"
)
_GOAL: Final = Meta(description="The day's goal: at most so many rounded minutes a worn hour")


class PostureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one wearer's postures, episodes and nudges are told by, beside the fitted model.

    Degrees are of calibrated inclinations. SettingError where one is outside its range.
    """

    rounded_warn_deg: Annotated[float, _ROUNDED_WARN] = 12.0
    rounded_high_deg: Annotated[float, _ROUNDED_HIGH] = 20.0
    hysteresis_deg: Annotated[float, _HYSTERESIS] = 4.0
    lean_deg: Annotated[float, _LEAN] = 10.0
    reclined_deg: Annotated[float, _RECLINED] = 10.0
    hip_bend_deg: Annotated[float, _HIP_BEND] = 20.0
    candidate_s: Annotated[float, _CANDIDATE] = 4.0
    episode_s: Annotated[float, _EPISODE] = 60.0
    bridge_s: Annotated[float, _BRIDGE] = 5.0
    nudge_after_s: Annotated[float, _NUDGE] = 120.0
    break_after_s: Annotated[float, _BREAK] = 1800.0
    nudges: Annotated[bool, _NUDGING] = True
    nudge_driving: Annotated[bool, _DRIVING] = False
    quiet_from_min: Annotated[int, _QUIET_FROM] = 0
    quiet_until_min: Annotated[int, _QUIET_UNTIL] = 0
    nudges_an_hour: Annotated[int, _AN_HOUR] = 6
    nudge_pause_s: Annotated[float, _PAUSE] = 300.0
    nudge_good_again: Annotated[bool, _GOOD_AGAIN] = False
    nudge_fading: Annotated[bool, _FADING] = False
    goal_rounded_min_h: Annotated[float, _GOAL] = 15.0

    def __post_init__(self) -> None:
        try:
            check_range("rounded_warn_deg", self.rounded_warn_deg, 5.0, 45.0)
            check_range("rounded_high_deg", self.rounded_high_deg, self.rounded_warn_deg, 90.0)
            check_range("hysteresis_deg", self.hysteresis_deg, 0.0, self.rounded_warn_deg - 1.0)
            check_range("lean_deg", self.lean_deg, 5.0, 45.0)
            check_range("reclined_deg", self.reclined_deg, 5.0, 60.0)
            check_range("hip_bend_deg", self.hip_bend_deg, 5.0, 90.0)
            check_range("candidate_s", self.candidate_s, 1.0, 60.0)
            check_range("episode_s", self.episode_s, 5.0, 3600.0)
            check_range("bridge_s", self.bridge_s, 0.0, 60.0)
            check_range("nudge_after_s", self.nudge_after_s, MIN_NUDGE_AFTER_S, MAX_NUDGE_AFTER_S)
            check_range("nudges_an_hour", self.nudges_an_hour, 1, MAX_NUDGES_AN_HOUR)
            check_range("nudge_pause_s", self.nudge_pause_s, 0.0, 3600.0)
            check_range("break_after_s", self.break_after_s, 300.0, 14400.0)
            check_range("quiet_from_min", self.quiet_from_min, 0, 1439)
            check_range("quiet_until_min", self.quiet_until_min, 0, 1439)
            check_range("goal_rounded_min_h", self.goal_rounded_min_h, 1.0, 60.0)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None


class NotNow(msgspec.Struct, frozen=True, kw_only=True):
    """The client wants no nudges in [start_ns, end_ns), UTC. SettingError where that is over MAX_NOT_NOW_MIN."""

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        try:
            check_range("start_ns", self.start_ns, 0, LATEST_UTC_NS)
            length_ns = self.end_ns - self.start_ns
            check_range("not now in ns", length_ns, 1, MAX_NOT_NOW_MIN * 60 * NS_PER_S)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None


class CalibrationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration session: what the wearer held and when, UTC ns, intervals [start, end).

    ``upright_ns`` seated upright; ``rounded_ns`` seated, let go into the usual slump; ``bend_ns`` bent
    forward at the hip; ``standing_ns`` standing upright. All but the first may be left out.
    It holds from ``effective_ns`` on, until the next plan's; frames from there on wait until the last
    window is complete, so that live and offline agree. History before it is not rewritten.
    """

    effective_ns: int
    upright_ns: tuple[int, int]
    rounded_ns: tuple[int, int] | None = None
    bend_ns: tuple[int, int] | None = None
    standing_ns: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        try:
            check_range("effective_ns", self.effective_ns, 0, LATEST_UTC_NS)
            for name, window in self.windows.items():
                length_ns = window[1] - window[0]
                check_range(
                    f"{name} window in ns",
                    length_ns,
                    MIN_CALIBRATION_WINDOW_NS,
                    MAX_CALIBRATION_SESSION_NS,
                )
                check_range(
                    f"start of {name} window in ns", window[0], self.effective_ns, 2**63 - 1
                )
            check_range(
                "calibration session in ns",
                self.complete_ns - self.effective_ns,
                0,
                MAX_CALIBRATION_SESSION_NS,
            )
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The windows that there are, UTC ns, by the name of their pose."""
        windows = {
            "upright": self.upright_ns,
            "rounded": self.rounded_ns,
            "bend": self.bend_ns,
            "standing": self.standing_ns,
        }
        return {name: window for name, window in windows.items() if window is not None}

    @property
    def complete_ns(self) -> int:
        """End of the last window."""
        return max(end for _, end in self.windows.values())
