"""My body as a person meets it: real server, real store, the system's Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from contracts.units import NS_PER_S
from contracts.vocabulary import Pattern
from dashboard.body.regions import View, regions
from dashboard.entry.access import Act
from dashboard.look import text
from store.open import open_registry
from store.people_ports import PainTap, Role
from tests.dashboard import screenshots, seed, signing_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
HURTS = "Where does it hurt?"
BACK = {one.id for one in regions().values() if one.view is View.BACK}
#: What the seeded day has of upper-back rounding.
UPPER = [s.minutes for s in seed.WORKDAY if s.pattern is Pattern.UPPER_THORACIC]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and registry of a dashboard with a full day, which tests here add pain to."""
    folder = tmp_path_factory.mktemp("body")
    seed.main([str(folder)])
    store_url, registry_url = seed.urls(folder)
    with screenshots.served(store_url, registry_url, folder / "dashboard.log") as address:
        yield f"{address}/{Act.BODY}", registry_url


@pytest.fixture
def client(room: tuple[str, str]) -> str:
    return signing_in.token(room[1], role=Role.CLIENT, wearer=seed.WEARER)


def figure(page: Page) -> Locator:
    return page.locator(".figure")


def region(page: Page, name: str) -> Locator:
    return page.locator(f".region[data-region={name}]")


def tap_on(page: Page, name: str, *, touch: bool = False) -> None:
    """Click or tap a region at the point that is its own."""
    where = region(page, name).evaluate(
        """path => {
            const [x, y] = path.dataset.heart.split(' ').map(Number);
            path.scrollIntoView({block: 'center'});
            const at = new DOMPoint(x, y).matrixTransform(path.getScreenCTM());
            return [at.x, at.y];
        }"""
    )
    if touch:
        page.touchscreen.tap(*where)
    else:
        page.mouse.click(*where)


def in_focus(page: Page) -> str | None:
    """The region that has the keyboard's focus."""
    found: str | None = page.locator(".figure").evaluate(
        "figure => figure.getRootNode().activeElement?.dataset?.region ?? null"
    )
    return found


def test_a_muscle_is_chosen_by_mouse_and_lights_its_pair(
    room: tuple[str, str], client: str, browser: Browser
) -> None:
    with screenshots.opened(browser, room[0], token=client) as page:
        expect(region(page, "left_rhomboids")).to_have_attribute(
            "aria-label",
            f"Rhomboids, left: {text.duration(60 * sum(UPPER))} of rounding in "
            f"{len(UPPER)} episodes",
        )
        figure(page).evaluate("figure => { figure.dataset.kept = 'yes' }")
        tap_on(page, "left_rhomboids")
        expect(page.get_by_role("heading", name="Rhomboids, left")).to_be_visible()
        expect(region(page, "left_rhomboids")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("li[aria-current]")).to_have_text(
            "Rhomboidsbetween the shoulder blades"
        )
        # The pair is outlined in front: two pectorals, coracobrachialis and diaphragm, left and right.
        front = page.locator("svg[data-view=front] .chosen path")
        expect(front).to_have_count(2 * 2 * 4)
        expect(page.get_by_text("not a diagnosis or treatment").first).to_be_visible()
        expect(page.get_by_text("numbness around the saddle")).to_be_visible()
        tap_on(page, "right_rectus_femoris")
        expect(page.get_by_role("heading", name="Rectus femoris, right")).to_be_visible()
        expect(page.locator(".pl-area").get_by_text("inferred", exact=True)).to_be_visible()
        # It is the same figure all the while, not a new one.
        assert figure(page).get_attribute("data-kept") == "yes"


def test_pain_by_keyboard_alone_is_in_the_diary_after_a_reload(
    room: tuple[str, str], client: str, browser: Browser
) -> None:
    with screenshots.opened(browser, room[0], token=client) as page:
        page.get_by_text(HURTS).first.click()
        expect(page.get_by_text("Choose the place on the figure")).to_be_visible()
        # Tab stops once in each view, and the arrow keys go on from there.
        expect(page.locator(".region[tabindex='0']")).to_have_count(2)
        region(page, "face").focus()
        page.keyboard.press("Tab")
        assert in_focus(page) in BACK
        page.keyboard.press("End")
        page.keyboard.press("Home")
        seen = {in_focus(page)}
        for _ in range(12):
            page.keyboard.press("ArrowDown")
            seen.add(in_focus(page))
        assert len(seen) > 6
        assert seen <= BACK
        region(page, "right_rhomboids").focus()
        page.keyboard.press("ArrowLeft")
        expect(figure(page).locator(".said")).to_contain_text("Rhomboids, left")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Rhomboids, left")).to_be_visible()
        assert in_focus(page) == "left_rhomboids"
        slider = page.get_by_role("slider")
        slider.focus()
        page.keyboard.press("ArrowRight")
        expect(slider).to_have_value("6")
        page.get_by_label("Note (optional)").fill("after <b>the drive</b>")
        page.get_by_role("button", name="Save").press("Enter")
        entry = page.locator(".pl-tap").filter(has_text="Rhomboids")
        expect(entry).to_have_count(1)
        page.reload()
        page.get_by_text(HURTS).first.click()
        expect(entry).to_contain_text("Rhomboids, left")
        expect(entry.locator(".pl-score")).to_have_text("6")
        expect(entry).to_contain_text("after <b>the drive</b>")
        expect(page.locator("svg[data-view=back] .marks").get_by_text("6")).to_be_visible()
        page.get_by_role("button", name="Take back").first.click()
        expect(entry).to_have_count(0)


def test_a_phone_shows_one_view_at_a_time_and_takes_a_finger(
    room: tuple[str, str], client: str, browser: Browser
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce"
    )
    try:
        signing_in.keep(context, room[0], client)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(room[0])
        expect(region(page, "left_pectoralis_major")).to_be_visible()
        expect(region(page, "left_rhomboids")).to_be_hidden()
        page.get_by_role("button", name="Back", exact=True).tap()
        expect(region(page, "left_rhomboids")).to_be_visible()
        tap_on(page, "right_lower_trapezius", touch=True)
        expect(page.get_by_role("heading", name="Lower trapezius, right")).to_be_visible()
        expect(region(page, "left_pectoralis_major")).to_be_hidden()
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= 390
    finally:
        context.close()


def test_a_therapist_reads_the_diary_and_changes_nothing(
    room: tuple[str, str], browser: Browser
) -> None:
    registry = open_registry(room[1])
    try:
        registry.people.tap_pain(PainTap(seed.WEARER, time.time_ns() - NS_PER_S, "sacrum", 3))
    finally:
        registry.close()
    token = signing_in.token(
        room[1], role=Role.THERAPIST, granted=[seed.WEARER], login="who looks at a body"
    )
    address = f"{room[0]}?client={seed.WEARER}"
    with screenshots.opened(browser, address, token=token) as page:
        page.get_by_text("Pain told").click()
        expect(page.locator(".pl-tap")).to_contain_text("Sacrum")
        # For a moment the figure of the view before is there as well.
        expect(page.locator("svg[data-view=back] .marks").get_by_text("3").first).to_be_visible()
        expect(page.get_by_role("button", name="Take back")).to_have_count(0)
        expect(page.get_by_role("button", name="Save")).to_have_count(0)
        expect(page.locator(".region")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_of_ours(
    room: tuple[str, str], client: str, browser: Browser, *, dark: bool
) -> None:
    with screenshots.opened(browser, room[0], token=client, dark=dark) as page:
        expect(region(page, "left_rhomboids")).to_be_visible()
        tap_on(page, "left_rhomboids")
        expect(page.get_by_role("heading", name="Rhomboids, left")).to_be_visible()
        found = Axe().run(page, context=".figure, .pl").response["violations"]
        grave = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        assert grave == []
