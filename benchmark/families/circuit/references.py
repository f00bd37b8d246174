"""References of the circuit family: chance, the planted truth, and its opposite."""

from __future__ import annotations

import torch

from benchmark.families.circuit import CircuitExplanation, CircuitQuestion, CircuitTruth
from benchmark.plugins import reference


@reference(draws=True)
def random(question: CircuitQuestion, generator: torch.Generator) -> CircuitExplanation:
    """Independent normal scores: the edges in random order."""
    return CircuitExplanation(scores=torch.randn(question.size, generator=generator))


@reference()
def oracle(truth: CircuitTruth) -> CircuitExplanation:
    """The planted circuit: 1 for its edges, 0 for all others."""
    return CircuitExplanation(scores=truth.circuit.float())


@reference()
def inverted(truth: CircuitTruth) -> CircuitExplanation:
    """The complement of the planted circuit: as wrong as an explanation can be."""
    return CircuitExplanation(scores=(~truth.circuit).float())
