"""Infidelity (Yeh et al. 2019, arXiv:1901.09392): does the map foretell how the output moves with the input?

    infidelity = min over b of  E_I (b I.a - (f(x) - f(x - I)))^2  /  E_I (f(x) - f(x - I))^2,   I ~ N(0, s^2)

with s a fifth of the background's spread. The optimal scale b is found for each input, as in the authors' code, so
that units do not count; divided by what is to be foretold, 0 is perfect and 1 what a map of zeros has. It needs no
truth, and asks about the neighbourhood of an input: the gradient is nearly the best answer whatever the model uses.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._outputs import outputs
from benchmark.plugins import metric

DRAWS = 50
NOISE = 0.2
"""As a share of the standard deviation of all entries of the background."""


@metric(range=(0.0, 1.0), direction="lower", truth_free=True, cites="arXiv:1901.09392", draws=8)
def infidelity(explanation: AttributionExplanation, question: AttributionQuestion) -> float:
    """The part of the output's movement that the map does not foretell, at its best scale; mean over inputs."""
    inputs = question.inputs
    rated = explanation.attributions.to(inputs.device).double()
    if rated.shape != inputs.shape:  # one number a pixel
        rated = (rated / inputs.shape[1]).expand(inputs.shape)
    told = torch.zeros(len(inputs), dtype=torch.float64, device=inputs.device)
    square, moved = torch.zeros_like(told), torch.zeros_like(told)
    for step, happened in zip(_steps(question), _movements(question), strict=True):
        foretold = (step.double() * rated).flatten(1).sum(1)
        told += foretold * happened
        square += foretold**2
        moved += happened**2
    best = torch.where(square > 0, told**2 / square.clamp(min=1e-300), torch.zeros_like(told))
    rest = torch.where(moved > 0, 1 - best / moved.clamp(min=1e-300), torch.zeros_like(told))
    return float(rest.clamp(0, 1).mean())


def _steps(question: AttributionQuestion) -> Iterator[Float[Tensor, "n ..."]]:
    """The same moves of the inputs for all explanations."""
    generator = torch.Generator().manual_seed(0)
    spread = NOISE * float(question.background.std())
    for _ in range(DRAWS):
        yield spread * torch.randn(question.inputs.shape, generator=generator).to(question.inputs.device)


@functools.lru_cache(maxsize=1)
def _movements(question: AttributionQuestion) -> list[Float[Tensor, " n"]]:
    """By how much the output falls in each move, whatever explains it: measured once for a question."""
    here = outputs(question, question.inputs).double()
    return [here - outputs(question, question.inputs - step).double() for step in _steps(question)]
