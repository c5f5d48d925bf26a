"""What frames every page: shared cards, the week's chooser, parts that refresh and say what fails."""
