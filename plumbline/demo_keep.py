"""The recording that a demo keeps: never over another one, and with its calibration windows."""

from __future__ import annotations

from pathlib import Path

import msgspec

from contracts.errors import Fault, PlumblineError, Reason
from contracts.recording import (
    CALIBRATION_WINDOWS,
    MANIFEST,
    open_recording,
    write_manifest,
)
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S


def check_keep(keep: Path | None) -> None:
    """PlumblineError where the folder to keep a recording in holds one already."""
    if keep is not None and (keep / MANIFEST).exists():
        raise PlumblineError(
            Reason.BAD_SETTING,
            f"{keep} already holds a recording.",
            hint="Choose another folder with --keep: recordings are never written over.",
            fault=Fault.USER,
        )


def note_calibration(folder: Path, plan: CalibrationPlan | None) -> None:
    """Write the calibration windows into a kept recording, in seconds from its start."""
    recording = open_recording(folder)
    if plan is None:
        return
    calibration = {
        pose: tuple((time_ns - recording.start_ns) / NS_PER_S for time_ns in plan.windows[name])
        for pose, name in CALIBRATION_WINDOWS.items()
        if name in plan.windows
    }
    write_manifest(folder, msgspec.structs.replace(recording.manifest, calibration=calibration))
