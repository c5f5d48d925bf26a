"""Settings: flags over environment over file over defaults; secrets seen by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import PlumblineError, Reason, SettingError
from contracts.vocabulary import Placement
from plumbline.fleet import parse_worn
from plumbline.settings import ENV_PREFIX, MAX_FILE_BYTES, Settings, flatten, load_settings
from plumbline.settings_page import markdown, rows
from tests.conftest import REPOSITORY

PASSWORD = "open sesame 7"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for row in rows():
        monkeypatch.delenv(row.variable, raising=False)


def _file(text: str) -> Path:
    path = Path("own.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_each_source_wins_over_the_ones_below(monkeypatch: pytest.MonkeyPatch) -> None:
    file = _file('[broker]\nhost = "file"\nport = 2000\nusername = "file"\n')
    monkeypatch.setenv("PLUMBLINE_BROKER_HOST", "environment")
    monkeypatch.setenv("PLUMBLINE_BROKER_PORT", "3000")
    settings = load_settings({"broker_port": 4000, "broker_host": None}, file)
    assert settings.broker_port == 4000
    assert settings.broker_host == "environment"
    assert settings.broker_username == "file"
    assert settings.site == "home"


def test_the_file_in_the_working_folder_is_read_unasked() -> None:
    Path("plumbline.toml").write_text('site = "clinic-1"\n', encoding="utf-8")
    assert load_settings({}).site == "clinic-1"


def test_tables_and_plain_keys_are_the_same() -> None:
    assert flatten({"broker": {"port": 1}, "site": "a"}) == {"broker_port": 1, "site": "a"}


def test_lists_may_be_given_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_ALLOW", "PL-1, PL-2")
    assert load_settings({}).allow == ("PL-1", "PL-2")
    assert load_settings({"allow": "PL-3"}).allow == ("PL-3",)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"broker_port": 70_000}, "broker_port"),
        ({"site": "Mrs Smith"}, "site"),
        ({"allow": "PL 1"}, "allow"),
        ({"log_level": "loud"}, "log_level"),
        ({"late_wait_s": 0}, "late_wait_s"),
        ({"no_such_thing": 1}, "no_such_thing"),
    ],
)
def test_a_bad_value_is_named(flags: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        load_settings(flags)
    assert caught.value.exit_status == 64
    assert caught.value.hint


@pytest.mark.parametrize("text", ["site = ", "[[[", 'nonsense = "x"', "x" * (MAX_FILE_BYTES + 1)])
def test_a_bad_file_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        load_settings({}, _file(text))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(SettingError, match="No such file"):
        load_settings({}, Path("absent.toml"))


def test_a_secret_comes_from_the_environment_or_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({}).broker_secret() is None
    secret = Path("secret")
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    assert load_settings({"broker_password_file": secret}).broker_secret() == PASSWORD
    monkeypatch.setenv("PLUMBLINE_BROKER_PASSWORD", PASSWORD)
    assert load_settings({}).broker_secret() == PASSWORD


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 5000])
def test_a_bad_secret_file_is_refused_without_its_content(content: bytes) -> None:
    secret = Path("secret")
    secret.write_bytes(content)
    with pytest.raises(SettingError) as caught:
        load_settings({"broker_password_file": secret}).broker_secret()
    assert "xxxxx" not in str(caught.value)


def test_a_secret_is_in_no_repr_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_BROKER_PASSWORD", PASSWORD)
    settings = load_settings({})
    assert PASSWORD not in f"{settings!r} {settings!s} {settings.model_dump()!r}"
    monkeypatch.setenv("PLUMBLINE_BROKER_PORT", PASSWORD)
    with pytest.raises(SettingError) as caught:
        load_settings({})
    assert PASSWORD not in str(caught.value)


def test_addresses_follow_the_data_folder() -> None:
    settings = load_settings({"data_dir": "/somewhere"})
    assert settings.series_url == "sqlite:/somewhere/plumbline.sqlite"
    assert settings.people_url == "sqlite:////somewhere/registry.sqlite"
    assert settings.outbox_path == Path("/somewhere/outbox.sqlite")


def test_worn_pairs() -> None:
    assert parse_worn(("PL-1=T4", "PL-2=L5")) == {"PL-1": Placement.T4, "PL-2": Placement.L5}
    for bad in ("PL-1", "PL-1=knee", "=T4", "PL 1=T4"):
        with pytest.raises(PlumblineError) as caught:
            parse_worn((bad,))
        assert caught.value.reason is Reason.BAD_SETTING


def test_the_page_of_the_docs_is_current() -> None:
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == markdown(), (
        "write it again with: plumbline settings --markdown > docs/settings.md"
    )


def test_every_setting_is_in_the_table_with_a_meaning() -> None:
    table = {row.name: row for row in rows()}
    assert set(table) == set(Settings.model_fields)
    assert all(row.meaning for row in table.values())
    assert table["broker_password"].flag == "–"
    assert all(row.variable == ENV_PREFIX + name.upper() for name, row in table.items())


@pytest.mark.parametrize("prefix", ["", "homeassistant", "my/house"])
def test_a_discovery_prefix_is_a_topic(prefix: str) -> None:
    assert load_settings({"home_assistant": prefix}).home_assistant == prefix


@pytest.mark.parametrize("prefix", ["#", "home/+", "/", "home//x", "two words"])
def test_a_discovery_prefix_that_is_no_topic_is_refused(prefix: str) -> None:
    with pytest.raises(SettingError, match="home_assistant cannot be used"):
        load_settings({"home_assistant": prefix})
