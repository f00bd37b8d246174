"""Synthetic functions of one real number with known descriptions: shapes, exceptions, noise, networks, and what they
must satisfy."""
