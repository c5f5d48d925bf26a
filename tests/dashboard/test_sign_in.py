"""Signing in as a person does it: Chromium, a real server, a real registry, a real OpenID provider."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.errors import AccessError, SettingError
from contracts.units import NS_PER_S
from dashboard.entry import accounts
from dashboard.entry.door import COOKIE
from dashboard.served import oidc
from plumbline.ports import answers, free_port
from store.open import open_registry
from store.people_ports import Account, Role
from store.ports import Registry
from tests.conftest import REPOSITORY
from tests.dashboard import openid, screenshots, seed, signing_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # playwright's driver is a process of its own; its pipes end with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
CHOSEN = "four words of a song"
NOW_NS = 1_800_000_000 * NS_PER_S
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A dashboard's address, and its registry's."""
    folder = tmp_path_factory.mktemp("site")
    seed.main([str(folder)])
    store_url, registry_url = seed.urls(folder)
    with screenshots.served(store_url, registry_url, folder / "log") as address:
        yield address, registry_url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


def plumbline(*words: str, folder: Path) -> str:
    _, registry_url = seed.urls(folder)
    done = subprocess.run(
        [sys.executable, "-m", "plumbline", *words, "--registry-url", registry_url],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    return done.stdout


def sign_in(page: Page, login: str, password: str) -> None:
    """As the keyboard alone does it."""
    expect(page.get_by_label("Name or e-mail")).to_be_focused()
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    serious = [
        violation["id"]
        for violation in found.response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_from_no_account_to_ones_own_page_and_out(tmp_path: Path, context: BrowserContext) -> None:
    seed.main([str(tmp_path)])
    with screenshots.served(*seed.urls(tmp_path), tmp_path / "log") as address:
        page = context.new_page()
        page.goto(f"{address}/people")
        expect(page.get_by_text("There is no account yet")).to_be_visible()
        said = plumbline("account", "add", "boss", "--role", "administrator", folder=tmp_path)
        given = said.splitlines()[1].strip()
        page.reload()
        expect(page.get_by_text("There is no account yet")).to_have_count(0)
        assert_accessible(page)
        sign_in(page, "boss", "not it")
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        assert_accessible(page)
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type(given)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
        assert_accessible(page)
        page.goto(f"{address}/audit")
        page.get_by_label("Password now").fill(given)
        page.get_by_label("New password", exact=True).fill(CHOSEN)
        page.get_by_label("New password again").fill(CHOSEN)
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("heading", name="People")).to_be_visible()
        # a page by its address, as the first that this server is asked for, stands in its frame
        page.goto(f"{address}/audit")
        expect(page.get_by_role("cell", name="Refused").first).to_be_visible()
        expect(page.get_by_role("link", name="People").first).to_be_visible()
        page.get_by_role("button", name="boss").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out")).to_be_visible()
        page.goto(address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_form_on_a_phone(site: tuple[str, str], browser: Browser, *, dark: bool) -> None:
    width, height = screenshots.PHONE
    narrow = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page = narrow.new_page()
    page.goto(site[0])
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(16, 21, 28)" if dark else "rgb(243, 245, 248)")
    narrow.close()


def test_the_helper_of_other_tests_signs_in(site: tuple[str, str], context: BrowserContext) -> None:
    signing_in.sign_in(context, *site, role=Role.EMPLOYER)
    page = context.new_page()
    page.goto(site[0])
    expect(page.get_by_text("Not enough people yet")).to_be_visible()


@contextmanager
def served_with(known: openid.OpenId, folder: Path) -> Iterator[str]:
    """``plumbline dashboard`` with the provider in its settings."""
    store_url, registry_url = seed.urls(folder)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    (folder / "client.secret").write_text(openid.CLIENT_SECRET, encoding="utf-8")
    settings = {
        "PLUMBLINE_STORE_URL": store_url,
        "PLUMBLINE_REGISTRY_URL": registry_url,
        "PLUMBLINE_DASHBOARD_PORT": str(port),
        "PLUMBLINE_PUBLIC_URL": address,
        "PLUMBLINE_OIDC_URL": known.metadata_url,
        "PLUMBLINE_OIDC_NAME": "Clinic ID",
        "PLUMBLINE_OIDC_CLIENT_ID": openid.CLIENT_ID,
        "PLUMBLINE_OIDC_CLIENT_SECRET_FILE": str(folder / "client.secret"),
    }
    kept = {name: value for name, value in os.environ.items() if "PLUMBLINE" not in name}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "plumbline", "dashboard"],
            env=kept | settings | {"PYTHONPATH": str(REPOSITORY)},
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not answers("127.0.0.1", port):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def test_an_openid_provider_lets_in_whom_an_administrator_made(
    tmp_path: Path, context: BrowserContext
) -> None:
    seed.main([str(tmp_path)])
    registry = open_registry(seed.urls(tmp_path)[1])
    people = registry.people
    made, password = accounts.add(
        people, "kim@clinic.example", "Kim", {Role.CLIENT}, wearer=seed.WEARER
    )
    with openid.provider() as known, served_with(known, tmp_path) as address:
        page = context.new_page()

        def come(**claims: object) -> None:
            known.claims = claims
            page.goto(f"{address}/sign-in")
            page.get_by_role("link", name="Sign in with Clinic ID").click()

        come(sub="s-1", email="kim@clinic.example", email_verified=False)
        expect(page.get_by_text("no account of yours here")).to_be_visible()
        come(sub="s-1", email="stranger@clinic.example", email_verified=True)
        expect(page.get_by_text("no account of yours here")).to_be_visible()
        assert COOKIE not in {cookie["name"] for cookie in context.cookies()}
        come(sub="s-1", email="Kim@clinic.example", email_verified=True)
        expect(page.get_by_role("button", name="Kim")).to_be_visible()
        linked = people.account(made.account)
        assert linked == replace(made, subject=f"{known.issuer} s-1", must_change=False)
        assert people.password_hash(made.account) == ""  # nobody had ever used it
        names = {cookie["name"] for cookie in context.cookies()}
        assert COOKIE in names
        assert not {name for name in names if name.startswith("_streamlit_user")}
        page.goto(f"{address}/sign-out")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        # known by the subject from now on, whatever the address is; another subject is somebody else
        come(sub="s-1", email="new@clinic.example", email_verified=True)
        expect(page.get_by_role("button", name="Kim")).to_be_visible()
        context.clear_cookies()
        come(sub="s-2", email="kim@clinic.example", email_verified=True)
        expect(page.get_by_text("no account of yours here")).to_be_visible()
        accounts.disable(people, linked)
        come(sub="s-1", email="kim@clinic.example", email_verified=True)
        expect(page.get_by_text("no account of yours here")).to_be_visible()
    said = (tmp_path / "log").read_text()
    assert password not in said
    assert openid.CLIENT_SECRET not in said
    assert "Traceback" not in said, said
    registry.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    found = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    yield found
    found.close()


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"iss": ""},
        {"iat": None},
        {"iat": NOW_NS / NS_PER_S - 301},
        {"iat": NOW_NS / NS_PER_S + 301},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"email": ["strasse@x.org"]},
        {"email": "straße@x.org"},
        {"sub": "x" * 400},
    ],
    ids=str,
)
def test_a_word_of_the_provider_that_is_not_enough(
    registry: Registry, claims: dict[str, object]
) -> None:
    people = registry.people
    people.put_account(Account("a", "strasse@x.org", "A", frozenset({Role.EMPLOYER})))
    good = {
        "iss": "https://id.example",
        "sub": "s-1",
        "iat": NOW_NS / NS_PER_S,
        "email": "strasse@x.org",
        "email_verified": True,
    }
    with pytest.raises(AccessError):
        oidc.known_as(people, good | claims, now_ns=NOW_NS)
    assert oidc.known_as(people, good, now_ns=NOW_NS).account == "a"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (oidc.CLIENT_SECRET, "client id or its secret is missing"),
        (oidc.CLIENT_ID, "client id or its secret is missing"),
        (oidc.PUBLIC_URL, "address of the dashboard is no http"),
    ],
)
def test_half_a_provider_is_refused(missing: str, said: str) -> None:
    settings = {
        oidc.METADATA_URL: "https://id.example/.well-known/openid-configuration",
        oidc.CLIENT_ID: "plumbline",
        oidc.CLIENT_SECRET: "x",
        oidc.PUBLIC_URL: "https://posture.example",
    }
    assert oidc.from_environment({}) is None
    found = oidc.from_environment(settings)
    assert found is not None
    assert found.secrets()["auth"]["redirect_uri"] == "https://posture.example/oauth2callback"
    with pytest.raises(SettingError, match=said):
        oidc.from_environment(settings | {missing: ""})


def test_a_provider_without_authlib_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.auth_util.is_authlib_installed", lambda: False)
    with pytest.raises(SettingError, match="needs Authlib") as caught:
        oidc.Provider("https://id.example/x", "a", "b", "https://posture.example")
    assert "plumbline[oidc]" in caught.value.hint
