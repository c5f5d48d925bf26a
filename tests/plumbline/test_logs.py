"""Log lines: quiet by default, JSON where asked, secrets never."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from plumbline.logs import configure_logging
from plumbline.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_json_line_holds_its_fields_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    log = structlog.get_logger("test")
    log.info("connected", host="h", broker_password="geheim", api_token="geheim")
    captured = capsys.readouterr()
    line = json.loads(captured.err)
    assert line["event"] == "connected"
    assert line["host"] == "h"
    assert line["level"] == "info"
    assert line["broker_password"] == line["api_token"] == "***"
    assert "geheim" not in captured.err
    assert captured.out == ""


def test_information_is_not_written_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.WARNING, LogFormat.HUMAN)
    structlog.get_logger("test").info("all is well")
    logging.getLogger("some.library").info("all is well")
    assert capsys.readouterr().err == ""


def test_a_library_writes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.WARNING, LogFormat.JSON)
    logging.getLogger("some.library").warning("look: %s", 7)
    assert json.loads(capsys.readouterr().err)["event"] == "look: 7"
