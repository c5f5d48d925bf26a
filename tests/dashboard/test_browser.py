"""The dashboard as a person meets it: a real server, a real store, the system's Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from contracts.units import NS_PER_S
from dashboard.reading.sources import Sources
from store.ports import Commit, WearerRows
from tests.dashboard import screenshots, seed, signing_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def url(sources: Sources, tmp_path: Path) -> Iterator[str]:
    with screenshots.served(*seed.urls(tmp_path), tmp_path / "dashboard.log") as address:
        yield address


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A dashboard of a full day that no test changes, and a token of the client's browser."""
    folder = tmp_path_factory.mktemp("full")
    seed.main([str(folder)])
    store_url, registry_url = seed.urls(folder)
    token = signing_in.token(registry_url, wearer=seed.WEARER)
    with screenshots.served(store_url, registry_url, folder / "dashboard.log") as address:
        yield address, token


def clients_token(folder: Path) -> str:
    return signing_in.token(seed.urls(folder)[1], wearer=seed.WEARER)


def fill_today(found: Sources) -> None:
    now_ns = time.time_ns()
    seed.register(found.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(found.series, now_ns)


def complaints(page: Page) -> list[str]:
    """Collects the errors that the page's own scripts report from here on."""
    found: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_timeline_episode_and_focus_areas_are_seen(full: tuple[str, str], browser: Browser) -> None:
    url, token = full
    with screenshots.opened(browser, url, token=token) as page:
        timeline = page.locator(".vega-embed").first
        expect(timeline.locator("[aria-label^='Rounded, ']").first).to_be_visible()
        expect(timeline.locator("[aria-label^='Rounded, ']")).to_have_count(6)
        expect(timeline.locator("[aria-label^='Episode: ']")).to_have_count(6)
        expect(page.get_by_text("Worn", exact=True)).to_be_visible()

        episodes = page.get_by_role("radiogroup", name="Episode")
        expect(episodes.get_by_role("radio")).to_have_count(6)
        episodes.get_by_text("Low back slump").first.click()
        areas = page.locator(".pl-area")
        expect(areas.first).to_contain_text("Low back slump")
        expect(areas.first.locator(".pl-side").first).to_contain_text("Iliopsoas")
        expect(areas.first.locator(".pl-side").last).to_contain_text("Quadratus lumborum")
        expect(page.get_by_text("not a diagnosis or treatment").first).to_be_visible()
        expect(page.get_by_text("numbness around the saddle")).to_be_visible()
        expect(page.get_by_text("Deploy", exact=True)).to_have_count(0)


def test_the_page_keeps_up_without_a_flicker_or_a_lost_place(
    sources: Sources, url: str, tmp_path: Path, browser: Browser
) -> None:
    fill_today(sources)
    with screenshots.opened(browser, url, token=clients_token(tmp_path)) as page:
        chosen = page.get_by_role("radiogroup", name="Episode").get_by_role("radio").nth(3)
        page.get_by_role("radiogroup", name="Episode").locator("label").nth(3).click()
        expect(chosen).to_be_checked()
        expect(page.locator(".pl-area").first).to_contain_text("Low back slump")
        page.evaluate(
            """() => {
                const main = document.querySelector('[data-testid=stMain]');
                main.scrollTo(0, 700);
                window.blank = 0;
                const height = main.scrollHeight;
                window.shrunk = 0;
                const look = () => {
                    if (!document.querySelector('.vega-embed svg')) window.blank += 1;
                    if (main.scrollHeight < height - 50) window.shrunk += 1;
                    requestAnimationFrame(look);
                };
                look();
            }"""
        )
        fresh = seed.Stretch(3, seed.Activity.WALKING)
        frames, _ = seed.day_of([fresh], time.time_ns() // NS_PER_S * NS_PER_S - 60 * NS_PER_S)
        last = sources.series.episodes(seed.WEARER, 0, 2**62)[-1]
        first_ns = last.end_ns + NS_PER_S
        more = msgspec.structs.replace(
            last, start_ns=first_ns, end_ns=first_ns + 90 * NS_PER_S, rounded_s=90
        )
        rows = WearerRows(seed.WEARER, frames, [more], seed.minutes_of(frames))
        sources.series.commit(Commit(wearers=[rows]))
        radios = page.get_by_role("radiogroup", name="Episode").get_by_role("radio")
        expect(radios).to_have_count(7)
        walking = page.locator(".vega-embed").first.locator("[aria-label^='Walking, ']")
        expect(walking).to_have_count(4)
        checked = page.get_by_role("radiogroup", name="Episode").get_by_role("radio", checked=True)
        expect(checked).to_have_count(1)
        expect(page.locator(".pl-area").first).to_contain_text("Low back slump")
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 700
        assert page.evaluate("window.blank") == 0
        assert page.evaluate("window.shrunk") == 0


def test_a_page_opened_too_early_fills_by_itself(
    sources: Sources, url: str, tmp_path: Path, browser: Browser
) -> None:
    seed.register(sources.registry)
    with screenshots.opened(browser, url, token=clients_token(tmp_path)) as page:
        expect(page.get_by_text("No data today yet")).to_be_visible()
        backlog = seed.health_of(
            "PL-0001-T4", time.time_ns(), state="syncing", backlog=500_000, backlog_total=1_440_000
        )
        sources.series.commit(Commit(health=[backlog]))
        expect(page.get_by_text(re.compile("Syncing 65 %"))).to_be_visible()
        fill_today(sources)
        expect(page.locator(".vega-embed svg").first).to_be_visible()


def test_now_is_seen_while_earlier_hours_arrive(
    sources: Sources, url: str, tmp_path: Path, browser: Browser
) -> None:
    now_ns = time.time_ns()
    seed.register(sources.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    with screenshots.opened(browser, url, token=clients_token(tmp_path)) as page:
        expect(page.get_by_role("heading", name=re.compile("Yesterday, "))).to_be_visible()
        # of a clock that is a little ahead, so that one second is now for as long as the page takes
        soon_ns = time.time_ns() + 600 * NS_PER_S
        seed.go_ahead(sources.series, soon_ns, backlog=5, backlog_total=9)
        expect(page.get_by_role("heading", name=re.compile("Today, "))).to_be_visible()
        now = page.get_by_label("Posture now", exact=True)
        expect(now).to_contain_text("Rounded")
        expect(page.get_by_label("Today so far")).to_contain_text("On its way")
        expect(page.get_by_text(re.compile("Earlier data is here up to "))).to_be_visible()
        fill_today(sources)
        expect(page.locator(".vega-embed svg").first).to_be_visible()
        expect(page.get_by_label("Today so far")).to_have_count(0)


def test_a_registry_that_comes_later_is_found(tmp_path: Path, browser: Browser) -> None:
    store_url, registry_url = seed.urls(tmp_path / "later")
    context = browser.new_context()
    with screenshots.served(store_url, registry_url, tmp_path / "log") as address:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_text("The data cannot be read just now")).to_be_visible()
        (tmp_path / "later").mkdir()
        seed.main([str(tmp_path / "later")])
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        signing_in.sign_in(context, address, registry_url, wearer=seed.WEARER)
        page.goto(address)
        expect(page.locator(".vega-embed svg").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(
    full: tuple[str, str], browser: Browser, *, dark: bool
) -> None:
    url, token = full
    with screenshots.opened(browser, url, screenshots.PHONE, dark=dark, token=token) as page:
        heard = complaints(page)
        expect(page.locator(".pl-area").first).to_be_visible()
        expect(page.locator(".vega-embed svg").first).to_be_visible()
        too_wide = page.evaluate(
            """() => [...document.querySelectorAll('.pl *, .vega-embed, .stRadio, button')]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                             || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
                .map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
        )
        assert too_wide == []
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") in {"BUTTON", "INPUT", "A"}
        assert heard == []
