"""The page of settings as Streamlit runs it: what is said, what is refused, what is kept."""

from __future__ import annotations

from datetime import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from contracts.errors import AccessError, SettingError
from contracts.settings import PostureSettings
from dashboard.entry.access import Act, Viewer
from dashboard.pages import settings
from dashboard.reading.sources import Sources
from dashboard.settings import cards, model
from dashboard.settings.model import Field, Unit
from store.people_ports import Role
from tests.dashboard import seed, visits

FIELDS = list(model.fields().values())


def test_every_setting_has_its_words() -> None:
    assert set(model.fields()) == {f.name for f in msgspec.structs.fields(PostureSettings)}
    for field in FIELDS:
        assert field.title
        assert field.meaning.endswith(".")


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.name)
def test_what_a_slider_offers_can_be_kept(field: Field) -> None:
    """Each end by itself; that two of them go together is asked when they are saved."""
    ends = field.options or (field.low, field.high)
    room = model.values(model.DEFAULTS) | {
        "rounded_warn_deg": 45.0,
        "rounded_high_deg": 90.0,
        "hysteresis_deg": 0.0,
    }
    if field.name == "rounded_high_deg":
        room["rounded_warn_deg"] = 5.0
    for value in ends:
        made = model.made(room | {field.name: value})
        assert float(getattr(made, field.name)) == value
    default = model.default_of(field)
    if field.options:
        assert default in field.options
    elif field.unit in {Unit.DEG, Unit.MIN_H}:
        assert field.low <= default <= field.high


def test_what_is_kept_is_what_is_shown() -> None:
    values = model.values(model.DEFAULTS)
    assert model.made(values) == model.DEFAULTS
    assert model.changed(model.DEFAULTS, values) == []


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_in_words(first_min: int, end_min: int) -> None:
    words = model.quiet({"quiet_from_min": first_min, "quiet_until_min": end_min})
    assert (words == "No quiet hours.") == (first_min == end_min)
    assert ("past midnight" in words) == (end_min < first_min)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nudge_after_s", 150.0, "2 min 30 s"),
        ("nudges", 0.0, "off"),
        ("nudge_driving", 0.0, "on"),
        ("quiet_from_min", 1335.0, "22:15"),
        ("rounded_warn_deg", 12.5, "12.5°"),
        ("goal_rounded_min_h", 15.0, "15 min"),
    ],
)
def test_values_in_words(name: str, value: float, words: str) -> None:
    assert model.said(model.fields()[name], value) == words


def test_what_does_not_go_together_is_said_at_its_field() -> None:
    wished = model.values(model.DEFAULTS) | {"rounded_high_deg": 8.0}
    with pytest.raises(SettingError) as refused:
        model.made(wished)
    assert model.complaint(refused.value) == (
        "rounded_high_deg",
        "High from is 8°; with the others as they are, 12° to 90° is allowed.",
    )
    other = SettingError(refused.value.reason, "Something else.")
    assert model.complaint(other) == ("", "Something else.")


def test_a_value_that_no_slider_offers_has_its_place() -> None:
    nudge, high = (model.fields()[n] for n in ("nudge_after_s", "hysteresis_deg"))
    assert 77.0 in model.options_of(nudge, 77.0)
    assert model.reach_of(high, 30.0) == (0.0, 30.0)


@pytest.mark.parametrize(("name", "fine"), [("Anna", True), ("  ", False), ("x" * 61, False)])
def test_a_name_is_there_and_fits(name: str, fine: bool) -> None:
    assert (model.name_complaint(name) == "") is fine


def test_words_of_others_are_escaped() -> None:
    evil = "<script>"
    for markup in (
        cards.pending([evil]),
        cards.wrong(evil),
        cards.note(evil),
    ):
        assert "<script" not in markup


@pytest.fixture
def registered(sources: Sources) -> Sources:
    seed.register(sources.registry, timezone="Europe/Berlin")
    return sources


def run(found: Sources, viewer: Viewer = visits.CLIENT) -> AppTest:
    return visits.run(settings.page, lambda: visits.visit(found, Act.SETTINGS, viewer=viewer))


def save(app: AppTest) -> AppTest:
    next(b for b in app.button if b.label == "Save").click().run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def test_a_change_is_said_saved_and_kept(registered: Sources) -> None:
    app = run(registered)
    assert "Everything is saved." in visits.shown(app)
    assert next(b for b in app.button if b.label == "Save").disabled
    app.select_slider(key="setting nudge_after_s").set_value(180.0).run()
    app.time_input(key="setting quiet_from_min").set_value(time(22)).run()
    app.time_input(key="setting quiet_until_min").set_value(time(7)).run()
    page = visits.shown(app)
    for words in ("Nudge after: 2 min → 3 min", "default: 2 min", "Quiet for 9 h, past midnight."):
        assert words in page
    assert registered.registry.settings(seed.WEARER) == PostureSettings()
    page = visits.shown(save(app))
    assert "Saved at " in page
    assert "What was told before stays as it is." in page
    assert registered.registry.settings(seed.WEARER) == PostureSettings(
        nudge_after_s=180.0, quiet_from_min=1320, quiet_until_min=420
    )
    looks = registered.registry.people.looks(wearer=seed.WEARER)
    assert [(look.act, look.allowed) for look in looks] == [("change-settings", True)]


def test_driving_stays_without_nudges_unless_it_is_changed(registered: Sources) -> None:
    app = run(registered)
    quiet = app.toggle(key="setting nudge_driving")
    assert quiet.value is True
    quiet.set_value(False).run()
    assert "No nudges while driving: on → off" in visits.shown(app)
    save(app)
    assert registered.registry.settings(seed.WEARER).nudge_driving


def test_what_does_not_go_together_cannot_be_saved(registered: Sources) -> None:
    app = run(registered)
    app.slider(key="setting rounded_high_deg").set_value(8.0).run()
    assert "High from is 8°; with the others as they are, 12° to 90° is allowed." in visits.shown(
        app
    )
    assert next(b for b in app.button if b.label == "Save").disabled
    app.slider(key="setting rounded_warn_deg").set_value(6.0).run()
    assert "Save" in [b.label for b in app.button if not b.disabled]
    assert "is allowed" not in visits.shown(app)


def test_defaults_come_back_and_changes_can_be_undone(registered: Sources) -> None:
    own = PostureSettings(goal_rounded_min_h=8.0, nudge_after_s=77.0)
    registered.registry.set_settings(seed.WEARER, own)
    app = run(registered)
    assert app.select_slider(key="setting nudge_after_s").value == 77.0
    press(app, "Reset to defaults")
    assert "At most rounded in an hour worn: 8 min → 15 min" in visits.shown(app)
    press(app, "Undo changes")
    assert "Everything is saved." in visits.shown(app)
    press(app, "Reset to defaults")
    save(app)
    assert registered.registry.settings(seed.WEARER) == PostureSettings()


def test_name_and_time_zone(registered: Sources) -> None:
    app = run(registered)
    app.text_input(key="setting name").set_value(" ").run()
    assert "A name is needed" in visits.shown(app)
    assert next(b for b in app.button if b.label == "Save").disabled
    app.text_input(key="setting name").set_value("Anna").run()
    app.selectbox(key="setting zone").set_value("Asia/Kathmandu").run()
    save(app)
    (row,) = registered.registry.wearers()
    assert (row.label, row.timezone, row.simulated) == ("Anna", "Asia/Kathmandu", True)
    assert registered.registry.settings(seed.WEARER) == PostureSettings()


def test_the_settings_are_the_clients_own(registered: Sources) -> None:
    viewer = Viewer("t", "T", frozenset({Role.THERAPIST}), granted=frozenset({seed.WEARER}))
    visit = visits.visit(registered, Act.SETTINGS, viewer=viewer)
    with pytest.raises(AccessError):
        settings.page(visit)
    with pytest.raises(AccessError):
        visit.registry.set_settings(seed.WEARER, PostureSettings())
    assert registered.registry.settings(seed.WEARER) == PostureSettings()
