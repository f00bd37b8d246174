"""Uniformity score (Shi et al. 2024, arXiv:2406.12150): are relevant features weighed as the planted rule weighs them?

    uniformity_score@r = mean over inputs of  1 - mean over the relevant features of  |a - b| / (a + b)

with a the |attribution| and b the |reference r| of each relevant feature, both scaled to add up to 1 on each input. The
references are what a definition of attribution gives for the rule itself: its derivative, its loss where a feature is
set to the baseline, the integral of the derivative along the path from there. 1 is the same weights. The value without
a name is that of the reference which the explanation is nearest to.

Magnitudes are compared on both sides: the authors' code held absolute gradients against signed derivatives. What an
explanation says of other features is not looked at; inputs with a single relevant feature agree by themselves and are
left out.
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2406.12150", needs=("references",))
def uniformity_score(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """How alike the weights of relevant features are to each reference's, and to the nearest one's.

    Raises:
        Unsupported: no input has two relevant features that the references weigh.
    """
    assert truth.references is not None, "declared in `needs`"
    relevant = fitting(explanation, truth.masks[""])
    weights = torch.where(relevant, explanation.magnitudes.double(), 0.0)
    found = {}
    for name, values in truth.references.items():
        due = torch.where(relevant, values.flatten(1).abs().double().cpu(), 0.0)
        asked = (relevant.sum(1) > 1) & (due.sum(1) > 0)
        if not bool(asked.any()):
            raise Unsupported(f"no input has two relevant features that the {name} weighs")
        a, b = _shares(weights[asked], relevant[asked]), _shares(due[asked], relevant[asked])
        apart = torch.where(a + b > 0, (a - b).abs() / (a + b).clamp(min=1e-300), 0.0)
        found[name] = float(1 - (apart.sum(1) / relevant[asked].sum(1)).mean())
    return {"": max(found.values()), **found}


def _shares(values: torch.Tensor, relevant: torch.Tensor) -> torch.Tensor:
    """Rows that add up to 1; an empty one is even over what is relevant."""
    total = values.sum(1, keepdim=True)
    even = relevant.double() / relevant.sum(1, keepdim=True)
    return torch.where(total > 0, values / total.clamp(min=1e-300), even)
