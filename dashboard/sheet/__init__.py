"""The printed session sheet."""
