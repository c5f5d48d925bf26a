"""`plumbline grant`: on a real InfluxDB, tokens for the services of a site, in files of their own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline import cli
from store import open_series
from tests.compose.conftest import Site
from tests.influx import InfluxServer


@pytest.fixture(scope="module")
def server(influxd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A server of this file's own."""
    with InfluxServer(influxd, tmp_path_factory.mktemp("influx")) as server:
        yield server


def tokens(folder: Path) -> dict[str, str]:
    return {file.parent.name: file.read_text() for file in folder.glob("*/token")}


def test_a_site_gets_its_store_and_tokens_that_stay(
    server: InfluxServer, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    url, grants = server.url(), site.secrets / "grants"
    command = ["grant", str(grants), "--store-url", url]
    assert cli.run(command) == 0
    first = tokens(grants)
    assert set(first) == {"analytics", "dashboard"}
    for service in first:
        file = grants / service / "token"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        mine = url.replace(str(server.token_file), str(file))
        open_series(mine, read_only=service == "dashboard").close()
    assert cli.run(command) == 0
    assert tokens(grants) == first
    (grants / "dashboard" / "token").unlink()
    assert cli.run(command) == 0
    second = tokens(grants)
    assert second["analytics"] == first["analytics"]
    assert second["dashboard"] != first["dashboard"]
    assert cli.run([*command, "--renew"]) == 0
    third = tokens(grants)
    said = capsys.readouterr()
    every = {*first.values(), *second.values(), *third.values()}
    assert len(every) == 5
    assert not any(token.strip() in said.out + said.err for token in every)
    _, found = server.request("GET", "/api/v2/authorizations")
    left = {made["token"] for made in found["authorizations"]} & {t.strip() for t in every}
    assert left == {token.strip() for token in third.values()}


def test_where_there_are_no_tokens_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["grant", str(tmp_path), "--store-url", f"sqlite:{tmp_path}/s.sqlite"]) == 64
    assert "Only a store on an InfluxDB has tokens." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_said(server: InfluxServer, tmp_path: Path) -> None:
    (tmp_path / "analytics").write_text("a file where a folder has to be")
    assert cli.run(["grant", str(tmp_path), "--store-url", server.url()]) == 71


def test_tokens_made_by_root_belong_to_who_owns_the_folder(
    server: InfluxServer, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes files for another user")
    os.chown(tmp_path, 1234, 1235)
    assert cli.run(["grant", str(tmp_path), "--store-url", server.url()]) == 0
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {1234}
