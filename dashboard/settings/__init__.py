"""A client's own settings."""
