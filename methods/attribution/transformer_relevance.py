"""Relevance through attention and skip connections (Chefer, Gur and Wolf 2021).

    A- = mean over heads of  relu(A * d f_t / d A)          per layer, from the first to the last
    R <- R + A- R,     R = I at first;     A_i = R[read, i]

Where rollout takes all attention for a contribution, here a weight counts as far as the target's output rises along it.
This is the rule for one stream of tokens in arXiv:2103.15679; what hidden layers do between attention layers is left
out. Never negative. Where the output is read from several places, their mean.
"""

from __future__ import annotations

from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._attention import attended


@attribution_method(cites="arXiv:2103.15679")
def transformer_relevance(question: AttributionQuestion) -> Tensor:
    """The row of the places that are read; needs sequences and attention layers (`methods.attribution._attention`)."""
    found = attended(question, "transformer_relevance")
    row = found.read[:, None]
    for weights, slopes in zip(reversed(found.weights), reversed(found.slopes), strict=True):
        row = row + row @ (weights * slopes).clamp(min=0).mean(1)
    return row
