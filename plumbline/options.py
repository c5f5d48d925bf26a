"""Commands get their settings as flags made from the settings model, so that the two cannot differ."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from contracts.errors import Reason, SettingError
from plumbline.logs import configure_logging
from plumbline.settings import (
    ENV_PREFIX,
    Group,
    LogLevel,
    Settings,
    load_settings,
    unknown_variables,
)
from plumbline.settings_page import group_of, is_secret

_PANELS: Final = {group: f"Settings: {group.value}" for group in Group}
#: A second, shorter flag for what is typed most.
_SHORTER: Final = {"data_dir": ("--data",)}
#: Types that a flag is parsed as; anything else is given as text and read by the settings model.
_FLAG_TYPES: Final = (int, float, str, Path)


def with_settings(*groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command ``function(settings, **own options)`` with a flag for every setting of its groups."""
    wanted = {Group.COMMON, *groups}
    fields = {
        name: field
        for name, field in Settings.model_fields.items()
        if group_of(field) in wanted and not is_secret(field)
    }

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            flags = {name: given.pop(name) for name in fields}
            verbose, file = given.pop("verbose"), given.pop("config")
            if verbose and flags["log_level"] is None:
                flags["log_level"] = LogLevel.INFO if verbose == 1 else LogLevel.DEBUG
            for words in unknown_variables(os.environ):
                typer.echo(f"plumbline: {words}", err=True)
            settings = load_settings(flags, file)
            configure_logging(settings.log_level, settings.log_format)
            function(settings, **given)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        parameters = own + _common() + [_flag(name, field) for name, field in fields.items()]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        return command

    return decorate


def _common() -> list[inspect.Parameter]:
    panel = _PANELS[Group.COMMON]
    config = typer.Option(
        "--config", help="Settings file instead of plumbline.toml", rich_help_panel=panel
    )
    verbose = typer.Option(
        "--verbose", "-v", count=True, help="More log lines; twice: all", rich_help_panel=panel
    )
    return [
        _parameter("config", Annotated[Path | None, config], None),
        _parameter("verbose", Annotated[int, verbose], 0),
    ]


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(
        *_SHORTER.get(name, ()),
        f"--{name.replace('_', '-')}",
        help=f"{field.description} [{ENV_PREFIX}{name.upper()}]",
        show_default=False,
        rich_help_panel=_PANELS[group_of(field)],
    )
    kind = flag_type(field.annotation)
    return _parameter(name, Annotated[kind | None, option], None)


def flag_type(annotation: Any) -> type:
    """What a flag's text is parsed as."""
    if get_origin(annotation) is not None and type(None) in get_args(annotation):
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, (*_FLAG_TYPES, StrEnum)):
        return annotation
    return str


def _parameter(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def refuse_repeated(arguments: Sequence[str]) -> None:
    """SettingError for a flag given twice: the last would win, and nobody would hear of it."""
    flags = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    twice = next((flag for flag in flags if flags.count(flag) > 1), None)
    if twice is not None:
        raise SettingError(
            Reason.BAD_SETTING, f"{twice} is given twice.", hint="Give it once: it takes one value."
        )
