"""Who is let in: passwords, tokens, sign-ins that end, and slower answers for who guesses.

Over :class:`store.people_ports.People` alone; the clock and the randomness are arguments. A token is
known to the browser only: the registry keeps its SHA-256. Why it is so: docs/decisions/14-sign-in.md.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors import AccessError, Reason, SettingError
from contracts.units import NS_PER_S
from dashboard.entry.access import Viewer
from store.people_ports import Account, Attempts, Look, People, Role, SignIn, login_key

#: The cookie that holds the token.
COOKIE: Final = "plumbline"
#: What is done at the door, as the audit calls it.
SIGN_IN, SIGN_OUT, PASSWORD = "sign-in", "sign-out", "password"

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 128
MAX_LOGIN: Final = 200
TOKEN_BYTES: Final = 32
#: From this failure on nothing is looked at under that name for a while, twice as long each time.
LOCKING_FAILURE: Final = 5
FIRST_LOCK_NS: Final = 5 * NS_PER_S
LONGEST_LOCK_NS: Final = 900 * NS_PER_S
#: Hashes computed at once: each takes a core and 64 MiB for a while.
MAX_HASHING: Final = 2

SIGN_IN_NS: Final = 12 * 3600 * NS_PER_S
IDLE_NS: Final = 2 * 3600 * NS_PER_S
#: A client at home sees nobody's data but their own.
CLIENT_IDLE_NS: Final = 12 * 3600 * NS_PER_S
#: How old an answer of :meth:`Door.viewer` may be, and for how many browsers one is remembered.
REMEMBERED_NS: Final = 2 * NS_PER_S
MAX_REMEMBERED: Final = 1024
#: "The person did something" is written down at most so often.
TOUCH_NS: Final = 60 * NS_PER_S
#: Refused sign-ins a minute that stand in the audit one by one, so that guessing cannot flood it.
MAX_NOTED_FAILURES: Final = 60
_MINUTE_NS: Final = 60 * NS_PER_S


class TooManyAttempts(AccessError):
    """So many sign-ins failed under this name that none is looked at for ``wait_s``."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            Reason.NOT_ALLOWED,
            "Too many attempts under this name.",
            hint=f"Try again in {_wait(wait_s)}.",
        )
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer of the registry about a token. ``viewer`` None: it lets nobody in."""

    viewer: Viewer | None
    asked_ns: int
    seen_ns: int = 0


class Door:
    """Lets people in and out. Safe to share between threads. ``hasher`` makes passwords' hashes."""

    def __init__(
        self,
        people: People,
        *,
        clock_ns: Callable[[], int],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._people = people
        self._clock_ns = clock_ns
        self._random_bytes = random_bytes
        self._hasher = hasher or PasswordHasher()
        self._hashing = threading.BoundedSemaphore(MAX_HASHING)
        self._counting, self._lock = threading.Lock(), threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._nobodys_hash = ""
        self._failures_since_ns, self._failures = 0, 0

    def sign_in(self, login: str, password: str) -> str:
        """A token for the browser. AccessError where name and password do not belong together.

        TooManyAttempts where that was so too often. Neither the answer nor its time says whether there
        is such a name.
        """
        # As the registry compares logins: no other spelling of a name gives more tries.
        name_hash = hashlib.sha256(login_key(login).encode()).hexdigest()
        if len(login) > MAX_LOGIN or len(password) > MAX_PASSWORD:
            raise self._refused()
        nobodys_hash = self._hash_of_nobody()
        self._count_attempt(name_hash)
        account = self._people.account_of_login(login)
        kept = "" if account is None else self._people.password_hash(account.account)
        if not self._verify(kept or nobodys_hash, password) or not kept:
            raise self._refused()
        if account is None or account.disabled:
            raise self._refused()
        self._people.put_attempts(name_hash, Attempts(0, 0), self._clock_ns())
        if self._hasher.check_needs_rehash(kept):
            kept = self._replace_hash(account, kept, password)
        token = self.let_in(account)
        # Looked at last: a new password ends every sign-in there is, so either it ended this one or it
        # is seen here. Who knew the old one stays out although they were let in as it changed.
        if self._people.password_hash(account.account) != kept:
            self._people.end_sign_in(_hash_of(token))
            raise self._refused()
        return token

    def let_in(self, account: Account) -> str:
        """A token for somebody whose identity stands already. AccessError for a disabled account."""
        if account.disabled:
            raise self._refused()
        now_ns = self._clock_ns()
        token = base64.urlsafe_b64encode(self._random_bytes(TOKEN_BYTES)).decode().rstrip("=")
        self._people.add_sign_in(
            SignIn(_hash_of(token), account.account, now_ns, now_ns, now_ns + SIGN_IN_NS)
        )
        self._note(account.account, SIGN_IN)
        return token

    def viewer(self, token: str | None) -> Viewer | None:
        """Who is signed in with the token and what they may see now; None where it lets nobody in.

        An answer is at most 2 s old.
        """
        return None if not token else self._look_up(_hash_of(token)).viewer

    def touch(self, token: str | None) -> None:
        """The person did something. A sign-in that has ended stays ended."""
        if not token:
            return
        token_hash, now_ns = _hash_of(token), self._clock_ns()
        known = self._look_up(token_hash)
        if known.viewer is None or now_ns - known.seen_ns < TOUCH_NS:
            return
        self._people.touch_sign_in(token_hash, now_ns)
        self._remember(token_hash, replace(known, seen_ns=now_ns))

    def sign_out(self, token: str | None) -> None:
        """The sign-in ends, in this browser alone."""
        viewer = self.viewer(token)
        if token is None or viewer is None:
            return
        self._people.end_sign_in(_hash_of(token))
        self._forget()
        self._note(viewer.account, SIGN_OUT)

    def change_password(self, token: str | None, old: str, new: str) -> str:
        """A new password; a new token, since every sign-in of the account ends with the old one.

        AccessError where nobody is signed in or ``old`` is not the password, SettingError for a new one
        that will not do.
        """
        viewer = self.viewer(token)
        account = None if viewer is None else self._people.account(viewer.account)
        if account is None or len(old) > MAX_PASSWORD:
            raise self._refused("Nobody is signed in." if account is None else "")
        name_hash = hashlib.sha256(f"password of {account.account}".encode()).hexdigest()
        self._count_attempt(name_hash)
        kept = self._people.password_hash(account.account)
        if not kept or not self._verify(kept, old):
            self._note(account.account, PASSWORD, allowed=False)
            raise AccessError(
                Reason.NOT_ALLOWED, "This is not your password now.", hint="Type it once more."
            )
        self._people.put_attempts(name_hash, Attempts(0, 0), self._clock_ns())
        check_password(new, login=account.login, old=old)
        self._replace_hash(account, kept, new)
        # As it is now: an administrator may have changed it while the hashes were computed.
        account = self._people.account(account.account)
        if account is None or account.disabled:
            raise self._refused("Nobody is signed in.")
        self._people.put_account(replace(account, must_change=False))
        self._forget()
        self._note(account.account, PASSWORD)
        return self.let_in(account)

    def hash(self, password: str) -> str:
        """A password's Argon2id hash, with its salt and parameters."""
        with self._hashing:
            return self._hasher.hash(password)

    def refuse(self, detail: str) -> None:
        """Note a sign-in that was refused, for a reason that names nobody."""
        now_ns = self._clock_ns()
        with self._lock:
            if not 0 <= now_ns - self._failures_since_ns < _MINUTE_NS:
                self._failures_since_ns, self._failures = now_ns, 0
            self._failures += 1
            count = self._failures
        if count < MAX_NOTED_FAILURES:
            self._note("", SIGN_IN, allowed=False, detail=detail)
        elif count == MAX_NOTED_FAILURES:
            self._note("", SIGN_IN, allowed=False, detail="more in this minute are not noted")

    def _refused(self, message: str = "") -> AccessError:
        if message:
            return AccessError(Reason.SIGNED_OUT, message, hint="Sign in first.")
        self.refuse("name and password do not belong together")
        return AccessError(
            Reason.NOT_ALLOWED,
            "This name and password do not belong together.",
            hint="Mind capital letters. Who has forgotten theirs gets a new one from an administrator.",
        )

    def _count_attempt(self, name_hash: str) -> None:
        """Counted as a failure before the hash is computed, so that many at once gain nothing."""
        now_ns = self._clock_ns()
        with self._counting:
            last = self._people.attempts(name_hash)
            left_ns = last.locked_until_ns - now_ns
            if 0 < left_ns <= LONGEST_LOCK_NS:
                raise TooManyAttempts(-(-left_ns // NS_PER_S))
            failures = last.failures + 1
            attempts = Attempts(failures, now_ns + lock_ns(failures))
            self._people.put_attempts(name_hash, attempts, now_ns)

    def _verify(self, kept: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(kept, password)
            except (VerificationError, InvalidHashError):
                return False

    def _replace_hash(self, account: Account, kept: str, password: str) -> str:
        """The new password's hash, which the registry has now in the place of ``kept``.

        AccessError where that is no longer the password: the one set since is not undone.
        """
        new = self.hash(password)
        if self._people.password_hash(account.account) != kept:
            raise self._refused()
        self._people.set_password_hash(account.account, new)
        return new

    def _hash_of_nobody(self) -> str:
        """What an unknown name's password is compared with, so that the time is the same."""
        with self._counting:
            if not self._nobodys_hash:
                self._nobodys_hash = self._hasher.hash(self._random_bytes(TOKEN_BYTES))
            return self._nobodys_hash

    def _look_up(self, token_hash: str) -> _Known:
        now_ns = self._clock_ns()
        with self._lock:
            known = self._known.get(token_hash)
        if known is not None and 0 <= now_ns - known.asked_ns < REMEMBERED_NS:
            return known
        known = self._ask(token_hash, now_ns)
        self._remember(token_hash, known)
        return known

    def _ask(self, token_hash: str, now_ns: int) -> _Known:
        sign_in = self._people.sign_in(token_hash)
        if sign_in is None or now_ns >= sign_in.expires_ns:
            return _Known(None, now_ns)
        account = self._people.account(sign_in.account)
        if account is None or account.disabled or now_ns - sign_in.seen_ns >= idle_ns(account):
            return _Known(None, now_ns)
        return _Known(self._viewer_of(account, now_ns), now_ns, sign_in.seen_ns)

    def _viewer_of(self, account: Account, now_ns: int) -> Viewer:
        granted = frozenset(
            grant.wearer
            for grant in self._people.grants(account=account.account)
            if grant.start_ns <= now_ns and (grant.end_ns is None or now_ns < grant.end_ns)
        )
        return Viewer(
            account=account.account,
            name=account.name,
            roles=account.roles,
            wearer=account.wearer,
            granted=granted,
            must_change=account.must_change,
        )

    def _remember(self, token_hash: str, known: _Known) -> None:
        with self._lock:
            self._known[token_hash] = known
            self._known.move_to_end(token_hash)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)

    def _forget(self) -> None:
        with self._lock:
            self._known.clear()

    def _note(self, account: str, act: str, *, allowed: bool = True, detail: str = "") -> None:
        self._people.note_look(Look(self._clock_ns(), account, act, allowed=allowed, detail=detail))


def lock_ns(failures: int) -> int:
    """For how long a name is locked after so many failures in a row: 5 s from the fifth, doubling."""
    if failures < LOCKING_FAILURE:
        return 0
    doublings = min(failures - LOCKING_FAILURE, 16)
    return min(FIRST_LOCK_NS << doublings, LONGEST_LOCK_NS)


def idle_ns(account: Account) -> int:
    """How long a sign-in lasts while nothing is done: longer for who sees nobody else's data."""
    return CLIENT_IDLE_NS if account.roles <= {Role.CLIENT} else IDLE_NS


def check_password(new: str, *, login: str, old: str = "") -> None:
    """SettingError for a new password that will not do, saying why."""
    wrong = ""
    if len(new) < MIN_PASSWORD:
        wrong = f"The new password has {len(new)} characters; it needs {MIN_PASSWORD}."
    elif len(new) > MAX_PASSWORD:
        wrong = f"The new password has {len(new)} characters; {MAX_PASSWORD} are the most."
    elif new.strip().casefold() == login.strip().casefold():
        wrong = "The new password is the name."
    elif new == old:
        wrong = "The new password is the old one."
    if wrong:
        raise SettingError(
            Reason.BAD_SETTING, wrong, hint="A few words that belong to nobody are good and long."
        )


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _wait(wait_s: int) -> str:
    return f"{wait_s} s" if wait_s < 60 else f"{-(-wait_s // 60)} min"
