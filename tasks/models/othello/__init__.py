"""A language model of Othello's moves, which keeps a board."""
