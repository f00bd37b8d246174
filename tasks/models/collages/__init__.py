"""Collages of small glyphs, and a net that says which glyphs are there."""
