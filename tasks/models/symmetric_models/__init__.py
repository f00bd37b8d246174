"""Nets whose answer no move of a group can change, on inputs where two patterns stand wherever a move put them."""
