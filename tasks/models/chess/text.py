"""Games of chess as words: the movetext of PGN that the model reads, one token a move, and how it becomes numbers.

    word("Nbxd2") -> "Nbd2";  NUMBER["Nbd2"] -> its token

A word is a move in standard algebraic notation. Three things of it are left out. The mark of check would say that White
is in check, one of the properties asked for. The mark of a capture would double the words. Where two knights or rooks
of one file can go to a square, or two queens or bishops to one, the text does not say which went, as PGN would: rare
in an opening, and too many words. Numbers of moves say nothing that their place does not.

The published model reads characters (Karvonen 2024, arXiv:2403.15498). Trained for two minutes on one core, a model of
characters writes legal moves, but puts the board together in its last attention, for one character of the move at a
time: at the `.` before a move a linear read-out of the board had an F1 of .08 behind two of three blocks, of .25 behind
the last attention (8,000 games of six moves, seed 0). With a word a move, what may follow must be known at once.
"""

from __future__ import annotations

from itertools import pairwise

FILES, RANKS, PIECES = "abcdefgh", "12345678", " PNBRQK"
SQUARES = tuple(file + rank for rank in RANKS for file in FILES)
"""Names of the squares, in the order of `chess`: a1, b1, ..., h8."""
START = ";"
"""Before a game's first move, and behind its last one."""


def word(written: str) -> str:
    """A move in standard algebraic notation as a word of the vocabulary."""
    short = written.rstrip("+#").replace("x", "")
    if short[0] in "NR" and len(short) == 4 and short[1] in FILES:
        return short
    return short[0] + short[-2:] if short[0] in "NBRQK" else short


def _words() -> list[str]:
    steps = [(a, b) for pair in pairwise(FILES) for a, b in (pair, pair[::-1])]
    pawns = [f"{file}{rank}" for file in FILES for rank in RANKS[1:-1]]
    pawns += [f"{a}{b}{rank}" for a, b in steps for rank in RANKS[1:-1]]
    ends = [f"{file}{rank}" for file in FILES for rank in "18"] + [f"{a}{b}{rank}" for a, b in steps for rank in "18"]
    promoted = [f"{end}={piece}" for end in ends for piece in "NBRQ"]
    pieces = [f"{piece}{square}" for piece in "NBRQK" for square in SQUARES]
    apart = [f"{piece}{file}{square}" for piece in "NR" for file in FILES for square in SQUARES]
    return [START, "O-O", "O-O-O", *pawns, *promoted, *pieces, *apart]


VOCABULARY = tuple(_words())
"""All words; a word's number is its place here."""
NUMBER = {text: number for number, text in enumerate(VOCABULARY)}
