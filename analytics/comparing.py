"""Whether two ways to the same data came to the same result: exactly, and where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from analytics.offline import Analysis
from contracts.records import Episode, FrameBlock
from contracts.units import NS_PER_S
from store.ports import SeriesStore

#: Differences that are worth listing; more say nothing new.
MAX_LISTED: Final = 20
_ALWAYS: Final = (0, 2**63 - 1)


def store_differences(store: SeriesStore, wearer: str, analysis: Analysis) -> list[str]:
    """How the store's frames and episodes of a wearer differ from an analysis; empty if not at all.

    The recording must say when it began, as one that the gateway kept does.
    """
    return [
        *frame_differences(store.frames(wearer, *_ALWAYS), analysis.frames),
        *episode_differences(store.episodes(wearer, *_ALWAYS), analysis.episodes),
    ]


def frame_differences(stored: FrameBlock, computed: FrameBlock) -> list[str]:
    """How two blocks of frames differ, in words; exact equality is asked for."""
    if not np.array_equal(stored.start_ns, computed.start_ns):
        only_stored = np.setdiff1d(stored.start_ns, computed.start_ns) // NS_PER_S
        only_computed = np.setdiff1d(computed.start_ns, stored.start_ns) // NS_PER_S
        difference = (
            f"{len(stored)} frames against {len(computed)}: only in the first are "
            f"{only_stored[:MAX_LISTED].tolist()}, only in the second "
            f"{only_computed[:MAX_LISTED].tolist()} (seconds)."
        )
        return [difference]
    found: list[str] = []
    for field in fields(FrameBlock):
        one, other = getattr(stored, field.name), getattr(computed, field.name)
        rows = np.flatnonzero(~((one == other) | (np.isnan(one) & np.isnan(other))))
        if rows.size:
            first = int(rows[0])
            found.append(
                f"{field.name} differs in {rows.size} frames, first at second "
                f"{int(stored.start_ns[first]) // NS_PER_S}: {one[first]} against {other[first]}."
            )
    return found


def episode_differences(stored: Sequence[Episode], computed: Sequence[Episode]) -> list[str]:
    """How two lists of episodes differ, in words."""
    if len(stored) != len(computed):
        return [f"{len(stored)} episodes against {len(computed)}."]
    pairs = zip(stored, computed, strict=True)
    differing = [(one, other) for one, other in pairs if one != other]
    return [f"{one} against {other}." for one, other in differing[:MAX_LISTED]]
