"""Which positions of which games are read, and the model's activations there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.othello.games import random_games
from tasks.models.othello.gpt import OthelloGPT

AT_ONCE = 512
"""Games the model reads together."""


@dataclass(frozen=True)
class Readings:
    """Games, and positions chosen from them."""

    tokens: UInt8[Tensor, "games t"]
    index: Int[Tensor, "n 2"]
    """(game, ply) of each position, by game, then ply: the position after move `ply`, in which the game goes on."""


def sample(size: int, count: int, a_game: int, generator: torch.Generator) -> Readings:
    """`count` random positions out of as many fresh random games as give about `a_game` each.

    Positions after which no move follows are left out: there is nothing to predict.
    """
    games = random_games(size, -(-count // a_game), generator)
    alive = torch.from_numpy((games.legal[:, 1:-1] != 0).copy()).nonzero()
    if len(alive) < count:
        raise TouchstoneError(
            f"positions a game: got {a_game}, but these games have {len(alive) / len(games):.1f} on average"
        )
    chosen = torch.randperm(len(alive), generator=generator)[:count].sort().values
    return Readings(torch.from_numpy(games.tokens.copy()), alive[chosen].int())


def activations_at(
    model: OthelloGPT, place: str, tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"]
) -> Float[Tensor, "n d"]:
    """Activations at `place` of the indexed positions, float32 on the CPU."""
    device = next(model.parameters()).device
    games, row = index[:, 0].long().unique(return_inverse=True)
    found: Tensor | None = None
    with torch.no_grad():
        for start in range(0, len(games), AT_ONCE):
            part = games[start : start + AT_ONCE]
            read = model.read(tokens[part, :-1].long().to(device), [place])[place]
            here = ((row >= start) & (row < start + AT_ONCE)).nonzero().squeeze(1)
            values = read[(row[here] - start).to(device), index[here, 1].long().to(device)].float().cpu()
            found = values.new_empty(len(index), values.shape[1]) if found is None else found
            found[here] = values
    return model.plies.new_empty(0, model.width).cpu() if found is None else found
