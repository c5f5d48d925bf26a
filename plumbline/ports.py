"""TCP ports: a free one, and a clear word where one is taken."""

from __future__ import annotations

import errno
import socket
from typing import Final

from contracts.errors import Fault, PlumblineError, Reason

LOOPBACK: Final = "127.0.0.1"
ANSWER_TIMEOUT_S: Final = 2.0


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(host: str, port: int) -> bool:
    """Whether something listens on a port."""
    try:
        with socket.create_connection((host, port), timeout=ANSWER_TIMEOUT_S):
            return True
    except OSError:
        return False


def check_port_free(host: str, port: int, flag: str) -> None:
    """PlumblineError(PORT_IN_USE) where something listens on the port; ``flag`` chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise port_in_use(host, port, flag) from None
            raise PlumblineError(
                Reason.BAD_SETTING,
                f"Cannot listen on {host} port {port}: {error.strerror or error}.",
                hint=f"Choose an address of this machine and another port with {flag}.",
                fault=Fault.USER,
            ) from None


def port_in_use(host: str, port: int, flag: str) -> PlumblineError:
    """The error for a port that another program holds."""
    return PlumblineError(
        Reason.PORT_IN_USE,
        f"Port {port} on {host} is in use by another program.",
        hint=f"Stop that program, or choose another port with {flag}.",
        fault=Fault.MACHINE,
    )
