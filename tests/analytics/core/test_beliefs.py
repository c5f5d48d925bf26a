"""The two-state forward filter, by hand and wherever it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.beliefs import MAX_ODDS, followed_odds


def test_a_second_by_hand() -> None:
    # 3 : 1 and a change of 0.1: 0.75 × 0.9 + 0.25 × 0.1 = 0.7 against 0.3; then evidence doubles it
    odds = followed_odds(3.0, np.array([0.1]), np.array([np.log(2.0)]))
    assert odds.tolist() == pytest.approx([2 * 0.7 / 0.3])


def test_where_all_is_forgotten_only_the_new_evidence_counts() -> None:
    odds = followed_odds(500.0, np.array([0.5, 0.5]), np.array([0.0, -1.0]))
    assert odds.tolist() == pytest.approx([1.0, np.exp(-1.0)])


def test_odds_are_capped_both_ways() -> None:
    never = np.zeros(100)
    assert followed_odds(1.0, never, np.full(100, 8.0))[-1] == MAX_ODDS
    assert followed_odds(1.0, never, np.full(100, -8.0))[-1] == 1 / MAX_ODDS


def test_a_change_of_mind_takes_as_long_as_the_evidence_needs() -> None:
    change = np.full(120, 0.01)
    evidence = np.where(np.arange(120) < 60, -0.8, 0.8)
    odds = followed_odds(1.0, change, evidence)
    assert (odds[:60] < 1).all()
    assert int(np.argmax(odds > 1)) - 60 in range(3, 12)


@given(
    evidence=st.lists(st.floats(-1, 1), min_size=1, max_size=30),
    cut_at=st.integers(0, 30),
    odds=st.sampled_from([1.0, 0.2, 30.0]),
)
def test_a_cut_changes_nothing(evidence: list[float], cut_at: int, odds: float) -> None:
    nats = np.array(evidence)
    change = np.where(np.arange(nats.size) % 7 == 3, 0.1, 0.01)
    whole = followed_odds(odds, change, nats)
    first = followed_odds(odds, change[:cut_at], nats[:cut_at]) if cut_at else np.empty(0)
    kept = float(first[-1]) if first.size else odds
    rest = followed_odds(kept, change[cut_at:], nats[cut_at:])
    assert np.concatenate([first, rest]).tolist() == whole.tolist()
