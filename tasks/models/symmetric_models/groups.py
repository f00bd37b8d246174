"""Three groups that move the entries of an input, each move written as an index.

    moved.flatten()[k] = input.flatten()[move[k]]

    dihedral       the 8 turns and reflections of an image [1, 8, 8]
    shifts         the 24 circular shifts of a series [1, 24]
    permutations   the 8! orders of a set of 8 elements with 4 features each, [8, 4]

A pattern fills four entries, its `support`, wherever a move puts them: a block off the axes of the image, a window,
one element. No move leaves the place and turns the pattern in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

Name = Literal["dihedral", "shifts", "permutations"]
SIDE, STEPS, ELEMENTS, FEATURES = 8, 24, 8, 4
SIZE = 4
"""Entries of a pattern."""
SOME = 24
"""So many moves are told of a group that is too large to tell it whole."""


@dataclass(frozen=True, eq=False)
class Group:
    """How a group acts on the entries of an input."""

    shape: tuple[int, ...]
    """Of an input."""
    generators: Int[Tensor, "k d"]
    """Moves of which all others are made."""
    support: Int[Tensor, " 4"]
    """Where a pattern stands before it is moved."""
    whole: Int[Tensor, "g d"] | None
    """All moves, where they are few."""

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, "count d"]:
        """Random moves, all equally likely."""
        if self.whole is not None:
            return self.whole[torch.randint(len(self.whole), (count,), generator=generator)]
        orders = torch.rand(count, ELEMENTS, generator=generator).argsort(1)
        return _by_element(orders)

    def told(self, generator: torch.Generator) -> Int[Tensor, "g d"]:
        """The moves that a question names: all of them, or some."""
        return self.whole if self.whole is not None else self.draw(SOME, generator)

    def orbit(self, entry: int) -> Int[Tensor, " u"]:
        """The entries to which moves bring one, in rising order."""
        size = self.generators.shape[1]
        label = _components(self.generators, torch.arange(size))
        return (label == label[entry]).nonzero()[:, 0]

    def tied(self, rows: Int[Tensor, " r"]) -> Int[Tensor, "r d"]:
        """Which weights between units, one at each entry of `rows`, and all entries are one number: [r, d] from 0.

        A layer with W[p(u), p(k)] = W[u, k] for every move p follows each move of its input by the same move of its
        units (Ravanbakhsh, Schneider and Poczos 2017, arXiv:1702.08389). `rows` must be closed under the moves.
        """
        size = self.generators.shape[1]
        place = torch.full((size,), -1)
        place[rows] = torch.arange(len(rows))
        images = place[self.generators[:, rows]]
        pairs = (images[:, :, None] * size + self.generators[:, None, :]).flatten(1)
        return _components(pairs, torch.arange(len(rows) * size)).view(len(rows), size)


def group(name: Name) -> Group:
    """The group of this name."""
    if name == "dihedral":
        grid = torch.arange(SIDE**2).view(SIDE, SIDE)
        turns = [torch.rot90(side, turn).flatten() for side in (grid, grid.flip(1)) for turn in range(4)]
        whole = torch.stack(turns)
        return Group((1, SIDE, SIDE), whole[[1, 4]], grid[:2, 2:4].flatten(), whole)
    if name == "shifts":
        steps = torch.arange(STEPS)
        whole = (steps - steps[:, None]) % STEPS
        return Group((1, STEPS), whole[[1]], steps[:SIZE], whole)
    order = torch.arange(ELEMENTS)
    swapped = torch.cat([order[[1, 0]], order[2:]])
    generators = _by_element(torch.stack([order.roll(1), swapped]))
    return Group((ELEMENTS, FEATURES), generators, torch.arange(FEATURES), None)


def _by_element(orders: Int[Tensor, "g m"]) -> Int[Tensor, "g d"]:
    """Moves of whole elements."""
    return (orders[:, :, None] * FEATURES + torch.arange(FEATURES)).flatten(1)


def _components(images: Int[Tensor, "k n"], nodes: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The number of the orbit of each of n things, from where each of k generators takes it."""
    start, end = nodes.repeat(len(images)).numpy(), images.flatten().numpy()
    graph = coo_array(([True] * len(start), (start, end)), shape=(len(nodes), len(nodes)))
    return torch.from_numpy(connected_components(graph, directed=False)[1]).long()
