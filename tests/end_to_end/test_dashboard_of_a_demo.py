"""A recorded person's movement, from the Bluetooth end to the page that a browser shows."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from contracts.vocabulary import Posture
from dashboard.look import text
from plumbline.ports import free_port
from tests.dashboard import screenshots
from tests.end_to_end.demo_run import demo, store_of, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATIENCE_MS = 120_000
ALWAYS = (0, 2**63 - 1)


def test_the_page_shows_what_the_demo_stored(
    data_dir: Path, chromium: Path, tmp_path: Path
) -> None:
    port, data = free_port(), tmp_path / "data"
    folder = data_dir / "recordings" / "sitting-04"
    with (
        demo(data, "--recording", folder, "--dashboard-port", port) as running,
        screenshots.chromium(chromium) as browser,
    ):
        wait_until(lambda: running.in_frames() == 95_600, "all samples in frames", running.process)
        with store_of(data) as store:
            (wearer,) = store.wearers()
            episodes = store.episodes(wearer.wearer, *ALWAYS)
        assert episodes
        accounts = json.loads((data / "accounts.json").read_text(encoding="utf-8"))
        client = next(account for account in accounts if account["role"] == "client")
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        with closing(context):
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            page.get_by_label("Name or e-mail").fill(client["login"])
            page.get_by_label("Password").fill(client["password"])
            page.get_by_role("button", name="Sign in").click()
            timeline = page.locator(".vega-embed").first
            rounded = text.POSTURE[Posture.ROUNDED]
            marks = timeline.locator(f"[aria-label^='{rounded}, ']")
            expect(marks.first).to_be_visible(timeout=PATIENCE_MS)
            bars = timeline.locator("[aria-label^='Episode: ']")
            expect(bars).to_have_count(len(episodes), timeout=PATIENCE_MS)
            choices = page.get_by_role("radiogroup", name="Episode").get_by_role("radio")
            expect(choices).to_have_count(len(episodes), timeout=PATIENCE_MS)
            areas = page.locator(".pl-area")
            expect(areas).to_have_count(len(episodes[-1].focus), timeout=PATIENCE_MS)
            for shown, stored in zip(areas.all(), episodes[-1].focus, strict=True):
                expect(shown).to_contain_text(stored.why)
            expect(page.get_by_text("not a diagnosis or treatment").first).to_be_visible()
