"""What clients and therapists look at. Reads the store and the registry; imports contracts and store only."""
