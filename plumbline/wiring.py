"""From settings to what each part wants to know."""

from __future__ import annotations

import ssl
from pathlib import Path

from analytics.config import AnalyticsConfig
from contracts.broker import BrokerAddress
from contracts.errors import DiskError, Reason, SettingError, StoreError
from device_gateway.config import GatewayConfig
from plumbline.fleet import parse_worn
from plumbline.settings import Settings
from store import open_registry, open_series


def certificate(path: Path | None) -> Path | None:
    """The path of a CA certificate that can be read. SettingError where it cannot."""
    if path is None:
        return None
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(
            Reason.BAD_SETTING,
            f"The CA certificate {path} cannot be used: {error.strerror or error}.",
            hint="Give the broker's CA certificate, a PEM file, with --broker-tls-ca.",
        ) from None
    return path


def broker_address(settings: Settings) -> BrokerAddress:
    """Where the broker is and how to get in."""
    return BrokerAddress(
        host=settings.broker_host,
        port=settings.broker_port,
        username=settings.broker_username or None,
        password=settings.broker_secret(),
        tls_ca=certificate(settings.broker_tls_ca),
    )


def check_store_addresses(settings: Settings) -> None:
    """SettingError for an address that no store can have. One that is not there yet is well."""
    try:
        open_series(settings.series_url, read_only=True).close()
        open_registry(settings.people_url, read_only=True).close()
    except (StoreError, DiskError):
        return  # the page says so, and asks again until it is there


def oidc_environment(settings: Settings) -> dict[str, str]:
    """What the dashboard reads of an OpenID provider; nothing where none is set.

    SettingError where it could not work. Empty values are said as well, so that they are those in force.
    """
    from dashboard.served import oidc

    found = {
        oidc.METADATA_URL: settings.oidc_url,
        oidc.CLIENT_ID: settings.oidc_client_id,
        oidc.CLIENT_SECRET: (settings.oidc_secret() or "") if settings.oidc_url else "",
        oidc.NAME: settings.oidc_name,
        oidc.PUBLIC_URL: settings.public_url,
    }
    oidc.from_environment(found)
    return found


def analytics_config(settings: Settings) -> AnalyticsConfig:
    """What analytics wants to know."""
    return AnalyticsConfig(
        site=settings.site,
        broker=broker_address(settings),
        broker_wait_s=settings.broker_wait_s,
        store_wait_s=settings.store_wait_s,
        late_wait_s=settings.late_wait_s,
        live_wait_s=settings.live_wait_s,
        home_assistant=settings.home_assistant,
    )


def gateway_config(settings: Settings) -> GatewayConfig:
    """What the gateway wants to know."""
    return GatewayConfig(
        site=settings.site,
        gateway=settings.gateway,
        radio=settings.radio,
        broker=broker_address(settings),
        outbox_path=settings.outbox_path,
        keys_path=settings.keys_path,
        max_links=settings.max_links,
        allow=settings.allow,
        stream_rate_hz=settings.stream_rate_hz,
        keep_recording=settings.keep_recording,
        placements=parse_worn(settings.worn),
        broker_wait_s=settings.broker_wait_s,
    )
