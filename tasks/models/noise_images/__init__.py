"""Readers of a light or a dark digit on a noisy or a patterned ground."""
