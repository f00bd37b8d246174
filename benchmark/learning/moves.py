"""Games of two players in turn as numbers: who played where and how long ago. Nothing here knows the rules of a game.

    game = Moves.of(inputs["train"], squares)       inputs [n, t]: the square of each move, `squares` behind the last
    game.played(game.on)                            [n, 2 * squares]: mine, then yours, as the player to move sees it

For controls that must do without the model: all that the moves say before anybody works out what they did to the board.
Who is to move follows from counting; a pass shifts that count, and what is called mine is then the other player's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.learning.probes import fit_linear

MOMENT = 2.0
"""Moves after which a recent move has faded by a factor e."""


def squares_in(inputs: Mapping[str, Int[Tensor, "n t"]]) -> int:
    """The number of squares: the value that stands behind a last move, found in the inputs of all splits."""
    return max(int(part.max()) for part in inputs.values())


@dataclass(frozen=True)
class Moves:
    """The moves before n positions, at most t each."""

    square: Int[Tensor, "n t"]
    """0 where there is no move."""
    age: Int[Tensor, "n t"]
    """How many moves came later; negative where there is no move."""
    squares: int

    @classmethod
    def of(cls, inputs: Int[Tensor, "n t"], squares: int) -> Moves:
        """From the squares of the moves, with `squares` behind the last one."""
        there = inputs < squares
        age = there.sum(1, keepdim=True) - 1 - torch.arange(inputs.shape[1], device=inputs.device)
        return cls(torch.where(there, inputs, 0).long(), age, squares)

    @property
    def on(self) -> Bool[Tensor, "n t"]:
        """Where there is a move."""
        return self.age >= 0

    @property
    def yours(self) -> Bool[Tensor, "n t"]:
        """Whether the player who does not move next made it: the last move, the one before the last but one, ..."""
        return self.age % 2 == 0

    def played(self, weight: Tensor) -> Float[Tensor, "n cells"]:
        """Each move's weight [n, t] at the cell of its square and player: `squares` cells of mine, then of yours."""
        cells = torch.zeros(len(self.square), 2 * self.squares, device=self.square.device)
        return cells.scatter_add_(1, self.square + self.squares * self.yours, weight * self.on.to(cells))


def bag(inputs: Int[Tensor, "n t"], squares: int) -> Float[Tensor, "n cells"]:
    """Who played where, whenever: the inputs of a linear probe on the moves."""
    game = Moves.of(inputs, squares)
    return game.played(torch.ones_like(game.age))


def dated_bag(inputs: Int[Tensor, "n t"], squares: int) -> Float[Tensor, "n cells"]:
    """Who played where and when: the bag, the moves' ages, and the recent moves by how recent they are."""
    game = Moves.of(inputs, squares)
    age = game.age.clamp_min(0).float()
    parts = (torch.ones_like(age), age / (inputs.shape[1] / 2), torch.exp(-age / MOMENT))
    return torch.cat([game.played(weight) for weight in parts], 1)


def known_from_moves(
    train: Int[Tensor, "n t"],
    test: Int[Tensor, "m t"],
    labels: Int[Tensor, "n concepts"],
    classes: Sequence[int],
    *,
    penalty: float = 1.0,
) -> Float[Tensor, "m concepts classes"]:
    """Logits of the test positions' classes by a linear probe on the bag of moves, fitted on the train positions."""
    squares = squares_in({"train": train, "test": test})
    seen, unseen = bag(train, squares), bag(test, squares)
    mean = seen.mean(0)
    scale = (seen - mean).square().mean().sqrt()
    probe = fit_linear(((seen - mean) / scale)[None], labels[None], classes, penalty=penalty, steps=60, tolerance=3e-3)
    return probe.scores(((unseen - mean) / scale)[None])[0]
