"""Complete labelled games of 8x8 Othello a second, on one core: boards, legal moves and the player of every ply."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmark.speed import Row, seconds
from tasks.models.othello.games import random_games

SIZE, GAMES = 8, 40_000
ASKED = 80_000.0
"""Games a second; the published generator makes 61 (second-hand)."""


def measure(_profile: str) -> Iterator[Row]:
    """The best of three batches of random legal games."""
    generator = torch.Generator().manual_seed(0)
    best = seconds(lambda: random_games(SIZE, GAMES, generator), repeats=3)
    yield Row("labelled random games of 8x8 Othello", GAMES / best, "games/s", limit=ASKED, higher_is_better=True)
