"""A therapist from the list of clients to a noted area and the printed sheet; and a look that is refused.

Real server, real stores, the system's Chromium.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from dashboard.entry.access import Act
from dashboard.look import clock
from dashboard.look.weeks import IsoWeek
from store.open import open_registry, open_series
from store.people_ports import Look, Role, Verdict
from store.ports import Commit, Wearer, WearerRows
from store.registry import SqlRegistry
from tests.dashboard import reviewed, screenshots, seed, signing_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
expect.set_options(timeout=60_000)
OTHER = "somebody-else"
NOTE = "Left side first; ask about the desk."
NEW = "demo-002"
THERAPIST = {"role": Role.THERAPIST, "granted": (seed.WEARER, NEW)}


@dataclass(frozen=True)
class House:
    """A dashboard that is served, and where its registry is."""

    address: str
    registry_url: str

    def registry(self) -> SqlRegistry:
        """The registry, opened anew: to be closed."""
        return open_registry(self.registry_url)

    def looks(self) -> list[Look]:
        """The audit, latest first."""
        registry = self.registry()
        try:
            return registry.people.looks()
        finally:
            registry.close()


@pytest.fixture(scope="module", params=["sqlite", "influxdb"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A client with a day that ends now and five calm weeks before, and somebody else's data."""
    folder = tmp_path_factory.mktemp(request.param)
    store_url, registry_url = seed.urls(folder)
    if request.param == "influxdb":
        store_url = request.getfixturevalue("influx_server").url(frame_days=30)
    fill(store_url, registry_url)
    with screenshots.served(store_url, registry_url, folder / "dashboard.log") as address:
        yield House(address, registry_url)


def fill(store_url: str, registry_url: str) -> None:
    now_ns = time.time_ns()
    timezone = seed.afternoon_zone(now_ns)
    registry, series = open_registry(registry_url), open_series(store_url)
    try:
        seed.register(registry, timezone=timezone, label="Ada Example")
        registry.put_wearer(Wearer(NEW, "Bert Example", "UTC"))
        registry.put_wearer(Wearer(OTHER, "Grace Secret", "UTC"))
        frames, episodes = seed.fill(series, now_ns)
        zone = clock.zone_of(timezone)
        today = clock.day_of(now_ns, zone)
        week = IsoWeek.of_day(today)
        rollups = {today: reviewed.day_rollup(today, seed.minutes_of(frames), episodes)}
        for day in (week.moved(-n).days[k] for n in range(1, 6) for k in range(5)):
            rollups[day] = reviewed.earlier_day(day, 600)
        days = [
            msgspec.structs.replace(rollup, start_ns=clock.day_bounds_ns(day, zone)[0])
            for day, rollup in rollups.items()
        ]
        nothing = seed.FrameBlock.from_rows(())
        series.commit(Commit(wearers=[WearerRows(seed.WEARER, nothing, days=days)]))
    finally:
        series.close()
        registry.close()


def text_of(pdf: bytes) -> str:
    """The text of a PDF of one page, in one line."""
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", page.extract_text())


def test_from_the_list_to_a_noted_area_and_the_printed_sheet(
    house: House, browser: Browser
) -> None:
    token = signing_in.token(house.registry_url, **THERAPIST)
    with screenshots.opened(browser, house.address, token=token, until="table.pl-clients") as page:
        find_and_open_the_client(page)
        accept_and_note_the_first_area(page)
        note_a_session_and_take_it_back(page)
        saved = focus_of(house)
        assert saved == {"upper_thoracic": (Verdict.ACCEPTED, NOTE)}
        said = page.locator(".pl-number .big").nth(1).inner_text()
        page.get_by_role("link", name="Session sheet").last.click()
        expect(page.get_by_role("img", name=re.compile("the very page of the PDF"))).to_be_visible()
        week = re.search(r"week=(\d{4}-W\d{2})", page.url)
        assert week is not None
        answer = page.request.get(f"{house.address}/export/{seed.WEARER}/sheet.pdf?week={week[1]}")
        assert answer.status == 200
        printed = text_of(answer.body())
    for words in ("Ada Example", said, NOTE):
        assert words in printed
    acts = [look.act for look in reversed(house.looks()) if look.allowed]
    wanted = [Act.CLIENTS, Act.REVIEW, Act.EDIT_FOCUS, Act.SHEET]
    assert [act for act in dict.fromkeys(acts) if act in wanted] == wanted


def find_and_open_the_client(page: Page) -> None:
    """By keyboard: find by name, and go to the only row."""
    page.get_by_label("Find a client").fill("ada")
    page.keyboard.press("Enter")
    row = page.locator(".pl-clients tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("not calibrated", ignore_case=True)
    row.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pl-headline")).to_be_visible()
    expect(page.locator(".pl-head")).to_contain_text("Ada Example")
    this_week = page.get_by_role("button", name="This week", exact=True)
    if (
        this_week.is_enabled()
    ):  # on the first two days of a week the page begins with the one before
        this_week.click()
    expect(page.locator(".pl-headline")).to_contain_text("min more than in the 4 weeks before")


def accept_and_note_the_first_area(page: Page) -> None:
    area = page.locator("[class*='st-key-area-upper']")
    expect(area).to_contain_text("Coracobrachialis")
    area.get_by_text("Accept", exact=True).click()
    # Typed while the verdict's run goes on: it may take nothing of that away.
    note = area.get_by_role("textbox", name="Note")
    note.press_sequentially(NOTE, delay=20)
    expect(area.locator(".pl-chip.accepted")).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(note).to_have_value(NOTE)
    note.blur()
    expect(page.get_by_role("button", name=re.compile("Undo:.*with its note"))).to_be_visible()


def note_a_session_and_take_it_back(page: Page) -> None:
    """What is before and after it shows at once, and goes with it."""
    page.get_by_text("Add or take back a session").click()
    page.get_by_role("group", name="Began at").get_by_role("spinbutton").first.click()
    page.keyboard.type("0930")
    page.get_by_role("button", name="Add the session").click()
    expect(page.locator(".pl-sessions tbody th")).to_contain_text(", 09:30")
    choose(page, "A session that was noted", "09:30")
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator(".pl-sessions")).to_have_count(0)


def choose(page: Page, label: str, words: str) -> None:
    """Choose from a list. While a page is made anew, a list that is opened closes again."""
    option = page.get_by_role("option", name=re.compile(words))
    for _ in range(20):
        page.get_by_role("combobox", name=label).click()
        try:
            expect(option).to_be_visible(timeout=1000)
        except AssertionError:
            continue
        break
    option.click()


def focus_of(house: House) -> dict[str, tuple[Verdict, str]]:
    registry = house.registry()
    try:
        return {e.rule: (e.verdict, e.note) for e in registry.people.focus_edits(seed.WEARER)}
    finally:
        registry.close()


def test_a_look_at_somebody_elses_client_is_refused_and_audited(
    house: House, browser: Browser
) -> None:
    token = signing_in.token(house.registry_url, **THERAPIST)
    url = f"{house.address}/{Act.REVIEW}?client={OTHER}"
    with screenshots.opened(browser, url, token=token, until=".pl-empty") as page:
        expect(page.locator(".pl-empty")).to_contain_text("not yours to see")
        assert "Grace" not in page.content()
        for kind in ("sheet.pdf", "week.csv", "everything.zip"):
            answer = page.request.get(f"{house.address}/export/{OTHER}/{kind}")
            assert answer.status == 403
            assert "Grace" not in answer.text()
        page.goto(house.address)
        expect(page.locator(".pl-clients tbody tr")).to_have_count(2)
    refused = [(look.act, look.wearer) for look in house.looks() if not look.allowed]
    assert (Act.REVIEW, OTHER) in refused
    assert (Act.SHEET, OTHER) in refused
    assert refused.count((Act.EXPORT, OTHER)) == 2
