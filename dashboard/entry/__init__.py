"""Who is let in, and what they may see and do."""
