"""Small shapes on noisy backgrounds: which one, where, in which sign."""
