"""What the dashboard takes, keeps and shows has an end: each end at its edge and one over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from contracts.units import NS_PER_S
from dashboard.entry.access import Act
from dashboard.entry.door import COOKIE, MAX_HASHING, Door
from dashboard.entry.visit import Visit
from dashboard.pages import data, review
from dashboard.reading.sources import Sources
from dashboard.served.doors import MAX_WAITING, Doors
from dashboard.served.downloads import MAX_WORD, Exports
from dashboard.served.stores import Stores
from store.open import open_registry, open_series
from store.people_ports import Look, Role, Verdict
from store.ports import Wearer
from tests.dashboard import reviewed, seed, signing_in, visits
from tests.dashboard.conftest import EVENING_NS
from tests.dashboard.reviewed import Client

#: Longer than any answer takes; reached only where something is wrong.
PATIENCE_S = 60.0
FULL = "Too many people are signing in"
#: As many characters as an id has at most, and as are looked at.
LONGEST = "w" * MAX_WORD


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """What the server opens, with the wearer whose id is as long as ids are."""
    store_url, registry_url = seed.urls(tmp_path)
    open_series(store_url).close()
    registry = open_registry(registry_url)
    registry.put_wearer(Wearer(LONGEST, "Long"))
    registry.close()
    made = Stores(
        lambda: open_registry(registry_url),
        lambda: Sources(open_series(store_url), open_registry(registry_url)),
    )
    yield made
    made.close()


def browser(app: Starlette, token: str = "") -> httpx.AsyncClient:
    """Asks the server's own answers, in this process."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://plumbline.test",
        cookies={COOKIE: token},
        timeout=PATIENCE_S,
    )


def test_as_many_wait_to_sign_in_as_there_is_room_for(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = threading.Event()

    def slow(_door: Door, _login: str, _password: str) -> str:
        assert looked_at.wait(PATIENCE_S)
        return "a token"

    monkeypatch.setattr(Door, "sign_in", slow)
    doors = Doors(stores)
    statuses: list[int] = []

    async def come(asks: httpx.AsyncClient) -> str:
        answer = await asks.post("/sign-in", data={"login": "kim", "password": "x"})
        statuses.append(answer.status_code)
        return answer.text

    async def all_come() -> None:
        with anyio.fail_after(PATIENCE_S):
            async with (
                browser(Starlette(routes=doors.routes())) as asks,
                anyio.create_task_group() as tasks,
            ):
                for _ in range(MAX_HASHING + MAX_WAITING):
                    tasks.start_soon(come, asks)
                while doors._hashing.statistics().tasks_waiting < MAX_WAITING:
                    await anyio.sleep(0.01)
                assert FULL in await come(asks)
                looked_at.set()

    anyio.run(all_come)
    assert statuses == [401] + [303] * (MAX_HASHING + MAX_WAITING)


@pytest.mark.parametrize(
    ("kind", "week", "status"),
    [
        ("week.csv", "2026-W10", 200),
        ("week.csv" + "x" * (MAX_WORD - 8), "2026-W10", 404),
        ("week.csv" + "x" * MAX_WORD, "2026-W10", 404),
        ("week.csv", "2026-W10" + "0" * MAX_WORD, 404),
    ],
    ids=["taken", "long", "longer", "long-week"],
)
def test_an_exports_words_are_read_up_to_a_length(
    stores: Stores, kind: str, week: str, status: int
) -> None:
    answer, _ = exported(stores, LONGEST, kind, week)
    assert answer.status_code == status


def test_an_exports_wearer_is_read_up_to_the_length_of_an_id(stores: Stores) -> None:
    for asked in ("x" * MAX_WORD, "x" * (MAX_WORD + 1), "x" * 4000):
        answer, look = exported(stores, asked, "week.csv", "")
        assert answer.status_code == 403
        assert (look.wearer, look.allowed) == ("x" * MAX_WORD, False)


def exported(stores: Stores, wearer: str, kind: str, week: str) -> tuple[httpx.Response, Look]:
    """The answer to the client of the longest id, and the latest entry of the audit."""
    registry = stores.entrance().registry
    account = signing_in.account(registry.people, role=Role.CLIENT, wearer=LONGEST)
    token = stores.entrance().door.let_in(account)
    app = Starlette(routes=Exports(stores).routes())

    async def ask() -> httpx.Response:
        async with browser(app, token) as asks:
            return await asks.get(f"/export/{wearer}/{kind}", params={"week": week})

    answer = anyio.run(ask)
    return answer, registry.people.looks(limit=1)[0]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client with a week of more episodes than are shown at first."""
    series_url, registry_url = seed.urls(tmp_path)
    found = Client(open_series(series_url), open_registry(registry_url))
    reviewed.fill(found)
    yield found
    found.series.close()
    found.registry.close()


def at_review(client: Client, page: Callable[[Visit], None]) -> AppTest:
    """A part of the review, or all of it, as the therapist sees it."""
    return visits.run(page, lambda: reviewed.visit(client, Act.REVIEW), week=reviewed.WEEK.name)


@pytest.mark.parametrize("over", [0, 1])
def test_a_long_list_of_episodes_is_shown_when_asked_for(client: Client, over: int) -> None:
    found = reviewed.review(client)
    many = replace(found, episodes=found.episodes[: review._SHOWN_EPISODES + over])
    app = at_review(client, lambda _visit: review._choose_episode(many))
    assert len(app.radio[0].options) == review._SHOWN_EPISODES
    assert len(app.toggle) == over
    if over:
        app.toggle(key="every episode").set_value(True).run()
        assert len(app.radio[0].options) == review._SHOWN_EPISODES + over


def test_as_many_steps_as_are_kept_can_be_taken_back(client: Client) -> None:
    app = at_review(client, review.page)
    key, done = f"verdict {reviewed.WEARER} upper_thoracic", f"done {reviewed.WEARER}"
    app.segmented_control(key=key).set_value(Verdict.ACCEPTED).run()
    (first,) = app.session_state[done]
    later = [(before, list(edits)) for before, edits in [first] * (review._MAX_UNDO - 2)]
    app.session_state[done] = [first, *later]
    app.segmented_control(key=key).set_value(Verdict.OPEN).run()
    assert len(app.session_state[done]) == review._MAX_UNDO
    assert app.session_state[done][0] is first
    app.segmented_control(key=key).set_value(Verdict.ACCEPTED).run()
    assert len(app.session_state[done]) == review._MAX_UNDO
    assert app.session_state[done][0] is later[0]


@pytest.mark.parametrize("only_others", [True, False])
def test_looks_are_listed_up_to_a_number(sources: Sources, *, only_others: bool) -> None:
    seed.register(sources.registry)
    for i in range(data._MOST_LOOKS + 1):
        look = Look(EVENING_NS - i * NS_PER_S, "ines", "week", seed.WEARER)
        sources.registry.people.note_look(look)
    app = visits.run(
        data._looks, lambda: visits.visit(sources, Act.DATA, clock_ns=lambda: EVENING_NS)
    )
    app.toggle(key="only others").set_value(only_others)
    app.session_state["looks shown"] = data._MOST_LOOKS - data._LOOKS
    app.run()
    assert visits.shown(app).count("<li>") == data._MOST_LOOKS - data._LOOKS
    app.button[0].click().run()
    assert visits.shown(app).count("<li>") == data._MOST_LOOKS
    assert not app.button
