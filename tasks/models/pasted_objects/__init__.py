"""Readers of an object, or of the scene that it is pasted on."""
