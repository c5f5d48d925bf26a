"""Week and Settings as a client meets them: a real server, a real store, the system's Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from contracts.settings import PostureSettings
from dashboard.look.weeks import IsoWeek
from store.open import open_registry, open_series
from store.ports import Commit, WearerRows
from tests.dashboard import screenshots, seed, signing_in
from tests.dashboard.test_week import BERLIN, HOUR_S, rollup

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
expect.set_options(timeout=60_000)
_TOO_WIDE = """() => [...document.querySelectorAll('.pl *, button, .stSlider')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.className + ': ' + e.textContent.slice(0, 40))"""


@dataclass(frozen=True)
class House:
    """A dashboard, a browser, the registry behind it, and the token of a client's browser."""

    browser: Browser
    address: str
    registry_url: str
    token: str


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A client with rounding on this week's Monday and on a day of the week before."""
    folder = tmp_path_factory.mktemp("weeks")
    store_url, registry_url = seed.urls(folder)
    registry, series = open_registry(registry_url), open_series(store_url)
    seed.register(registry, timezone=BERLIN.key)
    this = IsoWeek.at(time.time_ns(), BERLIN)
    days = [rollup(this.monday, HOUR_S, 600), rollup(this.moved(-1).days[2], HOUR_S, 1200)]
    frames, _ = seed.day_of([seed.Stretch(1, seed.Activity.SITTING)], days[1].start_ns)
    series.commit(Commit(wearers=[WearerRows(seed.WEARER, frames, days=days)]))
    registry.close()
    series.close()
    token = signing_in.token(registry_url, wearer=seed.WEARER)
    with screenshots.served(store_url, registry_url, folder / "log") as address:
        yield House(browser, address, registry_url, token)


def test_weeks_are_walked_by_keyboard_and_kept_in_the_address(house: House) -> None:
    with screenshots.opened(
        house.browser, f"{house.address}/week", screenshots.PHONE, token=house.token
    ) as page:
        expect(page.get_by_role("heading", level=1)).to_contain_text("This week")
        expect(page.get_by_text("10 min rounded in an hour worn so far")).to_be_visible()
        assert page.evaluate(_TOO_WIDE) == []
        page.get_by_role("button", name="Week before").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Last week")
        expect(page.get_by_text("20 min rounded in an hour worn;")).to_be_visible()
        expect(page).to_have_url(re.compile(r"week=\d{4}-W\d\d"))
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Last week")
        expect(page.get_by_role("listitem").filter(has_text="Wed")).to_contain_text("1.0 h worn")


def test_a_nudge_is_set_by_keyboard_saved_and_there_after_a_reload(house: House) -> None:
    with screenshots.opened(
        house.browser, f"{house.address}/week", screenshots.PHONE, dark=True, token=house.token
    ) as page:
        page.goto(f"{house.address}/settings")
        nudge = page.get_by_role("slider", name="Nudge after")
        expect(nudge).to_have_attribute("aria-valuetext", "2 min")
        assert page.evaluate(_TOO_WIDE) == []
        nudge.focus()
        page.keyboard.press("ArrowRight")
        bar = page.locator(".st-key-save")
        expect(bar).to_contain_text("Nudge after: 2 min → 2 min 30 s")
        expect(bar.get_by_role("button", name="Save")).to_be_in_viewport()
        bar.get_by_role("button", name="Save").press("Enter")
        expect(page.get_by_text("It holds from now on")).to_be_visible()
        page.reload()
        expect(nudge).to_have_attribute("aria-valuetext", "2 min 30 s")
        expect(page.get_by_text("Everything is saved.")).to_be_visible()
    registry = open_registry(house.registry_url)
    assert registry.settings(seed.WEARER) == PostureSettings(nudge_after_s=150.0)
    registry.close()
