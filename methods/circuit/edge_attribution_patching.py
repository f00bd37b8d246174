"""Edge attribution patching, EAP: activation patching to first order, for all edges at once (Syed et al. 2023).

    s_e = (m_e - m'_e) . d value / d m_e        m_e, m'_e: clean and corrupted message, slope at the clean inputs

Two forward passes and one backward pass. The slope with respect to the share of its message that an edge keeps, at 1,
is exactly this. It is 0 where a unit is saturated, whatever patching it would do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:2310.10348")
def edge_attribution_patching(question: CircuitQuestion) -> Tensor:
    """The first-order effect of each edge on the mean value, in units of the value."""
    keep = torch.ones(question.size).requires_grad_(True)
    (slope,) = torch.autograd.grad(question.values(keep).mean(), keep)
    return slope
