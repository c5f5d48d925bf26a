"""Time that jumps: order and times as in real time, none of it waited for."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvariantError
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast

DAY_S = 86_400


@given(st.lists(st.floats(0.0, 1e5), min_size=1, max_size=30))
@settings(max_examples=30)
def test_timers_fire_in_their_order_at_their_time(delays_s: list[float]) -> None:
    async def main() -> list[tuple[float, int]]:
        fired: list[tuple[float, int]] = []
        loop = asyncio.get_running_loop()
        begun_s = loop.time()

        async def wait(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            fired.append((delay_s, clock_ns()))
            assert loop.time() - begun_s == pytest.approx(delay_s, abs=1e-6)

        await asyncio.gather(*map(wait, delays_s))
        return fired

    fired = run_fast(main())
    assert [delay_s for delay_s, _ in fired] == sorted(delays_s)
    assert all(at_ns - BEGIN_NS == pytest.approx(s * 1e9, abs=1e3) for s, at_ns in fired)


def test_a_day_of_time_outs_takes_no_day() -> None:
    async def main() -> int:
        given_up = 0
        for _ in range(24):
            try:
                async with asyncio.timeout(3600):
                    await asyncio.Event().wait()
            except TimeoutError:
                given_up += 1
        return given_up

    begun_s = time.monotonic()
    assert run_fast(main()) == 24
    assert time.monotonic() - begun_s < DAY_S / 2  # in real time this could not be


def test_what_a_thread_did_arrives_when_the_thread_seems_to_be_done() -> None:
    async def main() -> tuple[str, int, list[str]]:
        order: list[str] = []
        working = asyncio.create_task(asyncio.to_thread(lambda: order.append("worked") or "done"))
        await asyncio.sleep(0.5)
        order.append("meanwhile")
        result = await working
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return result, clock_ns() - BEGIN_NS, order

    result, took_ns, order = run_fast(main(), thread_work_s=lambda: 2.0)
    assert (result, took_ns) == ("done", 4_000_000_000)
    assert order == ["worked", "meanwhile"]


def test_a_task_that_gave_up_on_a_thread_is_left_alone() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(lambda: None), 1.0)
        await asyncio.sleep(5.0)

    run_fast(main(), thread_work_s=lambda: 2.0)


def test_what_waits_for_nobody_is_told_so() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(InvariantError, match="no one will ever do"):
        run_fast(main())


def test_sockets_of_this_process_are_served() -> None:
    async def main() -> bytes:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        with ours, theirs:
            await loop.sock_sendall(ours, b"word")
            return await loop.sock_recv(theirs, 4)

    assert run_fast(main()) == b"word"


def test_outside_of_it_the_clock_is_the_machines() -> None:
    before_ns = time.time_ns()
    assert before_ns <= clock_ns() <= time.time_ns()

    async def main() -> int:
        return clock_ns()

    assert before_ns <= asyncio.run(main()) <= time.time_ns()
