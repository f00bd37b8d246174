"""A small message-passing net on graphs that are given as one matrix."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MessagePassing(nn.Module):
    """Nodes add up what their neighbours say (Xu et al. 2019, arXiv:1810.00826), and the graph what its nodes say.

    h <- relu(W h + sum over neighbours j of a_ij U h_j),   from h = (value, 1);   logits = V sum of relu(W h)

    The matrix is made symmetric first, so that both entries of an edge count one half. Nodes have no order.
    """

    def __init__(self, width: int, rounds: int, scale: float) -> None:
        super().__init__()
        sides = [2, *[width] * (rounds - 1)]
        self.own = nn.ModuleList(nn.Linear(side, width) for side in sides)
        self.neighbours = nn.ModuleList(nn.Linear(side, width, bias=False) for side in sides)
        self.active = nn.ModuleList(nn.ReLU() for _ in sides)
        self.said = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.answer = nn.Linear(width, 2)
        self.scale = scale

    def forward(self, x: Float[Tensor, "n 1 v v"]) -> Float[Tensor, "n classes"]:
        """The logits of each graph."""
        matrix = (x[:, 0] + x[:, 0].mT) / 2
        values = matrix.diagonal(dim1=1, dim2=2)
        edges = matrix - torch.diag_embed(values)
        state = torch.stack([values, torch.ones_like(values)], 2)
        for own, neighbours, active in zip(self.own, self.neighbours, self.active, strict=True):
            state = active(own(state) + edges @ neighbours(state))
        logits: Tensor = self.answer(self.said(state).sum(1) / self.scale)
        return logits
