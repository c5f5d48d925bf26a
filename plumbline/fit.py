"""``plumbline fit``: the models that come with the program, from recordings with truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from contracts.errors import Reason, SettingError
from plumbline.outputs import check_parent, make_folder, write_bytes
from plumbline.validate import require_extra

POSTURES: Final = "posture_model.json"
ACTIVITIES: Final = "activity_model.toml"


@dataclass(frozen=True, slots=True)
class FitChoice:
    """What ``plumbline fit`` was asked to do."""

    folder: Path
    out: Path | None = None
    check: bool = False
    workers: int | None = None


def run_fit(choice: FitChoice) -> int:
    """Fit, write the models into a folder or compare them with the shipped ones; the exit status.

    There is no chance in the fit: the same recordings give the same bytes. RecordingError, SettingError
    or DiskError where something is wrong.
    """
    require_extra()
    from plumbline.cohort import find_recordings
    from plumbline.models import all_models

    if (choice.out is None) == (not choice.check):
        raise SettingError(
            Reason.BAD_SETTING,
            "fit needs either --out or --check.",
            hint="--out FOLDER writes the models there; --check compares them with the shipped ones.",
        )
    check_parent(choice.out)
    console = Console(stderr=True)
    found, _ = find_recordings(choice.folder)
    models = all_models(found, workers=choice.workers, console=console)
    from analytics.fitting.activities import activity_model_toml

    files = {
        POSTURES: models.postures.encode(),
        ACTIVITIES: activity_model_toml(models.activities).encode(),
    }
    if choice.out is None:
        return _compared(files)
    _write(choice.out, files)
    return 0


def _compared(files: dict[str, bytes]) -> int:
    """Say of each file whether it is the shipped one; 0 where all are, 1 where one is not."""
    from importlib.resources import files as data_of

    console = Console()
    status = 0
    for name, data in files.items():
        same = data_of("analytics.core").joinpath(name).read_bytes() == data
        console.print(f"{name}: {'the shipped one' if same else 'differs from the shipped one'}")
        status = status if same else 1
    return status


def _write(folder: Path, files: dict[str, bytes]) -> None:
    make_folder(folder, "--out")
    for name, data in files.items():
        write_bytes(folder / name, data)
        Console().print(f"{folder / name}: {len(data):,} bytes")
