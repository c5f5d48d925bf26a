"""An administrator's tables: accounts, sensors, the audit; cards on a phone. Pure, every word escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import SensorHealth
from dashboard.frame.cards import NOT_HEARD, SENSOR_STATE
from dashboard.look import clock, text
from dashboard.look.act_words import words_of
from dashboard.office.model import MAX_ROWS, SensorRow
from dashboard.reading import freshness
from dashboard.sensors.cards import low
from store.people_ports import Account, Look, Role
from store.ports import Wearer

ROLE: Final = {
    Role.CLIENT: "Client",
    Role.THERAPIST: "Therapist",
    Role.ADMINISTRATOR: "Administrator",
    Role.EMPLOYER: "Employer",
}
NO_SENSOR: Final = (
    "A sensor stands here as soon as a gateway hears it, or a client pairs it.",
    "Start a gateway near the sensors: `plumbline gateway`.",
)
NO_LOOK: Final = "Nothing in the audit fits. Choose less, or look at older entries."
#: A cell without anything; a phone leaves it out.
_NONE: Final = "–"
_EMPTY: Final = ' class="none"'
NOBODY: Final = "nobody signed in"
GONE: Final = "an account that is gone"


def accounts(rows: Sequence[Account], labels: Mapping[str, str]) -> str:
    """Accounts, each with its roles, its wearer and what is to be known. ``labels``: of wearers."""
    body = [
        (
            f"<b>{escape(account.name)}</b>",
            escape(account.login),
            escape(", ".join(ROLE[role] for role in Role if role in account.roles)),
            _wearer(account.wearer, labels.get(account.wearer or "", "")),
            _states(account),
        )
        for account in rows[:MAX_ROWS]
    ]
    heads = ("Name", "Signs in as", "Roles", "Wearer", "State")
    return _table("Accounts", heads, body, len(rows))


def _state(health: SensorHealth, now_ns: int) -> str:
    """The state in the words that its wearer reads; of one that fell silent nobody knows it."""
    if not freshness.heard(health, now_ns):
        return text.sentence(NOT_HEARD)
    return text.sentence(SENSOR_STATE.get(health.state, health.state))


def _states(account: Account) -> str:
    states = [
        *(["Disabled"] if account.disabled else []),
        *(["Has to change the password"] if account.must_change else []),
        *(["Signs in with the provider"] if account.subject else []),
    ]
    return "".join(f'<span class="pl-chip">{escape(state)}</span> ' for state in states) or _NONE


def _wearer(wearer: str | None, label: str) -> str:
    if wearer is None:
        return _NONE
    said = f'<span class="quiet"> {escape(label)}</span>' if label else ""
    return f"<code>{escape(wearer)}</code>{said}"


def sensors(rows: Sequence[SensorRow], now_ns: int, zone: ZoneInfo) -> str:
    """Sensors, each with who wears it, where, and the latest word on it."""
    body = []
    for row in rows[:MAX_ROWS]:
        health = row.health
        worn = "Nobody" if row.wearer is None else _wearer(row.wearer.wearer, row.wearer.label)
        body.append(
            (
                f"<b>{escape(row.sensor)}</b>",
                worn,
                _NONE if row.placement is None else escape(text.PLACEMENT[row.placement]),
                _NONE if health is None else escape(health.gateway),
                "Never heard" if health is None else escape(_state(health, now_ns)),
                _battery(row),
                _moment(health.last_sample_ns if health else None, now_ns, zone),
            )
        )
    heads = ("Sensor", "Worn by", "Placement", "Gateway", "State", "Battery", "Last reading")
    return _table("Sensors", heads, body, len(rows))


def _battery(row: SensorRow) -> str:
    if row.health is None or row.health.battery_percent is None:
        return _NONE
    figure = f'<span class="num">{row.health.battery_percent} %</span>'
    return f'{figure} <span class="pl-chip">low</span>' if low(row.health) else figure


def looks(
    rows: Sequence[Look],
    names: Mapping[str, str],
    labels: Mapping[str, str],
    wearers: Mapping[str, str],
    now_ns: int,
    zone: ZoneInfo,
) -> str:
    """The audit, refused entries marked in words.

    ``names`` and ``wearers`` (whose own is whose) are by account, ``labels`` by wearer.
    """
    body = [
        (
            _moment(look.at_ns, now_ns, zone, seconds=True),
            escape(names.get(look.account, f"{GONE} ({look.account})") if look.account else NOBODY),
            escape(words_of(look.act).named(own=look.wearer == wearers.get(look.account))),
            _wearer(look.wearer, labels.get(look.wearer or "", "")),
            "Allowed" if look.allowed else '<span class="pl-chip pl-refused">Refused</span>',
            escape(look.detail) or _NONE,
        )
        for look in rows
    ]
    heads = ("When", "Who", "What", "About", "Answer", "More")
    return _table("Audit", heads, body, len(rows))


def password_once(login: str, password: str) -> str:
    """A password that was just made. The page shows it this once."""
    return (
        '<div class="pl"><section class="pl-card pl-once" role="status">'
        f'<div class="pl-label">The password of {escape(login)}, shown only now</div>'
        f'<p class="secret">{escape(password)}</p>'
        '<p class="quiet">Give it to the person by a way that nobody else reads. It has to be changed '
        "at the first sign-in.</p></section></div>"
    )


def wearer_name(wearer: Wearer) -> str:
    """A wearer in a list of choices."""
    return f"{wearer.label} ({wearer.wearer})" if wearer.label else wearer.wearer


def _moment(at_ns: int | None, now_ns: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    if at_ns is None:
        return _NONE
    day, today = clock.day_of(at_ns, zone), clock.day_of(now_ns, zone)
    hour = clock.clock_time(at_ns, zone, seconds=seconds)
    if day == today:
        return f'<span class="num">{hour}</span>'
    year = "" if day.year == today.year else f" {day.year}"
    return f'<span class="num">{day.day} {day:%b}{year}, {hour}</span>'


def _table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> str:
    """Cells are HTML already. A head stands in every cell too, for a phone, where rows are cards."""
    top = "".join(f'<th scope="col" role="columnheader">{escape(head)}</th>' for head in heads)
    body = "".join(f'<tr role="row">{_cells(heads, row)}</tr>' for row in rows)
    more = count - len(rows)
    left = f'<p class="quiet">{more} more: search for them.</p>' if more > 0 else ""
    return (
        f'<div class="pl"><table class="pl-office" role="table" aria-label="{escape(name)}">'
        f'<thead role="rowgroup"><tr role="row">{top}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>{left}</div>'
    )


def _cells(heads: Sequence[str], row: Sequence[str]) -> str:
    first = f'<th scope="row" role="rowheader">{row[0]}</th>'
    return first + "".join(
        f'<td role="cell"{_EMPTY if cell == _NONE else ""}>'
        f'<span class="head" aria-hidden="true">{escape(head)}</span>{cell}</td>'
        for head, cell in zip(heads[1:], row[1:], strict=True)
    )
