"""Nets over a grid of four cells, whose architecture cuts two of them off from the output."""
