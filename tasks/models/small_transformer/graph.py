"""A transformer of attention heads alone, as a graph: every head's queries, keys and values read the sum of all before
them.

    tokens, positions -> a0.0 ... -> a1.0 ... -> answer           ports q, k, v of each head; residual stream [n, t, d]

There is no normalisation, so that what reaches a port is exactly the sum of the messages (Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits"). Inputs are one-hot tokens beside one-hot positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.circuit import Edge, Graph

PORTS = ("q", "k", "v")


@dataclass(frozen=True)
class HeadWeights:
    """One attention head; `o` writes what `v` read."""

    q: Float[Tensor, "d h"]
    k: Float[Tensor, "d h"]
    v: Float[Tensor, "d h"]
    o: Float[Tensor, "h d"]


class AttentionGraph(Graph):
    """Tokens and positions, layers of heads, and the answer: logits at the last place."""

    tokens: Tensor
    positions: Tensor
    answer: Tensor
    o: Tensor

    def __init__(
        self,
        tokens: Float[Tensor, "vocabulary d"],
        positions: Float[Tensor, "places d"],
        layers: Sequence[Sequence[HeadWeights]],
        answer: Float[Tensor, "d o"],
    ) -> None:
        nodes = ["tokens", "positions"]
        edges: list[Edge] = []
        self_heads: list[HeadWeights] = []
        for depth, heads in enumerate(layers):
            before = len(nodes)
            for place, head in enumerate(heads):
                edges += [Edge(sender, len(nodes), port) for port in PORTS for sender in range(before)]
                nodes.append(f"a{depth}.{place}")
                self_heads.append(head)
        edges += [Edge(sender, len(nodes)) for sender in range(len(nodes))]
        super().__init__([*nodes, "answer"], edges)
        self.register_buffer("tokens", tokens)
        self.register_buffer("positions", positions)
        self.register_buffer("answer", answer)
        for field in fields(HeadWeights):
            self.register_buffer(field.name, torch.stack([getattr(head, field.name) for head in self_heads]))

    def compute(self, node: int, inputs: Float[Tensor, "n t i"], received: Mapping[str, Tensor]) -> Tensor:
        """An embedding [n, t, d], what a head writes [*batch, n, t, d], or the logits [*batch, n, o]."""
        vocabulary = len(self.tokens)
        if node < 2:
            return inputs[..., vocabulary:] @ self.positions if node else inputs[..., :vocabulary] @ self.tokens
        if node == len(self.nodes) - 1:
            return received[""][..., -1, :] @ self.answer
        head = node - 2
        q, k, v = (received[port] @ getattr(self, port)[head] for port in PORTS)
        later = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).triu(1)
        pattern = (q @ k.mT).masked_fill(later, -torch.inf).softmax(-1)
        written: Tensor = pattern @ v @ self.o[head]
        return written

    def norms(self) -> Float[Tensor, " e"]:
        """Norm of what the sender writes with, times that of what the receiver's port reads with."""
        writes = [self.tokens.norm(), self.positions.norm(), *self.o.flatten(1).norm(dim=1)]
        found = []
        for edge in self.edges:
            reads = getattr(self, edge.port)[edge.receiver - 2] if edge.port else self.answer
            found.append(writes[edge.sender] * reads.norm())
        return torch.stack(found)
