"""Recordings with truth, analysed in every way that is validated, in processes side by side.

A person is one job: where a model is fitted, the one that has never seen this person is made once for
all of the person's recordings.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analytics.offline import Choice, analyze
from analytics.validation.episodes import EPISODE_S
from analytics.validation.mounting import AS_RECORDED, NAMED, random_mountings, turned
from analytics.validation.scoring import Scored, Study, Way, person_of, score, study_of
from analytics.validation.truth import has_truth, read_truth
from contracts.errors import Reason, RecordingError
from contracts.imu import ImuSamples
from contracts.recording import MANIFEST, Recording, open_recording, read_samples
from contracts.settings import PostureSettings
from contracts.vocabulary import Placement

#: Sets of sensors whose figures are told where a recording has them, the kit first.
SENSOR_SETS: Final = ("T4,L5", "C7,T4,T12,L5", "T4", "C7,T4", "L5")
#: Sets that are also analysed with their sensors turned on the body, and whose people are named.
MAIN_SETS: Final = ("T4,L5", "C7,T4,T12,L5", "T4")
MAX_RECORDINGS: Final = 10_000

#: What a person is analysed with: a model that was fitted without this person, or the shipped one.
ChoiceWithout = Callable[[str], Choice]


@dataclass(frozen=True)
class Found:
    """A recording with truth, and who and what it is of."""

    folder: Path
    person: str
    study: Study
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class Job:
    """One person's recordings and the ways to analyse each."""

    person: str
    work: tuple[tuple[Path, tuple[Way, ...]], ...]
    choice_without: ChoiceWithout


def shipped(person: str) -> Choice:  # noqa: ARG001 - what is shipped was made without any of them
    """The choice that ``plumbline analyze`` makes."""
    return Choice()


def find_recordings(folder: Path) -> tuple[list[Found], list[str]]:
    """Recordings with truth in ``folder``, in ``folder``/recordings, or ``folder`` itself; by name.

    And the names of those that are left out since they have no truth. RecordingError where there is
    nothing to validate.
    """
    inside = folder / "recordings"
    root = inside if inside.is_dir() else folder
    folders = [root] if (root / MANIFEST).is_file() else _folders_of_recordings(root)
    found, left_out = [], []
    for path in folders:
        if has_truth(path):
            found.append(_found(path))
        else:
            left_out.append(path.name)
    if not found:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{folder} holds no recording with truth.",
            hint="Give a folder of recordings (or the one above it) that have a truth.csv each.",
        )
    return found, left_out


def jobs_of(
    found: Sequence[Found],
    *,
    draws: int,
    turn: bool,
    choice_without: ChoiceWithout = shipped,
) -> list[Job]:
    """A job a person: every set of sensors as recorded and, with ``turn``, turned on the body."""
    by_person: dict[str, list[tuple[Path, tuple[Way, ...]]]] = {}
    for one in found:
        ways = ways_of(one, draws=draws, turn=turn)
        by_person.setdefault(one.person, []).append((one.folder, ways))
    return [Job(person, tuple(work), choice_without) for person, work in by_person.items()]


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


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[list[Scored]]:
    """Each job's scored recordings, as they are done."""
    if workers <= 1:
        for job in jobs:
            yield run_job(job)
        return
    # a fresh interpreter each: a copy of this one would hold the locks of its threads
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(run_job, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


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
    choice = job.choice_without(job.person)
    choice = replace(choice, settings=PostureSettings(episode_s=EPISODE_S))
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


def _folders_of_recordings(root: Path) -> list[Path]:
    folders = sorted(path.parent for path in root.glob(f"*/{MANIFEST}"))
    if len(folders) > MAX_RECORDINGS:
        raise RecordingError(Reason.TOO_LONG, f"{root} holds over {MAX_RECORDINGS} recordings.")
    return folders


def _found(folder: Path) -> Found:
    recording = open_recording(folder)
    study = study_of(read_truth(folder))
    return Found(folder, person_of(folder.resolve().name, study), study, recording.placements)
