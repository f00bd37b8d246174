"""Weight norm, a control: the larger an edge's weights, the more it is taken to matter. No input is ever run."""

from __future__ import annotations

from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:1506.02626", control=True)
def weight_norm(question: CircuitQuestion) -> Tensor:
    """The norm of the weights that each edge passes through."""
    return question.graph.norms()
