"""A therapist's clients."""
