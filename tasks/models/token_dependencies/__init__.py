"""Sequences with two questions at their end, of which a small transformer answers one."""
