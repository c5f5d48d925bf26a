"""What a client decides about their data."""
