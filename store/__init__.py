"""Where what analytics found is kept: ports, one schema, adapters, and the registry of people and sensors."""

from store.open import open_registry, open_series, reach_series, series_tokens

__all__ = ["open_registry", "open_series", "reach_series", "series_tokens"]
