"""Rows that are mixtures of concepts: in their hull, or in their cone."""
