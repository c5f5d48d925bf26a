"""The command line, the settings and the wiring of all parts."""

from typing import Final

__version__: Final = "0.1.0"
