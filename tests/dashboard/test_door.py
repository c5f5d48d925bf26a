"""The door over a real registry: who gets in, for how long, how slowly who guesses is answered."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import AccessError, SettingError
from contracts.units import NS_PER_S
from dashboard.entry import accounts, door
from dashboard.entry.door import Door, TooManyAttempts, lock_ns
from store.open import open_registry
from store.people_ports import Account, Grant, Role
from store.ports import Registry, Wearer

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four words of a song"
START_NS = 1_800_000_000 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, wait_ns: int) -> None:
        self.now_ns += wait_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    found = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    found.put_wearer(Wearer("c-1", "Kim"))
    found.put_wearer(Wearer("c-2", "Jo"))
    yield found
    found.close()


@pytest.fixture
def entrance(registry: Registry, clock: Clock) -> Door:
    return door_of(registry, clock)


def door_of(registry: Registry, clock: Clock) -> Door:
    counter = itertools.count()
    return Door(
        registry.people,
        clock_ns=clock,
        random_bytes=lambda n: next(counter).to_bytes(n, "big"),
        hasher=FAST,
    )


def enter(registry: Registry, login: str = "Kim@x.org", **fields: object) -> Account:
    made = Account(f"a-{login[:3].lower()}", login, "Kim", frozenset({Role.CLIENT}), "c-1")
    made = replace(made, **fields)  # type: ignore[arg-type]
    registry.people.put_account(made)
    registry.people.set_password_hash(made.account, FAST.hash(PASSWORD))
    return made


def refused(entrance: Door, login: str, password: str) -> AccessError:
    with pytest.raises(AccessError) as caught:
        entrance.sign_in(login, password)
    return caught.value


def test_in_and_out(registry: Registry, entrance: Door) -> None:
    enter(registry)
    token = entrance.sign_in(" kim@X.ORG ", PASSWORD)
    viewer = entrance.viewer(token)
    assert viewer is not None
    assert (viewer.account, viewer.wearer, viewer.granted) == ("a-kim", "c-1", frozenset())
    assert entrance.viewer("another") is entrance.viewer("") is entrance.viewer(None) is None
    entrance.sign_out(token)
    assert entrance.viewer(token) is None
    said = [(look.act, look.account, look.allowed) for look in registry.people.looks()]
    assert said == [("sign-out", "a-kim", True), ("sign-in", "a-kim", True)]


def test_the_registry_never_has_the_token(registry: Registry, tmp_path: Path) -> None:
    enter(registry)
    token = Door(registry.people, clock_ns=Clock(), hasher=FAST).sign_in("kim@x.org", PASSWORD)
    assert len(token) == 43
    held = b"".join(path.read_bytes() for path in tmp_path.glob("registry.sqlite*"))
    assert token.encode() not in held
    assert PASSWORD.encode() not in held


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("kim@x.org", "not it"),
        ("nobody", PASSWORD),
        ("", ""),
        ("kim@x.org", "x" * 129),
        ("x" * 201, PASSWORD),
        ("out", PASSWORD),
        ("none", PASSWORD),
    ],
)
def test_every_refusal_reads_the_same_and_names_nobody(
    registry: Registry, entrance: Door, login: str, password: str
) -> None:
    enter(registry)
    enter(registry, "out", disabled=True, wearer=None)
    enter(registry, "none", wearer=None)
    registry.people.set_password_hash("a-non", "")
    error = refused(entrance, login, password)
    assert str(error) == str(refused(entrance, "somebody else", "x"))
    looks = registry.people.looks()
    assert [(k.act, k.account, k.wearer, k.allowed) for k in looks] == [
        ("sign-in", "", None, False)
    ] * 2
    assert not any(login and login in look.detail for look in looks)


def test_an_unknown_name_costs_one_hash_as_a_known_one_does(registry: Registry) -> None:
    enter(registry)
    counted: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            counted.append(str(hash)[:30])
            return super().verify(hash, password)

    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    entrance = Door(registry.people, clock_ns=Clock(), hasher=hasher)
    refused(entrance, "kim@x.org", "x")
    refused(entrance, "nobody", "x")
    assert len(counted) == 2
    assert counted[0].split("$")[:4] == counted[1].split("$")[:4]


def test_the_fifth_failure_locks_and_each_more_for_twice_as_long(
    registry: Registry, entrance: Door, clock: Clock
) -> None:
    enter(registry)
    for _ in range(5):
        assert not isinstance(refused(entrance, "kim@x.org", "x"), TooManyAttempts)
    waits = []
    for _ in range(9):
        error = refused(entrance, "KIM@x.org", PASSWORD)
        assert isinstance(error, TooManyAttempts)
        waits.append(error.wait_s)
        clock.wait(error.wait_s * NS_PER_S)
        assert not isinstance(refused(entrance, "kim@x.org", "x"), TooManyAttempts)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    clock.wait(900 * NS_PER_S)
    assert entrance.sign_in("kim@x.org", PASSWORD)
    for _ in range(4):
        refused(entrance, "kim@x.org", "x")
    assert entrance.sign_in("kim@x.org", PASSWORD)


@pytest.mark.parametrize("other", ["\u017ftra\u00dfe", "\ufb06rasse", "STRASSE", " strasse "])
def test_another_spelling_of_a_name_gives_no_more_tries(
    registry: Registry, entrance: Door, other: str
) -> None:
    enter(registry, login="strasse")
    for _ in range(5):
        refused(entrance, "strasse", "x")
    assert isinstance(refused(entrance, other, PASSWORD), TooManyAttempts)


class Meanwhile(PasswordHasher):
    """A hasher during whose first look at a password something else happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.happens: Callable[[], None] | None = happens

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - argon2's
        found = super().verify(hash, password)
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return found


def test_who_is_let_in_as_the_password_is_taken_away_stays_out(
    registry: Registry, clock: Clock
) -> None:
    made = enter(registry)
    new = FAST.hash("quite another song")
    hasher = Meanwhile(lambda: registry.people.set_password_hash(made.account, new))
    entrance = Door(registry.people, clock_ns=clock, random_bytes=bytes, hasher=hasher)
    token = base64.urlsafe_b64encode(bytes(door.TOKEN_BYTES)).decode().rstrip("=")
    refused(entrance, "kim@x.org", PASSWORD)
    assert registry.people.sign_in(door._hash_of(token)) is None
    assert entrance.sign_in("kim@x.org", "quite another song") == token


def test_a_change_of_password_undoes_neither_a_new_one_nor_a_disabling(
    registry: Registry, clock: Clock
) -> None:
    made = enter(registry)
    people = registry.people
    new = FAST.hash("quite another song")
    hasher = Meanwhile(lambda: None)
    entrance = Door(people, clock_ns=clock, hasher=hasher)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    hasher.happens = lambda: people.set_password_hash(made.account, new)
    with pytest.raises(AccessError):
        entrance.change_password(token, PASSWORD, "a third song of mine")
    assert people.password_hash(made.account) == new

    token = entrance.sign_in("kim@x.org", "quite another song")
    hasher.happens = lambda: people.put_account(replace(made, disabled=True))
    with pytest.raises(AccessError):
        entrance.change_password(token, "quite another song", "a third song of mine")
    account = people.account(made.account)
    assert account is not None
    assert account.disabled


def test_a_name_that_does_not_exist_is_locked_too(entrance: Door) -> None:
    for _ in range(5):
        refused(entrance, "nobody", "x")
    assert isinstance(refused(entrance, "Nobody", "x"), TooManyAttempts)
    assert not isinstance(refused(entrance, "somebody", "x"), TooManyAttempts)


@given(st.integers(0, 500))
def test_a_lock_never_shrinks_nor_passes_a_quarter_of_an_hour(failures: int) -> None:
    assert lock_ns(failures) <= lock_ns(failures + 1) <= 900 * NS_PER_S
    assert (lock_ns(failures) == 0) is (failures < 5)


def test_many_at_once_get_no_more_tries_and_two_hashes_at_a_time(registry: Registry) -> None:
    enter(registry)
    at_once, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2, timeout=20)

    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            try:
                both.wait()  # two are in here together, or the test fails
                return super().verify(hash, password)
            finally:
                with lock:
                    at_once -= 1

    hasher = Slow(time_cost=1, memory_cost=8, parallelism=1)
    entrance = Door(registry.people, clock_ns=Clock(), hasher=hasher)
    errors: list[AccessError] = []
    logins = ["kim@x.org"] * 9 + ["nobody"] * 9

    def guess(login: str) -> None:
        errors.append(refused(entrance, login, "x"))

    threads = [threading.Thread(target=guess, args=(login,)) for login in logins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(isinstance(error, TooManyAttempts) for error in errors) == 8
    assert most == 2


def test_guessing_cannot_flood_the_audit(registry: Registry, entrance: Door, clock: Clock) -> None:
    for number in range(door.MAX_NOTED_FAILURES + 20):
        refused(entrance, f"name {number}", "x")
    looks = registry.people.looks(limit=1000)
    assert len(looks) == door.MAX_NOTED_FAILURES
    assert looks[0].detail == "more in this minute are not noted"
    clock.wait(60 * NS_PER_S)
    refused(entrance, "another", "x")
    assert len(registry.people.looks(limit=1000)) == door.MAX_NOTED_FAILURES + 1


@pytest.mark.parametrize(
    ("roles", "idle_h"),
    [
        ({Role.CLIENT}, 12),
        ({Role.THERAPIST}, 2),
        ({Role.ADMINISTRATOR}, 2),
        ({Role.EMPLOYER}, 2),
        ({Role.CLIENT, Role.THERAPIST}, 2),
    ],
)
def test_a_sign_in_ends_when_nothing_is_done(
    registry: Registry, entrance: Door, clock: Clock, roles: set[Role], idle_h: int
) -> None:
    enter(registry, roles=frozenset(roles))
    token = entrance.sign_in("kim@x.org", PASSWORD)
    clock.wait(idle_h * HOUR_NS - 1)
    assert entrance.viewer(token) is not None
    clock.wait(door.REMEMBERED_NS)
    assert entrance.viewer(token) is None
    entrance.touch(token)
    assert entrance.viewer(token) is None


def test_doing_something_keeps_it_but_not_beyond_twelve_hours(
    registry: Registry, entrance: Door, clock: Clock
) -> None:
    enter(registry, roles=frozenset({Role.THERAPIST}), wearer=None)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    for _ in range(11):
        clock.wait(HOUR_NS)
        assert entrance.viewer(token) is not None
        entrance.touch(token)
    clock.wait(HOUR_NS - 1)
    assert entrance.viewer(token) is not None
    clock.wait(door.REMEMBERED_NS)
    assert entrance.viewer(token) is None


def test_a_touch_is_written_once_a_minute(registry: Registry, entrance: Door, clock: Clock) -> None:
    enter(registry)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    (token_hash,) = {sign_in_of(registry, token)}
    clock.wait(door.TOUCH_NS - 1)
    entrance.touch(token)
    assert token_hash == START_NS
    assert sign_in_of(registry, token) == START_NS
    clock.wait(1)
    entrance.touch(token)
    assert sign_in_of(registry, token) == START_NS + door.TOUCH_NS


def sign_in_of(registry: Registry, token: str) -> int:
    found = registry.people.sign_in(door._hash_of(token))
    assert found is not None
    return found.seen_ns


def test_what_changes_in_the_registry_holds_within_two_seconds(
    registry: Registry, entrance: Door, clock: Clock
) -> None:
    made = enter(registry, roles=frozenset({Role.THERAPIST}), wearer=None)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    registry.people.grant(Grant("c-1", "a-kim", START_NS, START_NS + 10 * NS_PER_S))
    registry.people.grant(Grant("c-2", "a-kim", START_NS + 5 * NS_PER_S))
    seen = []
    for _ in range(5):
        viewer = entrance.viewer(token)
        assert viewer is not None
        seen.append(viewer.granted)
        clock.wait(door.REMEMBERED_NS + NS_PER_S)
    both, one = frozenset({"c-1", "c-2"}), frozenset({"c-2"})
    assert seen == [frozenset({"c-1"}), frozenset({"c-1"}), both, both, one]
    registry.people.revoke("c-2", "a-kim", clock.now_ns)
    accounts.disable(registry.people, made)
    clock.wait(door.REMEMBERED_NS)
    assert entrance.viewer(token) is None
    accounts.disable(registry.people, made, disabled=False)
    assert door_of(registry, clock).viewer(token) is None


def test_answers_are_remembered_and_capped(registry: Registry, entrance: Door) -> None:
    made = enter(registry)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    assert entrance.viewer(token) is not None
    registry.people.set_password_hash(made.account, "")
    assert entrance.viewer(token) is not None  # as it was a moment ago
    for number in range(door.MAX_REMEMBERED):
        assert entrance.viewer(f"made up {number}") is None
    assert len(entrance._known) == door.MAX_REMEMBERED
    assert entrance.viewer(token) is None


def test_a_new_password_ends_every_other_sign_in(registry: Registry, entrance: Door) -> None:
    enter(registry, must_change=True)
    elsewhere = entrance.sign_in("kim@x.org", PASSWORD)
    here = entrance.sign_in("kim@x.org", PASSWORD)
    fresh = entrance.change_password(here, PASSWORD, "quite another song")
    viewer = entrance.viewer(fresh)
    assert viewer is not None
    assert not viewer.must_change
    assert entrance.viewer(here) is entrance.viewer(elsewhere) is None
    refused(entrance, "kim@x.org", PASSWORD)
    assert entrance.sign_in("kim@x.org", "quite another song")
    assert ("password", "a-kim", True) in [
        (look.act, look.account, look.allowed) for look in registry.people.looks()
    ]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("short one", "has 9 characters; it needs 10"),
        ("x" * 129, "128 are the most"),
        ("KIM.LONG@x.org", "is the name"),
        (PASSWORD, "is the old one"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    registry: Registry, entrance: Door, new: str, why: str
) -> None:
    enter(registry, "kim.long@x.org")
    token = entrance.sign_in("kim.long@x.org", PASSWORD)
    with pytest.raises(SettingError, match=why):
        entrance.change_password(token, PASSWORD, new)
    assert entrance.viewer(token) is not None
    assert entrance.sign_in("kim.long@x.org", PASSWORD)


def test_who_does_not_know_the_old_password_cannot_change_it_nor_guess_it(
    registry: Registry, entrance: Door
) -> None:
    enter(registry)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    for _ in range(5):
        with pytest.raises(AccessError, match="not your password now"):
            entrance.change_password(token, "a guess", "quite another song")
    with pytest.raises(TooManyAttempts):
        entrance.change_password(token, PASSWORD, "quite another song")
    with pytest.raises(AccessError, match="Nobody is signed in"):
        entrance.change_password("made up", PASSWORD, "quite another song")
    assert entrance.sign_in("kim@x.org", PASSWORD)


def test_a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in(
    registry: Registry, clock: Clock
) -> None:
    enter(registry)
    weak = registry.people.password_hash("a-kim")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    entrance = Door(registry.people, clock_ns=clock, hasher=stronger)
    token = entrance.sign_in("kim@x.org", PASSWORD)
    assert entrance.viewer(token) is not None
    strong = registry.people.password_hash("a-kim")
    assert strong != weak
    assert "m=16,t=2" in strong
    entrance.sign_in("kim@x.org", PASSWORD)
    assert registry.people.password_hash("a-kim") == strong


def test_made_passwords_are_long_and_differ() -> None:
    made = {accounts.new_password() for _ in range(200)}
    assert len(made) == 200
    assert {len(password) for password in made} == {19}
    assert not set("".join(made)) & set("ilo01")
