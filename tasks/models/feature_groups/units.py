"""Outputs that are sums over groups of columns; within a group the columns act together, groups do not.

    y_o(x) = sum over groups g of output o of  u(s . x_g) / sqrt(groups),      s = +-1,  x even on [-1, 1]

    square      u = (s . x_g)^2
    step        u = tanh(2 s . x_g / spread)
    greatest    u = max over i of s_i x_i

each unit shifted and scaled to mean 0 and variance 1, the three kinds in turn. A column's group cannot be had from the
inputs, whose columns are independent, nor from one output for another: each has a division of its own of the same
columns. Of two columns, the change of y that both make beyond what each makes alone is 0 unless they share a group.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

OUTPUTS = 2
SAMPLE = 20_000
"""Inputs by which a unit's mean and spread are found."""
EVEN = 3**-0.5
"""The standard deviation of a column."""


def _square(z: Float[Tensor, "... k"]) -> Float[Tensor, "..."]:
    return z.sum(-1) ** 2


def _step(z: Float[Tensor, "... k"]) -> Float[Tensor, "..."]:
    return torch.tanh(2 * z.sum(-1) / (EVEN * z.shape[-1] ** 0.5))


def _greatest(z: Float[Tensor, "... k"]) -> Float[Tensor, "..."]:
    return z.amax(-1)


KINDS: tuple[Callable[[Tensor], Tensor], ...] = (_square, _step, _greatest)


@dataclass(frozen=True, eq=False)
class Plant:
    """Which columns act together, for each output."""

    members: Int[Tensor, "outputs groups size"]
    """Columns; the same ones in every output, divided in another way."""
    signs: Float[Tensor, "outputs groups size"]
    width: int
    """How many columns there are; those that are in no group say nothing."""

    @classmethod
    def draw(cls, groups: int, size: int, noise: int, generator: torch.Generator) -> Plant:
        """`groups` groups of `size` columns for each output, and `noise` columns that are nobody's."""
        used, width = groups * size, groups * size + noise
        columns = torch.randperm(width, generator=generator)[:used]
        orders = [torch.randperm(used, generator=generator) for _ in range(OUTPUTS)]
        members = torch.stack([columns[order].view(groups, size) for order in orders])
        signs = 2.0 * torch.randint(2, members.shape, generator=generator) - 1
        return cls(members, signs, width)

    def values(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n outputs"]:
        """What the outputs are to be."""
        signed = inputs[:, self.members] * self.signs
        groups, size = self.members.shape[1:]
        units = []
        for number in range(groups):
            kind = number % len(KINDS)
            mean, spread = _scale(kind, size)
            units.append((KINDS[kind](signed[:, :, number]) - mean) / spread)
        return torch.stack(units).sum(0) / float(groups**0.5)

    def groups(self) -> Int[Tensor, "outputs d"]:
        """For each output, the number of the group in which each column is, -1 for none."""
        found = torch.full((OUTPUTS, self.width), -1)
        numbers = torch.arange(self.members.shape[1])[:, None].expand(self.members.shape[1:])
        for output, members in enumerate(self.members):
            found[output, members.flatten()] = numbers.flatten()
        return found


def draw(count: int, width: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Inputs: all columns independent and even on [-1, 1]."""
    return 2 * torch.rand(count, width, generator=generator) - 1


@functools.cache
def _scale(kind: int, size: int) -> tuple[float, float]:
    """Mean and standard deviation of a unit on even columns."""
    values = KINDS[kind](draw(SAMPLE, size, torch.Generator().manual_seed(0)))
    return float(values.mean()), float(values.std())
