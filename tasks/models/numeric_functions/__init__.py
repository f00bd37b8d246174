"""Functions of one real number with exact descriptions."""
