"""What the doctor says of a store on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.doctor import check_store
from plumbline.settings import load_settings
from store import open_series
from tests.influx import InfluxServer


def test_the_doctor_reaches_the_server_and_makes_nothing(
    server: InfluxServer, tmp_path: Path
) -> None:
    url = server.url("looked-at")
    settings = load_settings({"data_dir": tmp_path / "data", "store_url": url})
    assert check_store(settings).ok
    with pytest.raises(Exception, match="not there"):
        open_series(url, read_only=True)
    open_series(url).close()
    assert check_store(settings).ok
    server.token_file.write_text("another")
    assert "refuses the token" in check_store(settings).said
    server.stop()
    finding = check_store(settings)
    assert not finding.ok
    assert "cannot be reached" in finding.said
    assert "Start it" in finding.mend
