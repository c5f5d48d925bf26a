"""The fuzzing of all decoders at a small size; a million each is the command's."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random

import pytest

from contracts.errors import DecodeError, Reason
from device_gateway.profiles import PROFILES
from plumbline.bench_fuzz import Target, fuzzed, measure_fuzz, mutated


def test_every_decoder_refuses_or_reads(tmp_path: Path) -> None:
    figures = measure_fuzz(tmp_path, notifications=3000)
    assert set(figures) >= {profile.name for profile in PROFILES}
    for name, found in figures.items():
        assert found["other errors"] == 0, (name, found)
        assert found["read"] + found["refused"] == found["notifications"] == 3000
        assert found["read"] > 100, name
        assert found["refused"] > 100, name
        assert found["good ones read afterwards"], name
        assert found["blocks grown"] < 1000, name


def test_a_defect_is_counted_and_shown() -> None:
    def take(_: str, value: bytes) -> int:
        if len(value) == 3:
            raise DecodeError(Reason.TOO_SHORT, "three")
        return 10 // len(value)  # no bytes: no typed error

    found = fuzzed(Target(take, (("", b"abc"), ("", b"abcd"))), 500)
    assert found["other errors"] > 0
    assert "ZeroDivisionError" in found["first of them"]
    assert found["read"] > 0
    assert found["refused"] > 0


def test_growth_shows() -> None:
    kept: list[bytes] = []

    def take(_: str, value: bytes) -> int:
        kept.append(bytes(reversed(value)))
        return 1

    found = fuzzed(Target(take, (("", bytes(40)),)), 5000)
    assert found["blocks grown"] > 2000


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_makes_the_same_values(seed: int) -> None:
    good = (("a", b"123"), ("b", b"4567"))
    once, again = (list(islice(mutated(good, Random(seed)), 200)) for _ in range(2))
    assert once == again
    assert {uuid for uuid, _ in once} == {"a", "b"}
    assert set(good) < set(once)
