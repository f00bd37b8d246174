"""Random graphs with a house and a cycle attached, each of them whole or with one flaw.

    class of a motif    1: all of its edges are there and all of its nodes are of kind 1
                        0: one edge is missing, or one node is of kind -1

So every edge and every node of a whole motif is needed: without it the class is another one, as in molecules a group of
atoms is none with another atom or without a bond. The base is a tree that prefers nodes with many neighbours (Barabasi
and Albert 1999, doi:10.1126/science.286.5439.509) with a few edges more, its nodes are of either kind, and an edge ties
each motif to it. A graph is one symmetric matrix: off its diagonal the edges, 0 or 1, on its diagonal the nodes' kinds.
Nodes are in random order, but for those of a motif, which stand together.

Houses and cycles on such a base are those of GNNExplainer and PGExplainer (Ying et al. 2019, arXiv:1903.03894; Luo et
al. 2020, arXiv:2011.04573). There a part of a motif is enough to tell it, so that the rest of the truth is not used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

NODES = 5
"""Of every motif."""
HOUSE = ((1, 2), (2, 3), (0, 3), (0, 4), (1, 4), (0, 1))
CYCLE = ((0, 1), (1, 2), (2, 3), (3, 4), (0, 4))
MOTIFS = (HOUSE, CYCLE)
LOST = (5, 5)
"""So many of a motif's edges, the first ones, may be missing. Without its last one a house would be a cycle."""
MORE = 0.03
"""The chance of an edge between two nodes of the base that the tree does not join."""


@dataclass(frozen=True, eq=False)
class Graphs:
    """Graphs in the parts that they are made of: nodes 0 to b - 1 are the base's, then come those of both motifs."""

    base: Float[Tensor, "n b b"]
    shapes: Float[Tensor, "n motifs 5 5"]
    bridges: Int[Tensor, "n motifs 2"]
    """A node of the base and one of the motif, counted within."""
    kinds: Float[Tensor, "n v"]
    classes: Int[Tensor, "n motifs"]
    order: Int[Tensor, "n v"]
    """Which node stands where."""

    @property
    def size(self) -> int:
        """Of the base."""
        return self.base.shape[1]

    def inputs(self) -> Float[Tensor, "n 1 v v"]:
        """What a net sees."""
        matrix = self._blocks(self.base, self.shapes)
        rows = torch.arange(len(matrix))[:, None]
        outside, inside = self.bridges[:, :, 0], self.bridges[:, :, 1] + self.size + NODES * torch.arange(2)
        matrix[rows, inside, outside] = matrix[rows, outside, inside] = 1
        return self._ordered(matrix + torch.diag_embed(self.kinds))[:, None]

    def edges(self) -> Bool[Tensor, "n motifs v v"]:
        """Both entries of each motif's edges."""
        nothing, alone = torch.zeros_like(self.base), torch.eye(2)[:, :, None, None]
        return torch.stack([self._ordered(self._blocks(nothing, self.shapes * one)) for one in alone], 1) > 0

    def nodes(self) -> Bool[Tensor, "n motifs v v"]:
        """The entries of each motif's nodes, on the diagonal."""
        found = torch.zeros(len(self.base), 2, self.kinds.shape[1])
        for motif in range(2):
            found[:, motif, self._of(motif)] = 1
        return torch.stack([self._ordered(torch.diag_embed(one)) for one in found.unbind(1)], 1) > 0

    def ground(self) -> Bool[Tensor, "n v v"]:
        """The entries of the base's nodes, and of all edges that could be between them."""
        return self._ordered(self._blocks(torch.ones_like(self.base), torch.zeros_like(self.shapes))) > 0

    def of(self, rows: Bool[Tensor, " n"]) -> Graphs:
        """Some of the graphs."""
        parts = (self.base, self.shapes, self.bridges, self.kinds, self.classes, self.order)
        return Graphs(*(part[rows] for part in parts))

    def with_motif_of(self, motif: int, others: Graphs) -> Graphs:
        """One motif of other graphs in its place, with its flaw and class."""
        at = torch.tensor([motif])
        kinds = self.kinds.clone()
        kinds[:, self._of(motif)] = others.kinds[:, self._of(motif)]
        shapes = self.shapes.index_copy(1, at, others.shapes[:, at])
        return replace(self, shapes=shapes, kinds=kinds, classes=self.classes.index_copy(1, at, others.classes[:, at]))

    def with_base_of(self, others: Graphs) -> Graphs:
        """The base of other graphs; the motifs are tied to the nodes of the same number."""
        kinds = self.kinds.clone()
        kinds[:, : self.size] = others.kinds[:, : self.size]
        return replace(self, base=others.base, kinds=kinds)

    def without_edge(self, motif: int, number: int) -> Graphs:
        """One edge of a motif is missing."""
        shapes = self.shapes.clone()
        one, other = MOTIFS[motif][number]
        shapes[:, motif, one, other] = shapes[:, motif, other, one] = 0
        return replace(self, shapes=shapes, classes=self._flawed(motif))

    def without_node(self, motif: int, number: int) -> Graphs:
        """One node of a motif is of the other kind."""
        kinds = self.kinds.clone()
        kinds[:, self._of(motif).start + number] = -1
        return replace(self, kinds=kinds, classes=self._flawed(motif))

    def _flawed(self, motif: int) -> Int[Tensor, "n motifs"]:
        return self.classes.index_fill(1, torch.tensor([motif]), 0)

    def _of(self, motif: int) -> slice:
        start = self.size + NODES * motif
        return slice(start, start + NODES)

    def _blocks(self, base: Tensor, shapes: Tensor) -> Float[Tensor, "n v v"]:
        """A matrix of blocks, in the order of the parts."""
        matrix = torch.zeros(len(base), *[self.kinds.shape[1]] * 2)
        matrix[:, : self.size, : self.size] = base
        for motif in range(2):
            matrix[:, self._of(motif), self._of(motif)] = shapes[:, motif]
        return matrix

    def _ordered(self, matrix: Float[Tensor, "n v v"]) -> Float[Tensor, "n v v"]:
        rows = torch.arange(len(matrix))[:, None, None]
        return matrix[rows, self.order[:, :, None], self.order[:, None, :]]


def draw(size: int, count: int, generator: torch.Generator) -> Graphs:
    """`count` independent graphs on a base of `size` nodes."""
    classes = torch.randint(2, (count, 2), generator=generator)
    kinds = 2.0 * torch.randint(2, (count, size + 2 * NODES), generator=generator) - 1
    kinds[:, size:] = 1
    shapes = torch.zeros(count, 2, NODES, NODES)
    edgy = torch.rand(count, 2, generator=generator) < 0.5
    for motif, edges in enumerate(MOTIFS):
        for one, other in edges:
            shapes[:, motif, one, other] = shapes[:, motif, other, one] = 1
        flawed = classes[:, motif] == 0
        rows = (flawed & edgy[:, motif]).nonzero()[:, 0]
        lost = torch.tensor(edges)[torch.randint(LOST[motif], rows.shape, generator=generator)]
        for ends in (lost, lost.flip(1)):
            shapes[rows, motif, ends[:, 0], ends[:, 1]] = 0
        rows = (flawed & ~edgy[:, motif]).nonzero()[:, 0]
        kinds[rows, size + NODES * motif + torch.randint(NODES, rows.shape, generator=generator)] = -1
    bridges = torch.stack([torch.randint(side, (count, 2), generator=generator) for side in (size, NODES)], 2)
    keys = torch.rand(count, size + 2, generator=generator)
    keys = torch.cat([keys[:, :size], keys[:, size:].repeat_interleave(NODES, 1)], 1)
    order = keys.argsort(dim=1, stable=True)
    return Graphs(_base(size, count, generator), shapes, bridges, kinds, classes, order)


def _base(size: int, count: int, generator: torch.Generator) -> Float[Tensor, "n b b"]:
    """Each node joins one of those before it, with a chance in proportion to its neighbours; a few edges are added."""
    found = (torch.rand(count, size, size, generator=generator) < MORE).triu(1).float()
    degree, rows = torch.zeros(count, size), torch.arange(count)
    degree[:, 0] = 1  # the first node has nobody to join
    for node in range(1, size):
        parent = torch.multinomial(degree, 1, generator=generator)[:, 0]
        found[rows, parent, node] = 1
        degree[rows, parent] += 1
        degree[:, node] = 1
    return found + found.mT
