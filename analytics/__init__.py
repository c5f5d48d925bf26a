"""From samples to frames, episodes and focus areas: a pure core and the shell around it."""
