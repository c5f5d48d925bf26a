"""Recordings with truth in a folder: who and what each is of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.validation.scoring import Study, person_of, study_of
from analytics.validation.truth import has_truth, read_truth
from contracts.errors import Reason, RecordingError
from contracts.recording import MANIFEST, open_recording
from contracts.vocabulary import Placement

MAX_RECORDINGS: Final = 10_000


@dataclass(frozen=True)
class Found:
    """A recording with truth, and who and what it is of."""

    folder: Path
    person: str
    study: Study
    placements: tuple[Placement, ...]

    @property
    def name(self) -> str:
        """The recording's folder."""
        return self.folder.resolve().name


def find_recordings(folder: Path) -> tuple[list[Found], list[str]]:
    """Recordings with truth in ``folder``, in ``folder``/recordings, or ``folder`` itself; by name.

    And the names of those that are left out since they have no truth. RecordingError where there is
    nothing to validate, or a recording or its truth cannot be read.
    """
    inside = folder / "recordings"
    root = inside if inside.is_dir() else folder
    folders = [root] if (root / MANIFEST).is_file() else _folders_of_recordings(root)
    found = [_found(path) for path in folders if has_truth(path)]
    if not found:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{folder} holds no recording with truth.",
            hint="Give a folder of recordings (or the one above it) that have a truth.csv each.",
        )
    return found, [path.name for path in folders if not has_truth(path)]


def first_people(found: list[Found], people: int | None) -> list[Found]:
    """The recordings of the first so many people who held postures, and who did activities."""
    if people is None:
        return found
    kept: dict[bool, list[str]] = {}
    for one in found:
        group = kept.setdefault(one.study is Study.ACTIVITIES, [])
        if one.person not in group and len(group) < people:
            group.append(one.person)
    wanted = {person for group in kept.values() for person in group}
    return [one for one in found if one.person in wanted]


def _folders_of_recordings(root: Path) -> list[Path]:
    folders = sorted(path.parent for path in root.glob(f"*/{MANIFEST}"))
    if len(folders) > MAX_RECORDINGS:
        raise RecordingError(
            Reason.TOO_LONG,
            f"{root} holds over {MAX_RECORDINGS} recordings.",
            hint="Give a folder with fewer.",
        )
    return folders


def _found(folder: Path) -> Found:
    recording = open_recording(folder)
    study = study_of(read_truth(folder))
    return Found(folder, person_of(folder.resolve().name, study), study, recording.placements)
