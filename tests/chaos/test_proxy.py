"""The proxy breaks a connection in the middle of what passes, either way, and refuses for a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.chaos.proxy import HOST, Proxy

ASKED, ANSWERED = b"question", b"answer"


class Target:
    """Answers what it is asked, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(100):
                self.heard += data
                if data.endswith(ASKED[-1:]):
                    writer.write(ANSWERED)
        writer.close()
        self.gone.set()


@contextlib.asynccontextmanager
async def between() -> AsyncIterator[tuple[Target, Proxy]]:
    target = Target()
    server = await asyncio.start_server(target.serve, HOST, 0)
    proxy = Proxy(server.sockets[0].getsockname()[1], Random(1))
    await proxy.start()
    try:
        yield target, proxy
    finally:
        await proxy.close()
        server.close()


async def ask(proxy: Proxy) -> bytes:
    """All that is answered until the connection ends, or the answer is whole."""
    answer = b""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(ASKED)
        while len(answer) < len(ANSWERED) and (data := await reader.read(100)):
            answer += data
        writer.close()
    return answer


@pytest.mark.parametrize("onward", [True, False], ids=["there", "back"])
def test_a_cut_falls_in_the_middle_and_refuses_until_it_is_lifted(onward: bool) -> None:
    asyncio.run(cut_once(onward))


async def cut_once(onward: bool) -> None:
    async with between() as (target, proxy):
        assert await ask(proxy) == ANSWERED
        target.gone.clear()
        target.heard = b""
        proxy.cut_within(proxy.there if onward else proxy.back)
        answer = await ask(proxy)
        await target.gone.wait()
        assert not proxy.armed
        # What was cut off on its way back had been carried out.
        assert ASKED.startswith(target.heard)
        assert (target.heard == ASKED) is not onward
        assert ANSWERED.startswith(answer)
        assert answer != ANSWERED
        assert proxy.cuts == 1
        assert await ask(proxy) == b""
        proxy.refusing = False
        assert await ask(proxy) == ANSWERED


def test_a_cut_that_nothing_came_for_is_taken_back() -> None:
    asyncio.run(cut_not_at_all())


async def cut_not_at_all() -> None:
    async with between() as (_, proxy):
        proxy.cut_within(proxy.there)
        proxy.disarm()
        assert await ask(proxy) == ANSWERED
