"""The wearer's own clock: days and minutes of the day in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contracts.errors import Reason, SettingError

MINUTE_S: Final = 60


def zone_of(timezone: str) -> ZoneInfo:
    """The zone of that name. SettingError where there is none."""
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{timezone[:60]!r} is not a time zone: {error}.",
            hint="Use a name of the IANA database, such as Europe/Berlin.",
        ) from None


def day_of(second: int, zone: tzinfo) -> tuple[int, int]:
    """[start, end) UTC s of the local day around a second, 23 to 25 h long where clocks are changed."""
    local = datetime.fromtimestamp(second, UTC).astimezone(zone)
    start = datetime(local.year, local.month, local.day, tzinfo=zone)
    following = start.date() + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    return int(start.timestamp()), int(end.timestamp())


def minutes_of_day(second: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """(n,) the minute, 0 to 1439, that a clock on the wearer's wall shows at each UTC second."""
    minutes, of_second = np.unique(second // MINUTE_S, return_inverse=True)
    local = np.array([_minute_of_day(minute, zone) for minute in minutes.tolist()], np.int64)
    shown: NDArray[np.int64] = local[of_second]
    return shown


def _minute_of_day(minute: int, zone: tzinfo) -> int:
    local = datetime.fromtimestamp(minute * MINUTE_S, UTC).astimezone(zone)
    return local.hour * 60 + local.minute
