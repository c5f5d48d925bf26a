"""Tokens of a real InfluxDB for one service each: what they allow, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import PlumblineError, Reason
from contracts.units import NS_PER_S
from store import open_series
from store.influx_address import InfluxAddress, parse_address
from store.influx_http import InfluxServer as Connection
from store.influx_kinds import find_kind
from store.influx_tokens import StoreTokens
from tests.influx import InfluxServer
from tests.store.influx_commits import Opened, commit
from tests.store.processes import EVER, FIRST_S, KEY, frames_from
from tests.store.records import erase


class Granted:
    """A store with its buckets, what makes tokens for it, and addresses with those."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.tokens = StoreTokens(parse_address(url))
        self._folder = folder

    def with_token(self, token: str) -> str:
        """The store's address, with this token's file."""
        file = self._folder / f"token-{len(list(self._folder.iterdir()))}"
        file.write_text(token)
        return self.url.replace(str(parse_address(self.url).token_file), str(file))


@pytest.fixture
def granted(server: InfluxServer, opened: Opened, tmp_path: Path) -> Iterator[Granted]:
    url = server.url()
    opened(url)
    granted = Granted(url, tmp_path)
    yield granted
    granted.tokens.close()


def refused(server: Connection, address: InfluxAddress) -> list[str]:
    """What of all that changes something the server refuses."""
    kind = find_kind(server, address)
    tries = {
        "write": lambda: server.write_at_once(address.frames, [f"frame,wearer=w x=1i {NS_PER_S}"]),
        "write kept": lambda: server.write_at_once(address.kept, [f"schema version=9i {NS_PER_S}"]),
        "delete": lambda: kind.delete(address.frames, 0, 2**62, wearer="w"),
        "delete kept": lambda: kind.delete(address.kept, 0, 2**62, _measurement="minute"),
        "make a bucket": lambda: kind.make(f"{address.prefix}-more", keep_s=0, shard_s=3600),
        "make a token": lambda: StoreTokens(address).token("mine", writes=True),
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
        except PlumblineError as error:
            found[name] = error.reason
    assert set(found.values()) <= {Reason.STORE_REFUSED, Reason.STORE_UNREACHABLE}
    return list(found)


def test_analytics_does_its_work_with_its_own_token_and_nothing_else(
    granted: Granted, opened: Opened
) -> None:
    url = granted.with_token(granted.tokens.token("analytics", writes=True))
    store = opened(url)
    store.claim()
    store.commit(commit(1, frames_from(FIRST_S, 10)))
    assert store.checkpoint().cursors == {KEY: 1}
    assert store.prune_frames((FIRST_S + 5) * NS_PER_S) == 5
    assert erase(store, "w") == 5
    address = parse_address(url)
    connection = Connection(address)
    assert refused(connection, address) == ["make a bucket", "make a token"]
    connection.close()


def test_the_dashboard_reads_everything_and_changes_nothing(
    granted: Granted, opened: Opened
) -> None:
    writer = opened(granted.url)
    writer.commit(commit(1, frames_from(FIRST_S, 10)))
    url = granted.with_token(granted.tokens.token("dashboard", writes=False))
    reader = opened(url, read_only=True)
    assert len(reader.frames("w", *EVER)) == 10
    assert [found.wearer for found in reader.wearers()] == ["w"]
    assert reader.health() == []
    address = parse_address(url)
    connection = Connection(address)
    assert refused(connection, address) == [
        "write",
        "write kept",
        "delete",
        "delete kept",
        "make a bucket",
        "make a token",
    ]
    connection.close()
    assert len(writer.frames("w", *EVER)) == 10
    assert writer.checkpoint().cursors == {KEY: 1}


def test_a_token_sees_no_other_store_on_the_server(
    granted: Granted, server: InfluxServer, opened: Opened
) -> None:
    other = server.url("others")
    opened(other).commit(commit(1, frames_from(FIRST_S, 10)))
    url = granted.with_token(granted.tokens.token("analytics", writes=True))
    prefix = parse_address(granted.url).prefix
    with pytest.raises(PlumblineError):
        open_series(url.replace(prefix, "others"), read_only=True)


def test_a_token_stays_until_another_is_asked_for(granted: Granted) -> None:
    tokens = granted.tokens
    first = tokens.token("dashboard", writes=False)
    assert tokens.token("dashboard", writes=False, known=first) == first
    assert tokens.token("dashboard", writes=True, known=first) != first
    assert tokens.token("analytics", writes=False, known=first) != first
    second = tokens.token("dashboard", writes=False)
    assert second != first
    tokens.forget_others("dashboard", second)
    assert tokens.token("dashboard", writes=False, known=second) == second
    assert tokens.token("dashboard", writes=False, known=first) not in (first, second)
    with pytest.raises(PlumblineError) as error:
        open_series(granted.with_token(first), read_only=True)
    assert error.value.reason is Reason.STORE_REFUSED


def test_without_buckets_there_are_no_tokens(server: InfluxServer) -> None:
    with pytest.raises(PlumblineError, match="lacks the organisation or a bucket"):
        StoreTokens(parse_address(server.url()))
