"""The store and the registry that the dashboard uses, and where the settings say they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import Reason, SettingError
from dashboard.reading.followed import FollowedSeries
from dashboard.reading.kept import KeptSeries
from store.open import open_registry, open_series
from store.ports import Registry

STORE_URL: Final = "PLUMBLINE_STORE_URL"
REGISTRY_URL: Final = "PLUMBLINE_REGISTRY_URL"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the gate stands before; safe to share between threads and pages.

    The series are opened read-only: analytics alone writes them. What people decide is written to the
    registry.
    """

    series: KeptSeries
    registry: Registry


def addresses(environment: Mapping[str, str]) -> tuple[str, str]:
    """The addresses of the store and the registry. SettingError where one is not set."""
    missing = [name for name in (STORE_URL, REGISTRY_URL) if not environment.get(name)]
    if missing:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The dashboard does not know where the data is: {' and '.join(missing)} not set.",
            hint="Start it with `plumbline dashboard`, or set them, for example "
            f"{STORE_URL}=sqlite:plumbline-data/series.sqlite.",
        )
    return environment[STORE_URL], environment[REGISTRY_URL]


def open_sources(store_url: str, registry_url: str) -> Sources:
    """Both. PlumblineError where one cannot be opened; a registry that is not there is not made."""
    series = FollowedSeries(
        lambda: open_series(store_url, read_only=True), lambda: stamp(store_url)
    )
    try:
        registry = open_people(registry_url)
    except Exception:
        series.close()
        raise
    kept = KeptSeries(series, clock_s=time.monotonic, clock_ns=time.time_ns, beside=_in_a_thread)
    return Sources(kept, registry)


def open_people(registry_url: str) -> Registry:
    """The registry alone: enough to sign in. PlumblineError where it cannot be opened, or is not there."""
    open_registry(registry_url, read_only=True).close()
    return open_registry(registry_url)


def stamp(url: str) -> tuple[int, int] | None:
    """Which file an address names now: another number for another file, None where there is none.

    Of a server always the same: it keeps its own files.
    """
    scheme, _, rest = url.partition(":")
    if scheme.partition("+")[0] != "sqlite":
        return 0, 0
    try:
        found = Path(rest.removeprefix("///").partition("?")[0]).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="store", daemon=True).start()
