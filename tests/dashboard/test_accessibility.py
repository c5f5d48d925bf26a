"""What axe-core finds on every page, and what a keyboard reaches.

Desktop in light, then the same page on a phone in dark: each page passes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from store.people_ports import Role
from tests.dashboard import gallery, screenshots
from tests.dashboard.clinic import Clinic, make_clinic
from tests.dashboard.gallery import PHONE, SHOTS, Doorman, Shot

#: Violations that people cannot live with.
GRAVE: Final = ("serious", "critical")
#: Inside these are Streamlit's own widgets: CSS selector, and which rule they break and why it stands.
STREAMLITS_OWN: Final[dict[str, tuple[str, str]]] = {}
#: What a therapist sees of a client as the client does.
SEEN_ALREADY: Final = ("therapist-today", "therapist-week", "therapist-my-body")
LOOKED_AT: Final = [shot for shot in SHOTS if shot.name not in SEEN_ALREADY]
#: Rules that depend on size or colours: the others need no second look.
BY_LOOKS: Final = ["color-contrast", "scrollable-region-focusable", "image-alt"]
#: The window of a role.
Windows = Callable[[Role | None], BrowserContext]
#: The most presses of Tab that a page may take to come around.
MOST_TABS: Final = 150


@pytest.fixture(scope="module")
def window(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A served clinic of two, and a window a role: what all pages are made of is fetched once."""
    folder = tmp_path_factory.mktemp("clinic")
    clinic: Clinic = make_clinic(folder)
    with (
        screenshots.served(clinic.store_url, clinic.registry_url, folder / "log") as address,
        ExitStack() as windows,
    ):
        doorman = Doorman(browser, address, clinic)
        yield cache(lambda role: windows.enter_context(doorman.window(role)))


def grave(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds serious or critical (by some rules), in words for who mends it."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {_why(node)} {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
        if not _is_streamlits(page, one["id"], node)
    ]


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in (*node["any"], *node["all"], *node["none"]))


def _is_streamlits(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Whether a node lies within a widget that is known to break that rule."""
    selectors = [selector for selector, (known, _) in STREAMLITS_OWN.items() if known == rule]
    return any(
        page.locator(str(node["target"][-1])).first.evaluate(
            "(element, selector) => element.closest(selector) !== null", selector
        )
        for selector in selectors
    )


@pytest.mark.parametrize("shot", LOOKED_AT, ids=[shot.name for shot in LOOKED_AT])
def test_nothing_grave_is_found(window: Windows, shot: Shot) -> None:
    with closing(window(shot.role).new_page()) as page:
        page.goto(shot.path)
        gallery.settled(page, shot)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert grave(page) == [], "desktop, light"
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        gallery.settled(page, shot)
        assert grave(page, BY_LOOKS) == [], "phone, dark"


def walked(page: Page) -> list[str]:
    """What Tab reaches in turn: the role and the name of each, until it comes around."""
    names: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
                let at = document.activeElement;
                while (at && at.shadowRoot && at.shadowRoot.activeElement) {
                    at = at.shadowRoot.activeElement;
                }
                if (at === null || at === document.body) return '';
                return (at.getAttribute('role') || at.tagName.toLowerCase()) + ': '
                    + (at.getAttribute('aria-label') || at.innerText || at.id || '').trim();
            }"""
        )
        if not name:
            break
        names.append(name)
    return names


@pytest.mark.parametrize(
    ("role", "path", "wanted"),
    [
        (Role.CLIENT, "/today", ["Week", "My data", "Day before", "Whole day"]),
        (Role.CLIENT, "/my-body", ["Today", ", left: ", "Choose by name"]),
        (Role.THERAPIST, "/clients", ["Week review", "Find a client", "Simulated client 002"]),
        (Role.THERAPIST, f"/week-review?client={gallery.SHOWN}", ["Clients", "PDF", "Accept"]),
    ],
)
def test_a_keyboard_reaches_what_a_page_is_for(
    window: Windows, role: Role, path: str, wanted: list[str]
) -> None:
    with closing(window(role).new_page()) as page:
        page.goto(path)
        gallery.settled(page, Shot("walk", role, path))
        names = walked(page)
        for words in wanted:
            assert any(words.casefold() in name.casefold() for name in names), (words, names)


def test_focus_is_to_be_seen(window: Windows) -> None:
    with closing(window(Role.THERAPIST).new_page()) as page:
        page.goto("/clients")
        link = page.get_by_role("link", name="Simulated client 001")
        expect(link).to_be_visible()
        link.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        outline = link.evaluate("link => getComputedStyle(link).outlineStyle")
        assert outline != "none"
