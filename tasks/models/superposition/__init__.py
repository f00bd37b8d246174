"""More sparse features than dimensions."""
