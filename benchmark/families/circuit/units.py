"""Networks of scalar units, every weight of which is written by hand.

    a_v = act_v(gain_v (sum over edges (u, v) of w_uv a_u + bias_v))

The gates of logic are such units, on inputs that are 1 (on) or 0 (off):

    and     relu(s - (k - 1))          k inputs on: 1; one of them off: 0
    or      min(s, 1)                  stays 1 until the last input is off
    closed  relu(s - much)             0 whatever comes in
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.circuit.graph import Edge, Graph

Activation = Literal["input", "linear", "relu", "cap", "clamp", "square"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda s: s,
    "relu": torch.relu,
    "cap": lambda s: s.clamp(max=1.0),
    "clamp": lambda s: s.clamp(0.0, 1.0),
    "square": torch.square,
}


@dataclass(frozen=True)
class Unit:
    """One node: an input (they read the columns of the inputs in their order) or a unit with its activation."""

    name: str
    act: Activation = "linear"
    bias: float = 0.0
    gain: float = 1.0


class Units(Graph):
    """A graph of scalar units; the last one is the output [n, 1]. `edges` maps (sender, receiver) to the weight."""

    weights: Float[Tensor, " e"]

    def __init__(self, units: Sequence[Unit], edges: Mapping[tuple[str, str], float]) -> None:
        place = {unit.name: number for number, unit in enumerate(units)}
        super().__init__([unit.name for unit in units], [Edge(place[a], place[b]) for a, b in edges])
        self.units = tuple(units)
        inputs = [number for number, unit in enumerate(units) if unit.act == "input"]
        self.columns = {number: column for column, number in enumerate(inputs)}
        self.register_buffer("weights", torch.tensor(list(edges.values())))

    def message(self, edge: int, output: Tensor) -> Tensor:
        """The sender's activation times the weight."""
        return self.weights[edge] * output

    def compute(self, node: int, inputs: Float[Tensor, "n p"], received: Mapping[str, Tensor]) -> Tensor:
        """An input's column [n], or a unit's activation [*batch, n]; the last one with an axis more."""
        unit = self.units[node]
        if unit.act == "input":
            return inputs[:, self.columns[node]]
        activation = ACTIVATIONS[unit.act](unit.gain * (received[""] + unit.bias))
        return activation[..., None] if node == len(self.units) - 1 else activation

    def norms(self) -> Float[Tensor, " e"]:
        """The magnitude of each edge's weight."""
        return self.weights.abs()
