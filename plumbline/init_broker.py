"""What the broker is told of its users: their hashed passwords, and who may say and hear what."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from analytics.home_assistant import discovery_filter
from contracts import topics

ANALYTICS_USER: Final = "analytics"
#: Asks the broker how it is, from inside its container; may hear nothing else.
HEALTH_USER: Final = "health"
#: A gateway signs in under its own id, so it cannot be called like one of these.
RESERVED_USERS: Final = frozenset({ANALYTICS_USER, HEALTH_USER})
HEALTH_TOPIC: Final = "$SYS/broker/uptime"
SALT_BYTES: Final = 12
#: Mosquitto's own number. More would slow down every connection and guard nothing: the passwords
#: are random, so nobody guesses them from their hashes.
_ITERATIONS: Final = 101
#: The discovery prefix that Home Assistant has by itself.
HOME_ASSISTANT: Final = "homeassistant"
_ANY: Final = "+"


def password_line(user: str, password: str, salt: bytes) -> str:
    """A line of Mosquitto's password file: PBKDF2 with SHA-512, its format 7 (since Mosquitto 2)."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    parts = (base64.b64encode(part).decode() for part in (salt, key))
    return f"{user}:$7${_ITERATIONS}${'$'.join(parts)}\n"


def users_of(passwords: str) -> set[str]:
    """Who has a line in Mosquitto's password file."""
    return {line.partition(":")[0] for line in passwords.splitlines() if ":" in line}


def gateway_rules(site: str, gateway: str) -> str:
    """The section of a gateway: it writes its own topics, and hears what is said to itself alone."""
    return _section(
        gateway,
        write=(
            topics.gateway_status(site, gateway),
            topics.reply(site, gateway),
            topics.imu(site, gateway, _ANY),
            topics.ahead(site, gateway, _ANY),
            topics.sensor_status(site, gateway, _ANY),
        ),
        read=(topics.command(site, gateway), topics.stored(site, gateway, _ANY)),
    )


def service_rules(site: str) -> str:
    """The sections of analytics and of the health check."""
    analytics = _section(
        ANALYTICS_USER,
        write=(
            topics.stored(site, _ANY, _ANY),
            topics.command(site, _ANY),
            topics.posture(site, _ANY),
            topics.episode(site, _ANY),
            topics.nudge(site, _ANY),
            topics.context(site, _ANY),  # to clear it when somebody is erased
            topics.rejected(site),
            discovery_filter(HOME_ASSISTANT, site),
        ),
        read=(
            topics.imu(site, _ANY, _ANY),
            topics.ahead(site, _ANY, _ANY),
            topics.sensor_status(site, _ANY, _ANY),
            topics.gateway_status(site, _ANY),
            topics.reply(site, _ANY),
            topics.context(site, _ANY),
            topics.not_now(site, _ANY),
            discovery_filter(HOME_ASSISTANT, site),
        ),
    )
    return analytics + _section(HEALTH_USER, write=(), read=(HEALTH_TOPIC,))


def health_options(port: int, password: str) -> str:
    """Options of mosquitto_sub, in the file where it looks for them: no password on a command line."""
    return (
        f"-h localhost\n-p {port}\n--cafile /mosquitto/secrets/ca.pem\n"
        f"-u {HEALTH_USER}\n-P {password}\n-t {HEALTH_TOPIC}\n-C 1\n-W 5\n"
    )


def _section(user: str, *, write: tuple[str, ...], read: tuple[str, ...]) -> str:
    rules = [f"topic write {topic}" for topic in write] + [f"topic read {topic}" for topic in read]
    return "\n".join((f"user {user}", *rules, "", ""))
