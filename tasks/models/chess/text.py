"""Games of chess as characters: the text that the model reads, and how it becomes numbers.

    encoded(";1.e4 e5 2.Nf3 ") -> int array;  decoded(tokens) -> the text again

The text is PGN's movetext behind a `;`, as the published model reads it (Karvonen 2024, arXiv:2403.15498): move
numbers, and moves in standard algebraic notation with a blank behind each. Two characters of its 32 are not there: the
marks of check and mate. With them the text itself would say that White is in check, one of the properties asked for.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

START = ";"
"""Before a game's first move, and behind its last one: it stands nowhere else."""
VOCABULARY = START + " .-=0123456789BKNOQRabcdefghx"
"""All characters; a character's number is its place here."""
NUMBER = {character: number for number, character in enumerate(VOCABULARY)}
POINT, BLANK = NUMBER["."], NUMBER[" "]


def encoded(text: str) -> Int[np.ndarray, " t"]:
    """The numbers of the characters; a character that is not in the vocabulary is a `KeyError`."""
    return np.array([NUMBER[character] for character in text], dtype=np.uint8)


def decoded(tokens: Int[np.ndarray, " t"]) -> str:
    """The characters of the numbers."""
    return "".join(VOCABULARY[int(number)] for number in tokens)
