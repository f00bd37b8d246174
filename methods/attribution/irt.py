"""IRT, the interpretability randomization test: how often does an exchanged patch take the output as far away (Burns,
Thomason and Tansey 2020)?

    p_P = (1 + #{k: |f_k - c_P| >= |f(x) - c_P|}) / (1 + draws),    f_k = f(x with x_P = (b_k)_P),    b_k background
    selected: by the procedure of Benjamini and Hochberg at `level`, all patches of all inputs together

Each patch is measured against its own exchanges, so that its weight has no say: a p-value is as small as the patch is
unusual, and the smallest is 1 / (1 + draws). That is its strength, and its weakness: a patch that moves the output by
next to nothing is found like any other. What moves it by no more than rounding has p = 1.

    A_P(x) = sign(f(x) - c_P) (-log10 p_P)

Draws of a patch end when `stop` of them went as far, with p = stop / draws so far (Besag and Clifford 1991,
doi:10.1093/biomet/78.2.301): as valid, for a fraction of the model's evaluations. c is a mean over further exchanges
(the paper has one). It needs that patches are independent, or exchanges that follow their law given the rest.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method
from methods.attribution._counterfactuals import Counterfactuals, rounding


@attribution_method(cites="arXiv:1904.00045", small={"draws": 39})
def irt(
    question: AttributionQuestion,
    *,
    level: float = 0.1,
    draws: int = 199,
    stop: int = 3,
    centre: int = 8,
    across: int = 8,
) -> AttributionExplanation:
    """Up to `draws` exchanges of each patch of each input, and `centre` others to measure from."""
    tests = Counterfactuals.of(question, across)
    factual, middle = tests.factual(), tests.centre(centre)
    far = (factual - middle).abs() - rounding(factual)
    reached, spent = torch.zeros_like(far), torch.zeros_like(far)
    for _ in range(draws):
        running = reached < stop
        if not bool(running.any()):
            break
        reached[running] += (tests.draw(running) - middle[running]).abs() >= far[running]
        spent[running] += 1
    p = torch.where(reached < stop, (1 + reached) / (1 + draws), reached / spent)
    return tests.explained((factual - middle).sign() * -p.log10(), significant(p, level))


def significant(p: Float[Tensor, "n p"], level: float) -> Bool[Tensor, "n p"]:
    """Which hypotheses are rejected: the k least p-values, k the greatest with p_(k) <= level k / m."""
    ordered = p.flatten().sort().values
    count = len(ordered)
    kept = (ordered <= level * torch.arange(1, count + 1).double() / count).nonzero()
    if not len(kept):
        return torch.zeros_like(p, dtype=torch.bool)
    return p <= ordered[kept[-1, 0]]
