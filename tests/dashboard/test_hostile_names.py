"""Names that Markdown, formulas, HTML and icons would make something else of stand as they were written."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, expect

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from dashboard.entry import accounts
from dashboard.entry.door import COOKIE, Door
from dashboard.look.text import is_unwritable, literal
from dashboard.settings.model import name_complaint
from store.open import open_registry, open_series
from store.people_ports import Account, FocusEdit, Grant, PainTap, Role, TherapySession, Verdict
from store.ports import Registry
from tests.dashboard import reviewed, screenshots, seed, signing_in
from tests.dashboard.reviewed import WEARER, WEEK

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
expect.set_options(timeout=20_000)
NAMES = {
    "markdown": "**Dr.** _A_ [x](http://evil.example) `b` # 1. - > ~~c~~",
    "drawn": ":smile: :red[B] :material/home: -> <- -- >= $x^2$",
    "html": '<img src=x onerror="alert(1)"> & <b>C</b>',
    "formula": "=cmd|' /C calc'!A0",
    "letters": "ÀÉ 王小明 שלום 😀 " + "W" * 64,
}
NOTE = "=cmd|'/c calc'!A1 \"q\", 'a'\n\\section{x} $\\frac{1}{0}$ #set page(width: 1pt) **b** \u202eabc\u0000 😀"


@dataclass
class House:
    address: str
    registry: Registry
    registry_url: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Therapists of all those names, who may look; and the client's words of the same kind."""
    folder = tmp_path_factory.mktemp("house")
    urls = seed.urls(folder)
    registry, series = open_registry(urls[1]), open_series(urls[0])
    reviewed.fill(reviewed.Client(series, registry))
    series.close()
    people = registry.people
    begun_ns = WEEK.bounds_ns(reviewed.ZONE)[0]
    for login, name in NAMES.items():
        people.put_account(Account(login, login, name, frozenset({Role.THERAPIST})))
        people.grant(Grant(WEARER, login, begun_ns))
    at_ns = begun_ns + 3600 * NS_PER_S
    people.tap_pain(PainTap(WEARER, at_ns, "left_rhomboids", 5, NOTE))
    people.add_session(TherapySession(WEARER, at_ns, "formula", NOTE))
    people.edit_focus(
        [FocusEdit(WEARER, "upper_thoracic", "html", at_ns, Verdict.ACCEPTED, 1, NOTE)]
    )
    with screenshots.served(*urls, folder / "log") as address:
        yield House(address, registry, urls[1])
    registry.close()


def token(house: House, login: str) -> str:
    people = house.registry.people
    account = people.account_of_login(login)
    assert account is not None
    return Door(people, clock_ns=time.time_ns).let_in(account)


def seen(text: str) -> str:
    """What a person sees of it."""
    return " ".join(text.replace("\u2060", "").split())


def test_a_name_stands_in_the_corner_and_on_buttons_as_it_was_written(
    house: House, browser: Browser
) -> None:
    for login, name in NAMES.items():
        context = browser.new_context()
        signing_in.keep(context, house.address, token(house, login))
        page = context.new_page()
        page.goto(f"{house.address}/clients")
        corner = page.get_by_test_id("stPopoverButton").get_by_test_id("stMarkdownContainer")
        expect(corner).to_be_visible()
        assert seen(corner.inner_text()) == name
        context.close()
    context = browser.new_context()
    signing_in.keep(context, house.address, token(house, "anne"))
    page = context.new_page()
    page.goto(f"{house.address}/my-data")
    expect(page.get_by_text("Erase everything about me")).to_have_count(1)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    takers = page.get_by_role("button", name=re.compile("Take back: "))
    expect(takers.nth(len(NAMES) - 1)).to_be_visible()
    labels = [seen(label) for label in page.get_by_test_id("stButton").all_inner_texts()]
    for name in NAMES.values():
        assert f"Take back: {name}" in labels
    context.close()


def answer(house: House, kind: str) -> bytes:
    address = f"{house.address}/export/{WEARER}/{kind}?week={WEEK.name}"
    who = "theo" if kind == "sheet.pdf" else "anne"
    headers = {"Cookie": f"{COOKIE}={token(house, who)}"}
    with urlopen(Request(address, headers=headers), timeout=60) as found:
        content: bytes = found.read()
    return content


def test_words_of_people_break_no_export_and_are_no_formula(house: House) -> None:
    assert answer(house, "sheet.pdf").startswith(b"%PDF-")
    assert answer(house, "week.fhir.json").startswith(b"{")
    with zipfile.ZipFile(io.BytesIO(answer(house, "everything.zip"))) as archive:
        tables = [name for name in archive.namelist() if name.endswith(".csv")]
        cells = [
            cell
            for name in tables
            for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
            for cell in row
        ]
    assert any("calc" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("name", ["a\u202eb", "a\0b", "a\nb", "a\u2067b", "a\ud800"])
def test_a_name_that_nobody_types_is_refused(name: str) -> None:
    assert is_unwritable(name)
    assert "type it anew" in name_complaint(name)
    with pytest.raises(SettingError, match="no keyboard writes"):
        accounts.checked(Account("a", "a", name, frozenset({Role.THERAPIST})))
    with pytest.raises(SettingError, match="no keyboard writes"):
        accounts.checked(Account("a", name, "a", frozenset({Role.THERAPIST})))


@pytest.mark.parametrize("name", list(NAMES.values()))
def test_a_name_that_somebody_may_type_is_kept(name: str) -> None:
    assert not is_unwritable(name)
    assert seen(literal(name).replace("\\", "")) == name
