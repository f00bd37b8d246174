"""OSFT, the one-shot feature test: one exchange of a patch, and a selection whose false discoveries are counted by
their mirror image (Burns, Thomason and Tansey 2020).

    z_P = |f(x) - c_P| - |f(x with x_P = (b)_P) - c_P|,    b from the background,  c_P a mean over other exchanges
    selected: z >= t,    t the least with  (1 + #{z <= -t}) / #{z >= t} <= level

Where a patch is no news, input and exchange are two draws of one law, so that z is as likely above as below zero: the
pairs below -t stand for the false ones above t (the cut of Barber and Candes 2015, arXiv:1404.5609). All inputs are
tested together. It sees sizes: what moves the output little stays below t, and a patch of small weight with it.

    A_P(x) = sign(f(x) - c_P) max(z_P, 0)

The paper squares the distances and has one further exchange for c; the null hypothesis is the same for any c that is
drawn apart. It needs that patches are independent, or exchanges that follow their law given the rest.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method
from methods.attribution._counterfactuals import Counterfactuals, rounding


@attribution_method(cites="arXiv:1904.00045")
def osft(
    question: AttributionQuestion, *, level: float = 0.1, centre: int = 8, across: int = 8
) -> AttributionExplanation:
    """One exchange of each patch of each input, and `centre` others to measure from."""
    tests = Counterfactuals.of(question, across)
    factual, middle = tests.factual(), tests.centre(centre)
    exchanged = tests.draw(tests.everywhere).view_as(factual)
    z = (factual - middle).abs() - (exchanged - middle).abs()
    z = torch.where(z.abs() > rounding(factual), z, 0)
    return tests.explained((factual - middle).sign() * z.clamp_min(0), z >= threshold(z, level))


def threshold(z: Float[Tensor, "n p"], level: float) -> float:
    """The least cut above 0 at which the mirror image holds at most `level` of what is selected; infinite for none."""
    sizes = z.flatten()[z.flatten() != 0].abs().sort().values
    above = len(z.flatten()) - torch.searchsorted(z.flatten().sort().values, sizes)
    below = len(z.flatten()) - torch.searchsorted((-z.flatten()).sort().values, sizes)
    allowed = (1 + below) <= level * above
    return float(sizes[allowed][0]) if bool(allowed.any()) else float("inf")
