"""From the stores to the employer's weeks: the one place where many people's days are read together."""

from __future__ import annotations

from dashboard.look import clock
from dashboard.office.team_model import Member, TeamView, bounds_ns, team_view, weeks_shown
from dashboard.reading.queries import Reading
from store.people_ports import ConsentKind, People
from store.ports import Registry


def read_team(series: Reading, registry: Registry, now_ns: int) -> TeamView:
    """The weeks of all who agreed. Simulated people count only where there are no others.

    StoreError where a store cannot be read.
    """
    agreed = set(registry.people.consenting(ConsentKind.AGGREGATE))
    wearers = [wearer for wearer in registry.wearers() if wearer.wearer in agreed]
    real = [wearer for wearer in wearers if not wearer.simulated]
    members = [
        Member(w.wearer, clock.zone_of(w.timezone), _since_ns(registry.people, w.wearer))
        for w in real or wearers
    ]
    weeks = weeks_shown(now_ns)
    days = series.days_of([member.wearer for member in members], *bounds_ns(weeks))
    return team_view(members, days, weeks, simulated=bool(members) and not real)


def _since_ns(people: People, wearer: str) -> int:
    return max(
        consent.given_ns
        for consent in people.consents(wearer)
        if consent.kind is ConsentKind.AGGREGATE and consent.withdrawn_ns is None
    )
