"""The week's review: one source of figures for page, sheet and exports."""
