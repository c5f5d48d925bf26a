"""Fitted models: those that come with the program, and those fitted without one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from analytics.core.activity_model import ActivityModel
from analytics.core.posture_model import MODEL_PLACEMENTS, PostureModel
from analytics.core.shipped import shipped_activities, shipped_postures
from analytics.fitting.activities import fit_activities
from analytics.fitting.held import Held, held
from analytics.fitting.postures import MIN_PEOPLE, fit_postures
from analytics.validation.scoring import Study
from analytics.validation.truth import read_truth
from contracts.errors import Reason, RecordingError
from contracts.recording import open_recording
from plumbline.cohort import Found
from plumbline.workers import each

#: Of the fit that is shipped.
VERSION: Final = "1"
#: Fewer people who did activities say nothing of anyone else.
MIN_ACTIVE_PEOPLE: Final = 3


@dataclass(frozen=True)
class Models:
    """What a person is analysed with."""

    postures: PostureModel = field(default_factory=shipped_postures)
    activities: ActivityModel = field(default_factory=shipped_activities)


@dataclass(frozen=True)
class Book:
    """Models by person; those of nobody's own are as shipped. ``words``: how they came about."""

    words: str
    postures: Mapping[str, PostureModel] = field(default_factory=dict)
    activities: Mapping[str, ActivityModel] = field(default_factory=dict)

    def of(self, person: str) -> Models:
        """The models that one person is analysed with."""
        return Models(
            self.postures.get(person) or shipped_postures(),
            self.activities.get(person) or shipped_activities(),
        )


def shipped_book() -> Book:
    """Everybody with the models as they are shipped."""
    return Book("as shipped, whoever they were fitted on")


def left_out_book(
    found: Sequence[Found], people: Sequence[str], *, workers: int | None, console: Console
) -> Book:
    """For those of ``people`` on whom the shipped models were fitted, models of the others in ``found``.

    RecordingError where a recording cannot be read.
    """
    words = []
    postures: dict[str, PostureModel] = {}
    if any(one.name in shipped_postures().numbers.fitted_on for one in found):
        material = posture_material(found, workers=workers, console=console)
        if len(material) > MIN_PEOPLE:
            for person in people:
                others = [own for name, own in material.items() if name != person]
                postures[person] = fit_postures(others, VERSION)
            words.append("postures fitted for each person on the others")
        else:
            words.append("postures as shipped: too few people here to fit without one of them")
    else:
        words.append("postures as shipped, fitted on nobody here")
    active = [one for one in found if one.study is Study.ACTIVITIES]
    activities: dict[str, ActivityModel] = {}
    if any(one.name in shipped_activities().fitted_on for one in active):
        activities = _activities_without(active, people, workers=workers, console=console)
        words.append(
            "activities fitted for each person on the others"
            if activities
            else "activities as shipped: too few people here to fit without one of them"
        )
    elif active:
        words.append("activities as shipped, fitted on nobody here")
    return Book("; ".join(words), postures, activities)


def posture_material(
    found: Sequence[Found], *, workers: int | None, console: Console
) -> dict[str, Held]:
    """By person, what those held who wore every sensor that postures are fitted on.

    Whose calibration was refused is left out, and said.
    """
    wearers = [
        one
        for one in found
        if one.study is Study.SITTING and set(MODEL_PLACEMENTS) <= set(one.placements)
    ]
    gathered = each(_held, wearers, "Reading postures", workers=workers, console=console)
    by_person: dict[str, Held] = {}
    for person, found_held, why_not in gathered:
        if found_held is None:
            console.print(f"Not fitted on: {why_not}")
        else:
            by_person[person] = found_held
    return {one.person: by_person[one.person] for one in wearers if one.person in by_person}


def all_models(found: Sequence[Found], *, workers: int | None, console: Console) -> Models:
    """The models of everybody in ``found``, as they are shipped.

    RecordingError where there are too few people, or a recording cannot be read.
    """
    active = [one.folder for one in found if one.study is Study.ACTIVITIES]
    if not active:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            "there is no recording of activities to fit on.",
            hint="Give the folder that holds sitting-* and activity-* recordings.",
        )
    material = posture_material(found, workers=workers, console=console)
    return Models(fit_postures(list(material.values()), VERSION), fit_activities(active))


def _activities_without(
    active: Sequence[Found], people: Sequence[str], *, workers: int | None, console: Console
) -> dict[str, ActivityModel]:
    """By person of those who did activities, the model of the others; none where they are too few."""
    if len({one.person for one in active}) <= MIN_ACTIVE_PEOPLE:
        return {}
    tasks = [
        (person, tuple(one.folder for one in active if one.person != person))
        for person in people
        if any(one.person == person for one in active)
    ]
    title = "Fitting activities"
    return dict(each(_fitted_activities, tasks, title, workers=workers, console=console))


def _held(found: Found) -> tuple[str, Held | None, str]:
    """Whose, what they held, or why that cannot be fitted on."""
    intervals = [(i.start_s, i.end_s, i.posture) for i in read_truth(found.folder)]
    try:
        return found.person, held(open_recording(found.folder), intervals), ""
    except RecordingError as error:
        if error.reason is not Reason.NOT_A_RECORDING:
            raise
        return found.person, None, error.message


def _fitted_activities(task: tuple[str, tuple[Path, ...]]) -> tuple[str, ActivityModel]:
    person, folders = task
    return person, fit_activities(folders)
