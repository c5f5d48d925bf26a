"""The client's week."""
