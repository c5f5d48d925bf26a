"""Words, colours and pieces that all pages share."""
