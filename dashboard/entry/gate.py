"""The gate that every question and every change of a page passes: allowed, or refused and audited.

Pages get the registry only as the classes here, and the measured data as in
:mod:`dashboard.entry.guarded_series`: each method names the wearer it is about and is checked against the
person signed in and the grants in force at that moment, not at sign-in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.errors import AccessError, InvariantError, Reason
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.units import NS_PER_S
from dashboard.entry.access import Act, Viewer, allowed
from dashboard.entry.worn import worn_sensors
from store.people_ports import (
    Account,
    Consent,
    ConsentKind,
    Errand,
    FocusEdit,
    Grant,
    Look,
    PainTap,
    People,
    Role,
    TherapySession,
)
from store.ports import Assignment, Notice, Registry, Wearer

#: Looks of one person at one page of one client within this are one entry of the audit.
SAME_LOOK_NS: Final = 15 * 60 * NS_PER_S
#: Looks remembered for that; the oldest goes.
MAX_REMEMBERED: Final = 4096
#: Held from the look at who wears a sensor until it is assigned: two may press Pair at once.
_PAIRING: Final = threading.Lock()


class Audit:
    """Writes looks down: refused ones and changes each, allowed looks once in a while."""

    def __init__(self, people: People, clock_ns: Callable[[], int]) -> None:
        self._people = people
        self._clock_ns = clock_ns
        self._seen: OrderedDict[tuple[str, Act, str | None], int] = OrderedDict()

    def looked(self, account: str, act: Act, wearer: str | None) -> None:
        """Somebody looks, and may."""
        key, now_ns = (account, act, wearer), self._clock_ns()
        last_ns = self._seen.get(key)
        if last_ns is not None and 0 <= now_ns - last_ns < SAME_LOOK_NS:
            return
        self.note(account, act, wearer)
        self._seen[key] = now_ns
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def note(
        self,
        account: str,
        act: Act | str,
        wearer: str | None,
        *,
        allowed: bool = True,
        detail: str = "",
    ) -> None:
        """One entry, whatever came before."""
        self._people.note_look(
            Look(self._clock_ns(), account, str(act), wearer, allowed=allowed, detail=detail)
        )


@dataclass(slots=True)
class Gate:
    """One person at one page. ``viewer`` is asked anew each time: a grant or a sign-in may end."""

    page: Act
    viewer: Callable[[], Viewer]
    audit: Audit
    _refused: set[tuple[Act, str | None]] = field(default_factory=set)

    def look(self, wearer: str | None) -> None:
        """Before the page reads about ``wearer``. AccessError where it may not."""
        self.check(self.page, wearer)

    def change(self, act: Act, wearer: str | None, detail: str = "") -> None:
        """Before a change; it is audited. AccessError where it may not be made."""
        self.check(act, wearer)
        self.audit.note(self.viewer().account, act, wearer, detail=detail)

    def may(self, act: Act, wearer: str | None) -> bool:
        """Whether it would be allowed: for what a page offers."""
        return allowed(self.viewer(), act, wearer)

    def check(self, act: Act, wearer: str | None) -> None:
        """AccessError, once a page audited, where ``act`` is refused."""
        viewer = self.viewer()
        if allowed(viewer, act, wearer):
            return
        if (act, wearer) not in self._refused:
            self._refused.add((act, wearer))
            self.audit.note(viewer.account, act, wearer, allowed=False)
        raise AccessError(
            Reason.NOT_ALLOWED,
            "This is not yours to see.",
            hint="A client decides who looks: ask them for access under My data.",
        )

    def seen(self) -> frozenset[str]:
        """The wearers whose data this page may read now."""
        viewer = self.viewer()
        own = frozenset() if viewer.wearer is None else frozenset({viewer.wearer})
        every = viewer.granted | own
        if allowed(viewer, self.page, None):
            return every
        return frozenset(w for w in every if allowed(viewer, self.page, w))

    def look_at(self, wearer: str) -> None:
        """Refuse what the page may not read. A page that lists people may read of all it lists."""
        if wearer not in self.seen():
            self.look(wearer)
            raise InvariantError("a look was allowed that the page does not see")


class GuardedRegistry:
    """What pages read and change of :class:`store.ports.Registry`, each checked."""

    def __init__(self, registry: Registry, gate: Gate) -> None:
        self._registry = registry
        self._gate = gate

    def wearer(self, wearer: str) -> Wearer | None:
        self._look(wearer)
        return next((w for w in self._registry.wearers() if w.wearer == wearer), None)

    def wearers(self) -> list[Wearer]:
        seen = self._gate.seen()
        return [w for w in self._registry.wearers() if w.wearer in seen]

    def settings(self, wearer: str) -> PostureSettings:
        self._look(wearer)
        return self._registry.settings(wearer)

    def set_settings(self, wearer: str, settings: PostureSettings) -> None:
        self._gate.change(Act.CHANGE_SETTINGS, wearer)
        self._registry.set_settings(wearer, settings)

    def not_now(self, wearer: str) -> NotNow | None:
        self._look(wearer)
        return self._registry.not_now().get(wearer)

    def put_not_now(self, wearer: str, wish: NotNow | None) -> None:
        self._gate.change(Act.CHANGE_SETTINGS, wearer, "not now" if wish else "nudges again")
        self._registry.put_not_now(wearer, wish)

    def set_timezone(self, wearer: Wearer) -> None:
        """Replace a wearer's label and time zone."""
        self._gate.change(Act.CHANGE_SETTINGS, wearer.wearer, "time zone or name")
        self._registry.put_wearer(wearer)

    def assignments(self, wearer: str) -> list[Assignment]:
        self._look(wearer)
        return self._registry.assignments(wearer)

    def assignments_of(self, wearers: Collection[str]) -> list[Assignment]:
        """:meth:`assignments` of several wearers in one question."""
        wanted = frozenset(wearers)
        for wearer in wanted - self._gate.seen():
            self._look(wearer)
        return [a for a in self._registry.assignments() if a.wearer in wanted]

    def free_sensors(self, sensors: Collection[str], now_ns: int) -> list[str]:
        """Those of ``sensors`` that nobody wears at ``now_ns``, so that they can be paired."""
        return sorted(set(sensors) - worn_sensors(self._registry.assignments(), now_ns))

    def assign(self, assignment: Assignment) -> None:
        self._gate.change(
            Act.PAIR, assignment.wearer, f"{assignment.sensor} {assignment.placement}"
        )
        with _PAIRING:
            if self._worn_by_others(assignment):
                self._gate.audit.note(
                    self._gate.viewer().account, Act.PAIR, assignment.wearer, allowed=False
                )
                raise AccessError(
                    Reason.NOT_ALLOWED,
                    "Somebody else wears this sensor.",
                    hint="They give it back under My sensors, or an administrator does under Sensors.",
                )
            self._registry.assign(assignment)

    def unassign(self, wearer: str, sensor: str, end_ns: int) -> None:
        """End the assignment of a sensor that a wearer has now."""
        self._gate.change(Act.PAIR, wearer, f"{sensor} given back")
        self._registry.unassign(wearer, sensor, end_ns)

    def calibrations(self, wearer: str) -> list[CalibrationPlan]:
        self._look(wearer)
        return self._registry.calibrations(wearer)

    def add_calibration(self, wearer: str, plan: CalibrationPlan) -> None:
        self._gate.change(Act.CALIBRATE, wearer)
        self._registry.add_calibration(wearer, plan)

    def notices(self) -> list[Notice]:
        return self._registry.notices()

    def _worn_by_others(self, wanted: Assignment) -> bool:
        """Whether another has the sensor at its start. Who had it once has no claim to it."""
        others = (a for a in self._registry.assignments() if a.wearer != wanted.wearer)
        return wanted.sensor in worn_sensors(others, wanted.start_ns)

    def _look(self, wearer: str) -> None:
        self._gate.look_at(wearer)


class GuardedPeople:
    """What pages read and change of :class:`store.people_ports.People` about one wearer, each checked."""

    def __init__(self, people: People, gate: Gate) -> None:
        self._people = people
        self._gate = gate

    def pain(self, wearer: str, start_ns: int, end_ns: int) -> list[PainTap]:
        self._look(wearer)
        return self._people.pain(wearer, start_ns, end_ns)

    def tap_pain(self, tap: PainTap) -> None:
        self._gate.change(Act.TAP_PAIN, tap.wearer)
        self._people.tap_pain(tap)

    def remove_pain(self, wearer: str, at_ns: int, region: str) -> None:
        self._gate.change(Act.TAP_PAIN, wearer, "taken back")
        self._people.remove_pain(wearer, at_ns, region)

    def sessions(self, wearer: str) -> list[TherapySession]:
        self._look(wearer)
        return self._people.sessions(wearer)

    def add_session(self, session: TherapySession) -> None:
        self._gate.change(Act.NOTE_SESSION, session.wearer)
        self._people.add_session(session)

    def remove_session(self, wearer: str, at_ns: int) -> None:
        self._gate.change(Act.NOTE_SESSION, wearer, "taken back")
        self._people.remove_session(wearer, at_ns)

    def focus_edits(self, wearer: str) -> list[FocusEdit]:
        self._look(wearer)
        return self._people.focus_edits(wearer)

    def edit_focus(self, wearer: str, edits: Sequence[FocusEdit]) -> None:
        self._gate.change(Act.EDIT_FOCUS, wearer)
        self._people.edit_focus([edit for edit in edits if edit.wearer == wearer])

    def grants(self, wearer: str) -> list[Grant]:
        self._look(wearer)
        return self._people.grants(wearer=wearer)

    def grant(self, grant: Grant) -> None:
        """Let somebody look. What was granted to them before ends: the last word on how long holds."""
        self._gate.change(Act.GRANT, grant.wearer, f"to {grant.account}")
        self._people.revoke(grant.wearer, grant.account, grant.start_ns)
        self._people.grant(grant)

    def revoke(self, wearer: str, account: str, end_ns: int) -> None:
        self._gate.change(Act.GRANT, wearer, f"taken back from {account}")
        self._people.revoke(wearer, account, end_ns)

    def consents(self, wearer: str) -> list[Consent]:
        self._look(wearer)
        return self._people.consents(wearer)

    def give_consent(self, consent: Consent) -> None:
        self._gate.change(Act.CONSENT, consent.wearer, f"{consent.kind} given")
        self._people.give_consent(consent)

    def withdraw_consent(self, wearer: str, kind: ConsentKind, withdrawn_ns: int) -> None:
        self._gate.change(Act.CONSENT, wearer, f"{kind} withdrawn")
        self._people.withdraw_consent(wearer, kind, withdrawn_ns)

    def looks(self, wearer: str, *, before_ns: int | None = None, limit: int = 200) -> list[Look]:
        """Who looked at a wearer's data, and who wanted to."""
        self._gate.check(Act.DATA, wearer)
        return self._people.looks(wearer=wearer, before_ns=before_ns, limit=limit)

    def ask(self, errand: Errand) -> None:
        act = Act.ERASE if errand.kind == "erase" else Act.ASK_REPLAY
        self._gate.change(act, errand.wearer)
        self._people.ask(errand)

    def errands(self, wearer: str) -> list[Errand]:
        self._look(wearer)
        return self._people.errands(wearer=wearer)

    def account_of(self, wearer: str) -> Account | None:
        """The client's own account, for the client alone."""
        self._gate.check(Act.DATA, wearer)
        return next((a for a in self._people.accounts() if a.wearer == wearer), None)

    def name_of(self, account: str) -> str:
        """What an account is called, for who looked and who is let look; its id where it is gone."""
        found = self._people.account(account)
        return account if found is None else found.name

    def therapists(self) -> list[tuple[str, str]]:
        """Accounts that can be let look, as (id, name), by name."""
        return sorted(
            ((a.account, a.name) for a in self._people.accounts() if _can_be_granted(a)),
            key=lambda pair: pair[1],
        )

    def _look(self, wearer: str) -> None:
        self._gate.look_at(wearer)


def _can_be_granted(account: Account) -> bool:
    return Role.THERAPIST in account.roles and not account.disabled
