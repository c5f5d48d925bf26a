from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import anyio
import pytest
from starlette.applications import Starlette
from starlette.types import Message, Scope

from contracts.units import NS_PER_S
from dashboard.reading.sources import Sources
from dashboard.served import receipt
from dashboard.served.stores import Stores
from store.open import open_registry
from store.people_ports import Errand, ErrandKind, ErrandState, Receipt
from tests.dashboard import seed
from tests.dashboard.conftest import EVENING_NS

NUMBER = "9f2c" * 8
RECEIPT = Receipt(
    NUMBER,
    EVENING_NS,
    EVENING_NS + 3 * NS_PER_S,
    '{"series": {"frames": 12345, "episodes": 6, "nudges": 0}, "notes": ["What <arrives> is let go."]}',
)


@pytest.fixture
def asked(sources: Sources) -> Sources:
    """An erasure that was asked for."""
    seed.register(sources.registry, label="Alma Berg")
    errand = Errand(NUMBER, ErrandKind.ERASE, seed.WEARER, "a-client", EVENING_NS)
    sources.registry.people.ask(errand)
    return sources


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status_code: int
    text: str


class Web:
    """The page, served without a sign-in, and asked as a server asks it."""

    def __init__(self, url: str) -> None:
        def never() -> Sources:
            raise AssertionError("a receipt asks nothing of the series")

        stores = Stores(lambda: open_registry(url), never)
        self._app = Starlette(routes=[receipt.route(stores)])

    def get(self, path: str) -> Answer:
        return anyio.run(self._get, path)

    async def _get(self, path: str) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http", "method": "GET", "path": unquote(path), "query_string": b"",
            "headers": [], "root_path": "",
        }  # fmt: skip
        await self._app(scope, receive, send)
        return Answer(sent[0]["status"], sent[1]["body"].decode())


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(seed.urls(tmp_path)[1])


def test_while_it_is_under_way_the_page_looks_again(asked: Sources, web: Web) -> None:
    page = web.get(f"/receipt/{NUMBER}")
    assert page.status_code == 200
    assert "Everything is being erased" in page.text
    assert "3 March 2026, 17:30:00 UTC" in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.text
    for secret in ("Alma", seed.WEARER, "a-client"):
        assert secret not in page.text


def test_the_receipt_says_what_was_removed_and_not_whose_it_was(asked: Sources, web: Web) -> None:
    counts = asked.registry.people.erase_wearer(seed.WEARER, receipt=RECEIPT)
    assert counts["assignment"] == 2
    page = web.get(f"/receipt/{NUMBER}")
    for words in (
        "Everything was erased", NUMBER, "17:30:03 UTC", "Seconds", "12,345", "Episodes",
        "Sensors worn", "What &lt;arrives&gt; is let go.",
    ):  # fmt: skip
        assert words in page.text
    for absent in ("Reminders", "Alma", seed.WEARER, "a-client", "refresh"):
        assert absent not in page.text


def test_a_failure_is_said(asked: Sources, web: Web) -> None:
    asked.registry.people.finish_errand(
        NUMBER, ErrandState.FAILED, done_ns=EVENING_NS, result='{"message":"The disk is full."}'
    )
    page = web.get(f"/receipt/{NUMBER}").text
    assert "It could not be erased" in page
    assert "The disk is full." in page


@pytest.mark.parametrize("number", ["8" * 32, "no such", "%3Cscript%3E", "x" * 4000])
def test_another_number_finds_nothing(asked: Sources, web: Web, number: str) -> None:
    page = web.get(f"/receipt/{number}")
    assert page.status_code == 404
    assert "No receipt under this number" in page.text
    assert "script>" not in page.text


def test_a_receipt_that_cannot_be_read_still_says_when(sources: Sources) -> None:
    seed.register(sources.registry)
    broken = replace(RECEIPT, body='{"series": {"frames": "many"}}')
    sources.registry.people.erase_wearer(seed.WEARER, receipt=broken)
    shown = receipt.shown(sources.registry.people, NUMBER)
    assert "cannot be read" in shown.lines[1]
    assert shown.rows[1] == ("Erased", "3 March 2026, 17:30:03 UTC")


def test_a_receipt_lists_only_so_many_rows(sources: Sources) -> None:
    seed.register(sources.registry)
    kinds = ", ".join(f'"kind{i}": 1' for i in range(500))
    long = replace(RECEIPT, body=f'{{"series": {{{kinds}}}}}')
    sources.registry.people.erase_wearer(seed.WEARER, receipt=long)
    shown = receipt.shown(sources.registry.people, NUMBER)
    assert len(shown.rows) == receipt.MAX_ROWS
