"""Pictures of a running dashboard, as a client sees it: desktop and phone, light and dark.

    python -m tests.dashboard.screenshots URL FOLDER [--readme docs/images/dashboard.png]

``--readme`` takes only the picture of the README: a desktop's page down to the focus areas, light.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard import launch
from plumbline.ports import free_port
from tests.dashboard import signing_in

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 900), (390, 844)
_PATIENCE_MS = 60_000


@contextmanager
def chromium(path: str | Path = "/usr/bin/chromium") -> Iterator[Browser]:
    """The system's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(store_url: str, registry_url: str, log: Path) -> Iterator[str]:
    """A dashboard of its own process on a free port; its address. ``log`` takes what it says."""
    port = free_port()
    command, extra = launch.command(store_url=store_url, registry_url=registry_url, port=port)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | extra, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the dashboard ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("the dashboard did not come up")


@contextmanager
def opened(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESKTOP,
    *,
    dark: bool = False,
    token: str = "",
) -> Iterator[Page]:
    """The page at ``url`` in a window of its own, once its parts stand.

    ``token`` is of a browser that is signed in, as tests.dashboard.signing_in makes one.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=2 if size == PHONE else 1,
        reduced_motion="reduce",
    )
    try:
        if token:
            signing_in.keep(context, url, token)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url)
        expect(page.locator(".pl-card").first).to_be_visible(timeout=_PATIENCE_MS)
        yield page
    finally:
        context.close()


def stretch(page: Page) -> None:
    """Make the window as tall as what Streamlit scrolls inside it, once that grows no more."""
    expect(page.locator(".vega-embed svg").first).to_be_visible(timeout=_PATIENCE_MS)
    width = page.viewport_size["width"] if page.viewport_size else DESKTOP[0]
    height = 0
    for _ in range(20):
        before = height
        height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
        if height == before:
            return
        page.set_viewport_size({"width": width, "height": min(height, 8000)})
        page.wait_for_timeout(1500)


def whole(page: Page, path: Path) -> None:
    """The page from top to bottom."""
    stretch(page)
    page.screenshot(path=path)


def readme_picture(browser: Browser, url: str, path: Path) -> None:
    """What the README shows: a desktop's page down to the chosen episode's focus areas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened(browser, url) as page:
        areas = page.locator(".pl-focus")
        expect(areas).to_be_visible(timeout=_PATIENCE_MS)
        stretch(page)
        box = areas.bounding_box()
        bottom = DESKTOP[1] if box is None else box["y"] + box["height"] + 36
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": DESKTOP[0], "height": bottom})


def main() -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("screenshots"))
    parser.add_argument("--readme", type=Path)
    arguments = parser.parse_args()
    with chromium(shutil.which("chromium") or "/usr/bin/chromium") as browser:
        if arguments.readme:
            readme_picture(browser, arguments.url, arguments.readme)
            return
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            for dark in (False, True):
                with opened(browser, arguments.url, size, dark=dark) as page:
                    whole(
                        page, arguments.folder / f"today-{name}-{'dark' if dark else 'light'}.png"
                    )


if __name__ == "__main__":
    main()
