"""Integrated gradients: gradients collected on the way from a baseline to the input (Sundararajan et al. 2017).

    A(x) = (x - b) * integral over a in [0, 1] of  d f_t / d x (b + a (x - b)) da

Complete: the attributions sum to f_t(x) - f_t(b). Entries equal to the baseline's get 0. The integral is taken by
Gauss-Legendre quadrature.
"""

from __future__ import annotations

from captum.attr import IntegratedGradients
from torch import Tensor

from benchmark.families.attribution import AttributionSubject, attribution_method


@attribution_method(cites="arXiv:1703.01365")
def integrated_gradients(subject: AttributionSubject, *, steps: int = 32) -> Tensor:
    """Integrated gradients from the subject's baseline, with `steps` points of the quadrature."""
    attributions: Tensor = IntegratedGradients(subject.model).attribute(
        subject.inputs,
        baselines=subject.baseline[None],
        target=subject.targets,
        n_steps=steps,
        internal_batch_size=max(len(subject.inputs), 1024),
    )
    return attributions
