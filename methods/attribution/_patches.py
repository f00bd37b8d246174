"""Inputs cut into patches that are present or absent: what the methods that perturb share.

Images are cut into squares, `across` of them along the longer side, each with all its channels, and each of several
series into pieces of its own; a vector's entries and a sequence's places are patches of their own. A coalition says
which patches are present; the others show the baseline. The coalitions are the same for all inputs, so that a few
hundred passes of the whole batch serve them all, and one linear system as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion
from methods.attribution._gradients import select


@dataclass(frozen=True, eq=False)
class Patches:
    """The patches of a question's inputs."""

    of: Int[Tensor, " ..."]
    """For each entry of an input, the number of its patch."""
    count: int

    def entries(self, coalition: Bool[Tensor, " p"]) -> Bool[Tensor, " ..."]:
        """Which entries of an input are present."""
        return coalition[self.of]

    def spread(self, values: Float[Tensor, "n p"]) -> Float[Tensor, "n ..."]:
        """Values of patches divided among their entries, so that the sums stay what they are."""
        sizes = torch.bincount(self.of.flatten(), minlength=self.count)
        return (values / sizes)[:, self.of.flatten()].view(len(values), *self.of.shape)


def cut(question: AttributionQuestion, across: int) -> Patches:
    """The patches of a question's inputs [n, d], [n, c, t] or [n, ..., h, w]."""
    shape = question.inputs.shape[1:]
    device = question.inputs.device
    if len(shape) == 1:
        return Patches(torch.arange(shape[0], device=device), shape[0])
    if question.sequential:
        return Patches(torch.arange(shape[1], device=device).expand(shape).contiguous(), shape[1])
    height, width = shape[-2:]
    side = math.ceil((width if question.series else max(height, width)) / across)
    sides = (1, side) if question.series else (side, side)
    rows, columns = (torch.arange(n, device=device) // side for n, side in zip((height, width), sides, strict=True))
    grid = rows[:, None] * (int(columns[-1]) + 1) + columns
    return Patches(grid.expand(shape).contiguous(), int(grid.max()) + 1)


@torch.no_grad()
def values(question: AttributionQuestion, patches: Patches, coalitions: Bool[Tensor, "s p"]) -> Float[Tensor, "s n"]:
    """The explained output of every input in each coalition, absent patches at the question's baseline."""
    found = [
        select(question.model(torch.where(patches.entries(one), question.inputs, question.baseline)), question.targets)
        for one in coalitions
    ]
    return torch.stack(found)


def ends(question: AttributionQuestion, patches: Patches) -> Float[Tensor, "2 n"]:
    """The explained output with no patch present, and with all of them."""
    return values(question, patches, torch.tensor([[False], [True]], device=patches.of.device).expand(2, patches.count))
