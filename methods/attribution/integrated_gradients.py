"""Integrated gradients: gradients collected on the way from a baseline to the input (Sundararajan et al. 2017).

    A(x) = (x - b) * integral over a in [0, 1] of  d f_t / d x (b + a (x - b)) da

Complete: the attributions sum to f_t(x) - f_t(b). Entries equal to the baseline's get 0. The integral is taken by
Gauss-Legendre quadrature.
"""

from __future__ import annotations

from captum.attr import IntegratedGradients
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1703.01365")
def integrated_gradients(question: AttributionQuestion, *, steps: int = 32) -> Tensor:
    """Integrated gradients from the question's baseline, with `steps` points of the quadrature."""
    attributions: Tensor = IntegratedGradients(question.model).attribute(
        question.inputs,
        baselines=question.baseline[None],
        target=question.targets,
        n_steps=steps,
        internal_batch_size=max(len(question.inputs), 1024),
    )
    return attributions
