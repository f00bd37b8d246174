"""Random circuit, a control: a random order of the edges, which gives circuits of every size."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method
from benchmark.subjects import generator_for


@circuit_method(cites="arXiv:2410.13032", control=True)
def random_circuit(question: CircuitQuestion) -> Tensor:
    """Scores drawn evenly from [0, 1)."""
    return torch.rand(question.size, generator=generator_for(question.seed, "random_circuit"))
