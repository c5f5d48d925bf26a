"""A store is asked without waiting for it to be there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plumbline.ports import free_port
from store import open_series
from store.ports import WearerSummary
from tests.chaos.stores import Reader


def wearers(reader: Reader) -> list[WearerSummary] | None:
    return asyncio.run(reader.ask(lambda store: store.wearers()))


def test_a_store_that_is_away_answers_nothing_and_is_asked_again(tmp_path: Path) -> None:
    reader = Reader(f"sqlite:{tmp_path}/series.sqlite")
    assert wearers(reader) is None
    open_series(f"sqlite:{tmp_path}/series.sqlite").close()
    assert wearers(reader) == []
    reader.close()


def test_a_server_that_is_away_answers_nothing(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("none\n")
    url = f"influx:http://127.0.0.1:{free_port()}?org=o&token-file={tmp_path}/token"
    reader = Reader(url)
    assert wearers(reader) is None
    reader.close()
