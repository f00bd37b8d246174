"""Readers of a tone or of a chirp among noisy channels."""
