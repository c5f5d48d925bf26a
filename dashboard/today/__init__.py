"""The client's day."""
