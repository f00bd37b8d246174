"""Activations with concepts in known dimensions, and a network that uses some of them."""
