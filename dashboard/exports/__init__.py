"""What a person can take away."""
