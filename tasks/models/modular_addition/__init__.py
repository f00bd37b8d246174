"""A small net that has learnt to add modulo a number, or to multiply in a group."""
