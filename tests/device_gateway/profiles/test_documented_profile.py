"""docs/profiles.md: its example is a profile that works, and its table is that of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DecodeError
from contracts.gatt import HapticPulse
from device_gateway.profiles import PROFILES, Profile
from tests.device_gateway.profiles import test_conformance as suite

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "profiles.md").read_text()


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """What the page's code blocks define, run one after the other."""
    names: dict[str, Any] = {"__name__": "documented_profile"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/profiles.md", "exec"), names)
    return names


def test_the_example_has_the_form_that_the_suite_asks_for(example: dict[str, Any]) -> None:
    profile: Profile = example["PROFILE"]
    suite.test_facts_are_of_their_form(profile)
    for rate_hz in profile.rates_hz:
        suite.test_opening_and_closing_are_steps(profile, rate_hz)
    assert profile.recognises(profile.services, None)
    heard = [suite.advertised(other) for other in PROFILES]
    assert not [one for one in (*suite.OTHERS, *heard) if suite.recognised(profile, one)]
    assert not profile.codec(50.0).haptic(HapticPulse(0, 50, 100))


def test_the_example_refuses_garbage_and_goes_on(example: dict[str, Any]) -> None:
    codec = example["PROFILE"].codec(50.0)
    for garbage in (b"", b"\x01", bytes(14), bytes(513)):
        with pytest.raises(DecodeError):
            codec.on_value(example["DATA_UUID"], garbage)
    assert codec.on_value(example["DATA_UUID"], bytes(13)).count == 1


def test_the_table_is_that_of_the_code() -> None:
    rows = {
        cells[1].strip("` "): cells
        for line in PAGE.splitlines()
        if len(cells := line.split("|")) == 8
        and "`" in cells[1]
        and cells[1].strip("` ") != "profile"
    }
    assert set(rows) == {profile.name for profile in PROFILES}
    for profile in PROFILES:
        _, _, sensors, found_by, rates, scale, *_ = rows[profile.name]
        assert profile.title.split(",")[0].split()[-1] in sensors
        assert ("experimental" in sensors) == profile.experimental
        assert [float(rate) for rate in rates.split(",")] == list(profile.rates_hz)
        assert f"±{profile.scale.accel_range_g} g" in scale
        assert f"±{profile.scale.gyro_range_deg_s} deg/s" in scale
        signs = [*(uuid[:8] for uuid in profile.services), *profile.name_starts]
        assert any(sign.strip() in found_by for sign in signs)
