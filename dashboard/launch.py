"""The command line that serves the dashboard: headless, on one address, telling nobody about it."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard.look import theme
from dashboard.reading import sources

_SERVER = Path(__file__).with_name("web.py")


def command(
    *, store_url: str, registry_url: str, host: str = "127.0.0.1", port: int = 8501
) -> tuple[list[str], dict[str, str]]:
    """The program with its arguments, and what to add to its environment."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.enableStaticServing": "false",
        "browser.gatherUsageStats": "false",
        # Streamlit would search all there is for garbage after each run of a page or a part: with fifty
        # people four fifths of the server's time. Python's own search goes by what was made meanwhile.
        "runner.postScriptGC": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showSidebarNavigation": "false",
        "logger.level": "warning",
        "logger.hideWelcomeMessage": "true",
        **theme.streamlit_options(),
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    environment = {
        sources.STORE_URL: store_url,
        sources.REGISTRY_URL: registry_url,
        "PYTHONPATH": str(_SERVER.parent.parent),
    }
    return [sys.executable, "-m", "streamlit", "run", str(_SERVER), *flags], environment
