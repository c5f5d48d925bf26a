"""Whether the broker of the settings can be reached and lets us in."""

from __future__ import annotations

import queue
import ssl
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts.errors import BrokerError, Reason
from plumbline.settings import Settings
from plumbline.wiring import certificate


def probe_broker(settings: Settings, timeout_s: float) -> None:
    """Connect and go again. BrokerError where that fails, with what to do."""
    where = f"{settings.broker_host}:{settings.broker_port}"
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        answers.put(not reason.is_failure)

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = connected
    client.connect_timeout = timeout_s
    if settings.broker_username:
        client.username_pw_set(settings.broker_username, settings.broker_secret())
    authority = certificate(settings.broker_tls_ca)
    if authority is not None:
        client.tls_set_context(ssl.create_default_context(cafile=str(authority)))
    try:
        client.connect(settings.broker_host, settings.broker_port)
        client.loop_start()
        accepted = answers.get(timeout=timeout_s)
    except (OSError, queue.Empty):
        raise BrokerError(
            Reason.BROKER_UNREACHABLE,
            f"No MQTT broker answers at {where}.",
            hint="Start one (plumbline broker), or set --broker-host and --broker-port.",
        ) from None
    finally:
        client.disconnect()
        client.loop_stop()
    if not accepted:
        raise BrokerError(
            Reason.BROKER_REFUSED,
            f"The MQTT broker at {where} refused the user name or the password.",
            hint="Set --broker-username and PLUMBLINE_BROKER_PASSWORD or --broker-password-file.",
        )
