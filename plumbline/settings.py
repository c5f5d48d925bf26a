"""Every setting of the services: flags over environment over file over defaults.

A setting ``broker_port`` is the flag ``--broker-port``, the variable ``PLUMBLINE_BROKER_PORT`` and, in
``plumbline.toml``, ``broker_port = …`` or ``port = …`` under ``[broker]``. Secrets have no flag, since
anyone on the machine can read a command line. docs/settings.md is written from this model.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from contracts.errors import Reason, SettingError
from contracts.vocabulary import is_id

ENV_PREFIX: Final = "PLUMBLINE_"
#: Variables that are no setting and yet mean something: where tests find recordings and an InfluxDB.
OTHER_VARIABLES: Final = (f"{ENV_PREFIX}DATA", f"{ENV_PREFIX}TEST_INFLUX_URL")
DEFAULT_FILE: Final = Path("plumbline.toml")
MAX_FILE_BYTES: Final = 65_536
MAX_SECRET_BYTES: Final = 4096
MAX_PORT: Final = 65_535


class LogFormat(StrEnum):
    """How log lines look."""

    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Group(StrEnum):
    """Settings that a command takes together."""

    COMMON = "common"
    BROKER = "broker"
    GATEWAY = "gateway"
    ANALYTICS = "analytics"
    STORE = "store"
    DASHBOARD = "dashboard"


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _setting(default: object, group: Group, description: str, **limits: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": group.value}, **limits
    )


class Settings(BaseSettings):
    """What the services need to know. Built by :func:`load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    data_dir: Path = _setting(
        Path("plumbline-data"), Group.COMMON, "Folder of the store, the registry and the outbox"
    )
    log_level: LogLevel = _setting(
        LogLevel.WARNING, Group.COMMON, "Least important log line written"
    )
    log_format: LogFormat = _setting(
        LogFormat.HUMAN, Group.COMMON, "Log lines for people or as JSON"
    )
    site: str = _setting("home", Group.COMMON, "Id of the site, part of every MQTT topic")

    broker_host: str = _setting("127.0.0.1", Group.BROKER, "Host of the MQTT broker")
    broker_port: int = _setting(1883, Group.BROKER, "Port of the MQTT broker", ge=1, le=MAX_PORT)
    broker_username: str = _setting("", Group.BROKER, "User name at the broker; empty: none")
    broker_password: SecretStr | None = _setting(
        None, Group.BROKER, "Password at the broker (secret: no flag)"
    )
    broker_password_file: Path | None = _setting(
        None, Group.BROKER, "File that holds the broker's password, instead of the password itself"
    )
    broker_tls_ca: Path | None = _setting(
        None, Group.BROKER, "CA certificate of the broker; turns TLS on"
    )
    broker_wait_s: float = _setting(
        10.0, Group.BROKER, "How long a service waits at its start for the broker", ge=0, le=3600
    )

    gateway: str = _setting("gateway-1", Group.GATEWAY, "Id of this gateway")
    radio: str = _setting(
        "system",
        Group.GATEWAY,
        "Bluetooth: system, tcp:HOST:PORT, usb:N or serial:DEVICE,BAUD",
    )
    outbox: Path | None = _setting(
        None, Group.GATEWAY, "The gateway's outbox; default: outbox.sqlite in the data folder"
    )
    allow: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = _setting(
        (),
        Group.GATEWAY,
        "Serial numbers of the sensors to read, separated by commas, of other makes their ids by "
        "address (docs/session.md); empty: any",
    )
    stream_rate_hz: float = _setting(
        50.0,
        Group.GATEWAY,
        "Samples a second that sensors of other makes are asked for; each takes the nearest it can",
        ge=1,
        le=1000,
    )
    max_links: int = _setting(
        8,
        Group.GATEWAY,
        "How many sensors are connected at once; adapters in use manage 7 to 10, good dongles 20",
        ge=1,
        le=64,
    )
    bluetooth_keys: Path | None = _setting(
        None,
        Group.GATEWAY,
        "File of the address and the bonds of a dongle of the gateway's own; default: "
        "bluetooth-keys.json beside the outbox",
    )
    keep_recording: Path | None = _setting(
        None, Group.GATEWAY, "Folder in which the gateway also keeps what it reads as a recording"
    )

    worn: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = _setting(
        (),
        Group.GATEWAY,
        "Names the files of a kept recording: SERIAL=PLACEMENT, separated by commas",
    )

    late_wait_s: float = _setting(
        1800.0,
        Group.ANALYTICS,
        "How long a worn sensor that is silent holds up its wearer's frames",
        ge=1,
        le=86_400,
    )
    live_wait_s: float = _setting(
        3.0, Group.ANALYTICS, "How long the live posture waits for a late sensor", ge=0.2, le=60
    )
    store_wait_s: float = _setting(
        300.0,
        Group.ANALYTICS,
        "How long analytics waits at its start for a store or a registry that is away or full",
        ge=0,
        le=86_400,
    )
    home_assistant: str = _setting(
        "",
        Group.ANALYTICS,
        "Discovery prefix of Home Assistant at the broker, by default homeassistant there; empty: it "
        "is told nothing",
    )

    store_url: str = _setting(
        "",
        Group.STORE,
        "Time series: sqlite:PATH, or influx:URL (docs/store.md); default: plumbline.sqlite in the "
        "data folder",
    )
    registry_url: str = _setting(
        "", Group.STORE, "Registry, an SQLAlchemy URL; default: registry.sqlite in the data folder"
    )

    dashboard_host: str = _setting("127.0.0.1", Group.DASHBOARD, "Address the dashboard listens on")
    dashboard_port: int = _setting(
        8501, Group.DASHBOARD, "Port the dashboard listens on", ge=1, le=MAX_PORT
    )
    public_url: str = _setting(
        "",
        Group.DASHBOARD,
        "Where browsers open the dashboard, such as https://posture.example; for an OpenID provider",
    )
    oidc_url: str = _setting(
        "",
        Group.DASHBOARD,
        "An OpenID provider's /.well-known/openid-configuration; empty: passwords alone",
    )
    oidc_name: str = _setting(
        "OpenID", Group.DASHBOARD, "What the provider is called on the sign-in page"
    )
    oidc_client_id: str = _setting("", Group.DASHBOARD, "The dashboard's id at the provider")
    oidc_client_secret: SecretStr | None = _setting(
        None, Group.DASHBOARD, "The dashboard's secret at the provider (secret: no flag)"
    )
    oidc_client_secret_file: Path | None = _setting(
        None, Group.DASHBOARD, "File that holds that secret, instead of the secret itself"
    )

    @field_validator("site", "gateway")
    @classmethod
    def _id(cls, value: str) -> str:
        if not is_id(value):
            raise ValueError("an id is 1 to 64 of A-Z a-z 0-9 _ -")
        return value

    @field_validator("home_assistant")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if value and not all(map(is_id, value.split("/"))):
            raise ValueError("a prefix is ids of A-Z a-z 0-9 _ - with / between them")
        return value

    @field_validator("allow")
    @classmethod
    def _ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cls._id(serial) for serial in value)

    @property
    def outbox_path(self) -> Path:
        """Where the gateway's outbox is."""
        return self.outbox or self.data_dir / "outbox.sqlite"

    @property
    def keys_path(self) -> Path:
        """Where the keys of bonded sensors are."""
        return self.bluetooth_keys or self.outbox_path.with_name("bluetooth-keys.json")

    @property
    def series_url(self) -> str:
        """URL of the time series."""
        return self.store_url or f"sqlite:{(self.data_dir / 'plumbline.sqlite').absolute()}"

    @property
    def people_url(self) -> str:
        """URL of the registry."""
        return self.registry_url or f"sqlite:///{(self.data_dir / 'registry.sqlite').absolute()}"

    def broker_secret(self) -> str | None:
        """The broker's password, from the setting or its file. SettingError where that is unreadable."""
        return _secret(self.broker_password, self.broker_password_file)

    def oidc_secret(self) -> str | None:
        """The secret at the OpenID provider, likewise."""
        return _secret(self.oidc_client_secret, self.oidc_client_secret_file)


def _secret(given: SecretStr | None, file: Path | None) -> str | None:
    if given is not None:
        return given.get_secret_value()
    return None if file is None else read_secret(file)


def load_settings(flags: Mapping[str, object], file: Path | None = None) -> Settings:
    """The settings in force. ``file``: None reads plumbline.toml where there is one.

    SettingError names the setting and the three places it can stand in; a value is never in the
    message, since it may be a secret.
    """
    path = file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    from_file = {} if path is None else _read_file(path)
    in_environment = {name.upper() for name, value in os.environ.items() if value}
    given = {
        name: value
        for name, value in from_file.items()
        if f"{ENV_PREFIX}{name.upper()}" not in in_environment
    }
    given |= {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # what is not given here is read from the environment
    except ValidationError as error:
        raise SettingError(Reason.BAD_SETTING, _explain(error, path), hint=_HINT) from None


def unknown_variables(names: Collection[str]) -> list[str]:
    """Of the names of environment variables, those that look like a setting and are none, in words."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    strange = sorted(
        name
        for name in names
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in {*known, *OTHER_VARIABLES}
    )
    return [
        f"{name} is no setting and is ignored.{_meant(name.upper(), known)}" for name in strange
    ]


_HINT: Final = "See `plumbline settings` for every setting, docs/settings.md for what they mean."


def _meant(name: str, known: Collection[str]) -> str:
    return "".join(f" Did you mean {near}?" for near in difflib.get_close_matches(name, known, 1))


def _explain(error: ValidationError, file: Path | None) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    where = file or DEFAULT_FILE
    if first["type"] == "extra_forbidden":
        return f"{name} in {where} is no setting.{_meant(name, Settings.model_fields)}"
    field = Settings.model_fields.get(name)
    secret = field is not None and field.annotation == SecretStr | None
    flag = "" if secret else f"--{name.replace('_', '-')}, "
    why = first["msg"].removeprefix("Value error, ")
    return f"{name} cannot be used: {why} ({flag}{ENV_PREFIX}{name.upper()} or {name} in {where})."


def _read_file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SettingError(Reason.TOO_LONG, f"{path} is over {MAX_FILE_BYTES} bytes.")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The settings file {path} cannot be read: {_os_words(error)}.",
            hint="Give a TOML file with --config.",
        ) from None
    return flatten(document)


def flatten(document: Mapping[str, Any]) -> dict[str, Any]:
    """``{"broker": {"port": 1}}`` → ``{"broker_port": 1}``; top-level keys stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    return flat


def read_secret(path: Path) -> str:
    """A secret's file without its last line end. SettingError where it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The secret file {path} cannot be read: {_os_words(error)}.",
            hint="Give a file that this user may read, with the password on its only line.",
        ) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or len(data) > MAX_SECRET_BYTES:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The secret file {path} is empty, too long or no text.",
            hint="Put the password on its only line.",
        )
    return text.rstrip("\r\n")


def _os_words(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
