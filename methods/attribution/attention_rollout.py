"""Attention rollout: how much of each place reaches the output, if attention were all that mixed (Abnar and Zuidema
2020).

    A~ = (mean over heads of A + I) / 2            half for the skip connection
    R = A~_L ... A~_2 A~_1,     A_i = R[read, i]

It follows where values go, not what they do there: the target has no part in it, nor does what the answer's place makes
of what it gets. Never negative; sums to 1 over the places. Where the output is read from several places, their mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._attention import attended


@attribution_method(cites="arXiv:2005.00928")
def attention_rollout(question: AttributionQuestion) -> Tensor:
    """The row of the places that are read; needs sequences and attention layers (`methods.attribution._attention`)."""
    found = attended(question, "attention_rollout")
    row = found.read[:, None]
    for weights in reversed(found.weights):
        row = row @ (weights.mean(1) + torch.eye(weights.shape[-1]).to(weights)) / 2
    return row
