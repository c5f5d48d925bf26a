"""Errands as jobs: what each asks of the store, the registry and the live work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from analytics.erasing import Clear, Erasure, counts_of, erase, noted_counts
from analytics.errands import Job
from analytics.replay import replay
from contracts.errands import ReplayWish
from contracts.errors import Reason, SettingError
from store.people_ports import Errand, ErrandKind, ErrandState
from store.ports import Registry, SeriesStore


@dataclass(frozen=True, slots=True)
class Jobs:
    """Begins the job of an errand. ``leave`` and ``left``: nothing is computed of a wearer in between."""

    site: str
    series: SeriesStore
    registry: Registry
    clear: Clear
    clock_ns: Callable[[], int]
    leave: Callable[[str], None]
    left: Callable[[str], None]
    home_assistant: str = ""

    def by_kind(self) -> Mapping[ErrandKind, Callable[[Errand], Job]]:
        """How each kind begins."""
        return {ErrandKind.ERASE: self.erase, ErrandKind.REPLAY: self.replay}

    def erase(self, errand: Errand) -> Job:
        """Erase the wearer; the errand's id becomes the receipt's."""
        self.leave(errand.wearer)
        people = self.registry.people
        yield from erase(
            Erasure(errand.wearer, errand.errand, errand.asked_ns, counts_of(errand.result)),
            site=self.site,
            series=self.series,
            registry=self.registry,
            clear=self.clear,
            home_assistant=self.home_assistant,
            clock_ns=self.clock_ns,
            note=lambda counts: people.note_errand(errand.errand, noted_counts(counts)),
        )
        self.left(errand.wearer)

    def replay(self, errand: Errand) -> Job:
        """Replay the wearer's days; the result is the errand's."""
        try:
            wish = msgspec.json.decode(errand.body, type=ReplayWish)
        except msgspec.MsgspecError as error:
            raise SettingError(
                Reason.MALFORMED,
                f"What was asked for cannot be read: {str(error)[:200]}.",
                hint="Ask again from the page of this version.",
            ) from None
        result = yield from replay(errand.wearer, wish, series=self.series, registry=self.registry)
        self.registry.people.finish_errand(
            errand.errand,
            ErrandState.DONE,
            done_ns=self.clock_ns(),
            result=msgspec.json.encode(result).decode(),
        )

    def dropped(self, errand: Errand) -> None:
        """It failed: whoever was to be erased is still there."""
        if errand.kind is ErrandKind.ERASE:
            self.left(errand.wearer)
