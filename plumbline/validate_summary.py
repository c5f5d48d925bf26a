"""All figures of one ``plumbline validate``: what is printed, drawn and written as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from analytics.validation.figures import (
    ActivityFigures,
    Compared,
    PostureFigures,
    SeatedActivities,
    ToldOfSensors,
    activity_figures,
    by_way,
    compared,
    posture_figures,
    seated_activities,
    told_of_sensors,
)
from analytics.validation.mounting import AS_RECORDED, NAMED, RANDOM
from analytics.validation.orientation import InclinationFigures
from analytics.validation.scoring import Scored, Study, Way
from analytics.validation.trouble_figures import TroubleFigures

#: What ``--only`` can ask for, in the order of the report.
PARTS: Final = (
    *("postures", "episodes", "confidence", "people", "driving", "mounting", "activities"),
    *("trouble", "orientation"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What was validated, and how."""

    folder: str
    recordings: int
    people: int
    left_out: tuple[str, ...]
    analyses: int
    model: str
    version: str

    @property
    def words(self) -> str:
        """How much was validated, as words."""
        return (
            f"{self.recordings:,} {'recording' if self.recordings == 1 else 'recordings'} of "
            f"{self.people:,} {'person' if self.people == 1 else 'people'}, "
            f"{self.analyses:,} {'analysis' if self.analyses == 1 else 'analyses'}"
        )


@dataclass(frozen=True, slots=True)
class Mounting:
    """Accuracy with the sensors turned on the body, against the same recordings as recorded."""

    study: Study
    mounting: str
    compared: Compared


@dataclass(frozen=True, slots=True)
class Summary:
    """Every table. One that was not asked for, or has no recording, is empty."""

    about: About
    postures: tuple[PostureFigures, ...] = ()
    driving: tuple[Compared, ...] = ()
    mountings: tuple[Mounting, ...] = ()
    activities: tuple[ActivityFigures, ...] = ()
    seated: tuple[SeatedActivities, ...] = ()
    told: tuple[ToldOfSensors, ...] = ()
    trouble: TroubleFigures | None = None
    orientation: tuple[InclinationFigures, ...] = ()
    only: tuple[str, ...] = field(default=PARTS)

    def shows(self, part: str) -> bool:
        """Whether a part was asked for."""
        return part in self.only

    def to_json(self) -> bytes:
        """Indented; a figure that there is not is null."""
        return msgspec.json.format(msgspec.json.encode(_finite(msgspec.to_builtins(self))))


def summarise(
    runs: Sequence[Scored],
    about: About,
    only: tuple[str, ...],
    *,
    orientation: Sequence[InclinationFigures] = (),
    trouble: TroubleFigures | None = None,
) -> Summary:
    """All tables of all runs."""
    groups = by_way(runs)
    plain = {key: group for key, group in groups.items() if key[1].mounting == AS_RECORDED}
    held = [group for (study, _), group in plain.items() if study is not Study.ACTIVITIES]
    done = [group for (study, _), group in plain.items() if study is Study.ACTIVITIES]
    return Summary(
        about=about,
        postures=tuple(posture_figures(group) for group in held),
        driving=_driving(plain) if "driving" in only else (),
        mountings=_mountings(groups) if "mounting" in only else (),
        activities=tuple(activity_figures(group) for group in done),
        seated=tuple(seated_activities(group) for group in held),
        told=tuple(told_of_sensors(group) for group in plain.values()),
        trouble=trouble,
        orientation=tuple(orientation),
        only=only,
    )


def _driving(groups: dict[tuple[Study, Way], list[Scored]]) -> tuple[Compared, ...]:
    found = [
        compared(groups[Study.SITTING, way], group, ("sitting", "driving"))
        for (study, way), group in groups.items()
        if study is Study.DRIVING and (Study.SITTING, way) in groups
    ]
    return tuple(one for one in found if one is not None)


def _mountings(groups: dict[tuple[Study, Way], list[Scored]]) -> tuple[Mounting, ...]:
    """A row a named mounting; the random draws together are one."""
    rows: dict[tuple[Study, str, str], list[Scored]] = {}
    for (study, way), group in groups.items():
        if way.mounting != AS_RECORDED and study is not Study.ACTIVITIES:
            name = way.mounting if way.mounting in NAMED else RANDOM
            rows.setdefault((study, way.sensors, name), []).extend(group)
    found = []
    for (study, sensors, name), group in rows.items():
        row = compared(groups[study, Way(sensors)], group, (AS_RECORDED, name))
        if row is not None:
            found.append(Mounting(study, name, row))
    return tuple(found)


def _finite(value: Any) -> Any:
    """NaN as None throughout: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
