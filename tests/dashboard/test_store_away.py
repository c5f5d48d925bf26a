"""The stores go away under open pages: said in words with what to do, and back by themselves. Real files."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from dashboard.entry.door import COOKIE
from store.open import open_registry, open_series
from store.people_ports import Role
from tests.dashboard import screenshots, seed, signing_in
from tests.dashboard.tab import PATIENCE_S, Tab, tab
from tests.influx import InfluxServer

pytestmark = pytest.mark.timeout(300)
AWAY = "The data cannot be read just now"
AGAIN = "tries again by itself"
#: Every page of a client; of a therapist those that read the week and many people.
CLIENTS = ("today", "week", "my-body", "my-sensors", "my-data")
THERAPISTS = ("clients", "week-review", "session-sheet")


@dataclass
class House:
    """A served dashboard, its files, and who may come in."""

    address: str
    series: Path
    registry: Path
    client: str
    therapist: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One dashboard for all tests here."""
    folder = tmp_path_factory.mktemp("house")
    urls = seed.urls(folder)
    registry, series = open_registry(urls[1]), open_series(urls[0])
    seed.register(registry)
    seed.fill(series, time.time_ns())
    registry.close()
    series.close()
    client = signing_in.token(urls[1], role=Role.CLIENT, wearer=seed.WEARER)
    therapist = signing_in.token(urls[1], role=Role.THERAPIST, granted=(seed.WEARER,))
    shutil.copytree(folder, folder / "whole")
    with screenshots.served(*urls, folder / "log") as address:
        paths = (Path(url.removeprefix("sqlite:")) for url in urls)
        yield House(address, *paths, client, therapist)


@pytest.fixture
def house(served: House) -> House:
    """The dashboard with its files as they were at first."""
    folder = served.series.parent
    for file in folder.glob("*.sqlite*"):
        file.unlink()
    for file in (folder / "whole").glob("*.sqlite"):
        shutil.copy(file, folder)
    return served


def look(page: Tab, path: str, there: Callable[[str], bool]) -> str:
    """The page, opened anew until it is as wanted: what was read is kept for a second, or asked beside."""
    ends_s = time.monotonic() + PATIENCE_S
    text = page.open(path)
    while not there(text) and time.monotonic() < ends_s:
        time.sleep(0.5)
        text = page.open(path)
    assert there(text), path
    assert not page.failed
    return text


def away(text: str) -> bool:
    return AWAY in text


def there(text: str) -> bool:
    return AWAY not in text


def overwrite(path: Path, content: bytes) -> None:
    """Other bytes in the same file, which whoever has it open reads from then on."""
    with path.open("r+b") as file:
        file.write(content)


def answer(house: House, path: str) -> tuple[int, str]:
    headers = {"Cookie": f"{COOKIE}={house.client}", "Accept": "text/html"}
    try:
        with urlopen(Request(house.address + path, headers=headers), timeout=60) as found:
            return found.status, found.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_damaged_store_is_said_on_every_page_and_what_was_mended_is_read(house: House) -> None:
    whole = house.series.read_bytes()
    with tab(house.address, house.client) as client, tab(house.address, house.therapist) as other:
        client.open("settings")
        overwrite(house.series, b"\x55" * len(whole))
        for page, paths in ((client, CLIENTS), (other, THERAPISTS)):
            for path in paths:
                text = look(page, path, away)
                assert "move the file away" in text, path
                assert AGAIN in text, path
        overwrite(house.series, whole)
        for page, paths in ((client, CLIENTS), (other, THERAPISTS)):
            for path in paths:
                assert look(page, path, there)


def test_a_part_that_stands_still_is_shown_once_the_store_is_back(house: House) -> None:
    whole = house.series.read_bytes()
    with tab(house.address, house.therapist) as page:
        page.open("clients")
        overwrite(house.series, b"\x55" * len(whole))
        assert "Rounded, by week" not in look(page, "week-review", away)
        overwrite(house.series, whole)
        ends_s = time.monotonic() + PATIENCE_S
        while "Rounded, by week" not in page.text and time.monotonic() < ends_s:
            (part,) = page.parts  # the one timer that every page has
            page.again(part)
            time.sleep(0.5)
        assert "Rounded, by week" in page.text
        assert AWAY not in page.text
        assert not page.failed


def test_another_file_in_the_place_of_the_series_is_the_series(house: House) -> None:
    with tab(house.address, house.client) as page:
        assert "Timeline" in page.open("today")
        for file in house.series.parent.glob("series.sqlite*"):
            file.unlink()
        assert "is not there" in look(page, "today", away)
        open_series(f"sqlite:{house.series}").close()
        look(page, "today", lambda text: there(text) and "Timeline" not in text)


def test_a_registry_that_is_gone_is_said_everywhere_and_its_copy_is_the_registry(
    house: House, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with sqlite3.connect(house.registry) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    registry = open_registry(f"sqlite:{copy}")
    (wearer,) = registry.wearers()
    registry.put_wearer(replace(wearer, label="As it was put back"))
    registry.close()
    with tab(house.address, house.client) as page:
        page.open("settings")
        for file in house.registry.parent.glob("registry.sqlite*"):
            file.unlink()
        for path in ("settings", "today"):
            assert "is not there" in look(page, path, away)
        for path in ("/today", f"/export/{seed.WEARER}/week.csv"):
            status, text = answer(house, path)
            assert status == 503
            assert "is not there" in text
        assert not house.registry.exists(), (
            "a registry was made in the place of the one that is gone"
        )
        copy.rename(house.registry)
        assert look(page, "settings", there)
        assert page.widget("text_input", "Name shown")[0].value == "As it was put back"
        assert answer(house, f"/export/{seed.WEARER}/week.csv")[0] == 200


def test_a_registry_that_is_locked_is_said_and_nothing_is_kept_by_halves(house: House) -> None:
    with tab(house.address, house.client) as page:
        page.open("settings")
        other = sqlite3.connect(house.registry, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        page.click("Reset to defaults")
        status, text = answer(house, f"/export/{seed.WEARER}/week.csv")
        assert status == 503
        assert "keeps it locked" in text
        assert "End what holds the file" in text
        other.execute("ROLLBACK")
        other.close()
        assert not page.failed
        assert answer(house, f"/export/{seed.WEARER}/week.csv")[0] == 200


def test_a_server_that_stops_is_said_on_every_page_and_back_by_itself(
    server: InfluxServer, tmp_path: Path
) -> None:
    store_url, (_, registry_url) = server.url(), seed.urls(tmp_path)
    registry, series = open_registry(registry_url), open_series(store_url)
    seed.register(registry)
    seed.fill(series, time.time_ns())
    registry.close()
    series.close()
    client = signing_in.token(registry_url, role=Role.CLIENT, wearer=seed.WEARER)
    therapist = signing_in.token(registry_url, role=Role.THERAPIST, granted=(seed.WEARER,))
    with (
        screenshots.served(store_url, registry_url, tmp_path / "log") as address,
        tab(address, client) as page,
        tab(address, therapist) as other,
    ):
        page.open("settings")
        server.stop()
        for tabs, paths in ((page, ("today", "week")), (other, ("week-review",))):
            for path in paths:
                assert AGAIN in look(tabs, path, away), path
        server.start()
        for tabs, paths in ((page, ("today", "week")), (other, ("week-review",))):
            for path in paths:
                look(tabs, path, there)
