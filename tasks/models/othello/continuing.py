"""The model from a place on: what it says after positions whose activations there are replaced.

What comes before a position does not change with it. So the keys and values of all games are computed once, and only
the replaced positions are run on, one token each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import TouchstoneError
from benchmark.subjects import Saved
from tasks.models.othello.gpt import Block, OthelloGPT

AT_ONCE = 256
"""Games, or positions, that are run together."""

Continued = Callable[[Float[Tensor, "n d"], Int[Tensor, " n"]], Float[Tensor, "n squares"]]
Heard = tuple[Float[Tensor, "g h t e"], Float[Tensor, "g h t e"]]
"""Keys and values of the games' plies, by head."""


def continued(saved: Saved, tokens: Int[Tensor, "games t"], index: Int[Tensor, "p 2"]) -> Continued:
    """A function of activations and of which positions (rows of `index`) they stand for, to the logits of the squares.

    The activations of earlier moves stay as they were.
    """
    return RunOn(saved.subject.load(saved), saved.subject.place, tokens, index)


class RunOn:
    """A model, and the games in which activations at a place of its stream are replaced, one position at a time.

    Raises:
        TouchstoneError: the logits do not follow from the place alone.
    """

    def __init__(
        self, model: OthelloGPT, place: str, tokens: Int[Tensor, "games t"], index: Int[Tensor, "p 2"]
    ) -> None:
        if place not in model.stream:
            raise TouchstoneError(f"run on from {place!r}: got a part of a block, expected one of {model.stream}")
        self.model, self.after = model, model.stream[model.stream.index(place) + 1 :]
        self.device = next(model.parameters()).device
        games, self.row = torch.unique(index[:, 0].long(), return_inverse=True)
        self.tokens, self.ply = tokens[games], index[:, 1].long()

    @torch.no_grad()
    def __call__(self, activations: Float[Tensor, "n d"], positions: Int[Tensor, " n"]) -> Float[Tensor, "n squares"]:
        """The logits of the squares after `positions` (rows of the index) with these activations there."""
        positions = positions.cpu()
        ply, games = (of[positions].to(self.device) for of in (self.ply, self.row))
        parts = zip(activations.to(self.device).split(AT_ONCE), games.split(AT_ONCE), ply.split(AT_ONCE), strict=True)
        return torch.cat([self._logits(*part) for part in parts])[:, : self.model.size**2]

    def _logits(
        self, x: Float[Tensor, "n d"], games: Int[Tensor, " n"], ply: Int[Tensor, " n"]
    ) -> Float[Tensor, "n v"]:
        for i, block in enumerate(self.model.in_order):
            if i in self._heard:
                x = x + _attention(block, x, self._heard[i], games, ply)
            if f"block{i}.residual" in self.after:
                x = x + block.mlp(x, lambda neurons: neurons)
        logits: Tensor = self.model.head(self.model.norm(x) if "final" in self.after else x)
        return logits

    @cached_property
    def _heard(self) -> dict[int, Heard]:
        """What the attention of each block behind the place finds in the games."""
        blocks = {i: block for i, block in enumerate(self.model.in_order) if f"block{i}.middle" in self.after}
        enters = {i: f"block{i - 1}.residual" if i else "embedding" for i in blocks}
        parts: dict[int, list[Heard]] = {i: [] for i in blocks}
        for some in self.tokens.split(AT_ONCE):
            streams = self.model.read(some[:, :-1].long().to(self.device), enters.values())
            for i, block in blocks.items():
                _, keys, values = _query_key_value(block, streams[enters[i]])
                parts[i].append((keys, values))
        return {i: (torch.cat([k for k, _ in p]), torch.cat([v for _, v in p])) for i, p in parts.items()}


def _query_key_value(block: Block, x: Float[Tensor, "n t d"]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [n, heads, t, width / heads] of activations that enter a block."""
    n, t, d = x.shape
    parts = block.query_key_value(block.attention_norm(x)).view(n, t, 3, block.heads, d // block.heads)
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    return query, key, value


def _attention(
    block: Block, x: Float[Tensor, "n d"], heard: Heard, games: Int[Tensor, " n"], ply: Int[Tensor, " n"]
) -> Float[Tensor, "n d"]:
    """What a block's attention adds to single positions, each after the earlier plies of its game."""
    query, key, value = _query_key_value(block, x[:, None])
    plies = torch.arange(int(ply.max()) + 1, device=x.device)
    here = (plies == ply[:, None])[:, None, :, None]
    keys, values = (
        torch.where(here, own, of[games, :, : len(plies)]) for own, of in zip((key, value), heard, strict=True)
    )
    earlier = (plies <= ply[:, None])[:, None, None]
    mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=earlier)
    added: Tensor = block.attention_out(mixed.flatten(1))
    return added
