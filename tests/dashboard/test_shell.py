"""Every cell of role × page × own, granted, foreign client, in the page as it is opened by its address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import shell
from dashboard.entry.access import PAGES, Act, Viewer
from dashboard.reading import sources
from dashboard.reading.sources import Sources
from store.open import open_registry, open_series
from store.people_ports import Account, Role
from store.ports import Wearer
from tests.dashboard import shell_room
from tests.dashboard.test_access import CELLS, FOREIGN, GRANTED, NOW_NS, OWN, SUBJECTS, expected

ABOUT_NOBODY = [a for a in PAGES if any(act is a and mark == "n" for _, act, mark in CELLS)]
ABOUT_PEOPLE = [(r, a, m) for r, a, m in CELLS if a in PAGES and a not in ABOUT_NOBODY]
SCRIPT = "from tests.dashboard.shell_room import show\nshow()\n"


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Sources]:
    store_url, registry_url = (
        f"sqlite:{tmp_path / 'series.sqlite'}",
        f"sqlite:{tmp_path / 'registry.sqlite'}",
    )
    open_series(store_url).close()
    registry = open_registry(registry_url)
    for wearer in SUBJECTS.values():
        registry.put_wearer(Wearer(wearer, f"The {wearer} one", "UTC"))
    registry.people.put_account(Account("me", "me", "Me", frozenset(Role), OWN))
    registry.close()
    opened = sources.open_sources(store_url, registry_url)
    yield opened
    opened.series.close()
    opened.registry.close()


def opened_at(
    found: Sources, act: Act, role: Role, client: str | None
) -> tuple[AppTest, list[object]]:
    """The page at its address; the entries of the audit that it made."""
    wearer = OWN if role is Role.CLIENT else None
    viewer = Viewer("me", "Me", frozenset({role}), wearer, frozenset({GRANTED}))
    shell_room.room[:] = [shell_room.Room(found, viewer, act, lambda: NOW_NS)]
    before = len(found.registry.people.looks(limit=10_000))
    app = AppTest.from_string(SCRIPT, default_timeout=30)
    if client is not None:
        app.query_params["client"] = client
    app.run()
    assert not app.exception
    looks = found.registry.people.looks(limit=10_000)
    return app, looks[: len(looks) - before]


def html_of(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.parametrize(("role", "act", "mark"), ABOUT_PEOPLE)
def test_each_page_opens_for_whom_it_may_and_is_refused_to_others(
    found: Sources, role: Role, act: Act, mark: str
) -> None:
    for to, client in SUBJECTS.items():
        app, looks = opened_at(found, act, role, client)
        said = html_of(app)
        theirs = expected(mark, to) and (to != "own" or role is Role.CLIENT)
        assert (shell.NOT_YOURS in said) is not theirs, (role, act, to)
        if theirs:
            assert all(look.allowed for look in looks)
        else:
            assert [(k.act, k.wearer, k.allowed) for k in looks] == [(act, client, False)]
            assert f"The {client} one" not in said


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", ABOUT_NOBODY)
def test_pages_about_nobody_open_for_their_role_alone(found: Sources, role: Role, act: Act) -> None:
    mark = next(m for r, a, m in CELLS if (r, a) == (role, act))
    app, looks = opened_at(found, act, role, FOREIGN)
    assert (shell.NOT_YOURS in html_of(app)) is (mark != "n")
    assert looks[0].allowed is (mark == "n")
    assert f"The {FOREIGN} one" not in html_of(app) or role is Role.ADMINISTRATOR


def test_whom_nobody_let_look_is_told_how_that_comes_about(found: Sources) -> None:
    viewer = Viewer("me", "Me", frozenset({Role.THERAPIST}))
    shell_room.room[:] = [shell_room.Room(found, viewer, Act.REVIEW, lambda: NOW_NS)]
    app = AppTest.from_string(SCRIPT, default_timeout=30).run()
    assert "Nobody has let you look yet" in html_of(app)
