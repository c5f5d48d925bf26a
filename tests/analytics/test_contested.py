"""A second analytics of the same site, on a real broker."""

from __future__ import annotations

import time
from pathlib import Path

from tests.analytics.services import config_for, enrol, running
from tests.analytics.test_service import wait_for
from tests.brokers import MosquittoBroker


def test_one_of_two_analytics_of_a_site_says_so_and_gives_way(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        enrol(folder, time.time_ns(), None)
    config = config_for(mosquitto_broker.port)
    with running(folders[0], config) as reports, running(folders[1], config) as others:
        wait_for(
            lambda: any("another service" in found[-1]["broker"] for found in (reports, others))
        )
        wait_for(lambda: "connected" in (reports[-1]["broker"], others[-1]["broker"]))
