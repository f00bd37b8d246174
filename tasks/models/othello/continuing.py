"""The model from a place on: what it says after positions whose activations there are replaced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.subjects import Saved
from tasks.models.othello.gpt import OthelloGPT
from tasks.models.othello.subject import OthelloModel

AT_ONCE = 256
"""Games that are run together."""

Continued = Callable[[Float[Tensor, "n d"], Int[Tensor, " n"]], Float[Tensor, "n squares"]]


def continued(saved: Saved, tokens: Int[Tensor, "games t"], index: Int[Tensor, "p 2"]) -> Continued:
    """A function of activations and of which positions (rows of `index`) they stand for, to the logits of the squares.

    The activations of earlier moves stay as they were.
    """
    subject: OthelloModel = saved.subject
    model: OthelloGPT = subject.load(saved)
    place, games = subject.place, index[:, 0].long()
    held, row = torch.unique(games, return_inverse=True)

    @cache
    def stream() -> Tensor:
        parts = tokens[held].split(AT_ONCE)
        return torch.cat([model.read(part[:, :-1].long().to(saved.device), [place])[place] for part in parts])

    @torch.no_grad()
    def logits(activations: Tensor, positions: Tensor) -> Tensor:
        found = []
        for some, given in zip(positions.cpu().split(AT_ONCE), activations.split(AT_ONCE), strict=True):
            ply = index[some, 1].long()
            at = (torch.arange(len(some), device=saved.device), ply.to(saved.device))
            # what comes after a position cannot change what the model says there
            here = stream()[row[some].to(saved.device), : int(ply.max()) + 1].clone()
            here[at] = given.to(here)
            found.append(model.run_from(place, here)[at][:, : subject.size**2])
        return torch.cat(found)

    return logits
