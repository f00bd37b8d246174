"""LRP, epsilon rule: relevance flows back in proportion to what each entry contributed (Bach et al. 2015).

    R_i = sum over j of  x_i w_ij / (z_j + epsilon sign z_j)  R_j

With epsilon -> 0, on ReLU networks without biases, this is input times gradient (Ancona et al. 2018, arXiv:1711.06104).
Relevance of biases is lost.
"""

from __future__ import annotations

from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._relevance import relevance


@attribution_method(cites="doi:10.1371/journal.pone.0130140")
def lrp_epsilon(question: AttributionQuestion, *, epsilon: float = 0.01) -> Tensor:
    """LRP with the epsilon rule in every layer; needs a chain of linear layers, convolutions, poolings and ReLUs."""
    return relevance(question, lambda _depth, _layer: EpsilonRule(epsilon=epsilon), "lrp_epsilon")
