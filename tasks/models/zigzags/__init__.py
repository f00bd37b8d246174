"""Nets whose output is a sum of broken lines: what it did up to here says nothing of what it does next."""
