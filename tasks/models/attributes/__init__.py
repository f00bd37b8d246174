"""Two attributes at one place, one of them larger."""
