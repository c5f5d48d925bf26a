"""The page of a client's own settings. Thin: fields and words come from the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time as clock_time
from functools import cache
from typing import Final
from zoneinfo import available_timezones

import streamlit as st

from contracts.errors import PlumblineError, SettingError
from contracts.settings import PostureSettings
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.look import clock, theme
from dashboard.settings import cards as settings_cards
from dashboard.settings import model
from dashboard.settings.model import Field, Group, Unit
from store.ports import Wearer

_COLUMNS: Final = [6, 5]
_NAME, _ZONE = "setting name", "setting zone"
_SAVED: Final = "settings saved"
_READ: Final = "settings read"  # what was saved when the page was last made, by the field's key
_QUARTER_S: Final = 900


def page(visit: Visit) -> None:
    """The settings with their meanings, and a bar that saves them."""
    wearer = visit.client.wearer
    saved = visit.registry.settings(wearer)
    row = visit.registry.wearer(wearer)
    if row is None:
        st.html(cards.empty("Not registered yet", "An administrator adds you under People."))
        return
    st.html(cards.head(visit.client, "Settings", own=True))
    _begin(model.values(saved), row)
    wrong = _complaint()
    for group in model.groups():
        _group(group, wrong)
    name_wrong = _you(visit, row)
    if "" in wrong:
        st.html(settings_cards.wrong(wrong[""]))
    _bar(visit, saved, row, fine=not wrong and not name_wrong)


def _key(name: str) -> str:
    return f"setting {name}"


def _begin(values: dict[str, float], row: Wearer) -> None:
    """What the fields show at first: what is saved; later too, where another tab saved what is untouched here."""
    fields = {_key(name): _shown(field, values[name]) for name, field in model.fields().items()}
    saved = {**fields, _NAME: row.label or row.wearer, _ZONE: row.timezone}
    before = st.session_state.get(_READ, {})
    for key, value in saved.items():
        shown = st.session_state.get(key)
        if shown is None or (shown == before.get(key) and shown != value):
            st.session_state[key] = value
    st.session_state[_READ] = saved


def _shown(field: Field, value: float) -> float | bool | clock_time:
    """A value as its widget has it."""
    if field.unit is Unit.CLOCK:
        return clock_time(*divmod(int(value), 60))
    if field.unit in {Unit.SWITCH, Unit.NOT}:
        return bool(value) is not (field.unit is Unit.NOT)
    return value


def _wished() -> dict[str, float]:
    """The values as the fields stand."""
    return {name: _read(field) for name, field in model.fields().items()}


def _read(field: Field) -> float:
    value = st.session_state[_key(field.name)]
    if isinstance(value, clock_time):
        return value.hour * 60 + value.minute
    if field.unit is Unit.NOT:
        return float(not value)
    return float(value)


def _complaint() -> dict[str, str]:
    """What is wrong, by the name of the field; nothing where the fields go together."""
    try:
        model.made(_wished())
    except SettingError as error:
        return dict([model.complaint(error)])
    return {}


def _group(group: Group, wrong: dict[str, str]) -> None:
    if group.more:
        with st.expander(group.title, expanded=any(f.name in wrong for f in group.fields)):
            st.html(settings_cards.named("", group.about))
            _fields(group, wrong)
        return
    st.html(settings_cards.group(group.title, group.about))
    with st.container(border=True):
        _fields(group, wrong)


def _fields(group: Group, wrong: dict[str, str]) -> None:
    for field in group.fields:
        with _row(field.name, settings_cards.field(field, _read(field))):
            _widget(field)
            if field.name in wrong:
                st.html(settings_cards.wrong(wrong[field.name]))
            if field.name == "quiet_until_min":
                st.html(settings_cards.note(model.quiet(_wished())))


@contextmanager
def _row(name: str, words: str) -> Iterator[None]:
    """A row with words at its left; what is set goes to its right."""
    with st.container(key=f"row {name}"):
        left, right = st.columns(_COLUMNS, gap="medium", vertical_alignment="center")
        left.html(words)
        with right:
            yield


def _widget(field: Field) -> None:
    key = _key(field.name)
    value = _read(field)
    if field.unit in {Unit.SWITCH, Unit.NOT}:
        st.toggle(field.title, key=key, label_visibility="collapsed")
    elif field.unit is Unit.CLOCK:
        st.time_input(field.title, key=key, step=_QUARTER_S, label_visibility="collapsed")
    elif field.options:
        st.select_slider(
            field.title,
            model.options_of(field, value),
            format_func=lambda v: model.said(field, v),
            key=key,
            label_visibility="collapsed",
        )
    else:
        low, high = model.reach_of(field, value)
        unit = {Unit.DEG: "°", Unit.MIN_H: " min"}.get(field.unit, "")
        st.slider(
            field.title,
            float(low),
            float(high),
            step=float(field.step),
            format=f"%g{unit}",
            key=key,
            label_visibility="collapsed",
        )


def _you(visit: Visit, row: Wearer) -> str:
    """Name and time zone; what is wrong with the name."""
    st.html(settings_cards.group(*settings_cards.YOU))
    with st.container(border=True):
        with _row("name", settings_cards.named(*settings_cards.NAME)):
            name = st.text_input(
                "Name shown",
                key=_NAME,
                label_visibility="collapsed",
                max_chars=model.MAX_NAME,
            )
            wrong = model.name_complaint(name)
            if wrong:
                st.html(settings_cards.wrong(wrong))
        with _row("zone", settings_cards.named(*settings_cards.ZONE)):
            zone = st.selectbox(
                "Time zone", _zones(row.timezone), key=_ZONE, label_visibility="collapsed"
            )
            now = clock.clock_time(visit.clock_ns(), clock.zone_of(zone))
            st.html(settings_cards.note(f"It is {now} there now."))
    return wrong


@cache
def _places() -> tuple[str, ...]:
    return tuple(sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/")))


def _zones(own: str) -> list[str]:
    """Places by name, UTC, and one's own whatever it is."""
    return sorted({*_places(), "UTC", own})


def _bar(visit: Visit, saved: PostureSettings, row: Wearer, *, fine: bool) -> None:
    """What is not saved yet, and what can be done about it. It stays in sight while there is something."""
    name, zone = st.session_state[_NAME].strip(), st.session_state[_ZONE]
    changes = model.changed(saved, _wished())
    changes += [f"Name shown: {name}"] * (name != (row.label or row.wearer))
    changes += [f"Time zone: {zone}"] * (zone != row.timezone)
    paper = theme.paper(st.context.theme.type)
    st.html(f"<style>.st-key-save {{ background: {paper.background} }}</style>")
    if changes:
        st.session_state.pop(_SAVED, None)
    at_ns = st.session_state.get(_SAVED)
    with st.container(border=True, key="save" if changes or at_ns else "save rest"):
        st.html(
            settings_cards.saved(at_ns, visit.client.zone)
            if at_ns
            else settings_cards.pending(changes)
        )
        with st.container(horizontal=True):
            if st.button("Save", type="primary", disabled=not (changes and fine)):
                _save(visit, saved, row)
            st.button("Undo changes", on_click=_undo, args=(saved, row), disabled=not changes)
            at_defaults = model.made(_wished()) == model.DEFAULTS if fine else False
            st.button("Reset to defaults", on_click=_reset, disabled=at_defaults)


def _undo(saved: PostureSettings, row: Wearer) -> None:
    _show(saved)
    st.session_state[_NAME], st.session_state[_ZONE] = row.label or row.wearer, row.timezone


def _reset() -> None:
    """The fields to their defaults; name and time zone have none."""
    _show(model.DEFAULTS)


def _show(settings: PostureSettings) -> None:
    values = model.values(settings)
    for name, field in model.fields().items():
        st.session_state[_key(name)] = _shown(field, values[name])


def _save(visit: Visit, saved: PostureSettings, row: Wearer) -> None:
    wished = model.made(_wished())
    name, zone = st.session_state[_NAME].strip(), st.session_state[_ZONE]
    try:
        if wished != saved:
            visit.registry.set_settings(row.wearer, wished)
        if (name, zone) != (row.label, row.timezone):
            visit.registry.set_timezone(Wearer(row.wearer, name, zone, row.simulated))
    except PlumblineError as error:
        st.html(settings_cards.wrong(f"Not saved: {error}"))
        return
    st.session_state[_SAVED] = visit.clock_ns()
    st.rerun()
