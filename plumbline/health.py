"""``plumbline health``: whether a service that runs is well. Asks the thing itself, not its process."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from contracts.errors import Fault, PlumblineError, Reason, SettingError
from plumbline.settings import Settings
from plumbline.stats import read_stats

TIMEOUT_S: Final = 5.0
#: Streamlit's own word on itself.
DASHBOARD_PATH: Final = "/_stcore/health"
_COUNTERS: Final = ("gateway", "analytics", "sensors")


def check_health(what: str, settings: Settings, *, stats: Path | None, max_age_s: float) -> str:
    """A word on a service that is well. PlumblineError says what is wrong with one that is not."""
    if what in _COUNTERS:
        if stats is None:
            raise SettingError(
                Reason.BAD_SETTING,
                f"The health of {what} is read from its counters, and no file of them is given.",
                hint="Give the file that the service runs with: --stats FILE.",
            )
        return counters_health(what, read_stats(stats), age_s(stats), max_age_s)
    check = _CHECKS.get(what)
    if check is None:
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no service {what[:80]!r}.",
            hint=f"Services are {', '.join((*_COUNTERS, *_CHECKS))}.",
        )
    return check(settings)


def counters_health(
    what: str, counters: Mapping[str, Any], age: float | None, max_age_s: float
) -> str:
    """Of a service that writes counters: alive, and with all that it works with.

    ``age``: how old the counters are in s, None where there are none. A gateway and analytics are
    to be connected to the broker, analytics not held up by its store, sensors on the air.
    """
    if age is None or not counters:
        raise _ill("The service has written no counters yet.", Fault.OURS)
    if age > max_age_s:
        raise _ill(f"The service's counters are {age:.0f} s old: it is stuck or gone.", Fault.OURS)
    if what == "sensors":
        return f"on the air at {counters.get('listen')}"
    trouble = counters.get("trouble")
    if trouble is not None:
        said = counters.get("trouble_said", "")
        raise _ill(f"The service cannot store what it has ({trouble}). {said}".strip(), Fault.STORE)
    broker = counters.get("broker")
    if broker != "connected":
        raise _ill(f"The service has no connection to the broker: {broker}.", Fault.BROKER)
    return "connected to the broker, nothing in the way"


def age_s(path: Path) -> float | None:
    """Seconds since a file was written; None where there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None


def dashboard_health(settings: Settings) -> str:
    """The dashboard serves pages, and what it shows can be read."""
    host = settings.dashboard_host
    here = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    url = f"http://{here}:{settings.dashboard_port}{DASHBOARD_PATH}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            said = answer.read(64)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise _ill(f"The dashboard does not answer at {url}: {reason}.", Fault.OURS) from None
    if said.strip() != b"ok":
        raise _ill(f"The dashboard at {url} says that it is not well.", Fault.OURS)
    return f"serves pages; {store_health(settings)}"


def broker_health(settings: Settings) -> str:
    """The broker lets us in."""
    from plumbline.mqtt_probe import probe_broker

    probe_broker(settings, TIMEOUT_S)
    return f"{settings.broker_host}:{settings.broker_port} lets us in"


def store_health(settings: Settings) -> str:
    """The store and the registry answer a query."""
    from store import open_registry, open_series

    series = open_series(settings.series_url, read_only=True)
    try:
        series.health()
    finally:
        series.close()
    registry = open_registry(settings.people_url, read_only=True)
    try:
        registry.revision()
    finally:
        registry.close()
    return "store and registry answer"


def _ill(message: str, fault: Fault) -> PlumblineError:
    return PlumblineError(Reason.MISSING, message, fault=fault)


_CHECKS: Final[dict[str, Callable[[Settings], str]]] = {
    "dashboard": dashboard_health,
    "broker": broker_health,
    "store": store_health,
}
