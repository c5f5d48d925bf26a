"""How long a page takes in Chromium, from navigation to what it is for being painted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from contracts.errors import Fault, PlumblineError, Reason, SettingError
from dashboard.entry.door import COOKIE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENCE_MS: Final = 60_000
#: Where Debian and others put it.
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: From the navigation's start to the second frame after it is there, ms.
_WATCH: Final = """() => {
    const there = () => %s;
    const look = () => {
        if (!there()) { requestAnimationFrame(look); return; }
        requestAnimationFrame(() => requestAnimationFrame(
            () => { window.plumblinePaintedMs = performance.now(); }));
    };
    requestAnimationFrame(look);
}"""
#: All that the script makes has come and stands.
_WHOLE: Final = """(
    document.querySelector('[data-testid="stApp"]')
        ?.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('[data-testid="stSkeleton"]') === null
    && [...document.images].every(image => image.complete)
    && [...document.querySelectorAll('.stVegaLiteChart')]
           .every(chart => chart.querySelector('svg, canvas') !== null))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless. SettingError where Playwright or it is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SettingError(
            Reason.MISSING,
            "This benchmark drives a browser with Playwright, which is not installed.",
            hint="Install the tools for development: make venv-dev",
        ) from None
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise PlumblineError(
            Reason.MISSING,
            "There is no Chromium here.",
            hint="Install it, on Debian with: apt-get install chromium",
            fault=Fault.MACHINE,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def painted_s(browser: Browser, address: str, there: str, token: str = "") -> float:
    """Seconds from the navigation until ``there``, a JavaScript condition, holds and is painted.

    In a window of its own with empty caches; ``token`` signs it in.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    try:
        if token:
            context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        context.add_init_script(f"({_WATCH % there})()")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_function("() => window.plumblinePaintedMs !== undefined")
        return float(page.evaluate("window.plumblinePaintedMs")) / 1000.0
    finally:
        context.close()


def whole(there: str) -> str:
    """The condition that ``there`` holds and nothing is under way any more."""
    return f"({there}) && {_WHOLE}"
