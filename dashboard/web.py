"""The server: our own routes beside Streamlit's, and before all of them the guard.

`streamlit run` finds ``app`` here; `plumbline dashboard` starts that. Everything it needs to know
comes from the environment, as for :mod:`dashboard.app`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pandas as pd  # noqa: F401 - Altair looks whether it is loaded, in threads that load it at once
import streamlit as st
from starlette.middleware import Middleware

from dashboard.reading import sources
from dashboard.served import oidc, receipt
from dashboard.served.doors import Doors
from dashboard.served.downloads import Exports
from dashboard.served.guard import Guard
from dashboard.served.stores import Stores

_PROVIDER = oidc.from_environment(os.environ)
_STORES = Stores(
    lambda: sources.open_people(sources.addresses(os.environ)[1]),
    lambda: sources.open_sources(*sources.addresses(os.environ)),
    stamp=lambda: sources.stamp(sources.addresses(os.environ)[1]),
)


@asynccontextmanager
async def _until_it_stops(_app: st.App) -> AsyncIterator[None]:
    yield
    _STORES.close()


app = st.App(
    Path(__file__).parent / "script" / "page.py",
    lifespan=_until_it_stops,
    routes=[
        *Doors(_STORES, _PROVIDER).routes(),
        *Exports(_STORES).routes(),
        receipt.route(_STORES),
    ],
    middleware=[Middleware(Guard, stores=_STORES, provider=_PROVIDER)],
    secrets=None if _PROVIDER is None else _PROVIDER.secrets(),
)
