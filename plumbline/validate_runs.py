"""Recordings with truth, analysed in every way that is validated, in processes side by side.

A person is one job, analysed with models that have never seen this person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analytics.offline import Choice, analyze
from analytics.validation.episodes import EPISODE_S
from analytics.validation.mounting import AS_RECORDED, NAMED, random_mountings, turned
from analytics.validation.scoring import Scored, Study, Way, score
from analytics.validation.truth import read_truth
from contracts.imu import ImuSamples
from contracts.recording import Recording, open_recording, read_samples
from contracts.settings import PostureSettings
from contracts.vocabulary import Placement
from plumbline.cohort import Found
from plumbline.models import Models

#: Sets of sensors whose figures are told where a recording has them, the kit first.
SENSOR_SETS: Final = ("T4,L5", "C7,T4,T12,L5", "T4", "C7,T4", "L5")
#: Sets that are also analysed with their sensors turned on the body, and whose people are named.
MAIN_SETS: Final = ("T4,L5", "C7,T4,T12,L5", "T4")


@dataclass(frozen=True)
class Job:
    """One person's recordings and the ways to analyse each."""

    person: str
    work: tuple[tuple[Path, tuple[Way, ...]], ...]
    models: Models


def jobs_of(
    found: Sequence[Found],
    *,
    draws: int,
    turn: bool,
    models_for: Callable[[str], Models],
) -> list[Job]:
    """A job a person: every set of sensors as recorded and, with ``turn``, turned on the body.

    ``models_for`` gives what a person is analysed with.
    """
    by_person: dict[str, list[tuple[Path, tuple[Way, ...]]]] = {}
    for one in found:
        ways = ways_of(one, draws=draws, turn=turn)
        by_person.setdefault(one.person, []).append((one.folder, ways))
    return [Job(person, tuple(work), models_for(person)) for person, work in by_person.items()]


def ways_of(found: Found, *, draws: int, turn: bool) -> tuple[Way, ...]:
    """How one recording is analysed; one that has none of SENSOR_SETS, with all its sensors."""
    has = {placement.value for placement in found.placements}
    sets = [names for names in SENSOR_SETS if set(names.split(",")) <= has]
    if found.study is Study.ACTIVITIES or not sets:
        sets = [",".join(placement.value for placement in found.placements)]
    turnable = sets if found.study is Study.ACTIVITIES else [s for s in sets if s in MAIN_SETS]
    mountings = (*NAMED, *random_mountings(draws)) if turn else ()
    return (
        *(Way(names, AS_RECORDED) for names in sets),
        *(Way(names, mounting) for names in turnable for mounting in mountings),
    )


def in_order(runs: Sequence[Scored]) -> list[Scored]:
    """By study, sensors, mounting and recording: figures do not depend on who was done first."""
    studies, sets = list(Study), list(SENSOR_SETS)

    def key(run: Scored) -> tuple[int, int, str, str, str]:
        sensors = run.way.sensors
        place = sets.index(sensors) if sensors in sets else len(sets)
        return (studies.index(run.study), place, sensors, run.way.mounting, run.recording)

    return sorted(runs, key=key)


def run_job(job: Job) -> list[Scored]:
    """One person's recordings, each analysed in all its ways. RecordingError as analysis raises it."""
    choice = Choice(
        settings=PostureSettings(episode_s=EPISODE_S),
        posture_model=job.models.postures,
        activity_model=job.models.activities,
    )
    scored = []
    for folder, ways in job.work:
        recording = open_recording(folder)
        intervals = read_truth(folder)
        samples = {p: read_samples(recording, p) for p in recording.placements}
        for way in ways:
            sensors = tuple(Placement(name) for name in way.sensors.split(","))
            analysis = analyze(
                recording, replace(choice, placements=sensors), _reader(samples, way.mounting)
            )
            scored.append(score(analysis, intervals, way))
    return scored


def _reader(
    samples: dict[Placement, ImuSamples], mounting: str
) -> Callable[[Recording, Placement], ImuSamples]:
    def read(recording: Recording, placement: Placement) -> ImuSamples:
        return turned(samples[placement], mounting, recording.folder.name, placement)

    return read
