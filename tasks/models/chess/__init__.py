"""A language model of chess games as text, which keeps a board to know how a game may go on."""
