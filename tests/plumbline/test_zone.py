"""This machine's time zone by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.zone import local_timezone


@pytest.mark.parametrize(
    ("tz", "linked", "expected"),
    [
        ("Europe/Berlin", "zoneinfo/Asia/Tokyo", "Europe/Berlin"),
        (":Europe/Berlin", None, "Europe/Berlin"),
        ("", "zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("CET-1CEST", "zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("../../etc/passwd", None, "UTC"),
        ("", "zoneinfo/Nowhere/Here", "UTC"),
        ("", "elsewhere/Europe/Berlin", "UTC"),
        ("", None, "UTC"),
    ],
)
def test_a_zone_has_a_name_that_is_known(
    tmp_path: Path, tz: str, linked: str | None, expected: str
) -> None:
    link = tmp_path / "localtime"
    if linked is not None:
        link.symlink_to(tmp_path / linked)
    assert local_timezone({"TZ": tz}, link) == expected
