"""What an administrator sees: accounts, sensors, the audit, as rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.records import SensorHealth
from contracts.vocabulary import Placement
from dashboard.sensors.cards import latest
from store.people_ports import Account, Look
from store.ports import Assignment, Wearer

#: Rows that one page lists; a search finds the others.
MAX_ROWS: Final = 500
#: Entries of the audit that are looked through for a filter, and that are shown.
LOOKED_THROUGH: Final = 2_000
MAX_LOOKS: Final = 200


@dataclass(frozen=True, slots=True)
class SensorRow:
    """A sensor, who wears it now, and the latest word on it; None where there is none."""

    sensor: str
    wearer: Wearer | None
    placement: Placement | None
    since_ns: int | None
    health: SensorHealth | None


def sensor_rows(
    health: Sequence[SensorHealth],
    assignments: Sequence[Assignment],
    wearers: Sequence[Wearer],
    now_ns: int,
) -> list[SensorRow]:
    """Every sensor that was ever heard or assigned: worn ones first, then by name."""
    heard = latest(health)
    by_id = {wearer.wearer: wearer for wearer in wearers}
    worn = {
        a.sensor: a
        for a in assignments
        if a.start_ns <= now_ns and (a.end_ns is None or a.end_ns > now_ns)
    }
    rows = []
    for sensor in {*heard, *(a.sensor for a in assignments)}:
        now = worn.get(sensor)
        rows.append(
            SensorRow(
                sensor,
                by_id.get(now.wearer) if now else None,
                now.placement if now else None,
                now.start_ns if now else None,
                heard.get(sensor),
            )
        )
    return sorted(rows, key=lambda row: (row.wearer is None, row.sensor))


def found_sensors(rows: Sequence[SensorRow], wanted: str) -> list[SensorRow]:
    """The rows in which the words stand: sensor, wearer, label or gateway."""
    return [
        row
        for row in rows
        if _has(
            wanted,
            row.sensor,
            row.wearer.wearer if row.wearer else "",
            row.wearer.label if row.wearer else "",
            row.health.gateway if row.health else "",
        )
    ]


def found_accounts(accounts: Sequence[Account], wanted: str) -> list[Account]:
    """The accounts in which the words stand: name, login, wearer or role."""
    return [a for a in accounts if _has(wanted, a.name, a.login, a.wearer or "", " ".join(a.roles))]


def free_wearers(wearers: Sequence[Wearer], accounts: Iterable[Account]) -> list[Wearer]:
    """The wearers who have no account yet, by label."""
    taken = {account.wearer for account in accounts}
    return sorted(
        (wearer for wearer in wearers if wearer.wearer not in taken),
        key=lambda wearer: (wearer.label.casefold(), wearer.wearer),
    )


def found_looks(
    looks: Sequence[Look],
    *,
    accounts: Collection[str] | None = None,
    acts: Collection[str] = (),
    refused: bool = False,
) -> list[Look]:
    """The entries of these accounts and acts, refused ones alone where wanted; empty: all."""
    return [
        look
        for look in looks
        if (accounts is None or look.account in accounts)
        and (not acts or look.act in acts)
        and not (refused and look.allowed)
    ]


def names_of(accounts: Iterable[Account]) -> Mapping[str, str]:
    """What each account is called."""
    return {account.account: account.name for account in accounts}


def wearers_of(accounts: Iterable[Account]) -> Mapping[str, str]:
    """The wearer whose own each account is, where it is one's."""
    return {account.account: account.wearer for account in accounts if account.wearer is not None}


def _has(wanted: str, *texts: str) -> bool:
    held = " ".join(texts).casefold()
    return all(word in held for word in wanted.casefold().split())
