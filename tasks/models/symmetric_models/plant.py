"""Two patterns of four entries on noise, each of one of two kinds, in a sign and a place of its own.

    input = noise + strength * (s1 pattern[kind1][move1] + s2 pattern[kind2][move2]),    s = 1 or -1

    kinds of the first pattern: two of  ++++  +-+-  ++--  +--+,  kinds of the second: the other two

Kinds are classes, moves are drawn from the group until the patterns do not overlap, and signs are even. So the class
of a pattern is in no entry and in no sum of entries, wherever it stands: with every sign comes its opposite. A net has
to find the pattern and see its shape. Which kinds are the first one's, a seed draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.symmetric_models.groups import Group

KINDS = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
"""Orthogonal. The last two are never the kinds of one pattern: one of them is nearly the other, shifted by a step."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Inputs in the parts that they are made of."""

    plant: Plant
    noise: Float[Tensor, "n d"]
    moves: Int[Tensor, "n 2 d"]
    """Of either pattern."""
    signs: Float[Tensor, "n 2"]
    classes: Int[Tensor, "n 2"]

    @property
    def patterns(self) -> Float[Tensor, "n 2 d"]:
        """Each pattern where it stands."""
        still = self.plant.patterns[torch.arange(2), self.classes] * self.signs[:, :, None]
        return self.plant.strength * still.gather(2, self.moves)

    @property
    def inputs(self) -> Float[Tensor, "n ..."]:
        """What a net sees."""
        return self.seen(self.patterns)

    @property
    def truth(self) -> Bool[Tensor, "n 2 ..."]:
        """Where each pattern stands."""
        return (self.patterns != 0).view(-1, 2, *self.plant.group.shape)

    def seen(self, patterns: Float[Tensor, "n 2 d"]) -> Float[Tensor, "n ..."]:
        """The same noise with these patterns on it."""
        return (self.noise + patterns.sum(1)).view(-1, *self.plant.group.shape)

    def of_other_class(self, which: int) -> Drawn:
        """One pattern of the other kind in the same place and sign; all else stays."""
        classes = self.classes.clone()
        classes[:, which] = 1 - classes[:, which]
        return replace(self, classes=classes)

    def renewed(self, which: int, generator: torch.Generator) -> Drawn:
        """One pattern drawn anew: kind, sign and place; all else stays."""
        moves, signs, classes = self.moves.clone(), self.signs.clone(), self.classes.clone()
        moves[:, which] = self.plant.apart(moves[:, 1 - which], generator)
        signs[:, which], classes[:, which] = _drawn((len(moves),), generator)
        return replace(self, moves=moves, signs=signs, classes=classes)

    def without_cell(self, which: int, cell: int) -> Float[Tensor, "n ..."]:
        """The inputs without one of the four entries of a pattern; its noise stays."""
        patterns = self.patterns
        patterns[:, which] *= self.moves[:, which] != self.plant.group.support[cell]
        return self.seen(patterns)


@dataclass(frozen=True, eq=False)
class Plant:
    """The patterns of a seed, and how strong they are."""

    group: Group
    patterns: Float[Tensor, "2 2 d"]
    """First and second, of class 0 and 1, before they are moved."""
    strength: float

    @classmethod
    def draw(cls, group: Group, strength: float, generator: torch.Generator) -> Plant:
        """Which two kinds are the first pattern's, and which of them is class 0."""
        pairs = torch.stack([torch.randperm(2, generator=generator), 2 + torch.randperm(2, generator=generator)], 1)
        shuffled = torch.stack([pair[torch.randperm(2, generator=generator)] for pair in pairs])
        patterns = torch.zeros(2, 2, group.generators.shape[1])
        patterns[:, :, group.support] = KINDS[shuffled]
        return cls(group, patterns, strength)

    def inputs(self, count: int, generator: torch.Generator) -> Drawn:
        """Draw inputs; classes, signs and places are even and, but that patterns do not overlap, independent."""
        first = self.group.draw(count, generator)
        moves = torch.stack([first, self.apart(first, generator)], 1)
        noise = torch.randn(count, moves.shape[2], generator=generator)
        signs, classes = _drawn((count, 2), generator)
        return Drawn(self, noise, moves, signs, classes)

    def apart(self, moves: Int[Tensor, "n d"], generator: torch.Generator) -> Int[Tensor, "n d"]:
        """Random moves that put a pattern where these do not put one."""
        on = torch.zeros(moves.shape[1], dtype=torch.bool)
        on[self.group.support] = True
        found, taken = self.group.draw(len(moves), generator), on[moves]
        while bool((clash := (taken & on[found]).any(1)).any()):
            found[clash] = self.group.draw(int(clash.sum()), generator)
        return found


def _drawn(shape: tuple[int, ...], generator: torch.Generator) -> tuple[Float[Tensor, "..."], Int[Tensor, "..."]]:
    """Even signs and classes."""
    signs, classes = (torch.randint(2, shape, generator=generator) for _ in range(2))
    return 2.0 * signs - 1, classes
