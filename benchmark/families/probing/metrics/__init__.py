"""Metrics of the probing family, one a file."""
