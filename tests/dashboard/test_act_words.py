"""Pages and changes have one name each: in the navigation, in the audit, in who looked."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from dashboard.entry import door
from dashboard.entry.access import PAGES, Act
from dashboard.look.act_words import ACT_WORDS, words_of
from dashboard.mine import cards as mine_cards
from dashboard.office import cards as office_cards
from store.people_ports import Look

UTC = ZoneInfo("UTC")


def test_every_act_of_the_audit_has_its_words_and_every_page_a_title() -> None:
    assert set(ACT_WORDS) == {*map(str, Act), door.SIGN_IN, door.SIGN_OUT, door.PASSWORD}
    titled = {act for act, words in ACT_WORDS.items() if words.title is not None}
    assert titled == set(map(str, PAGES))


@pytest.mark.parametrize(
    ("act", "wearer", "said"),
    [
        ("all-sensors", None, "Sensors"),
        ("my-body", "w-1", "My body"),
        ("my-body", "w-2", "Body"),
        ("change-settings", "w-1", "Change the settings"),
        ("sign-in", None, "Sign in"),
        ("of-later", None, "Do of later"),
    ],
)
def test_the_audit_says_what_the_menu_says(act: str, wearer: str | None, said: str) -> None:
    table = office_cards.looks([Look(5, "a", act, wearer)], {"a": "Kim"}, {}, {"a": "w-1"}, 9, UTC)
    assert f"</span>{said}</td>" in table


def test_who_looked_is_said_in_a_sentence() -> None:
    looks = [Look(5, "a", "team", "w"), Look(5, "a", "my-body", "w", allowed=False)]
    said = mine_cards.looks(looks, {"a": "Kim"}.__getitem__, "me", 9, UTC)
    assert "<b>Kim</b> looked at the team’s weeks" in said
    assert "<b>Kim</b> wanted to look at the body figure" in said
    assert words_of("export").named(own=True) == "Download data"
