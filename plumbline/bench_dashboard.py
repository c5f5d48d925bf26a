"""Benchmark: the dashboard over a clinic of 200 clients and a year each, against an empty Streamlit page."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.errors import PlumblineError, Reason
from dashboard.entry.access import Act, Viewer
from dashboard.entry.door import Door
from plumbline import bench_browser, bench_people, bench_questions, bench_served
from plumbline.bench_clinic import BenchClinic, SignedIn, kept_clinic, some_people
from plumbline.bench_ratio import spread
from plumbline.bench_served import Served
from plumbline.procfs import usage
from plumbline.seed import SeedChoice
from store.open import open_registry

#: How much longer than an empty page a page may take.
WANTED: Final = {Act.CLIENTS: 1.5, Act.REVIEW: 2.0}
LOOKED_AT: Final = "sim-001"
#: What each page is opened for, as a condition in the browser.
_THERE: Final = {
    Act.CLIENTS: "document.querySelector('table.pl-clients a') !== null",
    Act.REVIEW: "document.querySelectorAll('.pl-figure img').length >= 2",
}
_QUERY: Final[dict[Act, dict[str, str]]] = {Act.CLIENTS: {}, Act.REVIEW: {"client": LOOKED_AT}}
_EMPTY_THERE: Final = f"document.querySelector('#{bench_served.EMPTY_ID}') !== null"
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. ``hours``: of a whole computed day; pauses between clicks in s, from and to."""

    clients: int = 200
    weeks: int = 52
    hours: float = 7.5
    repeats: int = 10
    clients_at_once: int = 40
    therapists_at_once: int = 10
    pause_s: bench_people.Pause = (5.0, 15.0)
    pause_alone_s: bench_people.Pause = (2.0, 3.0)


#: What the benchmark is by itself.
USUAL: Final = Size()


def measure_dashboard(
    folder: Path, clinic_folder: Path | None = None, size: Size = USUAL
) -> Figures:
    """Loads in Chromium, questions asked, memory, and many people at once, on each store.

    ``clinic_folder`` keeps the clinic for the next time; SettingError where it holds another one.
    """
    choice = SeedChoice(clients=size.clients, weeks=size.weeks, hours=size.hours)
    clinic = kept_clinic(clinic_folder or folder / "clinic", choice)
    made = clinic.facts.made["sqlite"]
    figures: Figures = {"clients": size.clients, "weeks": size.weeks, "minutes": made.minutes}
    figures["SQLite"] = _of_store(clinic, clinic.sqlite_url, folder, size)
    try:
        with clinic.influx_url(choice) as url:
            figures["InfluxDB"] = _of_store(clinic, url, folder, size)
    except PlumblineError as error:
        if error.reason is not Reason.MISSING:
            raise
        figures["InfluxDB"] = {"not run": str(error)}
    return figures


def _of_store(clinic: BenchClinic, store_url: str, folder: Path, size: Size) -> Figures:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        registry_url = clinic.registry_in(place)
        viewer, crowd = _crowd(registry_url, size)
        questions = {
            act.value: bench_questions.count_questions(store_url, registry_url, viewer, act, query)
            for act, query in _QUERY.items()
        }
        served = stack.enter_context(bench_served.dashboard(store_url, registry_url, place))
        empty = stack.enter_context(bench_served.empty_page(place))
        memory = {"started": _mb(served)}
        loads = _loads(served, empty, crowd[-1], size.repeats)
        memory["after loads"] = _mb(served)
        people = _people(served, crowd, size)
        memory["after people"] = _mb(served)
        return {
            "loads": loads,
            "questions": questions,
            "people": people,
            "server MB": memory,
            "log lines": len(served.said),
        }


def _crowd(registry_url: str, size: Size) -> tuple[Viewer, list[SignedIn]]:
    """The therapist as seen by the gate, and browsers of everybody, therapists last."""
    registry = open_registry(registry_url)
    try:
        crowd = some_people(registry, size.clients_at_once, size.therapists_at_once)
        viewer = Door(registry.people, clock_ns=time.time_ns).viewer(crowd[-1].token)
    finally:
        registry.close()
    if viewer is None:
        raise PlumblineError(Reason.SIGNED_OUT, "The benchmark's therapist is signed out.")
    return viewer, crowd


def _loads(served: Served, empty: Served, who: SignedIn, repeats: int) -> Figures:
    """Each page in turn with the empty one; the first round, cold, is not counted."""
    figures: Figures = {}
    with bench_browser.chromium() as browser:
        for act, there in _THERE.items():
            address = f"{served.address}/{act}" + "".join(
                f"?{name}={value}" for name, value in _QUERY[act].items()
            )
            ours, whole, bare = [], [], []
            for _ in range(repeats + 1):
                ours.append(bench_browser.painted_s(browser, address, there, who.token))
                bare.append(bench_browser.painted_s(browser, empty.address, _EMPTY_THERE))
                whole.append(
                    bench_browser.painted_s(browser, address, bench_browser.whole(there), who.token)
                )
            figures[act.value] = _compared(ours[1:], whole[1:], bare[1:]) | {
                "wanted at most": WANTED[act]
            }
    return figures


def _compared(ours: list[float], whole: list[float], bare: list[float]) -> Figures:
    middle = spread(bare)["median"]
    return {
        "painted s": spread(ours),
        "whole page s": spread(whole),
        "empty page s": spread(bare),
        "painted against empty": spread(ours)["median"] / middle,
        "whole against empty": spread(whole)["median"] / middle,
    }


def _people(served: Served, crowd: list[SignedIn], size: Size) -> Figures:
    """Everybody at once, against a client and a therapist by themselves."""
    alone = bench_people.Experience()
    for person in (crowd[0], crowd[-1]):
        met = bench_people.people_at_once(served.address, [person], size.pause_alone_s)
        for act, seconds in met.clicks_s.items():
            alone.clicks_s.setdefault(act, []).extend(seconds)
        alone.parts_s += met.parts_s
        alone.overtaken += met.overtaken
        alone.errors += met.errors
    together = bench_people.people_at_once(served.address, crowd, size.pause_s)
    one, many = alone.figures(), together.figures()
    return {
        "alone": one,
        f"{len(crowd)} at once": many,
        "median click against alone": many["click s"]["median"] / one["click s"]["median"],
    }


def _mb(served: Served) -> float:
    used = usage(served.pid)
    return 0.0 if used is None else used.now_mb
