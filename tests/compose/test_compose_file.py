"""docker-compose.yml, the Dockerfile and what they name: hardened, and without a password in them."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.grant import SERVICES as GRANTED
from plumbline.settings import ENV_PREFIX, Settings
from store.influx_address import parse_address
from tests.compose.conftest import Site
from tests.conftest import REPOSITORY

COMPOSE = REPOSITORY / "docker-compose.yml"
#: Set by who starts it, where the default will do for most.
OPTIONAL = {
    *("PLUMBLINE_DONGLE", "PLUMBLINE_DONGLE_BAUD", "PLUMBLINE_DONGLE_GID"),
    "PLUMBLINE_PROXY",
}
FILE: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
#: Those that run to their end before others start.
ONCE = {"grants"}
OURS = [name for name, service in SERVICES.items() if service["image"] == "plumbline:local"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_locked_in(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\$\{PLUMBLINE_UID:\?.+\}:\$\{PLUMBLINE_GID:\?.+\}", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name in ONCE:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
    for limit in ("mem_limit", "cpus", "pids_limit"):
        assert service[limit], limit
    assert "privileged" not in service
    assert service.get("network_mode") is None


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_the_health_of_what_it_needs(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        ended = needed in ONCE
        assert how["condition"] == f"service_{'completed_successfully' if ended else 'healthy'}"
        profiles = set(SERVICES[needed].get("profiles", SERVICES[name].get("profiles", ())))
        assert profiles == set(SERVICES[name].get("profiles", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_environment_or_on_a_command_line(name: str) -> None:
    service = SERVICES[name]
    for key, value in service["environment"].items():
        if re.search("PASSWORD|TOKEN|SECRET", key):
            assert key.endswith("_FILE")
            assert value.startswith("/run/secrets/")
    assert not re.search(r"(?i)password|token", " ".join(service.get("command", ())))


def test_ports_are_open_on_loopback_alone_unless_one_asks_for_more() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:\d+\}:\d+", port) for port in ports)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_a_service_is_a_setting(name: str) -> None:
    environment = SERVICES[name]["environment"]
    known = {f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert {key for key in environment if key.startswith(ENV_PREFIX)} <= known
    if "PLUMBLINE_STORE_URL" in environment:
        address = parse_address(environment["PLUMBLINE_STORE_URL"])
        assert address.url == "https://influxdb:8086"
        mine = "/run/secrets/store_token" if name in ONCE else "/run/grant/token"
        assert str(address.token_file) == mine


def test_who_needs_no_store_or_broker_does_not_reach_it() -> None:
    for name, service in SERVICES.items():
        if "gateway" in name:
            assert "store" not in service["networks"]
            assert "store_token" not in str(service["secrets"])
    assert "messages" not in SERVICES["dashboard"]["networks"]
    assert FILE["networks"]["store"]["internal"] is True


def test_a_service_has_its_own_token_of_the_store_and_no_other() -> None:
    for name, service in SERVICES.items():
        has_all = "store_token" in str(service.get("secrets", ()))
        assert has_all == (name in {"influxdb", *ONCE}), name
        grants = [mount for mount in service.get("volumes", ()) if "secrets/grants" in mount]
        mine = {"grants": ["./secrets/grants:/grants"]} | {
            name: [f"./secrets/grants/{name}:/run/grant:ro"] for name in GRANTED
        }
        assert grants == mine.get(name, []), name


def test_what_init_makes_is_what_the_file_mounts(site: Site) -> None:
    written = dict(
        line.split("=", 1)
        for line in (site.folder / ".env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    wanted = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    assert wanted - OPTIONAL == set(written)

    def path(text: str) -> Path:
        text = re.sub(r"\$\{(\w+)[^}]*\}", lambda found: written[found[1]], text)
        return site.folder / text if text.startswith(("./secrets", "./volumes")) else Path()

    secrets = {name: path(entry["file"]) for name, entry in FILE["secrets"].items()}
    assert all(file.is_file() for file in secrets.values()), secrets
    used: set[str] = set()
    for service in SERVICES.values():
        for entry in service.get("secrets", ()):
            used.add(entry if isinstance(entry, str) else entry["source"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./deploy"):
                assert (REPOSITORY / source).exists()
            elif source.startswith("./"):
                assert path(source).is_dir(), source
    assert used == set(secrets)


def test_the_health_check_of_the_store_can_be_run() -> None:
    script = REPOSITORY / "deploy" / "influxdb" / "health.sh"
    assert stat.S_IMODE(script.stat().st_mode) & 0o555 == 0o555


def test_the_image_runs_as_nobody_known_and_takes_no_secret_in() -> None:
    text = (REPOSITORY / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    allowed = re.findall(r"^!(.+)$", (REPOSITORY / ".dockerignore").read_text(), re.MULTILINE)
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE))
    assert set(allowed) == {name for line in copied for name in line.split()}
    assert not {"secrets", "volumes", ".env", ".git"} & set(allowed)


def test_secrets_and_volumes_are_never_committed() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert {"/.env", "/secrets/", "/.secrets.part/", "/volumes/"} <= set(ignored)
