"""``plumbline init``: the secrets, certificates and folders of a site that runs in containers."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from contracts.errors import Reason, SettingError
from contracts.vocabulary import is_id
from plumbline.disk import disk_error
from plumbline.grant import SERVICES as GRANTED
from plumbline.init_broker import (
    ANALYTICS_USER,
    HEALTH_USER,
    RESERVED_USERS,
    SALT_BYTES,
    gateway_rules,
    health_options,
    password_line,
    service_rules,
    users_of,
)
from plumbline.init_certificates import (
    Issued,
    hosts_of,
    load_authority,
    make_authority,
    make_server,
)
from plumbline.init_words import environment, next_steps
from plumbline.private_files import Owner, owner_of, replace_private, write_private

ENVIRONMENT: Final = ".env"
SECRETS: Final = "secrets"
VOLUMES: Final = "volumes"
#: One for each service that keeps something.
VOLUME_NAMES: Final = ("broker", "influxdb", "plumbline", "gateway", "gateway-demo")
#: Where `plumbline grant` puts the tokens, once the store runs.
GRANTS: Final = "grants"
DEMO_GATEWAY: Final = "gateway-demo"
BROKER_PORT: Final = 8883
#: The user of the Dockerfile.
IMAGE_USER: Final = 10001
MAX_GATEWAYS: Final = 200
MAX_HOSTS: Final = 20
#: Under which names the containers know the servers.
BROKER_HOSTS: Final = ("mosquitto", "localhost", "127.0.0.1")
STORE_HOSTS: Final = ("influxdb", "localhost", "127.0.0.1")
_SECRET_BYTES: Final = 32
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """A new site: its id, its gateways' ids, and by what names gateways outside reach its broker."""

    site: str
    gateways: tuple[str, ...]
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InitChoice:
    """What ``plumbline init`` was asked to do: lists by commas; ``add`` and ``renew`` do only that."""

    gateways: str
    hosts: str = ""
    add: str = ""
    renew: bool = False


def run_init(folder: Path, site: str, choice: InitChoice) -> None:
    """Make a site, or add to the one there is. SettingError, DiskError where that cannot be."""
    now, hosts = dt.datetime.now(dt.UTC), _listed(choice.hosts)
    if not choice.add and not choice.renew:
        owner = container_user(os.geteuid(), os.getegid())
        make_site(folder, SiteChoice(site, _listed(choice.gateways), hosts), owner, now)
        return
    owner = site_owner(folder)
    if choice.add:
        add_gateways(folder, _listed(choice.add), owner)
    if choice.renew:
        renew_certificates(folder, hosts, owner, now)


def container_user(uid: int, gid: int) -> Owner:
    """Who the containers run as: whoever makes the site, but never root."""
    return Owner(IMAGE_USER, IMAGE_USER) if uid == 0 else Owner(uid, gid)


def site_owner(folder: Path) -> Owner:
    """Whom the containers of the site in ``folder`` run as, whoever asks. SettingError for no site."""
    with _disk(folder):
        return owner_of(_broker_folder(folder))


def make_site(folder: Path, choice: SiteChoice, owner: Owner, now: dt.datetime) -> None:
    """Everything of a new site in ``folder``. SettingError where there is one, or for a bad name.

    The secrets appear all at once under their name, so that an interrupted run can be repeated.
    """
    gateways, hosts = check_gateways(choice.gateways), _check_hosts(choice.hosts)
    with _disk(folder):
        _finish_interrupted(folder)
        _refuse_existing(folder)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{SECRETS}.part"
        shutil.rmtree(part, ignore_errors=True)
        owner.make_folder(part)
        _write_secrets(part, choice.site, gateways, hosts, owner, now)
        for name in VOLUME_NAMES:
            owner.make_folder(folder / VOLUMES / name)
        for name in GRANTED:
            owner.make_folder(part / GRANTS / name)
        # Written before either has its name: a disk that is full now leaves no site without settings.
        (part / ENVIRONMENT).write_text(environment(choice.site, gateways[0], owner))
        part.rename(folder / SECRETS)
        _finish_interrupted(folder)
    typer.echo(next_steps(folder, choice.site, gateways, hosts))


def add_gateways(folder: Path, added: Sequence[str], owner: Owner) -> None:
    """Further gateways of the site in ``folder``. SettingError where there is none, or one has them.

    The broker's line of a gateway comes last, so that an interrupted run can be repeated.
    """
    gateways = check_gateways(added)
    with _disk(folder):
        broker, site = _broker_folder(folder), _site_of(folder)
        known = users_of((broker / "passwords").read_text(errors="replace")) - RESERVED_USERS
        twice = sorted(known & set(gateways))
        if twice or len(known) + len(gateways) > MAX_GATEWAYS:
            why = f"has the user {twice[0]} already" if twice else f"would have over {MAX_GATEWAYS}"
            raise SettingError(Reason.BAD_SETTING, f"The site in {folder} {why}.")
        there = (broker / "acl").read_text(errors="replace")
        rules = [gateway_rules(site, name) for name in gateways]
        _append(broker / "acl", [rule for rule in rules if rule not in there], owner)
        lines = [_make_gateway(folder / SECRETS, name, owner) for name in gateways]
        _append(broker / "passwords", lines, owner)
    typer.echo(f"Added {', '.join(gateways)}: the passwords are in {folder / SECRETS}/gateways.")
    typer.echo("Tell the broker: docker compose kill -s HUP mosquitto")


def renew_certificates(folder: Path, hosts: Sequence[str], owner: Owner, now: dt.datetime) -> None:
    """New certificates of the servers, by the same authority, for the same hosts and ``hosts``."""
    more = _check_hosts(tuple(hosts))
    with _disk(folder):
        broker = _broker_folder(folder)
        try:
            authority = load_authority(
                (folder / SECRETS / "ca.pem").read_bytes(),
                (folder / SECRETS / "ca.key").read_bytes(),
            )
            was = hosts_of((broker / "server.pem").read_bytes())
        except ValueError as error:
            raise SettingError(
                Reason.BAD_SETTING,
                f"The certificates in {folder / SECRETS} cannot be used: {error}.",
            ) from None
        for place, names in (("broker", (*was, *more)), ("influxdb", STORE_HOSTS)):
            server = make_server(authority, tuple(dict.fromkeys(names)), now)
            _write_server(folder / SECRETS / place, server, authority, owner, replace_private)
    typer.echo(f"New certificates are in {folder / SECRETS}; the authority is the same.")
    typer.echo("Make them known: docker compose restart mosquitto influxdb")


def check_gateways(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of gateways, each once. SettingError for none, for too many, or for one that cannot be."""
    gateways = tuple(dict.fromkeys(names))
    bad = [name for name in gateways if not is_id(name) or name in RESERVED_USERS]
    if bad or not 1 <= len(gateways) <= MAX_GATEWAYS:
        said = f"{bad[0][:80]!r} cannot be a gateway's id" if bad else f"{len(gateways)} gateways"
        raise SettingError(
            Reason.BAD_SETTING,
            f"{said} cannot be set up." if not bad else f"{said}.",
            hint=f"Give 1 to {MAX_GATEWAYS} ids of A-Z a-z 0-9 _ -, by commas; "
            f"{' and '.join(sorted(RESERVED_USERS))} are taken.",
        )
    return gateways


def _finish_interrupted(folder: Path) -> None:
    """Give the settings their name, where the secrets have theirs: the last step of a new site."""
    made = folder / SECRETS / ENVIRONMENT
    if made.exists() and not os.path.lexists(folder / ENVIRONMENT):
        made.rename(folder / ENVIRONMENT)


def _refuse_existing(folder: Path) -> None:
    """SettingError where something of a site is there already."""
    there = [path for name in (ENVIRONMENT, SECRETS) if os.path.lexists(path := folder / name)]
    there += [path for name in VOLUME_NAMES if any((path := folder / VOLUMES / name).glob("*"))]
    if there:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{there[0]} exists: there is a site here, and nothing of it is overwritten.",
            hint="Add a gateway with --add, new certificates with --renew; or choose another folder.",
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for piece in text.split(",") if (part := piece.strip()))


def _check_hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    bad = [name for name in names if not _HOST.fullmatch(name)]
    if bad or len(names) > MAX_HOSTS:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{bad[0][:80]!r} is no host name or IP address."
            if bad
            else "These are too many hosts.",
            hint=f"Give up to {MAX_HOSTS} names by which gateways reach the broker, by commas.",
        )
    return tuple(dict.fromkeys(names))


def _write_secrets(
    folder: Path,
    site: str,
    gateways: Sequence[str],
    hosts: Sequence[str],
    owner: Owner,
    now: dt.datetime,
) -> None:
    authority = make_authority(site, now)
    write_private(folder / "ca.key", authority.key_pem, owner)
    write_private(folder / "ca.pem", authority.certificate_pem, owner)
    for name in ("gateways", "broker", "influxdb"):
        owner.make_folder(folder / name)
    everyone = tuple(dict.fromkeys((*gateways, DEMO_GATEWAY)))
    analytics, health = _secret(), _secret()
    write_private(folder / "analytics.password", f"{analytics}\n".encode(), owner)
    lines = [
        _hashed(ANALYTICS_USER, analytics),
        _hashed(HEALTH_USER, health),
        *(_make_gateway(folder, name, owner) for name in everyone),
    ]
    rules = [service_rules(site), *(gateway_rules(site, name) for name in everyone)]
    broker = folder / "broker"
    write_private(broker / "passwords", "".join(lines).encode(), owner)
    write_private(broker / "acl", "".join(rules).encode(), owner)
    options = health_options(BROKER_PORT, health)
    write_private(broker / "mosquitto_sub", options.encode(), owner)
    store = folder / "influxdb"
    for name, text in (("admin-user", "plumbline"), ("admin-password", _secret())):
        write_private(store / name, text.encode(), owner)
    write_private(store / "token", _secret().encode(), owner)
    for place, names in ((broker, (*BROKER_HOSTS, *hosts)), (store, STORE_HOSTS)):
        server = make_server(authority, tuple(dict.fromkeys(names)), now)
        _write_server(place, server, authority, owner, write_private)


def _write_server(
    folder: Path,
    server: Issued,
    authority: Issued,
    owner: Owner,
    write: Callable[[Path, bytes, Owner], None],
) -> None:
    write(folder / "server.pem", server.certificate_pem, owner)
    write(folder / "server.key", server.key_pem, owner)
    write(folder / "ca.pem", authority.certificate_pem, owner)


def _make_gateway(folder: Path, name: str, owner: Owner) -> str:
    """A gateway's password, written to its file; returned is the broker's line of it."""
    password = _secret()
    replace_private(folder / "gateways" / f"{name}.password", f"{password}\n".encode(), owner)
    return _hashed(name, password)


def _hashed(user: str, password: str) -> str:
    return password_line(user, password, secrets.token_bytes(SALT_BYTES))


def _secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _append(path: Path, texts: Sequence[str], owner: Owner) -> None:
    replace_private(path, path.read_bytes() + "".join(texts).encode(), owner)


def _broker_folder(folder: Path) -> Path:
    broker = folder / SECRETS / "broker"
    if not (broker / "passwords").is_file():
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no site in {folder}.",
            hint="Make one with plumbline init, or name the folder that holds its secrets.",
        )
    return broker


def _site_of(folder: Path) -> str:
    try:
        text = (folder / ENVIRONMENT).read_text(encoding="utf-8")
    except OSError as error:
        raise disk_error(folder / ENVIRONMENT, error, by="") from None
    found = re.search(r"^PLUMBLINE_SITE=(\S+)$", text, re.MULTILINE)
    if found is None or not is_id(found[1]):
        raise SettingError(
            Reason.BAD_SETTING,
            f"{folder / ENVIRONMENT} does not say PLUMBLINE_SITE.",
            hint="Write the site's id there, as it was made: PLUMBLINE_SITE=ID.",
        )
    return found[1]


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """What the disk refuses inside becomes a DiskError that names the folder."""
    try:
        yield
    except OSError as error:
        refused = disk_error(folder, error, by="")
        if isinstance(error, PermissionError):
            refused.hint = "Run it as who made the site, or as root; or choose another folder."
        raise refused from None
