"""Metrics of the circuit family, one a file."""
