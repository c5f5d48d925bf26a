"""Where what analytics found is kept: ports, one schema, adapters, and the registry of people and sensors."""
