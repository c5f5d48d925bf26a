"""What ``plumbline init`` writes for people: the settings of the compose set-up, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plumbline.private_files import Owner
from plumbline.zone import local_timezone


def environment(site: str, gateway: str, owner: Owner) -> str:
    """The file .env that ``docker compose`` reads. No secret is in it."""
    return f"""\
# Settings of docker-compose.yml, made by `plumbline init`. No secret is in here; docs/deploy.md
# explains each.
PLUMBLINE_SITE={site}
PLUMBLINE_GATEWAY={gateway}
PLUMBLINE_UID={owner.uid}
PLUMBLINE_GID={owner.gid}
TZ={local_timezone()}

# Where the broker and the dashboard are reached. For gateways on other machines open the broker:
# PLUMBLINE_PUBLISH_BROKER=0.0.0.0:8883
PLUMBLINE_PUBLISH_BROKER=127.0.0.1:8883
PLUMBLINE_PUBLISH_DASHBOARD=127.0.0.1:8501
"""


def next_steps(folder: Path, site: str, gateways: Sequence[str], hosts: Sequence[str]) -> str:
    """What was made, and what to do with it."""
    elsewhere = f" and {', '.join(hosts)}" if hosts else ""
    return f"""\
The site {site} is ready to start in {folder}:
  .env      settings of docker-compose.yml
  secrets/  passwords, the token, keys and certificates; keep a copy where nobody else reads it
  volumes/  what the services keep: back this up

The gateways are {", ".join(gateways)}. The broker's certificate is for this machine{elsewhere}.

Next, in {folder}:
  docker compose build
  docker compose up --detach --wait                       broker, store, analytics, dashboard
  docker compose --profile bluetooth up --detach --wait   and a gateway on this machine's Bluetooth
  docker compose --profile demo up --detach --wait        or simulated sensors, to see it work
  docker compose exec dashboard plumbline account add LOGIN --role administrator --name "First Last"
                                                          who may sign in first, and the password, once

A gateway on another machine needs secrets/ca.pem and its own file of secrets/gateways/.
docs/deploy.md goes on from here."""
