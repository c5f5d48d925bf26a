"""The administrator's pages on real stores: what they say, what they change, what the audit has of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from streamlit.testing.v1 import AppTest

from contracts.records import SensorHealth
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.entry.access import Act, Viewer
from dashboard.office import cards, model
from dashboard.reading import sources
from dashboard.reading.sources import Sources
from store.people_ports import Account, Look, Role
from store.ports import Assignment, Wearer
from tests.dashboard import seed, shell_room

SHELL = "from tests.dashboard.shell_room import show\nshow()\n"
BOSS = Account("boss", "boss", "The boss", frozenset({Role.ADMINISTRATOR}))
UTC = ZoneInfo("UTC")
NOW_NS = 1_772_559_000 * NS_PER_S

Open = Callable[[Act], AppTest]


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Sources]:
    seed.main([str(tmp_path)])
    opened = sources.open_sources(*seed.urls(tmp_path))
    opened.registry.people.put_account(BOSS)
    yield opened
    opened.series.close()
    opened.registry.close()


@pytest.fixture
def opened(found: Sources) -> Open:
    """Opens a page as the administrator."""

    def show(act: Act) -> AppTest:
        viewer = Viewer("boss", "The boss", frozenset({Role.ADMINISTRATOR}))
        shell_room.room[:] = [shell_room.Room(found, viewer, act, time.time_ns)]
        app = AppTest.from_string(SHELL, default_timeout=60).run()
        assert not app.exception
        return app

    return show


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def labelled(app: AppTest, kind: str, label: str) -> object:
    return next(element for element in app.get(kind) if element.label == label)


def changes(found: Sources) -> list[str]:
    looks = found.registry.people.looks(limit=1000)
    return [look.detail for look in looks if look.act == Act.MANAGE and look.account == "boss"]


def test_a_client_is_added_with_a_new_wearer_and_a_password_that_is_shown_once(
    found: Sources, opened: Open
) -> None:
    app = opened(Act.PEOPLE)
    app.text_input[1].set_value("Kim Neu")
    labelled(app, "text_input", "Signs in as").set_value("kim@x.org")  # type: ignore[attr-defined]
    app.multiselect[0].set_value([Role.CLIENT])
    labelled(app, "selectbox", "Time zone of a new client").set_value("Asia/Tokyo")  # type: ignore[attr-defined]
    labelled(app, "button", "Add").click()  # type: ignore[attr-defined]
    app.run()
    assert not app.exception
    account = found.registry.people.account_of_login("kim@x.org")
    assert account is not None
    assert account.must_change
    wearer = next(w for w in found.registry.wearers() if w.wearer == account.wearer)
    assert (wearer.label, wearer.timezone) == ("Kim Neu", "Asia/Tokyo")
    (password,) = re.findall(r'class="secret">([a-z2-9-]{19})<', html(app))
    assert changes(found) == ["account made"]
    app.run()
    assert password not in html(app)
    assert "Kim Neu" in html(app)


def test_an_account_that_cannot_be_says_why_and_leaves_no_wearer(
    found: Sources, opened: Open
) -> None:
    app = opened(Act.PEOPLE)
    labelled(app, "text_input", "Signs in as").set_value("BOSS")  # type: ignore[attr-defined]
    app.text_input[1].set_value("Again")
    app.multiselect[0].set_value([Role.CLIENT])
    labelled(app, "button", "Add").click()  # type: ignore[attr-defined]
    app.run()
    assert "There is an account of this login" in app.error[0].value
    assert len(found.registry.wearers()) == 1


def test_roles_password_and_state_of_an_account_are_changed(found: Sources, opened: Open) -> None:
    people = found.registry.people
    people.put_account(Account("kim", "kim", "Kim", frozenset({Role.THERAPIST})))
    app = opened(Act.PEOPLE)
    app.selectbox(key="account chosen").set_value("kim").run()
    app.multiselect[0].set_value([Role.THERAPIST, Role.EMPLOYER])
    labelled(app, "button", "Save").click()  # type: ignore[attr-defined]
    app.run()
    changed = people.account("kim")
    assert changed is not None
    assert changed.roles == {Role.THERAPIST, Role.EMPLOYER}
    app.button(key="Disable kim").click().run()
    assert people.account("kim").disabled  # type: ignore[union-attr]
    assert "Disabled" in html(app)
    app.button(key="reset kim").click().run()
    assert "shown only now" in html(app)
    assert people.password_hash("kim").startswith("$argon2id$")
    app.button(key="remove kim").click().run()
    assert people.account("kim") is None
    assert changes(found) == ["kim removed", "kim new password", "kim disabled", "kim changed"]


def test_the_last_administrator_cannot_shut_themselves_out(found: Sources, opened: Open) -> None:
    app = opened(Act.PEOPLE)
    app.selectbox(key="account chosen").set_value("boss").run()
    for key in ("Disable boss", "remove boss"):
        app.button(key=key).click().run()
        assert "last administrator" in app.error[0].value
    account = found.registry.people.account("boss")
    assert account == BOSS


def test_every_sensor_and_who_wears_it_and_one_is_taken_back(found: Sources, opened: Open) -> None:
    app = opened(Act.ALL_SENSORS)
    page = html(app)
    for words in ("PL-0001-T4", "demo-001", "Demo client", "Upper back (T4)", "home", "87 %"):
        assert words in page
    app.selectbox[0].set_value("PL-0001-T4")
    labelled(app, "button", "Take it back").click()  # type: ignore[attr-defined]
    app.run()
    assert not app.exception
    (mine,) = [a for a in found.registry.assignments() if a.sensor == "PL-0001-T4"]
    assert mine.end_ns is not None
    assert changes(found) == ["PL-0001-T4 taken back"]
    assert "Nobody" in html(app)


def test_the_audit_is_filtered_and_refusals_are_marked(found: Sources, opened: Open) -> None:
    people = found.registry.people
    people.put_account(Account("kim", "kim", "Kim", frozenset({Role.THERAPIST})))
    now_ns = time.time_ns()
    people.note_look(Look(now_ns - 3, "kim", "week-review", seed.WEARER))
    people.note_look(Look(now_ns - 2, "kim", "session-sheet", "c-9", allowed=False))
    people.note_look(Look(now_ns - 1, "gone", "today", seed.WEARER, detail="<b>"))
    app = opened(Act.AUDIT)
    page = html(app)
    assert page.count("Refused") == 1
    assert "an account that is gone (gone)" in page
    assert "&lt;b&gt;" in page
    app.toggle[0].set_value(True).run()
    assert "Session sheet" in html(app)
    assert "Week review" not in html(app)
    app.toggle[0].set_value(False).run()
    app.multiselect(key="audit who").set_value(["kim"]).run()
    assert "gone" not in html(app)
    app.selectbox(key="audit about").set_value(seed.WEARER).run()
    assert "Session sheet" not in html(app)
    assert "Week review" in html(app)


def test_the_audit_is_turned_page_by_page(found: Sources, opened: Open) -> None:
    people = found.registry.people
    for n in range(model.MAX_LOOKS + 5):
        people.note_look(Look(1_700_000_000 * NS_PER_S + n, "", "sign-in", detail=f"entry {n}."))
    app = opened(Act.AUDIT)
    assert f"entry {model.MAX_LOOKS + 4}." in html(app)
    assert "entry 3." not in html(app)
    labelled(app, "button", "Older entries").click()  # type: ignore[attr-defined]
    app.run()
    assert "entry 3." in html(app)
    labelled(app, "button", "Latest entries").click()  # type: ignore[attr-defined]
    app.run()
    assert "entry 3." not in html(app)


def test_rows_of_sensors_by_hand() -> None:
    health = [
        SensorHealth(gateway="g1", sensor="a", at_ns=5, state="live"),
        SensorHealth(gateway="g2", sensor="a", at_ns=9, state="absent"),
        SensorHealth(gateway="g1", sensor="z", at_ns=5, state="live", battery_percent=12),
    ]
    worn = [
        Assignment("b", "c-1", Placement.L5, 0),
        Assignment("a", "c-1", Placement.T4, 0, end_ns=50),
    ]
    wearers = [Wearer("c-1", "Kim")]
    rows = model.sensor_rows(health, worn, wearers, now_ns=100)
    assert [(r.sensor, r.wearer and r.wearer.wearer) for r in rows] == [
        ("b", "c-1"),
        ("a", None),
        ("z", None),
    ]
    assert rows[1].health is health[1]
    table = cards.sensors(rows, NOW_NS, UTC)
    assert "Never heard" in table
    assert "low" in table
    assert [r.sensor for r in model.found_sensors(rows, "KIM")] == ["b"]
    assert [r.sensor for r in model.found_sensors(rows, "g2")] == ["a"]
    assert model.found_sensors(rows, "kim g2") == []


def test_a_sensor_that_fell_silent_is_not_called_live() -> None:
    def told(health: SensorHealth) -> str:
        return cards.sensors([model.SensorRow("a", None, None, None, health)], NOW_NS, UTC)

    heard = SensorHealth(gateway="g", sensor="a", at_ns=NOW_NS, state="live", last_sample_ns=NOW_NS)
    assert ">Live<" in told(heard)
    hour_ns = NOW_NS - 3600 * NS_PER_S
    silent = replace(heard, at_ns=hour_ns, last_sample_ns=hour_ns)
    assert "Not heard just now" in told(silent)
    assert "Live" not in told(silent)
    assert "Live" in told(replace(silent, at_ns=NOW_NS - 60 * NS_PER_S))
    assert "Out of reach" in told(replace(silent, state="absent"))


def test_tables_are_capped_and_escaped() -> None:
    many = [
        Account(f"a{n}", f"l{n}", "<i>Kim</i>", frozenset({Role.CLIENT}), "<b>", True, True, "s")
        for n in range(model.MAX_ROWS + 3)
    ]
    table = cards.accounts(many, {"<b>": "<u>"})
    assert table.count("<tr") == model.MAX_ROWS + 1
    assert "3 more: search for them" in table
    for tag in ("<i>", "<u>", "<code><b>"):
        assert tag not in table
    assert "<script" not in cards.password_once("<script>", "x")
