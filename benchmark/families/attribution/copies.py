"""Copies among the inputs of a question: moved ones, and ones that are hardly changed.

    copy.flatten()[k] == original.flatten()[move[k]]          a moved copy, or, with an idle move, nearly one

Whoever explains a model that no such move concerns should move the map with the input, and should hardly change it
where the input hardly changes (Crabbe and van der Schaar 2023, arXiv:2304.06715; Yeh et al. 2019, arXiv:1901.09392).
Methods are not told which inputs are copies of which.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Copies:
    """For each input of a question, the input of which it is a copy, and how it was made."""

    of: Int[Tensor, " n"]
    """Where its original stands; originals point at themselves."""
    moves: Int[Tensor, "n d"]
    """For each entry of an input, the entry of the original that it shows; idle for originals and near copies."""
    near: Bool[Tensor, " n"]
    """Whether it is a slightly changed copy and no moved one."""

    def __post_init__(self) -> None:
        count = len(self.of)
        if self.of.shape != (count,) or self.near.shape != (count,) or self.moves.shape[:-1] != (count,):
            got = ", ".join(str(list(part.shape)) for part in (self.of, self.moves, self.near))
            raise ValueError(f"copies: got the shapes {got}, expected [n], [n, d] and [n]")
        itself = torch.arange(count, device=self.of.device)
        inside = bool(((self.of >= 0) & (self.of < count)).all())
        if not inside or not torch.equal(self.of[self.of], self.of):
            raise ValueError("copies: each must name an original, and originals must name themselves")
        if bool((self.near & (self.of == itself)).any()):
            raise ValueError("copies: an original is no near copy of itself")
        entries = torch.arange(self.moves.shape[1], device=self.moves.device)
        if not bool((self.moves.sort(1).values == entries).all()):
            raise ValueError(f"copies: each move must name each of the {len(entries)} entries once")
        if not bool((self.moves == entries)[self.near | (self.of == itself)].all()):
            raise ValueError("copies: originals and near copies are not moved")

    @classmethod
    def laid_out(cls, moves: Int[Tensor, "originals m d"], near: int = 0) -> Copies:
        """The originals; then for each of the m moves all of them moved; then all of them hardly changed, `near`
        times."""
        originals, moved, size = moves.shape
        number = torch.arange(originals)
        idle = torch.arange(size).expand(originals, -1)
        return cls(
            number.repeat(1 + moved + near),
            torch.cat([idle, moves.transpose(0, 1).flatten(0, 1), idle.repeat(near, 1)]),
            torch.arange(originals * (1 + moved + near)) >= originals * (1 + moved),
        )

    @property
    def moved(self) -> Bool[Tensor, " n"]:
        """Which inputs are moved copies."""
        return (self.of != torch.arange(len(self.of), device=self.of.device)) & ~self.near

    def carried(self, values: Shaped[Tensor, "originals ..."]) -> Shaped[Tensor, "n ..."]:
        """What originals have (their entries, a mask), moved as their copies are; pixels move with their channels.

        `values` may hold the originals alone, where these are the first inputs, or a row for every input.
        """
        flat = values[self.of.to(values.device)].flatten(1)
        size = flat.shape[1]
        moves = self.moves.to(values.device)
        if size != moves.shape[1]:
            moves = moves[:, :size] % size
        return flat.gather(1, moves).view(len(flat), *values.shape[1:])
