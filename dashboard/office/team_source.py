"""From the stores to the employer's weeks: the one place where many people's days are read together.

A week is made at the first look after it has settled, of those who agree then, and kept in the registry.
"""

from __future__ import annotations

from typing import Final

from dashboard.look import clock
from dashboard.office.team_made import from_kept, to_keep
from dashboard.office.team_model import Member, TeamView, bounds_ns, team_view, weeks_shown
from dashboard.reading.queries import Reading
from store.people_ports import ConsentKind, People
from store.ports import Registry

#: After every week.
NEVER_NS: Final = 2**63 - 1


def read_team(series: Reading, registry: Registry, now_ns: int) -> TeamView:
    """The weeks as they were made, and those that have settled since, made now and kept.

    Simulated people count only where there are no others, whether those agree or not. StoreError where a
    store cannot be read, or a week not be kept.
    """
    people = registry.people
    wearers = registry.wearers()
    shown_before = people.team_weeks(simulated=False)
    simulated = not shown_before and bool(wearers) and all(w.simulated for w in wearers)
    agreed = set(people.consenting(ConsentKind.AGGREGATE))
    members = [
        Member(w.wearer, clock.zone_of(w.timezone), _since_ns(people, w.wearer))
        for w in wearers
        if w.wearer in agreed and w.simulated is simulated
    ]
    weeks = weeks_shown(now_ns)
    kept = people.team_weeks(simulated=True) if simulated else shown_before
    return team_view(
        members,
        series.days_of([member.wearer for member in members], *bounds_ns(weeks)),
        weeks,
        made={week.week: week for week in map(from_kept, kept)},
        keep=lambda week: from_kept(
            people.keep_team_week(to_keep(week, now_ns, simulated=simulated))
        ),
        simulated=simulated,
    )


def _since_ns(people: People, wearer: str) -> int:
    return max(
        (
            consent.given_ns
            for consent in people.consents(wearer)
            if consent.kind is ConsentKind.AGGREGATE and consent.withdrawn_ns is None
        ),
        default=NEVER_NS,  # taken back between two questions
    )
