"""Addresses of an InfluxDB and files of its token that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Reason, SettingError
from store import open_series


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("influx:", "no http or https server"),
        ("influx:ftp://h?org=o&token-file=t", "no http or https server"),
        ("influx:http://h:x?org=o&token-file=t", "no http or https server"),
        ("influx:http://u:p@h?org=o&token-file=t", "a user or a password"),
        ("influx:http://h/path?org=o&token-file=t", "a path"),
        ("influx:http://h?token-file=t", "does not say org"),
        ("influx:http://h?org=o", "does not say token-file"),
        ("influx:http://h?org=o&token-file=t&token=t", "unknown option token"),
        ("influx:http://h?org=o&org=o&token-file=t", "twice"),
        ("influx:http://h?org=o&token-file=t&frame-days=x", "frame-days"),
        ("influx:http://h?org=o&token-file=t&bucket-prefix=a/b", "bucket-prefix"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as refused:
        open_series(url)
    assert refused.value.reason is Reason.BAD_SETTING
    assert "influx:https://" in refused.value.hint


def test_a_token_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for content in (None, b"", b" \n", b"two\nlines", b"\xff\xfe", b"x" * 5000):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SettingError, match="token file"):
            open_series(f"influx:http://127.0.0.1:9?org=o&token-file={file}")
