from __future__ import annotations

import itertools

import numpy as np
import pytest

from contracts.vocabulary import Activity, Posture
from dashboard.look import theme

#: Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
_BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio."""
    lights = [float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (one, other)]
    return max(lights) / min(lights)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB under D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_every_posture_and_every_worn_activity_has_a_colour() -> None:
    assert set(theme.POSTURE_COLOUR) == set(Posture)
    assert set(theme.ACTIVITY_COLOUR) == set(Activity) - {Activity.NOT_WORN}


@pytest.mark.parametrize("page", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_postures_stand_out_from_the_paper(page: theme.Paper) -> None:
    for posture, colour in theme.POSTURE_COLOUR.items():
        assert contrast(colour, page.background) >= 3, posture


@pytest.mark.parametrize("page", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_words_are_readable(page: theme.Paper) -> None:
    assert contrast(page.ink, page.background) >= 7
    assert contrast(page.quiet, page.background) >= 4.5
    for activity, colour in theme.ACTIVITY_COLOUR.items():
        if activity is not Activity.UNKNOWN:
            assert contrast("#FFFFFF", colour) >= 4.5, activity


@pytest.mark.parametrize("eye", _BLINDNESS)
def test_the_main_postures_differ_for_every_eye(eye: str) -> None:
    seen = {
        posture: lab(_BLINDNESS[eye] @ linear(colour))
        for posture, colour in theme.POSTURE_COLOUR.items()
    }
    for one, other in itertools.combinations(Posture, 2):
        difference = float(np.linalg.norm(seen[one] - seen[other]))
        wanted = 40 if {one, other} == {Posture.UPRIGHT, Posture.ROUNDED} else 14
        assert difference >= wanted, (one, other)


def test_streamlits_own_theme_has_the_same_papers() -> None:
    options = theme.streamlit_options()
    assert options["theme.light.backgroundColor"] == theme.LIGHT.background
    assert options["theme.dark.backgroundColor"] == theme.DARK.background
    for name, page in (("light", theme.LIGHT), ("dark", theme.DARK)):
        assert contrast(options[f"theme.{name}.primaryColor"], page.background) >= 4.5
    assert theme.paper("dark") is theme.DARK
    assert theme.paper(None) is theme.LIGHT
