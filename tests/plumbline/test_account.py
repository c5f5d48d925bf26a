"""``plumbline account`` as a person at the machine uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.entry.door import Door
from plumbline import cli
from plumbline.demo_accounts import make_accounts
from plumbline.settings import Settings
from store import open_registry
from store.people_ports import Role
from store.ports import Registry, Wearer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    found = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    yield found
    found.close()


@pytest.fixture
def account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command; what it printed, or its exit status and complaint."""

    def run(*words: str, status: int = 0) -> str:
        assert cli.run(["account", *words, "--data", str(tmp_path)]) == status
        out, err = capsys.readouterr()
        return err if status else out

    return run


def test_the_first_administrator_is_made_and_gets_in(account: Any, registry: Registry) -> None:
    said = json.loads(account("add", "Boss@x.org", "--role", "administrator", "--json"))
    assert said["roles"] == ["administrator"]
    assert said["must_change"]
    door = Door(registry.people, clock_ns=time.time_ns)
    viewer = door.viewer(door.sign_in("boss@X.org", said["password"]))
    assert viewer is not None
    assert viewer.must_change
    assert "Boss@x.org" in account("list")
    (look,) = [look for look in registry.people.looks() if look.act == "manage-people"]
    assert look.detail == f"{said['account']} made, by the command line"
    assert said["password"] not in account("list", "--json")


def test_a_client_is_a_wearer_that_there_is_or_a_new_one(account: Any, registry: Registry) -> None:
    assert "which wearer" in account("add", "kim", "--role", "client", status=64)
    assert "no wearer 'c-9'" in account(
        "add", "kim", "--role", "client", "--wearer", "c-9", status=64
    )
    registry.put_wearer(Wearer("c-1", "Kim"))
    first = json.loads(account("add", "kim", "--role", "client", "--wearer", "c-1", "--json"))
    assert first["wearer"] == "c-1"
    more = (
        "--role",
        "client,therapist",
        "--new-wearer",
        "--timezone",
        "Asia/Tokyo",
        "--name",
        "Jo",
    )
    made = json.loads(account("add", "jo", *more, "--json"))
    assert {(w.wearer, w.label, w.timezone) for w in registry.wearers()} == {
        ("c-1", "Kim", "UTC"),
        (made["wearer"], "Jo", "Asia/Tokyo"),
    }
    assert "Another account" in account(
        "add", "kim2", "--role", "client", "--wearer", "c-1", status=64
    )


def test_a_login_that_is_taken_leaves_no_wearer_behind(account: Any, registry: Registry) -> None:
    account("add", "kim", "--role", "therapist")
    account("add", "KIM", "--role", "client", "--new-wearer", status=64)
    assert registry.wearers() == []


def test_disable_reset_remove(account: Any, registry: Registry) -> None:
    account("add", "boss", "--role", "administrator")
    password = account("add", "jo", "--role", "therapist").splitlines()[1].strip()
    door = Door(registry.people, clock_ns=time.time_ns)
    token = door.sign_in("jo", password)
    assert account("disable", "jo") == "jo is disabled.\n"
    assert Door(registry.people, clock_ns=time.time_ns).viewer(token) is None
    assert account("enable", "jo") == "jo is enabled.\n"
    fresh = account("reset", "jo").splitlines()[1].strip()
    assert fresh != password
    assert Door(registry.people, clock_ns=time.time_ns).sign_in("jo", fresh)
    assert json.loads(account("remove", "jo", "--json"))["login"] == "jo"
    assert "no account of this login" in account("reset", "jo", status=64)


def test_the_last_administrator_stays(account: Any) -> None:
    account("add", "boss", "--role", "administrator")
    for command in ("disable", "remove"):
        assert "last administrator" in account(command, "boss", status=64)
    account("add", "other", "--role", "administrator")
    account("disable", "boss")
    assert "last administrator" in account("remove", "other", status=64)


def test_a_role_that_is_none(account: Any) -> None:
    assert "no role 'king'" in account("add", "x", "--role", "king", status=64)
    assert "without a role" in account("add", "x", "--role", ",", status=64)


def test_each_demo_has_its_client_and_new_passwords(tmp_path: Path, registry: Registry) -> None:
    settings = Settings(data_dir=tmp_path)
    for number, wearer in enumerate(("demo-001", "demo-002"), start=1):
        registry.put_wearer(Wearer(wearer, f"Simulated client ({number})"))
        made = {one.role: one for one in make_accounts(settings, wearer, start_ns=0)}
        assert set(made) == {Role.CLIENT, Role.THERAPIST, Role.ADMINISTRATOR}
        door = Door(registry.people, clock_ns=time.time_ns)
        viewers = {
            role: door.viewer(door.sign_in(one.login, one.password)) for role, one in made.items()
        }
        client, therapist = viewers[Role.CLIENT], viewers[Role.THERAPIST]
        assert client is not None
        assert therapist is not None
        assert client.wearer == wearer
        assert not client.must_change
        assert wearer in therapist.granted
    assert therapist.granted == {"demo-001", "demo-002"}
    assert len(registry.people.accounts()) == 3
