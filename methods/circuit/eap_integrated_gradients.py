"""EAP with integrated gradients, EAP-IG: slopes on the way from the corrupted to the clean inputs (Hanna et al. 2024).

    s_e = (m_e - m'_e) . 1/k sum_{j=1..k} d value / d m_e at the inputs x' + j/k (x - x')

A mean of slopes sees what the slope at a saturated end does not. Inputs that are tokens are interpolated as one-hot
vectors, which is the same as interpolating their embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:2403.17806")
def eap_integrated_gradients(question: CircuitQuestion, *, steps: int = 5) -> Tensor:
    """The effect of each edge on the mean value from `steps` slopes, in units of the value."""
    difference = question.clean_messages - question.corrupted_messages
    total = torch.zeros(question.size)
    for step in range(1, steps + 1):
        inputs = question.corrupted + step / steps * (question.clean - question.corrupted)
        with torch.no_grad():
            without = question.graph.messages(inputs) - difference
        # nothing is cut at 1: the slope with respect to `keep` is that along the difference
        keep = torch.ones(question.size).requires_grad_(True)
        value = (question.graph(inputs, keep, without) * question.contrast).sum(-1).mean()
        total += torch.autograd.grad(value, keep)[0]
    return total / steps
