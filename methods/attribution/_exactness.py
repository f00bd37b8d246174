"""What is exact on paper is checked as such: in double precision, with no more room than its rounding takes.

Completeness (attributions that sum to a difference of outputs) and linear extrapolation are identities. In single
precision, on small logits or with the ten-bit products of a GPU, an error of a percent hides in the rounding; in double
precision it is ten orders of magnitude above it. So the model is copied, not touched.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion

TOLERANCE = 1e-6
"""Of the sum of the terms' magnitudes. What is left on the benchmark's nets is below 1e-12; a model that a method
treats wrongly is off by 1e-2 and more."""
ROUNDING = 1e-12
"""Of the outputs whose difference is taken: where it is tiny, their last digits are all there is."""


def doubled(question: AttributionQuestion) -> AttributionQuestion:
    """The same question in double precision, about a copy of the model."""
    return replace(
        question,
        model=copy.deepcopy(question.model).double(),
        inputs=question.inputs.double(),
        background=question.background.double(),
        baseline=question.baseline.double(),
    )


def relative_gap(terms: Float[Tensor, "n ..."], start: Float[Tensor, " n"], end: Float[Tensor, " n"]) -> float:
    """By how much `terms` miss the difference end - start: the worst of the inputs, as a share of sum |terms|.

    At least 0, unbounded, lower is better; NaN counts as infinite.
    """
    flat = terms.flatten(1)
    gap = (end - start - flat.sum(1)).abs() - ROUNDING * (start.abs() + end.abs())
    shares = gap.clamp_min(0) / flat.abs().sum(1).clamp_min(torch.finfo(flat.dtype).tiny)
    return float(shares.nan_to_num(nan=torch.inf).max())
