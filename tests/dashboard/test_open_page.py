"""A page that was left open goes when what let it be shown has ended, also where nothing on it is live."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.shell import NOT_YOURS
from store.open import open_registry, open_series
from store.people_ports import People, Role
from store.ports import Wearer
from tests.dashboard import screenshots, seed, signing_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
expect.set_options(timeout=20_000)
FIRST, SECOND = "first-client", "second-client"
LOGIN = "the-therapist"


def revoked(people: People) -> None:
    account = people.account_of_login(LOGIN)
    assert account is not None
    people.revoke(FIRST, account.account, time.time_ns())


def signed_out(people: People) -> None:
    account = people.account_of_login(LOGIN)
    assert account is not None
    # A new password ends every sign-in of the account.
    people.set_password_hash(account.account, "")


def opened(browser: Browser, address: str, registry_url: str) -> Page:
    context = browser.new_context()
    granted = (FIRST, SECOND)
    signing_in.sign_in(
        context, address, registry_url, role=Role.THERAPIST, granted=granted, login=LOGIN
    )
    page = context.new_page()
    page.goto(f"{address}/week-review?client={FIRST}")
    expect(page.get_by_text("Anna of the first")).not_to_have_count(0)
    return page


@pytest.mark.parametrize(
    ("ends", "said"), [(revoked, NOT_YOURS), (signed_out, "You are signed out")]
)
def test_what_stands_still_goes_too_and_no_other_client_comes_instead(
    tmp_path: Path, browser: Browser, ends: Callable[[People], None], said: str
) -> None:
    store_url, registry_url = seed.urls(tmp_path)
    open_series(store_url).close()
    registry = open_registry(registry_url)
    registry.put_wearer(Wearer(FIRST, "Anna of the first"))
    registry.put_wearer(Wearer(SECOND, "Bert of the second"))
    with screenshots.served(store_url, registry_url, tmp_path / "dashboard.log") as address:
        page = opened(browser, address, registry_url)
        ends(registry.people)
        expect(page.get_by_text(said)).not_to_have_count(0)
        for name in ("Anna of the first", "Bert of the second"):
            expect(page.get_by_text(name)).to_have_count(0)
        page.context.close()
    registry.close()
