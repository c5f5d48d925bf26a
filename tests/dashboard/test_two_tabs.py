"""Two tabs of one person, and messages that no browser sends: the last word holds, nothing is mixed or lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import available_timezones

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from contracts.units import NS_PER_S
from dashboard.entry.door import Door
from dashboard.look.text import is_unwritable
from dashboard.settings.model import MAX_NAME
from dashboard.shell import NOT_YOURS
from store.open import open_registry, open_series
from store.people_ports import Account, Grant, Role, Verdict
from store.ports import Registry
from tests.dashboard import reviewed, screenshots, seed, signing_in
from tests.dashboard.reviewed import WEARER
from tests.dashboard.tab import PATIENCE_S, Tab, tab

pytestmark = pytest.mark.timeout(300)
RULE = "upper_thoracic"
NOT_A_NUMBER = float("nan")


@dataclass
class House:
    address: str
    registry: Registry
    client: str
    therapist: str
    account: Account  # the therapist's

    def said(self) -> tuple[Verdict, str]:
        """The verdict on the rule, and its note."""
        edits = {edit.rule: edit for edit in self.registry.people.focus_edits(WEARER)}
        return edits[RULE].verdict, edits[RULE].note


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    urls = seed.urls(folder)
    registry, series = open_registry(urls[1]), open_series(urls[0])
    reviewed.fill(reviewed.Client(series, registry))
    series.close()
    client = signing_in.token(urls[1], login="anne")
    therapist = signing_in.token(urls[1], login="theo")
    account = signing_in.account(registry.people, login="theo")
    with screenshots.served(*urls, folder / "log") as address:
        yield House(address, registry, client, therapist, account)
    registry.close()


@pytest.fixture
def house(served: House) -> House:
    """With the therapist let look, whatever a test before did."""
    people = served.registry.people
    people.revoke(WEARER, served.account.account, time.time_ns())
    people.grant(Grant(WEARER, served.account.account, time.time_ns()))
    return served


@pytest.fixture
def tabs(house: House) -> Iterator[tuple[Tab, Tab]]:
    """The therapist's review in two tabs."""
    with tab(house.address, house.therapist) as first, tab(house.address, house.therapist) as other:
        for page in (first, other):
            page.open("week-review", f"client={WEARER}&week={reviewed.WEEK.name}")
        yield first, other


def words_on(page: Tab, kind: str) -> tuple[str, str]:
    """The id of the widget for words on the rule, and its part."""
    ids = [(found.id, part) for found, part in page.widgets(kind) if RULE in found.id]
    return ids[-1]


def decide(page: Tab, verdict: str) -> str:
    name, part = words_on(page, "button_group")
    state = WidgetState(id=name)
    state.string_array_value.data.append(verdict)
    return page.set(state, part=part)


def note(page: Tab, words: str) -> str:
    name, part = words_on(page, "text_area")
    return page.set(WidgetState(id=name, string_value=words), part=part)


def test_a_verdict_leaves_the_note_that_another_tab_wrote(
    house: House, tabs: tuple[Tab, Tab]
) -> None:
    first, other = tabs
    note(other, "written in the other tab")
    decide(first, "Accept")
    assert house.said() == (Verdict.ACCEPTED, "written in the other tab")
    shown = [found.value for found, _ in first.widgets("text_area") if RULE in found.id]
    assert shown[-1] == "written in the other tab"


def test_undo_takes_back_what_this_tab_said_and_nothing_later(
    house: House, tabs: tuple[Tab, Tab]
) -> None:
    first, other = tabs
    note(first, "first")
    note(other, "the last word")
    assert "Somebody has said something else" in first.click("Undo")
    assert house.said()[1] == "the last word"
    assert not first.failed


def test_a_press_after_the_grant_has_ended_is_refused_in_words(
    house: House, tabs: tuple[Tab, Tab]
) -> None:
    first, _ = tabs
    note(first, "while it was allowed")
    house.registry.people.revoke(WEARER, house.account.account, time.time_ns())
    time.sleep(3)  # who is signed in is remembered for two seconds
    assert NOT_YOURS in note(first, "after")
    assert not first.failed
    assert house.said()[1] == "while it was allowed"


def test_settings_of_two_tabs_both_hold_and_what_is_pending_is_ones_own(house: House) -> None:
    with tab(house.address, house.client) as first, tab(house.address, house.client) as other:
        first.open("settings")
        other.open("settings")
        name, _ = other.widget("text_input", "Name shown")
        other.set(WidgetState(id=name.id, string_value="A new name"))
        other.click("Save")
        mark, _ = first.widget("slider", "Rounded from")
        state = WidgetState(id=mark.id)
        state.double_array_value.data.append(14.0)
        text = first.set(state)
        assert "Rounded from: 12° → 14°" in text
        assert "Name shown: " not in text
        first.click("Save")
        assert house.registry.settings(WEARER).rounded_warn_deg == 14.0
        assert house.registry.wearers()[0].label == "A new name"


def test_a_grant_anew_takes_the_place_of_the_one_before(house: House) -> None:
    people = house.registry.people
    people.revoke(WEARER, house.account.account, time.time_ns())
    with tab(house.address, house.client) as page:
        for length in ("a year", "30 days"):
            page.open("my-data")
            whom, _ = page.widget("selectbox", "Let a therapist look")
            how_long, _ = page.widget("selectbox", "For")
            page.set(
                WidgetState(id=whom.id, string_value=house.account.name),
                WidgetState(id=how_long.id, string_value=length),
            )
            page.click("Let look")
            now_ns = time.time_ns()
            grants = people.grants(wearer=WEARER)
            (lasting,) = [g for g in grants if g.end_ns is None or g.end_ns > now_ns]
            if length == "a year":
                page.click("Take back: ")
        days = ((lasting.end_ns or 0) - lasting.start_ns) // (86_400 * NS_PER_S)
        assert days == 30


def crafted(name: str) -> list[WidgetState]:
    """Values that no widget of ours offers."""
    states = [
        WidgetState(id=name, string_value="x" * 100_000),
        WidgetState(id=name, string_value="<img src=x onerror=alert(1)>\0\u202e"),
        WidgetState(id=name, int_value=-1),
    ]
    for value in (NOT_A_NUMBER, -1e308, 1e308):
        number = WidgetState(id=name)
        number.double_array_value.data.append(value)
        states.append(number)
    return states


def test_what_no_widget_offers_is_never_kept(house: House) -> None:
    kinds = ("slider", "text_input", "selectbox")
    with tab(house.address, house.client) as page:
        page.open("settings")
        ids = [page.widgets(kind)[-1][0].id for kind in kinds]
    for name in ids:
        for state in crafted(name):
            # A session of its own: what it was sent may break it, and nobody else's.
            with tab(house.address, house.client) as page:
                page.open("settings")
                page.set(state)
                save = [found.id for found, _ in page.widgets("button") if found.label == "Save"]
                if save:
                    page.set(WidgetState(id=save[-1], trigger_value=True))
    # A number out of reach is the slider's end, a text too long its beginning; these may be kept.
    assert house.registry.settings(WEARER)
    (wearer,) = house.registry.wearers()
    assert len(wearer.label) <= MAX_NAME
    assert not is_unwritable(wearer.label)
    assert wearer.timezone in available_timezones()


def test_a_page_about_nobody_goes_over_to_the_first_client_by_itself(house: House) -> None:
    people = house.registry.people
    people.put_account(Account("new", "new", "New here", frozenset({Role.THERAPIST})))
    token = Door(people, clock_ns=time.time_ns).let_in(people.account("new") or house.account)
    with tab(house.address, token) as page:
        assert "No client yet" in page.open("week-review")
        people.grant(Grant(WEARER, "new", time.time_ns()))
        ends_s = time.monotonic() + PATIENCE_S
        while "No client yet" in page.text and time.monotonic() < ends_s:
            (part,) = page.parts
            page.again(part)
            time.sleep(0.5)
        assert "Rounded, by week" in page.text
        assert not page.failed
