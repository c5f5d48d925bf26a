"""A page that was left open goes when what let it be shown has ended, also where nothing on it is live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and registry of a dashboard with two clients."""
    folder = tmp_path_factory.mktemp("open")
    store_url, registry_url = seed.urls(folder)
    open_series(store_url).close()
    registry = open_registry(registry_url)
    registry.put_wearer(Wearer(FIRST, "Anna of the first"))
    registry.put_wearer(Wearer(SECOND, "Bert of the second"))
    registry.close()
    with screenshots.served(store_url, registry_url, folder / "dashboard.log") as address:
        yield address, registry_url


def revoked(people: People, account: str) -> None:
    people.revoke(FIRST, account, time.time_ns())


def signed_out(people: People, account: str) -> None:
    # A new password ends every sign-in of the account.
    people.set_password_hash(account, "")


def opened(browser: Browser, address: str, registry_url: str, login: str) -> Page:
    context = browser.new_context()
    granted = (FIRST, SECOND)
    signing_in.sign_in(
        context, address, registry_url, role=Role.THERAPIST, granted=granted, login=login
    )
    page = context.new_page()
    page.goto(f"{address}/week-review?client={FIRST}")
    expect(page.get_by_text("Anna of the first")).not_to_have_count(0)
    return page


@pytest.mark.parametrize(
    ("ends", "said"), [(revoked, NOT_YOURS), (signed_out, "You are signed out")]
)
def test_what_stands_still_goes_too_and_no_other_client_comes_instead(
    house: tuple[str, str],
    browser: Browser,
    ends: Callable[[People, str], None],
    said: str,
) -> None:
    address, registry_url = house
    page = opened(browser, address, registry_url, login=ends.__name__)
    registry = open_registry(registry_url)
    account = registry.people.account_of_login(ends.__name__)
    assert account is not None
    ends(registry.people, account.account)
    registry.close()
    expect(page.get_by_text(said)).not_to_have_count(0)
    for name in ("Anna of the first", "Bert of the second"):
        expect(page.get_by_text(name)).to_have_count(0)
    page.context.close()
