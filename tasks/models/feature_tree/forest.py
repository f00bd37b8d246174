"""Which features stand under which, and rows in which they fire.

    forest = plant(roots=2, children=2, grandchildren=0, ...)        parents (-1, -1, 0, 0, 1, 1)
    forest.draw(rows, generator)                                     [rows, 6] which are on

Siblings exclude each other. Under its parent a child is on with probability `given_on`, without it with `given_off`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Forest:
    """Features in levels: all roots first, then their children, siblings side by side, then the children of these."""

    parents: Int[Tensor, g]
    """The parent's index, -1 for a root."""
    rates: Float[Tensor, g]
    """How often each is on."""
    given_on: Float[Tensor, g]
    """How often under its parent; `rates` for a root."""
    given_off: Float[Tensor, g]
    """How often without its parent; `rates` for a root."""

    @property
    def children(self) -> Int[Tensor, c]:
        """Features with a parent."""
        return (self.parents >= 0).nonzero().flatten()

    def draw(self, rows: int, generator: torch.Generator) -> Bool[Tensor, "rows g"]:
        """Rows of features that are on: parents before children, one draw for each group of siblings."""
        count = len(self.parents)
        on = torch.zeros(rows, count, dtype=torch.bool)
        lot = torch.rand(rows, count, generator=generator)
        for feature in range(count):
            parent = int(self.parents[feature])
            if parent < 0:
                on[:, feature] = lot[:, feature] < self.rates[feature]
                continue
            siblings = (self.parents == parent).nonzero().flatten()
            if feature != int(siblings[0]):
                continue
            likely = torch.where(on[:, parent, None], self.given_on[siblings], self.given_off[siblings])
            end = likely.cumsum(1)
            drawn = lot[:, feature, None]
            on[:, siblings] = (drawn < end) & (drawn >= end - likely)
        return on


def plant(
    *, roots: int, children: int, grandchildren: int, active: float, spread: float, under: float, nesting: float
) -> Forest:
    """The forest in which `active` features are on in a row, on average.

    Roots' rates go from 1 - spread to 1 + spread times their mean. Some child of a group is on as often as `under`
    times its parent; siblings share that as n to n - 1 to ... to 1. With `nesting` 1 children are on under their
    parents alone, with 0 independently of them, and as often.
    """
    parents = [-1] * roots
    weights = torch.linspace(1 - spread, 1 + spread, roots).tolist()
    level = range(roots)
    for branching in (children, grandchildren):
        shares = [under * 2 * (branching - k) / (branching * (branching + 1)) for k in range(branching)]
        start = len(parents)
        for above in level:
            parents += [above] * branching
            weights += [weights[above] * share for share in shares]
        level = range(start, len(parents))
    indices, rates = torch.tensor(parents), active * torch.tensor(weights) / sum(weights)
    child = indices >= 0
    given_off = torch.where(child, (1 - nesting) * rates, rates)
    given_on = torch.where(child, given_off + nesting * rates / rates[indices], rates)
    return Forest(indices, rates, given_on, given_off)
