"""From settings to what each part wants to know."""

from __future__ import annotations

from analytics.config import AnalyticsConfig
from analytics.config import BrokerAddress as AnalyticsBroker
from device_gateway.config import BrokerAddress, GatewayConfig
from plumbline.fleet import parse_worn
from plumbline.settings import Settings


def broker_address(settings: Settings) -> BrokerAddress:
    """Where the broker is and how to get in."""
    return BrokerAddress(
        host=settings.broker_host,
        port=settings.broker_port,
        username=settings.broker_username or None,
        password=settings.broker_secret(),
        tls_ca=settings.broker_tls_ca,
    )


def analytics_config(settings: Settings) -> AnalyticsConfig:
    """What analytics wants to know."""
    return AnalyticsConfig(
        site=settings.site,
        broker=AnalyticsBroker(
            host=settings.broker_host,
            port=settings.broker_port,
            username=settings.broker_username or None,
            password=settings.broker_secret(),
            tls_ca=settings.broker_tls_ca,
        ),
        broker_wait_s=settings.broker_wait_s,
        late_wait_s=settings.late_wait_s,
        live_wait_s=settings.live_wait_s,
    )


def gateway_config(settings: Settings) -> GatewayConfig:
    """What the gateway wants to know."""
    return GatewayConfig(
        site=settings.site,
        gateway=settings.gateway,
        radio=settings.radio,
        broker=broker_address(settings),
        outbox_path=settings.outbox_path,
        allow=settings.allow,
        keep_recording=settings.keep_recording,
        placements=parse_worn(settings.worn),
        broker_wait_s=settings.broker_wait_s,
    )
