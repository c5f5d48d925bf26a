"""From the stores to what pages show."""
