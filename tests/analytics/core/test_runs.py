"""Array forms against the plain loop, at any cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.runs import follows, hysteresis, run_length, trailing_sums

SECONDS = st.lists(
    st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=2, max_size=40
)


def series(rows: list[tuple[int, bool, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps, one, other = zip(*rows, strict=True)
    return np.cumsum(np.array(steps) // 2 + 1), np.array(one), np.array(other)


@given(SECONDS, st.integers(1, 39))
def test_run_length(rows: list[tuple[int, bool, bool]], cut: int) -> None:
    second, flag, _ = series(rows)
    expected, length, previous = [], 0, -1
    for s, f in zip(second.tolist(), flag.tolist(), strict=True):
        length = (length + 1 if s == previous + 1 else 1) if f else 0
        expected.append(length)
        previous = s
    assert run_length(flag, follows(second, -1), 0).tolist() == expected
    cut = min(cut, flag.size - 1)
    first = run_length(flag[:cut], follows(second[:cut], -1), 0)
    rest = run_length(flag[cut:], follows(second[cut:], int(second[cut - 1])), int(first[-1]))
    assert [*first.tolist(), *rest.tolist()] == expected


@given(SECONDS, st.booleans())
def test_hysteresis(rows: list[tuple[int, bool, bool]], carried: bool) -> None:
    second, enter, leave = series(rows)
    connected = follows(second, int(second[0]) - 1)
    expected, state = [], carried
    for c, e, x in zip(connected.tolist(), enter.tolist(), leave.tolist(), strict=True):
        state = e or (state and c and not x)
        expected.append(state)
    assert hysteresis(enter, leave, connected, carried).tolist() == expected


@given(SECONDS, st.integers(1, 39))
def test_trailing_sums(rows: list[tuple[int, bool, bool]], cut: int) -> None:
    second, flag, _ = series(rows)
    value = np.where(flag, 0.1, 0.7)[None] * np.arange(1, flag.size + 1)
    expected = []
    for i in range(flag.size):
        back = 1
        while back < 4 and i >= back and second[i] - second[i - back] == back:
            back += 1
        total = value[0, i]
        for k in range(1, back):
            total += value[0, i - k]
        expected.append(total)
    none = np.zeros((1, 3))
    whole, _ = trailing_sums(value, follows(second, -1), none)
    assert whole[0].tolist() == expected
    cut = min(cut, flag.size - 1)
    first, carried = trailing_sums(value[:, :cut], follows(second[:cut], -1), none)
    rest, _ = trailing_sums(value[:, cut:], follows(second[cut:], int(second[cut - 1])), carried)
    assert [*first[0].tolist(), *rest[0].tolist()] == expected
