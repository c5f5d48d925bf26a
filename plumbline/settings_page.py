"""docs/settings.md and ``plumbline settings``, written from the models so that they cannot differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from contracts.settings import PostureSettings
from plumbline.settings import ENV_PREFIX, Group, Settings

_TITLES: Final = {
    Group.COMMON: "All services",
    Group.BROKER: "Broker",
    Group.GATEWAY: "Gateway",
    Group.ANALYTICS: "Analytics",
    Group.STORE: "Store and registry",
    Group.DASHBOARD: "Dashboard",
}
_HEAD: Final = """# Settings

<!-- Written by `plumbline settings --markdown`; a test holds it to the code. -->

A flag wins over the environment, the environment over the file, the file over the default. The file
is `plumbline.toml` in the working folder, or the one that `--config` names; a key stands there by its
name (`broker_port = 1883`) or under its first word (`[broker]`, `port = 1883`). A secret has no flag,
since a command line can be read by everyone on the machine; it is never logged or printed.
"""
_WEARER: Final = """
## A wearer's own

These are kept a wearer in the registry, not in the services' settings. Their ranges are checked where
they are set. Postures have no boundaries: angles move what a posture is expected to look like
([section 4 of the algorithms](algorithms.md)).

| setting | default | meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as the table shows it."""

    name: str
    group: Group
    flag: str
    variable: str
    default: str
    meaning: str


def rows() -> list[Row]:
    """Every setting, in the order of the model."""
    return [_row(name, field) for name, field in Settings.model_fields.items()]


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value must never be seen."""
    return field.annotation == SecretStr | None


def group_of(field: FieldInfo) -> Group:
    """The group that a setting belongs to."""
    extra = field.json_schema_extra
    return Group(str(extra["group"])) if isinstance(extra, dict) else Group.COMMON


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    table = rows()
    for group, title in _TITLES.items():
        parts.append(
            f"\n## {title}\n\n| flag | environment | default | meaning |\n|---|---|---|---|\n"
        )
        parts += [
            f"| {row.flag} | `{row.variable}` | {row.default} | {row.meaning} |\n"
            for row in table
            if row.group is group
        ]
    parts.append(_WEARER)
    parts += [
        f"| `{field.name}` | {field.default} | {_meaning(field.type)} |\n"
        for field in msgspec.structs.fields(PostureSettings)
    ]
    return "".join(parts)


def _row(name: str, field: FieldInfo) -> Row:
    return Row(
        name=name,
        group=group_of(field),
        flag="–" if is_secret(field) else f"`--{name.replace('_', '-')}`",
        variable=f"{ENV_PREFIX}{name.upper()}",
        default=_default(field),
        meaning=field.description or "",
    )


def _meaning(annotation: Any) -> str:
    """The description that a wearer's setting carries."""
    (meta,) = annotation.__metadata__
    return str(meta.description)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value in ("", ()):
        return "–"
    return f"`{value}`"
