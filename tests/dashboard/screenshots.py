"""Pictures of every page of the dashboard: desktop and phone, light and dark, with an index to look through.

    python -m tests.dashboard.screenshots [FOLDER] [--only review,body] [--clients 12] [--weeks 16]
    python -m tests.dashboard.screenshots [FOLDER] --docs docs/images

It seeds a simulated clinic, serves it and signs in as each role. ``--docs`` makes the pictures of the
documentation of those that were taken: cut where a reader has seen enough.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard import launch
from dashboard.entry.access import Act
from plumbline.ports import free_port
from plumbline.seed import SeedChoice
from store.open import open_series
from tests.dashboard import gallery, seed, signing_in
from tests.dashboard.clinic import Clinic, make_clinic

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 900), (390, 844)
#: Taller than this a picture is cut.
MAX_HEIGHT = 8000
_PATIENCE_MS = 60_000
#: Picture of the documentation → the page and size that it is of, and where it is cut.
DOCS = {
    "week-review.png": (f"therapist-{Act.REVIEW}-desktop", 1480),
    "my-body.png": (f"client-{Act.BODY}-desktop", 940),
    "today-phone.png": ("live-today-phone", 1045),
    "session-sheet.png": (f"therapist-{Act.SHEET}-desktop", 1325),
}


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
    until: str = ".pl-card",
) -> Iterator[Page]:
    """The page at ``url`` in a window of its own, once its parts stand: the first that ``until`` selects.

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
        expect(page.locator(until).first).to_be_visible(timeout=_PATIENCE_MS)
        yield page
    finally:
        context.close()


def every_page(clinic: Clinic, folder: Path, only: str = "") -> list[Path]:
    """All pages of the clinic, and what they show before anything was measured; the pictures."""
    taken: list[Path] = []
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-empty-") as kept,
        chromium(shutil.which("chromium") or "/usr/bin/chromium") as browser,
    ):
        nothing = replace(clinic, store_url=f"sqlite:{Path(kept) / 'series.sqlite'}")
        open_series(nothing.store_url).close()
        for at, shots in ((clinic, gallery.SHOTS), (nothing, gallery.EMPTY_SHOTS)):
            wanted = gallery.chosen(shots, only)
            if not wanted:
                continue
            log = Path(kept) / "dashboard.log"
            with served(at.store_url, at.registry_url, log) as address:
                doorman = gallery.Doorman(browser, address, clinic)
                taken += [path for shot in wanted for path in _of(doorman, shot, folder)]
    return taken


def _of(doorman: gallery.Doorman, shot: gallery.Shot, folder: Path) -> Iterator[Path]:
    """One page in both sizes and schemes."""
    for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
        for scheme in get_args(gallery.Scheme):
            path = folder / f"{shot.name}-{name}-{scheme}.png"
            with doorman.window(shot.role, size, scheme) as context:
                page = context.new_page()
                page.goto(shot.path)
                gallery.settled(page, shot)
                _grow(page, shot)
                page.screenshot(path=path, full_page=True)
            yield path


def _grow(page: Page, shot: gallery.Shot) -> None:
    """Make the window as tall as what Streamlit scrolls inside it."""
    main = page.locator("[data-testid=stMain]")
    width = page.viewport_size["width"] if page.viewport_size else DESKTOP[0]
    before = 0
    while main.count():
        height = min(int(main.evaluate("main => main.scrollHeight")), MAX_HEIGHT)
        if height <= before:
            main.evaluate("main => main.scrollTo(0, 0)")
            return
        page.set_viewport_size({"width": width, "height": height})
        gallery.settled(page, shot)
        before = height


def live_today(folder: Path) -> Path:
    """Today on a phone while the sensors send: a day that ends now, as the clinic's did when it was made."""
    path = folder / "live-today-phone-light.png"
    shot = gallery.Shot("live-today", None, f"/{Act.TODAY}")
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-live-") as kept,
        chromium(shutil.which("chromium") or "/usr/bin/chromium") as browser,
    ):
        urls = seed.urls(Path(kept))
        with served(*urls, Path(kept) / "dashboard.log") as address:
            seed.main([kept])
            width, height = PHONE
            context = browser.new_context(viewport={"width": width, "height": height})
            signing_in.sign_in(context, address, urls[1], wearer=seed.WEARER)
            page = context.new_page()
            page.goto(f"{address}{shot.path}")
            gallery.settled(page, shot)
            _grow(page, shot)
            page.screenshot(path=path)
    return path


def write_docs(folder: Path, to: Path) -> list[Path]:
    """The pictures of the documentation, of those in ``folder``; which were written."""
    written: list[Path] = []
    to.mkdir(parents=True, exist_ok=True)
    for name, (origin, height) in DOCS.items():
        with Image.open(folder / f"{origin}-light.png") as picture:
            cut = picture.convert("RGB").crop((0, 0, picture.width, min(height, picture.height)))
        # This way keeps the colour of what is small, as a swatch, and of what is pale, as a field.
        few = cut.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(to / name, optimize=True)
        written.append(to / name)
    return written


def write_index(folder: Path, pictures: Sequence[Path]) -> Path:
    """A page to look through the pictures: a row a page, all four side by side."""
    rows: dict[str, list[str]] = {}
    for picture in pictures:
        name = "-".join(picture.stem.split("-")[:-2])
        rows.setdefault(name, []).append(picture.name)
    parts = [
        f"<h2>{name}</h2><p>"
        + "".join(
            f'<a href="{file}"><img loading="lazy" src="{file}" alt="{file}"></a>' for file in files
        )
        for name, files in rows.items()
    ]
    index = folder / "index.html"
    index.write_text(_INDEX.format("\n".join(parts)), encoding="utf-8")
    return index


_INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pages</title>
<style>body{{font:16px system-ui;margin:2rem}}p{{display:flex;gap:1rem;align-items:flex-start}}
img{{max-height:32rem;max-width:30rem;border:1px solid #ccc}}</style>
{}
</html>
"""


def main() -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("screenshots"))
    parser.add_argument("--only", default="", help="pages with one of these words in their name")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--weeks", type=int, default=16)
    parser.add_argument("--docs", type=Path, help="where the documentation's pictures go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plumbline-clinic-") as kept:
        choice = SeedChoice(clients=arguments.clients, weeks=arguments.weeks)
        pictures = every_page(make_clinic(Path(kept), choice), arguments.folder, arguments.only)
    if arguments.docs:
        pictures.append(live_today(arguments.folder))
        write_docs(arguments.folder, arguments.docs)
    print(write_index(arguments.folder, pictures).absolute().as_uri())


if __name__ == "__main__":
    main()
