from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device_gateway.window import (
    ASK_PAUSE_S,
    MAX_BATCHES,
    MAX_BYTES,
    PROBE_BYTES,
    RESEND_FIRST_S,
    RESEND_MOST_S,
    Window,
)


def fill(window: Window, size: int, now_s: float = 0.0) -> int:
    sent = 0
    while window.room()[1]:
        window.sent(window.sent_seq + 1, size, now_s)
        sent += 1
    return sent


def test_bytes_on_their_way_are_capped() -> None:
    window = Window(0, 10**6)
    assert fill(window, 36_000) == -(-MAX_BYTES // 36_000)
    assert window.flying_bytes < MAX_BYTES + 36_000


def test_batches_on_their_way_are_capped() -> None:
    window = Window(0, 10**6)
    assert fill(window, 10) == MAX_BATCHES


def test_what_is_stored_makes_room() -> None:
    window = Window(0, 10**6)
    fill(window, 36_000)
    assert window.stored(100, 1.0)
    assert not window.stored(100, 1.0)
    assert not window.stored(50, 1.0)
    assert fill(window, 36_000) == 100


def test_a_claim_beyond_the_outbox_is_not_believed() -> None:
    window = Window(0, 10)
    assert not window.stored(11, 0.0)
    assert window.stored_seq == 0


def test_what_was_stored_before_it_was_sent_is_not_sent() -> None:
    window = Window(0, 10)
    assert window.stored(7, 0.0)
    assert window.room()[1] == 3
    assert window.sent_seq == 7


def test_silence_resends_little_at_first_and_backs_off() -> None:
    window = Window(0, 10**6)
    fill(window, 36_000)
    assert not window.resend_if_silent(RESEND_FIRST_S - 0.1)
    assert window.resend_if_silent(RESEND_FIRST_S)
    assert window.sent_seq == 0
    assert fill(window, 36_000, RESEND_FIRST_S) == -(-PROBE_BYTES // 36_000)
    assert not window.resend_if_silent(3 * RESEND_FIRST_S - 0.1)
    assert window.resend_if_silent(3 * RESEND_FIRST_S)
    now_s = 3 * RESEND_FIRST_S
    for _ in range(20):
        fill(window, 36_000, now_s)
        assert window.resend_if_silent(now_s + RESEND_MOST_S)
        now_s += RESEND_MOST_S


def test_a_word_that_is_no_news_shortens_the_wait() -> None:
    window, now_s = Window(0, 10**6), 0.0
    for _ in range(10):
        fill(window, 36_000, now_s)
        now_s += RESEND_MOST_S
        window.resend_if_silent(now_s)
    fill(window, 36_000, now_s)
    assert not window.resend_if_silent(now_s + RESEND_FIRST_S)
    window.heard(now_s)
    assert window.resend_if_silent(now_s + RESEND_FIRST_S)


def test_signs_of_life_open_the_window_again() -> None:
    window = Window(0, 10**6)
    fill(window, 36_000)
    window.resend_if_silent(RESEND_FIRST_S)
    for seq in range(1, 8):
        fill(window, 36_000, 6.0)
        window.stored(seq, 6.0)
    fill(window, 36_000, 6.0)
    assert window.flying_bytes >= MAX_BYTES


def test_nothing_on_its_way_is_no_silence() -> None:
    assert not Window(3, 3).resend_if_silent(1e9)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 50)),
            st.tuples(st.just("send"), st.integers(1, 50)),
            st.tuples(st.just("stored"), st.integers(0, 400)),
            st.tuples(st.just("wait"), st.integers(0, 100)),
            st.tuples(st.just("rewind"), st.just(0)),
        ),
        max_size=200,
    )
)
def test_every_batch_is_sent_in_order_after_what_is_stored(steps: list[tuple[str, int]]) -> None:
    window, now_s = Window(0, 0), 0.0
    for step, number in steps:
        if step == "append":
            window.last_seq += number
        elif step == "send":
            for _ in range(number):
                if window.room()[1] == 0:
                    break
                window.sent(window.sent_seq + 1, 100_000, now_s)
        elif step == "stored":
            window.stored(number, now_s)
        elif step == "wait":
            now_s += number
            window.resend_if_silent(now_s)
        else:
            window.rewind()
        assert 0 <= window.stored_seq <= window.sent_seq <= window.last_seq
        assert 0 <= window.flying_bytes <= MAX_BYTES + 100_000


def test_who_asks_over_and_over_is_answered_now_and_then() -> None:
    window = Window(0, 100)
    fill(window, 10)
    assert window.asked(1.0)
    assert fill(window, 10) == 100
    assert not any(window.asked(1.0 + n * ASK_PAUSE_S / 100) for n in range(100))
    assert window.room()[1] == 0
    assert window.asked(1.0 + ASK_PAUSE_S)
    assert fill(window, 10) == 100
