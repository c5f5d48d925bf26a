"""The body figure, focus areas and pain."""
