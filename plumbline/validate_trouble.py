"""Troubles that nobody recorded, simulated on each recorded person: what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from analytics.offline import calibrations_of
from analytics.validation.scoring import Study
from analytics.validation.trouble import Rehearsal, slips_of
from analytics.validation.trouble_figures import Rehearsed, TroubleFigures, trouble_figures
from contracts.errors import CalibrationError
from contracts.recording import open_recording, read_samples
from contracts.vocabulary import Placement
from plumbline.cohort import Found
from plumbline.workers import each

KIT: Final = (Placement.T4, Placement.L5)
#: One of each pace: all would take as long as everything else together.
TRIED_DURATIONS_S: Final = (0.0, 0.6, 1.5)


def rehearsed_troubles(
    found: Sequence[Found], *, workers: int | None, console: Console
) -> TroubleFigures | None:
    """Slips and swaps of the kit on everybody who wore it at rest; None where nobody did.

    RecordingError where a recording cannot be read. One whose calibration is refused is left out.
    """
    wearers = [
        one for one in found if one.study is Study.SITTING and set(KIT) <= set(one.placements)
    ]
    done = each(rehearse, wearers, "Simulating troubles", workers=workers, console=console)
    tried = sorted((one for one in done if one is not None), key=lambda one: one.recording)
    return trouble_figures(tried) if tried else None


def rehearse(found: Found) -> Rehearsed | None:
    """All slips on one recording, and one swap; None where it has no calibration that is accepted."""
    recording = open_recording(found.folder)
    plans = calibrations_of(recording)
    samples = {placement: read_samples(recording, placement) for placement in KIT}
    try:
        rehearsal = Rehearsal(samples, plans[0]) if plans else None
    except CalibrationError:
        return None
    if rehearsal is None or rehearsal.end_ns <= rehearsal.start_ns:
        return None
    slips = slips_of(found.name, KIT, rehearsal.start_ns, rehearsal.end_ns)
    return Rehearsed(
        recording=found.name,
        seconds=rehearsal.seconds,
        false_alarm_s=rehearsal.false_alarms,
        slips=tuple(rehearsal.slip(s) for s in slips if s.duration_s in TRIED_DURATIONS_S),
        swaps=(rehearsal.swap(*KIT, rehearsal.start_ns),),
    )
