"""`plumbline init`: secrets that nobody else reads, never overwritten, and certificates that hold."""

from __future__ import annotations

import base64
import datetime as dt
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DiskError, SettingError
from plumbline import cli
from plumbline.init_broker import RESERVED_USERS, gateway_rules, password_line, service_rules
from plumbline.init_certificates import hosts_of, load_authority, make_authority, make_server
from plumbline.init_site import (
    IMAGE_USER,
    MAX_GATEWAYS,
    MAX_HOSTS,
    SiteChoice,
    add_gateways,
    check_gateways,
    container_user,
    make_site,
    renew_certificates,
)
from plumbline.private_files import Owner
from tests.compose.conftest import GATEWAYS, SITE, Site, make

ME = Owner(os.geteuid(), os.getegid())
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


def all_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_nobody_but_the_owner_reads_a_secret(site: Site) -> None:
    for path in (site.secrets, *site.secrets.rglob("*"), *site.folder.glob("volumes/*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_no_secret_stands_where_it_is_not_needed(site: Site) -> None:
    """Only hashes at the broker, and nothing at all in .env."""
    words = {site.password(user) for user in (*GATEWAYS, "gateway-demo", "analytics")}
    words |= {
        (site.secrets / "influxdb" / name).read_text() for name in ("admin-password", "token")
    }
    assert len(words) == len(GATEWAYS) + 4
    assert min(map(len, words)) >= 43  # 256 bits in base64
    for path in (site.folder / ".env", *all_files(site.secrets / "broker")):
        assert not any(word in path.read_text() for word in words), path


def test_two_sites_share_no_secret(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    for path in all_files(one.secrets):
        twin = other.secrets / path.relative_to(one.secrets)
        if path.name not in {"acl", "admin-user"}:
            assert path.read_bytes() != twin.read_bytes(), path


@pytest.mark.parametrize("name", [".env", "secrets", "volumes/influxdb/influxd.bolt"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(SettingError, match="nothing of it is overwritten"):
        make_site(tmp_path, SiteChoice(SITE, GATEWAYS), ME, NOW)
    assert (tmp_path / name).read_text() == "mine"
    assert len(all_files(tmp_path)) == 1


@pytest.mark.parametrize("name", [".env", "secrets"])
def test_a_link_to_nowhere_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingError, match="nothing of it is overwritten"):
        make_site(tmp_path, SiteChoice(SITE, GATEWAYS), ME, NOW)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_run_that_was_interrupted_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / ".secrets.part").mkdir()
    (tmp_path / ".secrets.part" / "ca.key").write_text("half")
    (tmp_path / "volumes" / "broker").mkdir(parents=True)
    make_site(tmp_path, SiteChoice(SITE, GATEWAYS), ME, NOW)
    assert not (tmp_path / ".secrets.part").exists()


def test_a_site_that_lacks_its_last_step_gets_it(site: Site) -> None:
    """Killed between the two names: the secrets have theirs, the settings not yet."""
    settings = site.folder / ".env"
    text = settings.read_text()
    settings.rename(site.secrets / ".env")
    with pytest.raises(SettingError, match="nothing of it is overwritten"):
        make_site(site.folder, SiteChoice(SITE, GATEWAYS), ME, NOW)
    assert settings.read_text() == text
    assert not (site.secrets / ".env").exists()


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError):
        make_site(tmp_path / "file", SiteChoice(SITE, GATEWAYS), ME, NOW)


def test_containers_never_run_as_root() -> None:
    assert container_user(0, 0) == Owner(IMAGE_USER, IMAGE_USER)
    assert container_user(1000, 100) == Owner(1000, 100)


def test_root_hands_everything_over(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes files for another user")
    make_site(tmp_path / "site", SiteChoice(SITE, GATEWAYS), container_user(0, 0), NOW)
    for folder in ("secrets", "volumes"):
        root = tmp_path / "site" / folder
        assert {path.stat().st_uid for path in (root, *root.rglob("*"))} == {IMAGE_USER}


def test_a_password_line_is_mosquittos_own() -> None:
    """A line that mosquitto_passwd of Mosquitto 2.0.11 wrote for the password `right`."""
    theirs = (
        "gw:$7$101$m2czhLR46L8g3pFq$MJ6jxaPXbZPbjNVOYgEYm9YrgDvpBNMsUzuSGLGs+cVb8q/T4FNr2yYuz0"
        "MWr2zFsjlzkmrrpJsaTZ7gvmIBKg==\n"
    )
    assert password_line("gw", "right", base64.b64decode("m2czhLR46L8g3pFq")) == theirs


def test_the_rules_of_a_gateway_are_these() -> None:
    assert gateway_rules("s", "g").splitlines() == [
        "user g",
        "topic write plumbline/v1/s/gateway/g/status",
        "topic write plumbline/v1/s/gateway/g/reply",
        "topic write plumbline/v1/s/gateway/g/sensor/+/imu",
        "topic write plumbline/v1/s/gateway/g/sensor/+/ahead",
        "topic write plumbline/v1/s/gateway/g/sensor/+/status",
        "topic read plumbline/v1/s/gateway/g/command",
        "topic read plumbline/v1/s/gateway/g/sensor/+/stored",
        "",
    ]


def test_nobody_may_everything() -> None:
    for line in service_rules("s").splitlines():
        assert "#" not in line
        assert "readwrite" not in line


@given(st.text(max_size=70))
def test_a_gateways_id_cannot_smuggle_rules_in(name: str) -> None:
    try:
        check_gateways([name])
    except SettingError:
        return
    assert not set(name) & set("+#/\n\r :$")
    assert name not in RESERVED_USERS


@pytest.mark.parametrize(
    "names", [(), ("analytics",), ("health",), ("a b",), ("a\nuser b",), ("+",)]
)
def test_gateways_that_cannot_be(names: tuple[str, ...]) -> None:
    with pytest.raises(SettingError):
        check_gateways(names)


def test_the_number_of_gateways_and_hosts_is_capped(site: Site, tmp_path: Path) -> None:
    many = tuple(f"g{number}" for number in range(MAX_GATEWAYS + 1))
    assert check_gateways(many[:-1]) == many[:-1]
    with pytest.raises(SettingError, match="201 gateways"):
        check_gateways(many)
    with pytest.raises(SettingError, match="would have over 200"):
        add_gateways(site.folder, many[: MAX_GATEWAYS - 2], ME)
    hosts = tuple(f"h{number}.example" for number in range(MAX_HOSTS + 1))
    with pytest.raises(SettingError, match="too many hosts"):
        make_site(tmp_path / "new", SiteChoice(SITE, GATEWAYS, hosts), ME, NOW)


@pytest.mark.parametrize("host", ["a b", "-x", "bad_name", "x,y", "a/b", ""])
def test_hosts_that_cannot_be(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingError, match="no host name"):
        make_site(tmp_path / "new", SiteChoice(SITE, GATEWAYS, (host,)), ME, NOW)
    assert not (tmp_path / "new").exists()


def test_a_gateway_is_added_without_touching_the_rest(site: Site) -> None:
    broker = site.secrets / "broker"
    before = {path: path.read_bytes() for path in all_files(site.secrets)}
    (broker / "acl").write_text((broker / "acl").read_text() + "# mine\n")
    add_gateways(site.folder, ["gw-c"], ME)
    assert gateway_rules(SITE, "gw-c") in (broker / "acl").read_text()
    assert "# mine\n" in (broker / "acl").read_text()
    assert (broker / "passwords").read_bytes().startswith(before.pop(broker / "passwords"))
    before.pop(broker / "acl")
    assert all(path.read_bytes() == data for path, data in before.items())
    assert stat.S_IMODE((broker / "acl").stat().st_mode) == 0o600
    with pytest.raises(SettingError, match="has the user gw-c already"):
        add_gateways(site.folder, ["gw-c"], ME)


def test_adding_that_was_interrupted_can_be_repeated(site: Site) -> None:
    broker = site.secrets / "broker"
    passwords = (broker / "passwords").read_text()
    add_gateways(site.folder, ["gw-c"], ME)
    (broker / "passwords").write_text(passwords)  # which comes last
    add_gateways(site.folder, ["gw-c"], ME)
    assert (broker / "acl").read_text().count("user gw-c\n") == 1
    assert (broker / "passwords").read_text().count("gw-c:") == 1


def test_a_gateway_that_was_taken_out_can_come_back(site: Site) -> None:
    broker, before = site.secrets / "broker", site.password("gw-a")
    for name, out in (("passwords", r"gw-a:.*\n"), ("acl", r"user gw-a\n(.+\n)+\n")):
        text = (broker / name).read_text()
        (broker / name).write_text(left := re.sub(out, "", text))
        assert left != text
    add_gateways(site.folder, ["gw-a"], ME)
    assert gateway_rules(SITE, "gw-a") in (broker / "acl").read_text()
    assert site.password("gw-a") != before


def test_root_adds_and_renews_for_who_made_the_site(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes files for another user")
    made = tmp_path / "site"
    make_site(made, SiteChoice(SITE, GATEWAYS), Owner(1234, 1235), NOW)
    assert cli.run(["init", str(made), "--add", "gw-c", "--renew"]) == 0
    owners = {path.stat().st_uid for path in (made / "secrets").rglob("*")}
    assert owners == {1234}


@pytest.mark.parametrize("arguments", [["--add", "gw-c"], ["--renew"], []])
def test_who_may_not_read_the_site_is_told_so(
    site: Site, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = os.geteuid() == 0
    (site.folder / ".env").unlink()
    site.secrets.chmod(0)
    try:
        os.seteuid(65534 if root else os.geteuid())
        status = cli.run(["init", str(site.folder), *arguments])
    finally:
        os.seteuid(0 if root else os.geteuid())
        site.secrets.chmod(0o700)
    assert status == 71
    assert "Run it as who made the site" in capsys.readouterr().err


def test_where_there_is_no_site_nothing_is_added_or_renewed(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="There is no site"):
        add_gateways(tmp_path, ["gw-c"], ME)
    with pytest.raises(SettingError, match="There is no site"):
        renew_certificates(tmp_path, (), ME, NOW)


def openssl_verifies(site: Site, place: str, host: str) -> bool:
    """What OpenSSL itself says, under its strictest rules."""
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-purpose", "sslserver"),
            *("-verify_hostname", host, "-CAfile", site.ca),
            site.secrets / place / "server.pem",
        ],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_openssl_accepts_the_certificates(site: Site) -> None:
    assert openssl_verifies(site, "broker", "mosquitto")
    assert openssl_verifies(site, "influxdb", "influxdb")
    assert not openssl_verifies(site, "influxdb", "mosquitto")


def test_renewed_certificates_are_for_the_same_hosts_and_more(tmp_path: Path) -> None:
    choice = SiteChoice(SITE, GATEWAYS, ("broker.clinic.example", "192.0.2.7"))
    make_site(tmp_path / "site", choice, ME, dt.datetime.now(dt.UTC))
    site = Site(tmp_path / "site")
    before = (site.secrets / "broker" / "server.pem").read_bytes()
    authority = site.ca.read_bytes()
    renew_certificates(site.folder, ("new.example",), ME, dt.datetime.now(dt.UTC))
    after = (site.secrets / "broker" / "server.pem").read_bytes()
    assert after != before
    assert site.ca.read_bytes() == authority
    assert hosts_of(after) == (*hosts_of(before), "new.example")
    assert {"broker.clinic.example", "192.0.2.7"} < set(hosts_of(after))
    assert openssl_verifies(site, "broker", "new.example")
    (site.secrets / "ca.key").write_text("damaged")
    with pytest.raises(SettingError, match="cannot be used"):
        renew_certificates(site.folder, (), ME, NOW)


def test_an_authority_is_none_of_another_key() -> None:
    one, other = make_authority(SITE, NOW), make_authority(SITE, NOW)
    assert load_authority(one.certificate_pem, one.key_pem).certificate == one.certificate
    with pytest.raises(ValueError, match="not the certificate's"):
        load_authority(one.certificate_pem, other.key_pem)
    with pytest.raises(ValueError, match="names no host"):
        hosts_of(one.certificate_pem)


def test_a_certificate_holds_for_five_years_and_no_authority_hides_in_a_server() -> None:
    server = make_server(make_authority(SITE, NOW), ("mosquitto",), NOW).certificate
    assert server.not_valid_before_utc == NOW - dt.timedelta(days=1)
    assert (server.not_valid_after_utc - NOW).days == 1826
    constraints = server.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not constraints.ca


def test_the_command_says_what_to_do_next_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "clinic"
    assert cli.run(["init", str(made), "--site", SITE, "--gateways", "gw-a, gw-b"]) == 0
    said = capsys.readouterr().out
    assert "docker compose up" in said
    assert not any(
        path.read_text().strip() in said for path in all_files(made / "secrets/gateways")
    )
    assert f"PLUMBLINE_SITE={SITE}\n" in (made / ".env").read_text()
    assert cli.run(["init", str(made)]) == 64
    assert cli.run(["init", str(made), "--add", "gw-c", "--renew"]) == 0
    assert (made / "secrets" / "gateways" / "gw-c.password").is_file()
