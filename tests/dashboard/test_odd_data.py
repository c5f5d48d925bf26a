"""Clients of whom there is nothing, hardly anything, or something that cannot be: every page says so plainly."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.request import Request, urlopen

import pytest

from contracts.records import FrameBlock, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, Pattern, Placement, Posture
from dashboard.entry.door import COOKIE
from store.open import open_registry, open_series
from store.people_ports import Role
from store.ports import Assignment, Commit, Registry, SeriesStore, Wearer, WearerRows
from tests.dashboard import screenshots, seed, signing_in
from tests.dashboard.seed import Stretch
from tests.dashboard.tab import tab

pytestmark = pytest.mark.timeout(300)
DAY_NS = 86_400 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
#: Where the clients live it is about three in the afternoon: some hours ago is today, and this week.
AFTERNOON_H = 15
CLIENTS = ("today", "week", "my-body", "my-sensors", "settings", "my-data")
THERAPISTS = ("clients", "week-review", "session-sheet", "today", "week", "my-body")
FAILED = ("cannot be read", "went wrong", ">nan", "nan°", "nan %")
#: What praises, and what is said of a goal that was kept.
PRAISES = ("well done", "great", "was kept", "Within the goal", "0 min an hour")

SITTING = Stretch(30, Activity.SITTING)
ROUNDED = Stretch(
    3, Activity.SITTING, posture=Posture.ROUNDED, flexion_deg=20, pattern=Pattern.UPPER_THORACIC
)
UNTOLD = Stretch(120, Activity.UNKNOWN, ActivitySource.NONE, Posture.UNKNOWN)
OFF = Stretch(120, Activity.NOT_WORN, ActivitySource.NONE, Posture.UNKNOWN)


@dataclass(frozen=True)
class Odd:
    """What a client has: stretches from some time before now on, by which sensors."""

    stretches: Sequence[Stretch] = ()
    ago_ns: int = 3 * 3600 * NS_PER_S
    sensors: Sequence[Placement] = (Placement.T4, Placement.L5)


ODD = {
    "nothing": Odd(),
    "no-sensor": Odd(sensors=()),
    "one-second": Odd([Stretch(1 / 60, Activity.SITTING)]),
    "one-minute": Odd([Stretch(1, Activity.SITTING)]),
    "one-day": Odd(seed.WORKDAY, DAY_NS),
    "untold": Odd([UNTOLD]),
    "not-worn": Odd([OFF]),
    "one-sensor": Odd([SITTING, ROUNDED], sensors=(Placement.T4,)),
    "days-ahead": Odd([SITTING], -400 * DAY_NS),
    "of-2190": Odd([SITTING], -(164 * 365 * DAY_NS)),
    "of-1970": Odd([SITTING], -1),
    "hundred": Odd([Stretch(2, Activity.SITTING), ROUNDED] * 100, DAY_NS),
}


@dataclass
class House:
    address: str
    registry_url: str
    therapist: str

    def client(self, name: str) -> str:
        return signing_in.token(self.registry_url, role=Role.CLIENT, wearer=name)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    urls = seed.urls(folder)
    registry, series = open_registry(urls[1]), open_series(urls[0])
    now_ns = time.time_ns() // NS_PER_S * NS_PER_S
    for name, odd in ODD.items():
        put(registry, series, name, odd, now_ns)
    registry.close()
    series.close()
    therapist = signing_in.token(urls[1], role=Role.THERAPIST, granted=tuple(ODD))
    with screenshots.served(*urls, folder / "log") as address:
        yield House(address, urls[1], therapist)


def put(registry: Registry, series: SeriesStore, name: str, odd: Odd, now_ns: int) -> None:
    ahead_h = ahead_of_utc_h(now_ns)
    # POSIX counts the hours by which a zone is behind.
    registry.put_wearer(Wearer(name, name, f"Etc/GMT{-ahead_h:+d}" if ahead_h else "UTC"))
    for place in odd.sensors:
        registry.assign(Assignment(f"{name}-{place}", name, place, 0))
    if not odd.stretches:
        return
    start_ns = 0 if name == "of-1970" else now_ns - odd.ago_ns
    frames, episodes = seed.day_of(odd.stretches, start_ns)
    rows = WearerRows(
        name, frames, episodes, seed.minutes_of(frames), days_of(frames, len(episodes), ahead_h)
    )
    health = [seed.health_of(f"{name}-{place}", now_ns) for place in odd.sensors]
    series.commit(Commit(wearers=[rows], health=health))


def ahead_of_utc_h(now_ns: int) -> int:
    """Hours, -12 to 11, by which a place is ahead of UTC where it is the afternoon's hour now."""
    hour = now_ns // HOUR_NS % 24
    return (AFTERNOON_H - hour + 12) % 24 - 12


def days_of(frames: FrameBlock, episodes: int, ahead_h: int) -> list[Rollup]:
    """A rollup a day of the client's, of its minutes."""
    by_day: dict[int, list[Rollup]] = {}
    ahead_ns = ahead_h * HOUR_NS
    for minute in seed.minutes_of(frames):
        midnight_ns = (minute.start_ns + ahead_ns) // DAY_NS * DAY_NS - ahead_ns
        by_day.setdefault(midnight_ns, []).append(minute)
    return [
        Rollup(
            start_ns=start_ns,
            worn_s=sum(m.worn_s for m in minutes),
            posture_s={p: sum(m.posture_s.get(p, 0) for m in minutes) for p in Posture},
            activity_s={a: sum(m.activity_s.get(a, 0) for m in minutes) for a in Activity},
            rounded_activity_s={
                a: sum(m.rounded_activity_s.get(a, 0) for m in minutes) for a in Activity
            },
            episodes=episodes,
            longest_episode_s=180 if episodes else 0,
        )
        for start_ns, minutes in by_day.items()
    ]


def check(text: str, where: str) -> None:
    for words in FAILED:
        assert words not in text, (where, words)


@pytest.mark.parametrize("name", ODD)
def test_every_page_opens(house: House, name: str) -> None:
    token = house.client(name)
    for who, paths in ((token, CLIENTS), (house.therapist, THERAPISTS)):
        for path in paths:
            with tab(house.address, who) as page:
                text = page.open(path, f"client={name}" if who != token else "")
            assert not page.failed, (who == token, path)
            check(text, path)
    for kind in ("week.csv", "week.fhir.json", "everything.zip"):
        request = Request(
            f"{house.address}/export/{name}/{kind}", headers={"Cookie": f"{COOKIE}={token}"}
        )
        with urlopen(request, timeout=60) as answer:
            assert answer.status == 200
            assert answer.read()


@pytest.mark.parametrize("name", ["nothing", "untold", "not-worn", "days-ahead"])
def test_what_is_not_known_is_not_praised(house: House, name: str) -> None:
    with tab(house.address, house.client(name)) as page:
        texts = {path: page.open(path) for path in ("today", "week")}
    with tab(house.address, house.therapist) as page:
        for path in ("week-review", "session-sheet"):
            texts[path] = page.open(path, f"client={name}")
    for path, text in texts.items():
        for words in PRAISES:
            assert words not in text, (path, words)


def test_worn_time_whose_posture_was_not_told_is_said_to_be_unknown(house: House) -> None:
    with tab(house.address, house.client("untold")) as page:
        assert "No posture could be told" in page.open("today")
        assert "no posture could be told: nothing is known of it" in page.open("week")
    with tab(house.address, house.therapist) as page:
        assert "no posture could be told" in page.open("week-review", "client=untold")


def test_data_of_a_clock_that_was_ahead_is_not_live(house: House) -> None:
    with tab(house.address, house.client("days-ahead")) as page:
        text = page.open("today")
    assert ">Live<" not in text
    assert "clock was ahead" in text
    assert "Set the gateway" in text
