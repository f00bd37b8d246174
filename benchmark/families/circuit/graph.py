"""A model as a graph: nodes that compute, edges that carry what one of them says to another.

    graph(inputs)                            outputs [n, o]
    graph.messages(inputs)                   what every edge carries [e, n, ...]
    graph(inputs, keep, instead)             outputs [*batch, n, o] with some edges cut

The message of an edge is part of a sum: a node receives, at each of its ports (the queries, keys and values of an
attention head are three), the sum of the messages of the edges that end there, as all that write into a residual
stream add up (Elhage et al. 2021). To *cut* an edge is to let it carry another message instead, usually that of
another input (Wang et al. 2022, arXiv:2211.00593; Conmy et al. 2023, arXiv:2304.14997). Cuts may be partial, keep_e
m_e + (1 - keep_e) m'_e with keep_e in [0, 1], so that the output has a gradient with respect to every edge, and
batched: one call runs many graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError


@dataclass(frozen=True)
class Edge:
    """From the output of one node into another, or into one port of it; nodes are numbers."""

    sender: int
    receiver: int
    port: str = ""


class Graph(nn.Module):
    """Nodes in the order in which they are computed, the last one giving the outputs, and the edges between them.

    A subclass says what a node makes of what it receives (`compute`), and how large the weights of an edge are
    (`norms`).
    """

    def __init__(self, nodes: Sequence[str], edges: Sequence[Edge]) -> None:
        super().__init__()
        self.nodes, self.edges = tuple(nodes), tuple(edges)
        self.runs = 0
        """How many inputs have passed through it, once for every cut graph."""
        self.into: list[list[int]] = [[] for _ in self.nodes]
        for number, edge in enumerate(self.edges):
            if not 0 <= edge.sender < edge.receiver < len(self.nodes):
                raise TouchstoneError(
                    f"circuit: got an edge from node {edge.sender} to {edge.receiver} of {len(self.nodes)}, "
                    "expected the sender to be computed before the receiver"
                )
            self.into[edge.receiver].append(number)

    def compute(self, node: int, inputs: Tensor, received: Mapping[str, Tensor]) -> Tensor:
        """The output of a node [*batch, n, ...] from the sum at each of its ports; nodes without edges read
        `inputs`."""
        raise NotImplementedError

    def message(self, edge: int, output: Tensor) -> Tensor:
        """What an edge carries when its sender's output is `output`: the same, unless the edge has weights."""
        del edge
        return output

    def norms(self) -> Float[Tensor, " e"]:
        """The size of the weights that each edge passes through."""
        raise NotImplementedError

    @property
    def edge_names(self) -> list[str]:
        """A name for every edge: "x0->h1", "tokens->a1.0 (k)"."""
        return [
            f"{self.nodes[edge.sender]}->{self.nodes[edge.receiver]}" + (f" ({edge.port})" if edge.port else "")
            for edge in self.edges
        ]

    @property
    def depths(self) -> list[int]:
        """How many edges lie on the longest way from an input to each node."""
        found: list[int] = []
        for into in self.into:
            found.append(1 + max((found[self.edges[number].sender] for number in into), default=-1))
        return found

    def messages(self, inputs: Tensor) -> Float[Tensor, "e n ..."]:
        """What every edge carries on these inputs when none is cut."""
        _, carried = self._run(inputs, None, None)
        return torch.stack(carried)

    def forward(
        self,
        inputs: Tensor,
        keep: Float[Tensor, "*batch e"] | None = None,
        instead: Float[Tensor, "e n ..."] | None = None,
    ) -> Float[Tensor, "*batch n o"]:
        """The outputs when each edge carries `keep` of its own message and 1 - `keep` of the one in `instead`."""
        if (keep is None) != (instead is None):
            raise TouchstoneError("circuit: got only one of `keep` and `instead`, expected both or neither")
        if keep is not None and keep.shape[-1] != len(self.edges):
            raise TouchstoneError(
                f"circuit: got keep {list(keep.shape)}, expected [..., {len(self.edges)}], one an edge"
            )
        output, _ = self._run(inputs, keep, instead)
        return output

    def _run(self, inputs: Tensor, keep: Tensor | None, instead: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        self.runs += len(inputs) * (1 if keep is None else keep[..., 0].numel())
        sent: list[Tensor] = []
        carried: dict[int, Tensor] = {}
        for node, into in enumerate(self.into):
            received: dict[str, Tensor] = {}
            for number in into:
                edge = self.edges[number]
                message = self.message(number, sent[edge.sender])
                if keep is not None and instead is not None:
                    share = keep[..., number][(..., *[None] * instead[number].ndim)]
                    message = share * message + (1 - share) * instead[number]
                carried[number] = message
                received[edge.port] = received[edge.port] + message if edge.port in received else message
            sent.append(self.compute(node, inputs, received))
        return sent[-1], [carried[number] for number in range(len(self.edges))]
