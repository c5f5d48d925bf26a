"""``plumbline settings``: every setting with the value in force."""

from __future__ import annotations

import json
import sys

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from plumbline.settings import Settings
from plumbline.settings_page import markdown as markdown_page
from plumbline.settings_page import rows


def print_settings(settings: Settings, *, markdown: bool, as_json: bool) -> None:
    """Print the settings to stdout: a table, JSON, or the page of the docs. A secret's value never."""
    if markdown:
        sys.stdout.write(markdown_page())
        return
    values = {row.name: _shown(getattr(settings, row.name)) for row in rows()}
    if as_json:
        sys.stdout.write(json.dumps(values, indent=1) + "\n")
        return
    table = Table("setting", "value", "default", "meaning", title="Settings in force")
    for row in rows():
        table.add_row(row.name, values[row.name], row.default.strip("`"), row.meaning)
    Console().print(table)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(set)"
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
