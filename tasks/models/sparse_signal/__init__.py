"""Nets that read a sign at a place that changes from input to input."""
