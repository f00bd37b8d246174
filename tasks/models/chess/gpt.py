"""The language model of moves: the GPT of `tasks.models.othello.gpt`, whose places have the same names.

model = ChessGPT(context, layers=3, width=128, heads=4)
model(tokens) -> logits                                    [games, tokens, vocabulary]
"""

from __future__ import annotations

import torch
from torch import nn

from benchmark.errors import TouchstoneError
from tasks.models.chess.text import VOCABULARY
from tasks.models.othello.gpt import Block, OthelloGPT


class ChessGPT(OthelloGPT):
    """Reads at most `context` words."""

    def __init__(self, context: int, *, layers: int, width: int, heads: int) -> None:
        nn.Module.__init__(self)  # the sizes of the embeddings are not those of a board
        if width % heads:
            raise TouchstoneError(f"heads: got {heads}, expected a divisor of the width {width}")
        self.context, self.layers, self.width = context, layers, width
        self.tokens = nn.Embedding(len(VOCABULARY), width)
        self.plies = nn.Parameter(torch.zeros(context, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, len(VOCABULARY), bias=False)
