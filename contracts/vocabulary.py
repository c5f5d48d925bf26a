"""The words of the product: placements, axes, postures, activities, patterns and ids.

Segment axes follow the ISB: x forward, y up, z to the wearer's right. Flexion, inclination and
lateral bending are in degrees; forward and right are positive. Every interval is [start, end).

Sensor axes of the native sensor in its printed orientation: x towards the head, y to the wearer's
left, z towards the back (posterior), so that leaning forward increases ``atan2(az, ax)``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Placement(StrEnum):
    """Where on the body a sensor sits, named by its landmark, from the head down."""

    HEAD = "head"
    C7 = "C7"
    T4 = "T4"
    T12 = "T12"
    L5 = "L5"
    STERNUM = "sternum"


class Posture(StrEnum):
    """The posture of one second. The order is the code in the store: append only."""

    UNKNOWN = "unknown"
    UPRIGHT = "upright"
    ROUNDED = "rounded"
    FORWARD_LEAN = "forward_lean"
    RECLINED = "reclined"
    LEFT_LEAN = "left_lean"
    RIGHT_LEAN = "right_lean"


class Activity(StrEnum):
    """What the wearer does. The order is the code in the store: append only."""

    UNKNOWN = "unknown"
    SITTING = "sitting"
    TYPING = "typing"
    DRIVING = "driving"
    STANDING = "standing"
    WALKING = "walking"
    STAIRS = "stairs"
    LYING = "lying"
    CARRYING = "carrying"
    NOT_WORN = "not_worn"


class ActivitySource(StrEnum):
    """Where an activity label came from; what a trunk sensor cannot know is never invented."""

    NONE = "none"
    TRUNK = "trunk"  # found in the trunk sensors' own movement
    CLIENT = "client"  # marked by the client
    AGENT = "agent"  # a desk agent or another device


class Pattern(StrEnum):
    """Which part of the body a rounded episode is rounded in; it chooses the focus areas."""

    UPPER_THORACIC = "upper_thoracic"
    FORWARD_HEAD = "forward_head"  # a proxy: tilt cannot see a head that glides forward
    COLLAPSED_CHEST = "collapsed_chest"
    LUMBAR_SLUMP = "lumbar_slump"
    UNSPECIFIED = "unspecified"  # rounded, but the placements cannot say where


class NudgeKind(StrEnum):
    """What a reminder is about."""

    POSTURE = "posture"  # rounded for longer than the wearer wants
    BREAK = "break"  # seated for long
    GOOD_AGAIN = "good_again"  # upright again after a nudge: a cue, and no reminder


class KeptBack(StrEnum):
    """Why a reminder that was due was not given. Of several reasons the first in this order counts."""

    QUIET = "quiet"  # in the wearer's quiet hours
    NOT_NOW = "not_now"  # the client asked for none just now
    DRIVING = "driving"
    MOVING = "moving"  # walking, or on stairs
    CARRYING = "carrying"
    LYING = "lying"
    NOT_WORN = "not_worn"
    BENDING = "bending"  # reaching: the lower trunk is bent forward beyond what a slump does
    UNSURE = "unsure"  # the run's posture is not told surely enough
    TOO_SOON = "too_soon"  # after the reminder before
    TOO_MANY = "too_many"  # in the last hour
    BACKLOG = "backlog"  # it came too late to be of help
    NO_SENSOR = "no_sensor"  # nobody can pulse: no sensor on the upper trunk, or none that is heard


class Afterwards(StrEnum):
    """What was seen after a posture nudge. That it came after is all it says."""

    UPRIGHT = "upright"  # within a minute, and kept up for some seconds
    NOT_UPRIGHT = "not_upright"
    UNKNOWN = "unknown"  # taken off, or the data ended


class Quality(StrEnum):
    """How complete a frame is. The order is the code in the store: append only."""

    OK = "ok"
    PARTIAL = "partial"  # a worn placement has less than half of its samples
    UNCALIBRATED = "uncalibrated"  # no accepted calibration covers this second
    LOSING = "losing"  # a sensor has lost much of its last minute
    SATURATED = "saturated"  # a sensor's readings stood at the end of its range
    STUCK = "stuck"  # a sensor repeats one reading: it is left out of the posture
    SLIPPED = "slipped"  # a sensor has turned on the body since the calibration
    SWAPPED = "swapped"  # two sensors have changed places since the calibration


#: Codes in the store: position in the enumeration.
PLACEMENTS: Final = tuple(Placement)
POSTURES: Final = tuple(Posture)
ACTIVITIES: Final = tuple(Activity)
ACTIVITY_SOURCES: Final = tuple(ActivitySource)
QUALITIES: Final = tuple(Quality)

#: Placements that can say where the upper trunk points, best first; and the lower trunk.
UPPER_PLACEMENTS: Final = (Placement.T4, Placement.STERNUM, Placement.C7)
LOWER_PLACEMENTS: Final = (Placement.L5, Placement.T12)

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether ``text`` may name a site, gateway, sensor or wearer on the wire. Never a person's name."""
    return ID_PATTERN.fullmatch(text) is not None
