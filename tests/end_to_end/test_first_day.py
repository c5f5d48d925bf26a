"""First sign-in to the first calibrated episode seen, then an erasure with its receipt: in a browser, all real.

On each store, at the same time: most of it is waiting for the person who wears the sensors to move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.settings import PostureSettings
from contracts.vocabulary import Placement
from dashboard.look import text
from store import open_registry, open_series
from tests.dashboard import screenshots
from tests.end_to_end.demo_run import wait_until
from tests.end_to_end.newcomer import Newcomer, newcomer, record

pytestmark = [
    pytest.mark.browser,
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATIENCE_MS = 90_000
OWN_PASSWORD = "plumb bobs hang straight"
ALWAYS = (0, 2**62)
STORES = ("sqlite", "influxdb")
#: The simulated person slumps for thirteen seconds at a time: long enough for them.
EPISODE_S = 8.0


@dataclass(frozen=True)
class Walk:
    """What comes of both journeys on one store: the one, then the other."""

    first_day: Future[None]
    erasure: Future[None]


@pytest.fixture(scope="module")
def walks(
    request: pytest.FixtureRequest, chromium: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Walk]]:
    """Somebody new on each store that there is, on their way."""
    urls = {"sqlite": ""}
    with suppress(pytest.skip.Exception):  # the tests that need it say so themselves
        urls["influxdb"] = request.getfixturevalue("influx_server").url()
    recording = record(tmp_path_factory.mktemp("newcomer") / "recording")
    expect.set_options(timeout=PATIENCE_MS)
    with ExitStack() as ends:
        yield {
            store: ends.enter_context(
                under_way(tmp_path_factory.mktemp(store), recording, chromium, url)
            )
            for store, url in urls.items()
        }
    expect.set_options(timeout=60_000)


@contextmanager
def under_way(folder: Path, recording: Path, chromium: Path, store_url: str) -> Iterator[Walk]:
    """A walk in a thread of its own, which a browser's window keeps to."""
    ends = ExitStack()

    def arrive() -> tuple[Page, Newcomer]:
        somebody = ends.enter_context(newcomer(folder, recording, store_url))
        with closing(open_registry(somebody.registry_url)) as registry:
            registry.set_settings(somebody.wearer, PostureSettings(episode_s=EPISODE_S))
        return window(ends.enter_context(screenshots.chromium(chromium))), somebody

    def erase() -> None:
        first_day.result()
        erase_everything(*arrived.result())

    with ThreadPoolExecutor(max_workers=1) as thread:
        arrived = thread.submit(arrive)
        first_day = thread.submit(lambda: walk_the_first_day(*arrived.result()))
        erasure = thread.submit(erase)
        try:
            yield Walk(first_day, erasure)
        finally:
            thread.submit(ends.close).result()


@pytest.fixture(params=STORES)
def walk(request: pytest.FixtureRequest, walks: dict[str, Walk]) -> Walk:
    if request.param == "influxdb":
        request.getfixturevalue("influx_server")
    return walks[request.param]


def window(browser: Browser) -> Page:
    """A window of a browser that has never been here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    return opened


def sign_in(page: Page, somebody: Newcomer) -> None:
    """By the form, with the password that was given, and a new one as is asked."""
    page.goto(somebody.url)
    page.get_by_label("Name or e-mail").fill(somebody.login)
    page.get_by_label("Password").fill(somebody.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Password now").fill(somebody.password)
    page.get_by_label("New password", exact=True).fill(OWN_PASSWORD)
    page.get_by_label("New password again").fill(OWN_PASSWORD)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("link", name="Today")).to_be_visible()


def agree(page: Page) -> None:
    page.get_by_role("link", name="Read and agree").click()
    page.get_by_role("button", name="I agree: measure my posture and keep it").click()
    expect(page.get_by_text("Given just now")).to_be_visible()


def pair(page: Page, sensor: str, place: Placement) -> None:
    page.get_by_role("radiogroup").get_by_text(sensor, exact=True).click()
    page.get_by_role("radiogroup").get_by_text(text.PLACEMENT[place]).click()
    page.get_by_role("button", name="Pair", exact=True).click()
    expect(page.get_by_role("radiogroup").get_by_text(sensor, exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name=f"Give back: {text.PLACEMENT[place]}")).to_be_visible()


def calibrate(page: Page, somebody: Newcomer) -> None:
    """Press Start when the simulated person is about to sit as the wizard asks."""
    page.get_by_text("Stand upright too").click()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_enabled()
    wait_until(somebody.at_start, "the person to sit up")
    start.click()
    expect(page.get_by_text("Hold still", exact=True)).to_be_visible()
    expect(page.get_by_text("Now let go", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_text("Stay in your usual slump.", exact=True)).to_be_visible()
    expect(page.get_by_text("Accepted", exact=True)).to_be_visible()


def walk_the_first_day(page: Page, somebody: Newcomer) -> None:
    sign_in(page, somebody)
    agree(page)
    page.get_by_role("link", name="Pair sensors").click()
    pair(page, somebody.sensors[Placement.T4], Placement.T4)
    pair(page, somebody.sensors[Placement.L5], Placement.L5)
    calibrate(page, somebody)
    expect(page.get_by_text("it curls the trunk by")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Nothing needs doing.")).to_be_visible()
    expect(page.get_by_role("navigation", name="First steps")).to_have_count(0)

    page.get_by_role("link", name="Today").click()
    episodes = page.get_by_role("radiogroup", name="Episode")
    expect(episodes.get_by_role("radio").first).to_be_attached()
    expect(page.get_by_text("not a diagnosis or treatment").first).to_be_visible()
    with closing(open_series(somebody.store_url, read_only=True)) as store:
        found = store.episodes(somebody.wearer, *ALWAYS)
    assert found
    assert all(15 <= episode.mean_flexion_deg <= 45 for episode in found)


def is_signed_out(page: Page, somebody: Newcomer) -> bool:
    """Whether the door sends them to the sign-in; for a second or two it may still know them."""
    page.goto(somebody.url)
    return "/sign-in" in page.url


def erase_everything(page: Page, somebody: Newcomer) -> None:
    store = open_series(somebody.store_url, read_only=True)
    assert len(store.latest_frame(somebody.wearer))

    page.get_by_role("link", name="My data").click()
    page.get_by_text("What goes, and how").click()
    number = page.locator(".pl-number-kept").inner_text()
    page.get_by_label("To erase everything, type ERASE").fill("ERASE")
    page.get_by_role("button", name="Erase everything about me").click()
    receipt = page.get_by_role("link", name="Open the receipt")
    expect(receipt).to_have_attribute("href", f"/receipt/{number}")
    receipt.click()
    expect(page.get_by_role("heading", name="Everything was erased")).to_be_visible()
    expect(page.get_by_text(number)).to_be_visible()
    expect(page.get_by_text(re.compile("Alma|" + somebody.wearer))).to_have_count(0)

    assert not len(store.frames(somebody.wearer, *ALWAYS))
    assert not store.episodes(somebody.wearer, *ALWAYS)
    assert not store.calibrations(somebody.wearer)
    assert somebody.wearer not in {summary.wearer for summary in store.wearers()}
    store.close()
    wait_until(lambda: is_signed_out(page, somebody), "the sign-in to end")
    page.get_by_label("Name or e-mail").fill(somebody.login)
    page.get_by_label("Password").fill(OWN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_from_the_first_sign_in_to_the_first_episode_seen(walk: Walk) -> None:
    walk.first_day.result()


def test_an_erasure_and_its_receipt(walk: Walk) -> None:
    walk.erasure.result()
