"""What the registry keeps of people beside who wears what: accounts, grants, consents, pain, focus, audit.

A wearer is named by pseudonymous id throughout; a person's name is in an account or a wearer's label only.
tests/store/test_people.py holds an implementation to this. Intervals are [start_ns, end_ns), UTC.
Nothing here makes :meth:`store.ports.Registry.revision` greater: analytics need not look for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """What an account may be. One account may be several."""

    CLIENT = "client"
    THERAPIST = "therapist"
    ADMINISTRATOR = "administrator"
    EMPLOYER = "employer"


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who signs in. ``login`` is compared without regard to case; ``wearer`` is a client's own.

    ``must_change``: the password was given by somebody else. ``subject``: who it is to an OpenID
    provider, as "issuer subject"; empty where only a password signs in.
    """

    account: str
    login: str
    name: str
    roles: frozenset[Role]
    wearer: str | None = None
    disabled: bool = False
    must_change: bool = False
    subject: str = ""


def login_key(login: str) -> str:
    """What logins are compared by: two of one key are one login."""
    return login.strip().casefold()


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed sign-ins under one name since the last that succeeded, and until when none is looked at."""

    failures: int
    locked_until_ns: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """A browser that is signed in. The token itself is known to the browser alone."""

    token_hash: str
    account: str
    created_ns: int
    seen_ns: int  # when the person last did something
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A client lets a therapist's account look, from ``start_ns`` until ``end_ns`` (None: until taken back)."""

    wearer: str
    account: str
    start_ns: int
    end_ns: int | None = None


class ConsentKind(StrEnum):
    """What a client agrees to, each by itself."""

    MONITORING = "monitoring"  # posture is measured, stored and shown to the client
    AGGREGATE = "aggregate"  # counts, with at least nine others, in what an employer sees


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent to one version of the words, and when it was withdrawn (None: in force)."""

    wearer: str
    kind: ConsentKind
    version: str
    given_ns: int
    withdrawn_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One entry of the audit: who did or wanted what with whose data.

    ``account`` is empty where nobody was signed in; ``wearer`` None where it is about nobody's data.
    ``act`` is a word of dashboard.entry.access; ``detail`` holds no name and no measurement.
    """

    at_ns: int
    account: str
    act: str
    wearer: str | None = None
    allowed: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PainTap:
    """How much it hurts where, 0 to 10, as the client says. ``region`` is a region of the body figure."""

    wearer: str
    at_ns: int
    region: str
    score: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TherapySession:
    """A session with a therapist, for before and after."""

    wearer: str
    at_ns: int
    account: str
    note: str = ""


class Verdict(StrEnum):
    """What a therapist says of a focus area."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class FocusEdit:
    """A therapist's word on one focus area of one client: verdict, place in the order, note.

    ``place``: 1 is first; None: where the exposure puts it. The latest per wearer and rule is in force.
    """

    wearer: str
    rule: str
    account: str
    at_ns: int
    verdict: Verdict = Verdict.OPEN
    place: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class MadeWeek:
    """The figures of many people in one ISO week (``2026-W47``), as they were made once: about nobody."""

    week: str
    simulated: bool
    made_ns: int
    body: str  # JSON, as dashboard.office makes it


class ErrandKind(StrEnum):
    """Work that a page asks the analytics service for, since it alone may compute and delete."""

    ERASE = "erase"
    REPLAY = "replay"


class ErrandState(StrEnum):
    """How far an errand is."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Errand:
    """One piece of such work. ``body`` and ``result`` are JSON, by kind as contracts.errands says."""

    errand: str
    kind: ErrandKind
    wearer: str
    account: str
    asked_ns: int
    body: str = "{}"
    state: ErrandState = ErrandState.ASKED
    done_ns: int | None = None
    result: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure removed, without a word of whom. ``receipt`` is what the person keeps to ask again."""

    receipt: str
    asked_ns: int
    erased_ns: int
    body: str  # JSON: counts by kind of row, and what goes by itself


class People(Protocol):
    """Accounts and what belongs to people. SettingError for what cannot be kept, StoreError where it fails.

    Every text and list has a cap: see store.people_checks.
    """

    def put_account(self, account: Account) -> None:
        """Add or replace an account. SettingError where the login or the wearer is another account's."""

    def accounts(self) -> list[Account]:
        """All accounts, by login."""

    def account(self, account: str) -> Account | None:
        """The account of that id."""

    def account_of_login(self, login: str) -> Account | None:
        """The account that signs in under ``login``, in any case of letters."""

    def account_of_subject(self, subject: str) -> Account | None:
        """The account of a person as an OpenID provider knows them."""

    def remove_account(self, account: str) -> None:
        """Remove an account, its sign-ins and its grants. What it noted stays, under its id."""

    def set_password_hash(self, account: str, password_hash: str) -> None:
        """Replace the password's hash; every sign-in of the account ends."""

    def password_hash(self, account: str) -> str:
        """The password's hash; empty where there is none."""

    def attempts(self, name_hash: str) -> Attempts:
        """Failed sign-ins under a name, by its hash; none where none are kept."""

    def put_attempts(self, name_hash: str, attempts: Attempts, now_ns: int) -> None:
        """Keep them; with no failures they are forgotten, as are those of over a day ago."""

    def add_sign_in(self, sign_in: SignIn) -> None:
        """A browser signs in. The oldest of an account's goes where there are too many; expired ones go."""

    def sign_in(self, token_hash: str) -> SignIn | None:
        """The sign-in of that token, expired or not."""

    def touch_sign_in(self, token_hash: str, seen_ns: int) -> None:
        """The person did something."""

    def end_sign_in(self, token_hash: str) -> None:
        """The browser signs out."""

    def grant(self, grant: Grant) -> None:
        """Let a therapist look, or replace the grant that began at the same time."""

    def revoke(self, wearer: str, account: str, end_ns: int) -> None:
        """End what is in force or to come from ``end_ns`` on."""

    def grants(self, *, wearer: str | None = None, account: str | None = None) -> list[Grant]:
        """Grants (of a wearer, to an account), ended ones too, by start."""

    def give_consent(self, consent: Consent) -> None:
        """Keep a consent; one in force of the same kind is replaced at its start."""

    def withdraw_consent(self, wearer: str, kind: ConsentKind, withdrawn_ns: int) -> None:
        """End the consent in force, if there is one."""

    def consents(self, wearer: str) -> list[Consent]:
        """All of a wearer's, withdrawn ones too, by time."""

    def consenting(self, kind: ConsentKind) -> list[str]:
        """The wearers with such a consent in force."""

    def note_look(self, look: Look) -> None:
        """Add to the audit. Never changed and never removed, but for what an erasure takes."""

    def looks(
        self, *, wearer: str | None = None, before_ns: int | None = None, limit: int = 200
    ) -> list[Look]:
        """The audit (about a wearer), latest first."""

    def tap_pain(self, tap: PainTap) -> None:
        """Keep a pain tap; one of the same region and time is replaced."""

    def remove_pain(self, wearer: str, at_ns: int, region: str) -> None:
        """Take a pain tap back."""

    def pain(self, wearer: str, start_ns: int, end_ns: int) -> list[PainTap]:
        """A wearer's pain taps in the interval, by time."""

    def add_session(self, session: TherapySession) -> None:
        """Keep a therapy session; one of the same time is replaced."""

    def remove_session(self, wearer: str, at_ns: int) -> None:
        """Take a therapy session back."""

    def sessions(self, wearer: str) -> list[TherapySession]:
        """A wearer's therapy sessions, by time."""

    def edit_focus(self, edits: Sequence[FocusEdit]) -> None:
        """Keep a therapist's words on focus areas, in one go."""

    def focus_edits(self, wearer: str) -> list[FocusEdit]:
        """The latest word on each rule, by rule."""

    def keep_team_week(self, made: MadeWeek) -> MadeWeek:
        """Keep a week of many people unless there is one; the one that stands from now on."""

    def team_weeks(self, *, simulated: bool) -> list[MadeWeek]:
        """The weeks that were made, by week."""

    def ask(self, errand: Errand) -> None:
        """Ask for an errand; SettingError where too many of the kind and wearer wait."""

    def errands(
        self, *, wearer: str | None = None, states: Collection[ErrandState] = tuple(ErrandState)
    ) -> list[Errand]:
        """Errands (of a wearer) in these states, oldest first."""

    def note_errand(self, errand: str, result: str) -> None:
        """Keep what was found so far of an errand that goes on, for whoever takes it up again."""

    def finish_errand(self, errand: str, state: ErrandState, *, done_ns: int, result: str) -> None:
        """An errand is done or has failed."""

    def erase_wearer(self, wearer: str, *, receipt: Receipt) -> dict[str, int]:
        """Remove all that the registry has of a wearer, in one transaction; how many rows of each table.

        That is also the client's account, what others noted of them, and the audit about them. The receipt
        is kept. The body that is kept is the receipt's with these counts added under "registry".
        """

    def overwrite_erased(self) -> bool:
        """Let nothing of what was erased lie on the disk; False where a reader keeps it: ask again soon."""

    def receipt(self, receipt: str) -> Receipt | None:
        """The receipt of an erasure."""
