"""LRP, composite: a rule for each part of the network (Montavon et al. 2019).

    first layer    alpha-beta (1, 0):   R_i = sum over j of  (x_i w_ij)+ / sum over i' of (x_i' w_i'j)+  R_j
    middle layers  gamma:               w + gamma w+ in place of w
    last layer     epsilon

The lower a layer, the more weight on what speaks for it, and the less on what cancels.
"""

from __future__ import annotations

from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, PropagationRule
from torch import Tensor, nn

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._relevance import WEIGHTED, relevance


@attribution_method(cites="doi:10.1007/978-3-030-28954-6_10")
def lrp_composite(question: AttributionQuestion, *, gamma: float = 0.25, epsilon: float = 0.01) -> Tensor:
    """LRP with alpha-beta below, gamma between and epsilon on top; needs what `lrp_epsilon` needs."""
    last = sum(isinstance(module, WEIGHTED) for module in question.model.modules()) - 1

    def rule(depth: int, _layer: nn.Module) -> PropagationRule:
        if depth == last:
            return EpsilonRule(epsilon=epsilon)
        return Alpha1_Beta0_Rule() if depth == 0 else GammaRule(gamma=gamma)

    return relevance(question, rule, "lrp_composite")
